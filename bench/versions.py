"""Versions over months: 200 articles, 60 simulated days, a known truth, and others' rules.

    python bench/versions.py [--articles 200] [--days 60] [--seed 1] [--quick]

The real pipeline watches a press on loopback under an injected clock. What it wrote is compared
with what each look was answered with. Then three other trackers' rules follow the same press. With
`--quick` there are no sockets or worker processes, and no article is compared with another; what
decides about looks, versions and events is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

from sqlalchemy import Engine, func, select
from versions_judge import KINDS, Record, caught, judge, read_records
from versions_quick import make_quick
from versions_rivals import RIVALS, run_rival
from versions_room import OUTLETS, Piece, Room, Spell, make_pieces

from ingest.config import load_config
from ingest.demo.http import serve
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from storage.schema import (
    article,
    article_wake,
    candidate,
    feed,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
TICK = timedelta(minutes=5)  # how often the clock strikes
_CONFIG = """
[[stories]]
slug = "everything"
title = "Everything"
seed = "seed.txt"
[database]
url = "sqlite:///{database}"
[fetch]
allow_networks = ["127.0.0.0/8"]
per_host_interval_seconds = 0.0
per_host_concurrency = 8
[schedule]
floor_seconds = 900
ceiling_seconds = 1800
"""


async def watch(room: Room, folder: Path, setting: Setting, *, days: float, quick: bool) -> Engine:
    """Let the real pipeline follow the room; return its database."""
    servers = []
    for outlet in range(OUTLETS):
        server, port = await serve(partial(room.answer, outlet))
        servers.append(server)
        room.bases[outlet] = f"http://127.0.0.1:{port}"
    (folder / "seed.txt").write_text("A seed\n\n" + "Nothing of this is in any article. " * 20)
    feeds = "".join(
        f'[[feeds]]\nurl = "{base}/feed"\noutlet = "Outlet {n}"\ndomain = "127.0.0.1:{base[17:]}"\n'
        for n, base in enumerate(room.bases)
    )
    file = folder / "config.toml"
    schedule = _CONFIG.format(database=folder / "watch.db") + setting.schedule
    file.write_text(schedule + feeds)
    config = load_config(file, environ={})
    end = START + timedelta(days=days)
    with open_database(config) as engine:
        context_of = open_context(engine, config, now=lambda: room.now, chance=Random(1).random)
        async with context_of as opened:
            context = make_quick(opened, room) if quick else opened
            while room.now < end:
                await run_pass(context)
                room.now = max(room.now + TICK, next_due(engine, end))
    for server in servers:
        server.close()
    await asyncio.sleep(0.2)  # the connections' ends are noticed
    return engine


def next_due(engine: Engine, end: datetime) -> datetime:
    """When something is due again."""
    with engine.connect() as connection:
        due = [
            connection.scalar(select(func.min(column)))
            for column in (
                feed.c.next_poll_at,
                article.c.next_check_at,
                article_wake.c.woken_at,
                candidate.c.due_at,
            )
        ]
    return min((at for at in due if at is not None), default=end)


@dataclass(frozen=True)
class Setting:
    """A schedule that the press is followed by."""

    name: str
    schedule: str  # lines of the configuration


SETTINGS = (
    Setting("Storywatch", ""),
    # with about as many requests as newsdiffs makes
    Setting("the same, eager", "first_check_seconds = 900.0\ncheck_growth = 1.07\n"),
)


@dataclass(frozen=True)
class Followed:
    """What became of a press that was followed, and what was written of it."""

    pieces: list[Piece]
    records: dict[int, Record]
    alarms: int
    requests: int


def make_press(options: argparse.Namespace) -> list[Piece]:
    """The articles, a redesign of one outlet and a wall before all articles of another."""
    pieces = make_pieces(options.seed, count=options.articles, start=START, days=options.days)
    for outlet, mode, part in ((OUTLETS - 1, "empty", 0.4), (2, "terms", 0.3)):
        begin = START + timedelta(days=options.days * part)
        for piece in pieces:
            if piece.outlet == outlet:
                piece.spells.insert(0, Spell(mode, begin, begin + timedelta(days=2)))
    return pieces


def follow(setting: Setting, options: argparse.Namespace) -> Followed:
    """Follow the press by one schedule, in a process of its own."""
    logging.disable(logging.WARNING)
    room = Room(make_press(options), start=START)
    with tempfile.TemporaryDirectory() as folder:
        engine = asyncio.run(
            watch(room, Path(folder), setting, days=options.days, quick=options.quick)
        )
        followed = Followed(
            room.pieces, read_records(engine, room), _alarms(engine), room.requests()
        )
        engine.dispose()
    return followed


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--days", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="without sockets and comparisons")
    parser.add_argument("--verbose", action="store_true", help="print what was mistaken for what")
    options = parser.parse_args()
    began = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        ours = list(pool.map(follow, SETTINGS, [options] * len(SETTINGS)))
    print(
        f"{options.articles} articles, {options.days:g} simulated days, seed {options.seed}; took"
        f" {time.perf_counter() - began:.0f} s"
    )
    print_judgement(ours[0], options)
    print_rivals(ours, options)


def print_judgement(followed: Followed, options: argparse.Namespace) -> None:
    """Print recall and precision of what was written under the shipped schedule."""
    found = judge(followed.pieces, followed.records)
    print()
    for kind in (*KINDS, "blocked (looks)", "blocked (events)", "disappearance", "reappearance"):
        print(f"  {kind:18}{found.kinds[kind]}")
    end = START + timedelta(days=options.days)
    checks = sum(len(record.looks) for record in followed.records.values())
    article_days = sum((end - p.published).total_seconds() / 86400 for p in followed.pieces)
    print(f"\n  versions from blocked or missing pages  {found.from_walls}")
    print(f"  versions from old copies                {found.from_copies}")
    print(f"  edits that a look saw and that are lost {len(found.lost)}")
    print(f"  changes that hold several edits         {found.merged}")
    print(f"  outlets with an alarm                   {followed.alarms} (one was redesigned)")
    print(f"  checks per article and day              {checks / article_days:.2f}")
    if options.verbose:
        for line, count in found.confusions.most_common(40):
            print(f"    {count:4d} {line}")
        for line in found.lost:
            print(f"    lost {line}")


def print_rivals(ours: list[Followed], options: argparse.Namespace) -> None:
    """Print what each tracker holds of the edits, and what it asked for."""
    edits = sum(len(piece.states) - 1 for piece in ours[0].pieces)
    rows = []
    for setting, followed in zip(SETTINGS, ours, strict=True):
        versions = {
            number: [(v.at, _mode_at(followed.pieces[number], v.at)) for v in record.versions]
            for number, record in followed.records.items()
        }
        rows.append((setting.name, *caught(followed.pieces, versions), followed.requests))
    for rival in RIVALS:
        room = Room(make_press(options), start=START)
        room.bases = [f"http://outlet{n}" for n in range(OUTLETS)]
        held = run_rival(rival, room, start=START, days=options.days)
        theirs = {n: [(v[0], v[1]) for v in tracked.versions] for n, tracked in held.items()}
        requests = sum(tracked.requests for tracked in held.values())
        rows.append((rival.name, *caught(room.pieces, theirs), requests))
    print(f"\n  {'':16}{'edits held':>12}{'of':>6}{'false versions':>16}{'requests':>10}")
    for name, right, false, requests in rows:
        print(f"  {name:16}{right:12d}{edits:6d}{false:16d}{requests:10d}")


def _mode_at(piece: Piece, at: datetime) -> str:
    mode = piece.mode_at(at)
    return "ok" if mode == "old" and piece.state_at(at) == 0 else mode


def _alarms(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.exec_driver_sql("SELECT DISTINCT outlet_id FROM outlet_alarm").all())


if __name__ == "__main__":
    main()
