"""Nothing is lost and nothing doubled, whatever happens to the daemon while it works.

    python bench/faults.py [--database sqlite|postgres|both] [--items 3000] [--kills 200]
                           [--crashes 10] [--seed 1] [--minutes-limit 90] [--keep FOLDER]

The real daemon follows a press on loopback twice: undisturbed, and while it is killed at random
moments and at named points, its workers are killed, Postgres crashes, and proxies deal faults to a
minority of all connections. Then an independent reader says what is lost or doubled, and what was
stored is compared byte by byte. Exit code 1 when anything is amiss, or when not all was done, as
with `--points`, which has the daemon die at a few of the named points only.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from faults_deeds import Deed, plan_deeds
from faults_dump import (
    QUERIES,
    Dump,
    differences,
    digest,
    dump,
    leave_out_strangers,
    read_dump,
    write_dump,
)
from faults_oracle import Judgement, judge
from faults_points import POINTS
from faults_press import Press, serve_outlet
from faults_proxy import DATABASE_KINDS, HTTP_KINDS, Proxy
from faults_script import OUTLETS, Script, write_script
from faults_stage import Stage, StuckError, write_config
from faults_store import Store
from faults_supervisor import Supervisor

from tests.cluster import Cluster, own_cluster

WEB_SHARE, DATABASE_SHARE = 0.08, 0.15
_WEB_BYTES, _DATABASE_BYTES = 2_500, 150_000
LEAST_POINTS = 20
LEFT_OUT = """\
    left out: ids, times and leases (another order, another clock); looks, polls and runs (how often
    something was looked at); intervals, failures, alarms and validators of articles (what faults
    left behind); doubtful verdicts of "unrelated", and what is told of strangers that are alike by
    chance (with which stored texts a new one is compared depends on the order)"""


class Loop:
    """An event loop in a thread of its own, for servers and proxies."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work):
        """Have it done there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@dataclass
class Wires:
    """The proxies before the outlets and before Postgres; their ports outlast a run."""

    loop: Loop
    web: list[Proxy]
    database: Proxy | None

    def every(self) -> list[Proxy]:
        """All of them."""
        return [*self.web, *([self.database] if self.database else [])]

    def dealt(self, *, database: bool) -> Counter[str]:
        """The faults so far, by kind."""
        chosen = [self.database] if database else self.web
        return sum((proxy.dealt for proxy in chosen if proxy), Counter())


@contextmanager
def lay_wires(seed: int, cluster: Cluster | None) -> Iterator[Wires]:
    """Start the proxies."""
    loop = Loop()
    web = [Proxy(Random(f"{seed}/{n}"), HTTP_KINDS, 0, _WEB_BYTES) for n in range(OUTLETS)]
    database = None
    if cluster is not None:
        database = Proxy(Random(f"{seed}/db"), DATABASE_KINDS, cluster.port, _DATABASE_BYTES)
    wires = Wires(loop, web, database)
    for proxy in wires.every():
        loop.run(proxy.start())
    try:
        yield wires
    finally:
        for proxy in wires.every():
            loop.run(proxy.stop())
        loop.close()


@contextmanager
def open_press(script: Script, wires: Wires) -> Iterator[Press]:
    """A press of its own behind the same proxies."""
    press = Press(script, bases=[f"http://127.0.0.1:{proxy.port}" for proxy in wires.web])
    servers = []
    for outlet, proxy in enumerate(wires.web):
        server, proxy.upstream = wires.loop.run(serve_outlet(press, outlet))
        servers.append(server)
    try:
        yield press
    finally:
        for server in servers:
            server.close()


@dataclass
class Outcome:
    """What came of a run."""

    stage: Stage
    lines: dict[str, list[str]]
    judgement: Judgement
    seconds: float
    stuck: str = ""


def run_once(
    name: str, script: Script, wires: Wires, folder: Path, options: argparse.Namespace,
    *, cluster: Cluster | None, deeds: tuple[list[Deed], ...],
) -> Outcome:  # fmt: skip
    """Let the daemon follow the press once; without deeds there are no faults either."""
    place = folder / name
    place.mkdir()
    began = time.monotonic()
    for proxy in wires.every():
        share = DATABASE_SHARE if proxy is wires.database else WEB_SHARE
        proxy.share = share if deeds else 0.0
    if cluster is None:
        store, url = Store(path=place / "watch.db"), f"sqlite:///{place / 'watch.db'}"
    else:
        Store(url=cluster.url).write(f"CREATE DATABASE {name}")
        store = Store(url=cluster.url.removesuffix("postgres") + name)
        assert wires.database is not None
        url = f"postgresql://postgres@127.0.0.1:{wires.database.port}/{name}"
    with open_press(script, wires) as press:
        supervisor = Supervisor(write_config(place, press, url), place)
        deadline = began + options.minutes_limit * 60
        stage = Stage(press, supervisor, store, web=wires.web, server=cluster, deadline=deadline)
        stuck = ""
        try:
            stage.play(deeds)
        except StuckError as error:
            stuck = str(error)
        finally:
            supervisor.kill()
        return Outcome(
            stage, dump(press, store), judge(press, store), time.monotonic() - began, stuck
        )


def examine(kind: str, options: argparse.Namespace, folder: Path) -> bool:
    """Run on one kind of database, print, and say whether all is well."""
    script = write_script(options.seed, items=options.items)
    edits = sum(len(item.texts) > 1 for item in script.items)
    removed = sum(item.removed for item in script.items)
    print(
        f"{kind}: {len(script.items)} articles in {script.feeds} feeds, {edits} edited, {removed}"
        f" taken down, {sum(item.returns for item in script.items)} of them returned",
        flush=True,
    )
    place = folder / kind
    place.mkdir()
    with ExitStack() as stack:
        cluster = stack.enter_context(own_cluster()) if kind == "postgres" else None
        wires = stack.enter_context(lay_wires(options.seed, cluster))
        print("  undisturbed", flush=True)
        clean = run_once("clean", script, wires, place, options, cluster=cluster, deeds=())
        print(f"    {clean.seconds:.0f} s", flush=True)
        print("  disturbed", flush=True)
        crashes = options.crashes if cluster else 0
        deeds = plan_deeds(
            options.seed, kills=options.kills, crashes=crashes, points=options.points
        )
        disturbed = run_once(
            "disturbed", script, wires, place, options, cluster=cluster, deeds=deeds
        )
        print(f"    {disturbed.seconds:.0f} s", flush=True)
        done = tell_deeds(disturbed, wires, options, crashes=crashes)
    good = tell_judgement(clean, disturbed, place)
    same = tell_content(script, clean.lines, disturbed.lines)
    return good and same and done


def tell_deeds(
    outcome: Outcome, wires: Wires, options: argparse.Namespace, *, crashes: int
) -> bool:
    """Print what was done; whether it was all that was asked for."""
    tally, supervisor = outcome.stage.tally, outcome.stage.supervisor
    print(f"  SIGKILLs at random moments    {tally.kills}, {tally.early} of them during start-up")
    print(f"  SIGKILLs of single workers    {tally.workers}")
    passed = [point for point in POINTS if tally.fired[point.name]]
    print(f"  named crash points            {len(passed)} of {len(POINTS)}")
    for point in POINTS:
        print(f"    {tally.fired[point.name]:3d} {point.name}")
    if len(passed) < len(POINTS):
        print(f"    units that were stored: {', '.join(outcome.stage.units())}")
    if wires.database is not None:
        print(f"  Postgres crashes              {tally.crashes} (-m immediate, and started again)")
        print(f"  sessions terminated           {tally.terminated}")
    codes = ", ".join(f"{n} with {code}" for code, n in Counter(supervisor.exits).items())
    print(
        f"  starts of the daemon          {supervisor.starts}; ended by itself: {codes or 'never'}"
    )
    print(f"  tracebacks in its log         {supervisor.tracebacks()}")
    for name, database in (("the web", False), ("the database", True)):
        dealt = wires.dealt(database=database)
        if dealt:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(dealt.items()))
            print(f"  faults on the way to {name}: {told}")
    done = (
        tally.kills >= options.kills
        and len(passed) == len(POINTS) >= LEAST_POINTS
        and tally.crashes >= crashes
        and not outcome.stuck
    )
    for point in tally.silent:
        if not tally.fired[point.name]:
            print(f"  NOT DONE: the crash point {point.name!r} was never passed")
    if not done:
        print(f"  NOT DONE: {outcome.stuck or 'fewer deeds than were asked for'}")
    return done


def tell_judgement(clean: Outcome, disturbed: Outcome, place: Path) -> bool:
    """Print what the oracle found, keep the dumps; whether all is well."""
    good = True
    for name, outcome in (("undisturbed", clean), ("disturbed", disturbed)):
        found = outcome.judgement
        print(
            f"  {name:12} lost {len(found.lost)}, doubled {len(found.doubled)},"
            f" otherwise wrong {len(found.wrong)}"
        )
        for line in [*found.lost, *found.doubled, *found.wrong][:20]:
            print(f"    {line[:300]}")
        for line in [outcome.stuck, *outcome.stage.supervisor.unclean]:
            if line:
                print(f"    {line}")
        good = good and found.good and not outcome.stuck and not outcome.stage.supervisor.unclean
        write_dump(outcome.lines, place / f"{name}.dump")
    return good


def tell_content(script: Script, clean: Dump, disturbed: Dump) -> bool:
    """Print how what was stored compares; whether it is equal."""
    strangers = leave_out_strangers(script, clean, disturbed)
    apart = differences(clean, disturbed)
    rows = sum(map(len, clean.values()))
    print(f"  dump of {rows} rows in {len(QUERIES)} tables: sha256 of the undisturbed run")
    print(f"    {digest(clean)}, of the disturbed one\n    {digest(disturbed)}")
    print(f"  verdicts on strangers left out, of both runs together: {strangers}")
    print(f"  content {'DIFFERS' if apart else 'is equal'}")
    print(LEFT_OUT)
    for table, lines in apart.items():
        print(f"    {table}: {len(lines)} lines apart")
        for line in lines[:6]:
            print(f"      {line[:300]}")
    return not apart


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--items", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--crashes", type=int, default=10, help="of Postgres")
    parser.add_argument(
        "--points", type=int, default=len(POINTS), help="crash points; fewer are no proof"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes-limit", type=float, default=90, help="for each run")
    parser.add_argument("--keep", type=Path, help="a new folder for databases, logs and dumps")
    parser.add_argument(
        "--again", type=Path, help="only compare the dumps in a folder of --keep, as of that run"
    )
    options = parser.parse_args()
    if options.again:
        dumps = [read_dump(options.again / f"{name}.dump") for name in ("undisturbed", "disturbed")]
        sys.exit(0 if tell_content(write_script(options.seed, items=options.items), *dumps) else 1)
    # whoever stops the bench stops the daemon too: `finally` is run
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    kinds = ("sqlite", "postgres") if options.database == "both" else (options.database,)
    with ExitStack() as stack:
        if options.keep:
            options.keep.mkdir(parents=True)
            folder = options.keep.resolve()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        good = [examine(kind, options, folder) for kind in kinds]
    print("nothing lost, nothing doubled" if all(good) else "FAILED")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
