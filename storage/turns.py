"""Taking from a queue in turn, so that what one source has waiting keeps no other waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

LOOK_AHEAD = 500
"""Items that are looked through for those whose turn it is; full sources are not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Whose turn it is; a source is whatever the items of one queue are told apart by."""

    closed: Collection[Any] = ()  # sources of which nothing may be taken
    open_places: Callable[[Any], int]  # how many items of a source may be


ANY_TURN = Turns(open_places=lambda _source: LOOK_AHEAD)
"""Everybody's, all the time."""


def take_in_turn(waiting: Iterable[tuple[int, Any]], *, turns: Turns, limit: int) -> list[int]:
    """Return the ids of the first items that may be taken, of (id, source) pairs in their order."""
    taken: list[int] = []
    counts: Counter[Any] = Counter()
    for item, source in waiting:
        if len(taken) == limit:
            break
        if counts[source] < turns.open_places(source):
            counts[source] += 1
            taken.append(item)
    return taken
