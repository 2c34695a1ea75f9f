"""One run of the daemon over the whole script, with deeds or without any."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from faults_deeds import ACTS, Deed
from faults_oracle import unmet
from faults_points import Point
from faults_press import Press
from faults_proxy import Proxy
from faults_script import OUTLETS
from faults_store import Store
from faults_supervisor import Supervisor

_POINT_SECONDS = 60.0  # in which a point must be passed
_TRIES = 6  # when another fault ends the daemon first
_WORK = 30  # looks that must be waiting where one is wanted
_SETTLE_SECONDS = 300.0  # for an act, without any progress
CONFIG = """
feeds = [
{feeds}
]
[[stories]]
slug = "everything"
title = "Everything"
seed = "seed.txt"
[database]
url = "{url}"
[schedule]
tick_seconds = 0.3
floor_seconds = 2.0
ceiling_seconds = 4.0
first_check_seconds = 3600.0
gone_grace_seconds = 1.0
drain_seconds = 15.0
[fetch]
allow_networks = ["127.0.0.0/8"]
per_host_interval_seconds = 0.0
per_host_concurrency = 8
total_seconds = 4.0
obey_robots = false
[workers]
count = 2
"""
SEED = "A seed\n\n" + "Nothing of this is in any article that the press publishes. " * 20


class Server(Protocol):
    """A Postgres server that can be made to crash."""

    def crash(self) -> None:
        """End it at once."""

    def start(self) -> None:
        """Start it again."""


@dataclass
class Tally:
    """What was done."""

    kills: int = 0
    early: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    workers: int = 0
    crashes: int = 0
    terminated: int = 0
    silent: list[Point] = field(default_factory=list)  # points that were not passed


class StuckError(Exception):
    """An act does not come to its end."""


def write_config(folder: Path, press: Press, url: str) -> Path:
    """The configuration of a run."""
    (folder / "seed.txt").write_text(SEED, encoding="utf-8")
    feeds = ",\n".join(
        f'  {{ url = "{press.bases[n % OUTLETS]}{press.feed_path(n)}", outlet = "Outlet'
        f' {n % OUTLETS}", domain = "{press.bases[n % OUTLETS].removeprefix("http://")}" }}'
        for n in range(press.script.feeds)
    )
    file = folder / "config.toml"
    file.write_text(CONFIG.format(feeds=feeds, url=url), encoding="utf-8")
    return file


class Stage:
    """The press, the daemon and the database of one run."""

    def __init__(
        self,
        press: Press,
        supervisor: Supervisor,
        store: Store,
        *,
        web: Sequence[Proxy],
        server: Server | None,
        deadline: float,
    ) -> None:
        """`web` are the proxies before the outlets; `deadline` is on the monotonic clock."""
        self.press = press
        self.supervisor = supervisor
        self.store = store
        self.tally = Tally()
        self._web = web
        self._server = server
        self._deadline = deadline
        self._random = Random("stage")
        self._ready = False

    def play(self, deeds: Sequence[list[Deed]]) -> None:
        """Play the script to its end."""
        for act in range(1, ACTS + 1):
            self.press.act, self.press.returned = min(act, 3), act > 3
            if act > 1:
                self.store.hurry()
            mine = deeds[act - 1] if deeds else []
            for number, deed in enumerate(mine):
                self._publish(0.85 * (number + 1) / len(mine))
                self._do(deed)
            began = time.monotonic()
            self._settle()
            self.supervisor.stop()
            print(
                f"    act {act}: {len(mine)} deeds, then settled in"
                f" {time.monotonic() - began:.0f} s",
                flush=True,
            )

    # ------------------------------------------------------------ the press

    def _is_ready(self) -> bool:
        self._ready = self._ready or self.store.there()
        return self._ready

    def _publish(self, share: float) -> int:
        """Show further batches, up to a share of all; return how many."""
        press = self.press
        left = int(share * press.script.feeds * (press.script.batches - 1)) - sum(press.shown)
        if press.act > 1 or left <= 0 or not self._is_ready():
            return 0
        held = self.store.validators()
        feeds = list(range(press.script.feeds))
        self._random.shuffle(feeds)
        shown = 0
        for feed in feeds:
            own = press.validators(feed)
            stored = held.get(press.bases[feed % OUTLETS] + press.feed_path(feed))
            known = stored == (own.get("ETag"), own.get("Last-Modified"))
            if shown < left and known and press.shown[feed] < press.script.batches - 1:
                press.shown[feed] += 1
                shown += 1
        return shown

    def _settle(self) -> None:
        """Keep the daemon running until the database holds all that the act wants."""
        best, shown, since = 10**9, 0, time.monotonic()
        while True:
            self._check_time()
            self.supervisor.keep_running()
            self.supervisor.wait(lambda: False, seconds=1.0)
            if not self._is_ready():
                continue
            self._publish(1.0)
            missing = unmet(self.press, self.store)
            waiting = self.store.number("SELECT count(*) FROM candidate")
            last = self.press.script.batches - 1
            if not missing and not waiting and min(self.press.shown) == last:
                return
            published = sum(self.press.shown)
            if published > shown or len(missing) + waiting < best:  # what is new has to be met too
                best, shown, since = len(missing) + waiting, published, time.monotonic()
            if time.monotonic() - since > _SETTLE_SECONDS:
                raise StuckError(
                    f"act {self.press.act} stands still: {len(missing)} articles are not as they"
                    f" should be ({missing[:3]}), {waiting} candidates wait, batches"
                    f" {self.press.shown}"
                )
            if self.press.act > 1 and missing and self.store.hurried() == 0:
                self.store.hurry(missing)

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise StuckError("the limit of minutes is over")

    # ------------------------------------------------------------ deeds

    def _do(self, deed: Deed) -> None:
        self._check_time()
        if self.press.act > 1 and self.store.hurried() < _WORK:
            self.store.hurry()
        if deed.kind == "kill":
            self._kill(deed)
        elif deed.kind == "die":
            assert deed.point is not None
            self._die(deed.point, deed.nth)
        else:
            self._while_running(deed)

    def _await_answers(self, deed: Deed) -> bool:
        """Wait until the press gave so many answers; False when the daemon ended before."""
        goal = self.press.answers + deed.answers
        self.supervisor.wait(lambda: self.press.answers >= goal, seconds=20.0)
        time.sleep(deed.seconds)
        return self.supervisor.process is not None and self.supervisor.process.poll() is None

    def _kill(self, deed: Deed) -> None:
        for _try in range(_TRIES):
            self.supervisor.keep_running()
            if deed.early:
                since = time.monotonic() - self.supervisor.started_at
                time.sleep(max(0.0, deed.seconds - since))
            else:
                self._await_answers(deed)
            if self.supervisor.kill():
                self.tally.kills += 1
                self.tally.early += deed.early
                return

    def _while_running(self, deed: Deed) -> None:
        for _try in range(_TRIES):
            self.supervisor.keep_running()
            if self._await_answers(deed):
                break
        if deed.kind == "worker":
            workers = self.supervisor.workers()
            if workers:
                os.kill(workers[int(deed.pick * len(workers))], signal.SIGKILL)
                self.tally.workers += 1
        elif self._server is None:
            return
        elif deed.kind == "terminate":
            self.tally.terminated += self.store.terminate_one(deed.pick)
        else:
            self._server.crash()
            time.sleep(deed.pick)
            self._server.start()
            self.tally.crashes += 1

    def _die(self, point: Point, nth: int) -> None:
        """Start the daemon with a trap, and wait until it dies in it."""
        self.tally.kills += self.supervisor.kill()
        before = self._fired(point)
        shares = [proxy.share for proxy in self._web]
        if point.unit.startswith("failed"):
            for proxy in self._web:
                proxy.share = 0.6
        try:
            for _try in range(_TRIES):
                self.supervisor.start(point, nth=nth)
                self._lie_in_wait()
                self.tally.fired[point.name] += self._fired(point) - before
                if self._fired(point) > before:
                    return
        finally:
            for proxy, share in zip(self._web, shares, strict=True):
                proxy.share = share
        self.tally.silent.append(point)

    def _lie_in_wait(self) -> None:
        """Give the daemon work until it dies; kill it when it does not."""
        deadline = time.monotonic() + _POINT_SECONDS / _TRIES * 3
        while time.monotonic() < deadline:
            self.supervisor.wait(lambda: False, seconds=3.0)
            if self.supervisor.ended() is not None:
                return
            self._check_time()
            self._publish(1.0 if self._runs_dry() else 0.0)
            if self.press.act > 1 and self.store.hurried() < _WORK:
                self.store.hurry()
        self.supervisor.kill()

    def _runs_dry(self) -> bool:
        if not self._is_ready() or self.press.act > 1:
            return False
        return self.store.number("SELECT count(*) FROM candidate") == 0

    def _fired(self, point: Point) -> int:
        lines = self.supervisor.record.read_text(encoding="utf-8").splitlines()
        return lines.count(f"fired {point.name}")

    def units(self) -> list[str]:
        """The units that the daemons stored."""
        lines = self.supervisor.record.read_text(encoding="utf-8").splitlines()
        return sorted({line.removeprefix("unit ") for line in lines if line.startswith("unit ")})
