"""What a run wrote, held against what each look was answered with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from versions_room import Piece, Room, Spell
from versions_walls import GONE, WALLS

from ingest.model import FailureKind, Outcome
from ingest.recheck import UNREADABLE
from storage.schema import article, article_event, change, observation, version

GRACE = timedelta(hours=1)
KINDS = (
    "headline", "substantive", "correction", "minor", "boilerplate", "truncated", "live-blog",
    "agency-replaced", "reverted",
)  # fmt: skip


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


def judge(pieces: Iterable[Piece], records: dict[int, Record]) -> Judgement:
    """Compare what was written with what each look was answered with."""
    found = Judgement()
    for piece in pieces:
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
        visible = _could_tell(record, looks)
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
        visible = _could_tell(record, looks)
        told = any(spell.start <= at < spell.end for at in blocked)
        before = [kind for kind, at in record.events if at < spell.start]
        if before and before[-1] == "blocked":
            continue  # one wall after another, and no look between them: nothing happened
        if visible or told:
            found.kinds["blocked (events)"].right += told
            found.kinds["blocked (events)"].missed += not told
    for at in blocked:
        if not any(spell.start <= at < spell.end for spell in piece.spells if spell.mode in WALLS):
            found.kinds["blocked (events)"].false += 1


def _could_tell(record: Record, looks: list[datetime]) -> bool:
    """Whether looks prove a state by the rules, and there was an article that could be in it."""
    known = [at for at in looks if record.versions and at >= record.versions[0].at]
    return bool(known) and known[-1] - known[0] >= GRACE


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
