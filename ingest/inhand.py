"""What is in work, and whose turn it is.

Sites differ in speed and in malice. Taken in the order in which they fell due, the pages of one
slow site would fill every place while all others wait, so each source has a few places and no more.
One that has not yet given anything readable, or whose last page killed or stalled its worker, has
one; one that goes on doing so rests ever longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic

from ingest.model import Failure, FailureKind, Fetched, Rejection
from storage.turns import Turns

_REMEMBERED = 4_096  # sources; the others start afresh
_STRIKES = 3  # in a row, until a source rests


def did_harm(fetched: Fetched, reading: object) -> bool | None:
    """Whether what was fetched killed or stalled the worker that read it; None: nothing came."""
    if isinstance(fetched, Failure):
        return None
    return isinstance(reading, Rejection) and reading.kind is FailureKind.CRASHED


@dataclass(slots=True)
class _Source:
    proven: bool = False
    strikes: int = 0
    rests_until: float = 0.0


class InHand:
    """The items of one kind that are in work in this process, by their source."""

    def __init__(
        self,
        *,
        places: int,
        per_source: int,
        first_rest_seconds: float = 60.0,
        longest_rest_seconds: float = 86_400.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Make `places` in all, and at most `per_source`; `clock` tells monotonic seconds."""
        self.places = places
        self.per_source = per_source
        self._first_rest_seconds = first_rest_seconds
        self._longest_rest_seconds = longest_rest_seconds
        self._clock = clock
        self._items: dict[Hashable, Hashable] = {}  # item -> source
        self._counts: Counter[Hashable] = Counter()
        self._sources: dict[Hashable, _Source] = {}

    def __contains__(self, item: Hashable) -> bool:
        """Whether the item is in work."""
        return item in self._items

    @property
    def room(self) -> int:
        """Places that are free."""
        return self.places - len(self._items)

    def open_places(self, source: Hashable) -> int:
        """How many more items of a source may be taken now."""
        known = self._sources.get(source)
        allowed = self.per_source if known and known.proven else 1
        if known and known.rests_until > self._clock():
            allowed = 0
        return max(0, allowed - self._counts[source])

    def turns(self) -> Turns:
        """Whose turn it is now."""
        resting = (name for name, known in self._sources.items() if known.rests_until)
        closed = {name for name in (*self._counts, *resting) if not self.open_places(name)}
        return Turns(closed=closed, open_places=self.open_places)

    def begin(self, item: Hashable, source: Hashable) -> None:
        """Give an item a place."""
        self._items[item] = source
        self._counts[source] += 1

    def end(self, item: Hashable, *, harmed: bool | None) -> None:
        """Take the place back; `harmed`: the item killed or stalled its worker, None: not known."""
        source = self._items.pop(item)
        self._counts[source] -= 1
        if not self._counts[source]:
            del self._counts[source]
        if harmed is None:
            return
        state = self._sources.pop(source, None) or _Source()
        self._sources[source] = state  # the last in the order in which they are forgotten
        if len(self._sources) > _REMEMBERED:
            del self._sources[next(iter(self._sources))]
        state.proven = not harmed
        state.strikes = state.strikes + 1 if harmed else 0
        if state.strikes >= _STRIKES:
            rest = self._first_rest_seconds * 2.0 ** min(state.strikes - _STRIKES, 32)
            state.rests_until = self._clock() + min(rest, self._longest_rest_seconds)
