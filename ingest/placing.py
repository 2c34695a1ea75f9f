"""Where a capture of an archive belongs in the history of an article that is known already.

runs of equal content, in order + what a capture shows, and when -> Place

What was never seen before is a version wherever it lies; within a run it splits the run. What an
earlier run showed may be an old copy, of a cache or of the archive's: it takes two looks in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A version as its article shows it: from the first look that showed it to the last."""

    version_id: int
    seq: int
    content_hash: str
    first_observed_at: datetime
    last_observed_at: datetime


class Where(StrEnum):
    """What a capture is to the history."""

    SAME = "same"  # it shows a run, and may make it longer
    GAP = "gap"  # it shows something else, before, between or after the runs
    WITHIN = "within"  # it differs from a run that looks before and after it show


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A capture's place."""

    where: Where
    run: Run | None  # the one it shows, or lies within; of a gap the one before
    following: Run | None = None  # of a gap, the run after
    earlier: Run | None = None  # the last one before the capture's time that had its content


def find_place(runs: Sequence[Run], *, content_hash: str, at: datetime) -> Place:
    """Return the place of a capture; `runs` are in the order of their numbers and don't overlap."""
    before = after = earlier = None
    for run in runs:
        same = run.content_hash == content_hash
        if run.first_observed_at <= at <= run.last_observed_at:
            where = Where.SAME if same else Where.WITHIN
            return Place(where=where, run=run, earlier=earlier)
        if run.last_observed_at < at:
            before = run
            earlier = run if same else earlier
        elif after is None:
            after = run
    for neighbour in (before, after):
        if neighbour is not None and neighbour.content_hash == content_hash:
            return Place(where=Where.SAME, run=neighbour)
    return Place(where=Where.GAP, run=before, following=after, earlier=earlier)
