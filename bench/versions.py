"""Versions over months: 200 articles, 60 simulated days, a known truth, and others' rules.

    python bench/versions.py [--articles 200] [--days 60] [--seed 1]

The real pipeline watches a press on loopback under an injected clock. What it wrote is compared
with what each look was answered with. Then three other trackers' rules follow the same press.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import Engine, func, select
from versions_rivals import RIVALS, run_rival
from versions_room import OUTLETS, Piece, Room, Spell, make_pieces
from versions_walls import GONE, WALLS

from ingest.config import load_config
from ingest.demo.http import serve
from ingest.model import FailureKind, Outcome
from ingest.passes import run_pass
from ingest.recheck import UNREADABLE
from ingest.runtime import open_context, open_database
from storage.schema import (
    article,
    article_event,
    article_wake,
    candidate,
    change,
    feed,
    observation,
    version,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
TICK = timedelta(minutes=5)  # how often the clock strikes
GRACE = timedelta(hours=1)
KINDS = (
    "headline", "substantive", "correction", "minor", "boilerplate", "truncated", "live-blog",
    "agency-replaced", "reverted",
)  # fmt: skip
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


async def watch(room: Room, folder: Path, *, days: float) -> Engine:
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
    file.write_text(_CONFIG.format(database=folder / "watch.db") + feeds)
    config = load_config(file, environ={})
    end = START + timedelta(days=days)
    with open_database(config) as engine:
        context_of = open_context(engine, config, now=lambda: room.now, chance=Random(1).random)
        async with context_of as context:
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
class Seen:
    """A look as the database has it."""

    at: datetime
    outcome: Outcome
    failure: FailureKind | None
    version_id: int | None


@dataclass(frozen=True)
class Kept:
    """A version as the database has it."""

    at: datetime
    kind: str  # of the change that led to it
    reason: str


@dataclass
class Record:
    """What the database has of an article."""

    looks: list[Seen] = field(default_factory=list)
    versions: list[Kept] = field(default_factory=list)
    events: list[tuple[str, datetime]] = field(default_factory=list)


def read_records(engine: Engine, room: Room) -> dict[int, Record]:
    """What the pipeline wrote, by article of the room."""
    records: dict[int, Record] = defaultdict(Record)
    numbers = {f"{room.bases[p.outlet]}{p.path}": p.number for p in room.pieces}
    with engine.connect() as connection:
        ids = {
            row.id: numbers[row.canonical_url]
            for row in connection.execute(select(article.c.id, article.c.canonical_url))
        }
        for row in connection.execute(
            select(observation).where(observation.c.article_id.is_not(None)).order_by("id")
        ):
            failure = FailureKind(row.failure) if row.failure else None
            records[ids[row.article_id]].looks.append(
                Seen(row.observed_at, Outcome(row.outcome), failure, row.version_id)
            )
        for row in connection.execute(
            select(version, change.c.kind, change.c.reason)
            .outerjoin(change, change.c.to_version_id == version.c.id)
            .order_by(version.c.article_id, version.c.seq)
        ):
            kept = Kept(row.first_observed_at, row.kind or "first", row.reason or "")
            records[ids[row.article_id]].versions.append(kept)
        for row in connection.execute(select(article_event).order_by("id")):
            records[ids[row.article_id]].events.append((row.kind, row.decided_at))
    return records


@dataclass
class Score:
    """Right, missed and false, of one kind."""

    right: int = 0
    missed: int = 0
    false: int = 0

    def __str__(self) -> str:
        expected, called = self.right + self.missed, self.right + self.false
        recall = self.right / expected if expected else float("nan")
        precision = self.right / called if called else float("nan")
        return f"recall {recall:6.3f} of {expected:5d}   precision {precision:6.3f} of {called:5d}"


@dataclass
class Judgement:
    """The figures of a run."""

    kinds: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    lost: list[str] = field(default_factory=list)
    from_walls: int = 0
    from_copies: int = 0
    merged: int = 0
    confusions: Counter[str] = field(default_factory=Counter)


def judge(room: Room, records: dict[int, Record]) -> Judgement:
    """Compare what was written with what each look was answered with."""
    found = Judgement()
    for piece in room.pieces:
        record = records.get(piece.number, Record())
        _judge_changes(piece, record, found)
        _judge_walls(piece, record, found)
        _judge_disappearance(piece, record, found)
    return found


def _judge_changes(piece: Piece, record: Record, found: Judgement) -> None:
    kept = {item.at: item.kind for item in record.versions}
    reasons = {item.at: item.reason for item in record.versions}
    last: int | None = None
    tried = False  # the headline of an A/B test
    noise = False
    for served in dict.fromkeys(piece.served):
        kind = kept.get(served.at)
        if served.mode in {*WALLS, *GONE, "503"}:
            found.from_walls += kind is not None
            if kind is not None:
                found.confusions[f"{piece.number}: {kind} from {served.mode}"] += 1
            continue
        if served.mode == "old" and served.state > 0:
            found.from_copies += kind is not None
            continue
        if served.mode == "alternative":
            _count(
                found,
                {"headline"} if not tried else set(),
                kind,
                f"{piece.number}: {reasons.get(served.at)}",
            )
            tried = True
            continue
        if last is None:
            last = served.state
            continue
        expected = {state.kind for state in piece.states[last + 1 : served.state + 1]}
        before, after = piece.states[last], piece.states[served.state]
        if (before.title, before.text) == (after.title, after.text):
            expected = set()
        elif len(expected) > 1:
            found.merged += 1
        if expected and kind is None:
            found.lost.append(f"{piece.number}: {'+'.join(sorted(expected))} at {served.at}")
        if not expected and kind == "boilerplate" and piece.noisy and not noise:
            expected, noise = {"boilerplate"}, True
        if not (piece.alternative and kind == "reverted"):  # the test is over
            _count(found, expected, kind, f"{piece.number}: {reasons.get(served.at)}")
        last = served.state


def _count(found: Judgement, expected: set[str], kind: str | None, note: str) -> None:
    if len(expected) == 1:
        (only,) = expected
        found.kinds[only].right += kind == only
        found.kinds[only].missed += kind != only
    if kind is not None and kind not in expected:
        found.kinds[kind].false += 1
    if kind not in expected and (expected or kind):
        found.confusions[f"{'+'.join(sorted(expected)) or 'nothing'} -> {kind} ({note})"] += 1


def _judge_walls(piece: Piece, record: Record, found: Judgement) -> None:
    looks = {look.at: look for look in record.looks}
    score = found.kinds["blocked (looks)"]
    for served in piece.served:
        look = looks.get(served.at)
        told = look is not None and look.failure in UNREADABLE
        if look is None:
            continue  # before there was an article
        if served.mode in WALLS:
            score.right += told
            score.missed += not told
            if not told:
                found.confusions[f"wall {served.mode} not told: {look.outcome} {look.failure}"] += 1
        elif told:
            score.false += 1
            found.confusions[f"{look.failure} told of {served.mode} ({piece.number})"] += 1


def _judge_disappearance(piece: Piece, record: Record, found: Judgement) -> None:
    gone = [at for kind, at in record.events if kind == "gone"]
    back = [at for kind, at in record.events if kind == "back"]
    spells = [spell for spell in piece.spells if spell.mode in GONE]
    for spell in spells:
        looks = [s.at for s in piece.served if s.mode == spell.mode and spell.start <= s.at]
        visible = bool(looks) and looks[-1] - looks[0] >= GRACE and bool(record.looks)
        told = any(spell.start <= at < spell.end for at in gone)
        if visible or told:
            found.kinds["disappearance"].right += told
            found.kinds["disappearance"].missed += not told
        later = [s.at for s in piece.served if s.at >= spell.end and s.mode == "ok"]
        if told and later:
            found.kinds["reappearance"].right += any(at >= spell.end for at in back)
            found.kinds["reappearance"].missed += not any(at >= spell.end for at in back)
    for at in gone:
        if not any(spell.start <= at < spell.end for spell in spells):
            found.kinds["disappearance"].false += 1
    blocked = [at for kind, at in record.events if kind == "blocked"]
    for spell in _walls(piece):
        looks = [
            s.at for s in piece.served if s.mode == spell.mode and spell.start <= s.at < spell.end
        ]
        visible = bool(looks) and looks[-1] - looks[0] >= GRACE and bool(record.looks)
        told = any(spell.start <= at < spell.end for at in blocked)
        if visible or told:
            found.kinds["blocked (events)"].right += told
            found.kinds["blocked (events)"].missed += not told
    for at in blocked:
        if not any(spell.start <= at < spell.end for spell in piece.spells if spell.mode in WALLS):
            found.kinds["blocked (events)"].false += 1


def _walls(piece: Piece) -> list[Spell]:
    return [s for s in piece.spells if s.mode in WALLS and s.share == 1.0 and s.mode != "empty"]


def caught(
    pieces: Iterable[Piece], versions: dict[int, list[tuple[datetime, str]]]
) -> tuple[int, int]:
    """How many edits a tracker holds both sides of, of how many; and its versions of no edit.

    `versions`: when each version was made, and what was served then, by article.
    """
    right = false = 0
    for piece in pieces:
        held: set[int] = set()
        for at, mode in versions.get(piece.number, []):
            state = piece.state_at(at)
            is_edit = mode == "ok" and state not in held
            held |= {state} if mode == "ok" else set()
            false += not is_edit and mode != "alternative"
        right += sum(i in held and i - 1 in held for i in range(1, len(piece.states)))
    return right, false


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--days", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="print what was mistaken for what")
    options = parser.parse_args()
    pieces = make_pieces(options.seed, count=options.articles, start=START, days=options.days)
    for outlet, mode, part in ((OUTLETS - 1, "empty", 0.4), (2, "terms", 0.3)):
        begin = START + timedelta(days=options.days * part)  # a redesign, and a wall before all
        for piece in pieces:
            if piece.outlet == outlet:
                piece.spells.insert(0, Spell(mode, begin, begin + timedelta(days=2)))
    room = Room(pieces, start=START)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        engine = asyncio.run(watch(room, Path(folder), days=options.days))
        records = read_records(engine, room)
        alarms = _alarms(engine)
        engine.dispose()
    end = START + timedelta(days=options.days)
    found = judge(room, records)
    print(
        f"{options.articles} articles, {options.days:g} simulated days in"
        f" {time.perf_counter() - began:.0f} s; seed {options.seed}\n"
    )
    for kind in (*KINDS, "blocked (looks)", "blocked (events)", "disappearance", "reappearance"):
        print(f"  {kind:18}{found.kinds[kind]}")
    edits = sum(len(piece.states) - 1 for piece in pieces)
    checks = sum(len(record.looks) for record in records.values())
    article_days = sum((end - p.published).total_seconds() / 86400 for p in pieces)
    print(f"\n  versions from blocked or missing pages  {found.from_walls}")
    print(f"  versions from old copies                {found.from_copies}")
    print(f"  edits that a look saw and that are lost {len(found.lost)}")
    print(f"  changes that hold several edits         {found.merged}")
    print(f"  outlets with an alarm                   {alarms} (one was redesigned)")
    print(f"  checks per article and day              {checks / article_days:.2f}")
    if options.verbose:
        for line, count in found.confusions.most_common(40):
            print(f"    {count:4d} {line}")
        for line in found.lost:
            print(f"    lost {line}")
    print(f"\n  {'':14}{'edits held':>12}{'of':>6}{'false versions':>16}{'requests':>10}")
    ours = {
        number: [(v.at, _mode_at(pieces[number], v.at)) for v in record.versions]
        for number, record in records.items()
    }
    rows = [("Storywatch", *caught(pieces, ours), room.requests())]
    for rival in RIVALS:
        held = run_rival(rival, room, start=START, days=options.days)
        versions = {n: [(at, mode) for at, mode, *_ in t.versions] for n, t in held.items()}
        requests = sum(tracked.requests for tracked in held.values())
        rows.append((rival.name, *caught(pieces, versions), requests))
    for name, right, false, requests in rows:
        print(f"  {name:14}{right:12d}{edits:6d}{false:16d}{requests:10d}")


def _mode_at(piece: Piece, at: datetime) -> str:
    mode = piece.mode_at(at)
    return "ok" if mode == "old" and piece.state_at(at) == 0 else mode


def _alarms(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.exec_driver_sql("SELECT DISTINCT outlet_id FROM outlet_alarm").all())


if __name__ == "__main__":
    main()
