"""What a source of a backfill yields, step by step, each with where the source goes on after it.

Lead     an address to fetch as it is today, queued like an entry of a feed
Capture  a page as an archive has it, with its own time; it may have yet to be fetched
Given    an article that somebody else extracted
Skipped  what is of no use, counted by its reason
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ingest.backfill.leads import Lead
from ingest.model import Article, Failure, FetchedPage, ObservationSource, Rejection

Cursor = Mapping[str, Any]
"""Where a source goes on: what JSON can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A page as it was; `load` brings it, its `fetched_at` is the moment of the capture."""

    source: ObservationSource
    load: Callable[[], Awaitable[FetchedPage | Failure | Rejection]]
    named: str  # for people
    known_by: tuple[str, datetime] | None = None  # address and moment, if they are known before


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An article that is extracted already."""

    article: Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """So many things that are no articles, or cannot be read; `error` is for people."""

    reason: str
    count: int = 1
    error: str | None = None


Item = Lead | Capture | Given | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An item, and where the source goes on once it and all before it are done."""

    item: Item | None  # None: nothing but another place to go on at
    cursor: Cursor
    share: float | None = None  # of the source that is read then, 0 to 1; None: nobody knows


class Source(Protocol):
    """Where a backfill has its articles from."""

    @property
    def name(self) -> str:
        """As the command line has it."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """What was asked for, as JSON; the same asked again is the same job."""

    def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the source, from its beginning or from a cursor.

        Captures of one address come in the order of their times. Raises UsageError when the source
        cannot be read at all, SourceError when it cannot be read on for now.
        """
