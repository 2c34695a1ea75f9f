"""Whether a feed can be relied on to tell when the articles in it change.

Every feed shows a new headline; many give an entry a new date or summary when the text of its
article changes, and many never do.
What a feed did is counted at each of its polls. One that told of nearly every change vouches for
the articles that stand in it: they are looked at less often, for it tells when to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_LEAST = 2  # changes told
_SHARE = 0.8  # of all changes: a headline that is tried out may stay untold
_MEMORY = 40  # changes; older ones weigh half, and half again


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How many of the changes that looks found a feed told, and how many not."""

    told: int
    untold: int

    @property
    def vouches(self) -> bool:
        """Whether the feed tells nearly every change."""
        return self.told >= _LEAST and self.told >= _SHARE * (self.told + self.untold)

    def add(self, told: list[bool]) -> Record:
        """Count further changes, each told or not."""
        right = sum(told)
        sums = self.told + right, self.untold + len(told) - right
        part = 2 if sum(sums) > _MEMORY else 1
        return Record(told=sums[0] // part, untold=sums[1] // part)


def was_told(*, told_at: datetime | None, last_read_before: datetime, told_now: bool) -> bool:
    """Whether a feed told of a change: at the present poll, or at one before a look found it.

    `told_at` is when it last told other things of the article, `last_read_before` the last look
    that showed the article as it was.
    """
    return told_now or (told_at is not None and told_at >= last_read_before)


def vouches_for(record: Record, *, poll_seconds: float, check_seconds: float) -> bool:
    """Whether a look may wait because the feed tells of changes, and is read more often than it."""
    return record.vouches and 0 < poll_seconds <= check_seconds
