"""Cutting a range of days into windows that GDELT answers whole.

a range ─start_search─> GdeltSearch ─next_window─> Window ─asked for─> how many articles
    ─search_on─> GdeltSearch, and so on

An answer holds 250 articles at most (ingest.backfill.gdelt). A window that comes back full is
halved, down to the quarter of an hour in which GDELT counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.backfill.gdelt import RECORDS, Window
from ingest.errors import UsageError

SHORTEST = timedelta(minutes=15)
"""The shortest window that it answers, and the step of its clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GdeltSearch:
    """How far a search is; of plain values, so that it can be kept as JSON."""

    halves: tuple[tuple[str, str], ...] = ()  # ISO 8601; what is left of windows that were full
    position: str  # up to where it was cut into windows
    until: str
    overfull: tuple[str, ...] = ()  # beginnings of windows that were full and can't be halved


def start_search(*, since: datetime, until: datetime) -> GdeltSearch:
    """Begin at the older end of a range."""
    return GdeltSearch(position=_iso(since), until=_iso(until))


def next_window(search: GdeltSearch, *, longest: timedelta = timedelta(days=1)) -> Window | None:
    """Return what to ask for next; None when the search is over."""
    if search.halves:
        start, end = search.halves[0]
        return Window(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
    start_at, until = map(datetime.fromisoformat, (search.position, search.until))
    if start_at >= until:
        return None
    end_at = min(start_at + max(longest, SHORTEST), until)
    return Window(start=min(start_at, end_at - SHORTEST), end=end_at)


def search_on(
    search: GdeltSearch, window: Window, *, listed: int, records: int = RECORDS
) -> GdeltSearch:
    """Return the search after its next window was answered with so many articles."""
    done = (
        replace(search, halves=search.halves[1:])
        if search.halves
        else replace(search, position=_iso(window.end))
    )
    if listed < records:
        return done
    parts = split_window(window)
    if parts is None:
        return replace(done, overfull=(*done.overfull, _iso(window.start)))
    halves = tuple((_iso(part.start), _iso(part.end)) for part in parts)
    return replace(done, halves=(*halves, *done.halves))


def split_window(window: Window, *, shortest: timedelta = SHORTEST) -> tuple[Window, Window] | None:
    """Return the two halves of a window, cut on GDELT's clock; None when they would be too short.

    They share the moment between them, so an article may be listed twice and none is lost.
    """
    steps = (window.end - window.start) // shortest
    if steps < 2:
        return None
    middle = window.start + steps // 2 * shortest
    return Window(start=window.start, end=middle), Window(start=middle, end=window.end)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def search_as_json(search: GdeltSearch) -> dict[str, Any]:
    """Return the search as values that JSON can hold."""
    return asdict(search)


def search_from_json(values: Mapping[str, Any]) -> GdeltSearch:
    """Return the search that was kept; raises UsageError for anything else."""
    try:
        return GdeltSearch(
            halves=tuple((_kept(start), _kept(end)) for start, end in values["halves"]),
            position=_kept(values["position"]),
            until=_kept(values["until"]),
            overfull=tuple(map(_kept, values["overfull"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"no search of GDELT: {error!r}; start it anew") from error


def _kept(moment: str) -> str:
    return _iso(datetime.fromisoformat(moment))
