"""The rules of other version trackers, from their documented behaviour and their published code.

Only what decides when to look and what counts as a new version. Each gets the text of a page as
the room knows it, a perfect extraction; those that read each site by a parser of its own
(newsdiffs, News-Sniffer) get walls and lines of the page left out as well: such a parser does not
find them. All three run every fifteen minutes.

    diffengine    DocNow/diffengine, `Entry.stale` and `Entry.get_latest`: looks again when the time
                  since the last look is a fifth of the entry's age; both ages are taken modulo a
                  day, as `timedelta.seconds` gives them. Any difference is a version.
    newsdiffs     ecprice/newsdiffs, `get_update_delay` and `add_to_git_repo`: after 15 minutes, an
                  hour, 3 hours, 3 days or 30 days by the age of the last change; content that was
                  stored twice is dropped.
    News-Sniffer  johnl/news-sniffer, `NewsArticle`: after 30 minutes, then a fifth longer each
                  time, from the start after a change; given up when that makes 40 days; content
                  that was stored twice is dropped as flip-flopping.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from versions_room import Piece, Room
from versions_walls import GONE, WALLS

TICK = timedelta(minutes=15)
_DAY = 86400.0
_FAILED = {"404", "410", "503"}


@dataclass
class Tracked:
    """What a tracker holds of an article."""

    created: datetime
    checked: datetime
    changed: datetime
    period: float = 0.0
    requests: int = 0
    versions: list[tuple[datetime, str, str, str]] = field(default_factory=list)  # at, mode, texts


@dataclass(frozen=True)
class Rival:
    """A tracker: when it looks, and what it keeps."""

    name: str
    is_due: Callable[[Tracked, datetime], bool]
    own_parser: bool
    drops_repeats: bool
    after_look: Callable[[Tracked, bool], None] = lambda _tracked, _changed: None


def _diffengine_due(tracked: Tracked, now: datetime) -> bool:
    hotness = (now - tracked.created).seconds
    return hotness == 0 or (now - tracked.checked).seconds / hotness >= 0.2


def _newsdiffs_due(tracked: Tracked, now: datetime) -> bool:
    minutes = (now - tracked.changed).total_seconds() / 60
    days = minutes // (24 * 60)
    if minutes < 180:
        delay = 15.0
    elif days < 1:
        delay = 60.0
    elif days < 7:
        delay = 180.0
    elif days < 30:
        delay = 60 * 24 * 3
    else:
        delay = 60 * 24 * 30
    return not tracked.versions or (now - tracked.checked).total_seconds() / 60 >= delay


def _sniffer_due(tracked: Tracked, now: datetime) -> bool:
    if tracked.period >= 40 * _DAY:
        return False
    return (now - tracked.checked).total_seconds() >= tracked.period


def _sniffer_period(tracked: Tracked, changed: bool) -> None:  # noqa: FBT001
    tracked.period = 1800.0 if changed or not tracked.period else round(tracked.period * 1.2)


RIVALS = (
    Rival("diffengine", _diffengine_due, own_parser=False, drops_repeats=False),
    Rival("newsdiffs", _newsdiffs_due, own_parser=True, drops_repeats=True),
    Rival(
        "News-Sniffer",
        _sniffer_due,
        own_parser=True,
        drops_repeats=True,
        after_look=_sniffer_period,
    ),
)


def run_rival(rival: Rival, room: Room, *, start: datetime, days: float) -> dict[int, Tracked]:
    """Let a tracker follow the room; return what it holds by article."""
    held: dict[int, Tracked] = {}
    now, end = start, start + timedelta(days=days)
    while now < end:
        room.now = now
        for outlet in range(len(room.bases)):
            for piece in room.listed(outlet):
                if piece.number not in held:
                    held[piece.number] = Tracked(created=now, checked=now, changed=now)
        for number, tracked in held.items():
            if rival.is_due(tracked, now):
                _look(rival, room, room.pieces[number], tracked, now)
        now += TICK
    return held


def _look(rival: Rival, room: Room, piece: Piece, tracked: Tracked, now: datetime) -> None:
    tracked.requests += 1
    tracked.checked = now
    mode, index = piece.mode_at(now), piece.state_at(now)
    changed = False
    unreadable = mode in _FAILED or (rival.own_parser and mode in {*WALLS, *GONE} - {"stub"})
    if not unreadable:
        title, text = _read(rival, room, piece, mode, index)
        changed = _is_version(rival, tracked, title, text)
        if changed:
            tracked.versions.append((now, mode, title, text))
            tracked.changed = now
    rival.after_look(tracked, changed)


def _read(rival: Rival, room: Room, piece: Piece, mode: str, index: int) -> tuple[str, str]:
    if mode == "home":
        return "Home", "The news of the day."
    noisy, piece.noisy = piece.noisy, piece.noisy and not rival.own_parser
    try:
        return room.content(piece, mode, index)
    finally:
        piece.noisy = noisy


def _is_version(rival: Rival, tracked: Tracked, title: str, text: str) -> bool:
    if not tracked.versions:
        return True
    if tracked.versions[-1][2:] == (title, text):
        return False
    same = sum(version[2:] == (title, text) for version in tracked.versions)
    return not (rival.drops_repeats and same >= 2)
