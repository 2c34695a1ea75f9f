"""The source `gdelt`: the addresses of articles that GDELT saw, by the English names of a story."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.backfill.days import Days
from ingest.backfill.gdelt import API, RECORDS, ArticleList, Window, query_url, read_articles
from ingest.backfill.gdeltwindows import (
    next_window,
    search_as_json,
    search_from_json,
    search_on,
    start_search,
)
from ingest.backfill.items import Cursor, Step
from ingest.backfill.loading import load_body
from ingest.context import Context
from ingest.errors import SourceError
from ingest.model import Failure, FetchedPage, Rejection

_MAX_BYTES = 8 * 2**20
_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class GdeltSource:
    """Queries over a range; GDELT asks for one request in five seconds."""

    context: Context
    queries: tuple[str, ...]
    days: Days
    api: str = API
    records: int = RECORDS
    interval_seconds: float = 5.0
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    name = "gdelt"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The queries and the days."""
        return {"queries": list(self.queries), **self.days.spec}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the windows of each query; the cursor is the window in hand, until it is done.

        Raises SourceError when GDELT does not answer.
        """
        since, until = self.days.within(self.context.now())
        start = cursor["query"] if cursor else 0
        for number in range(start, len(self.queries)):
            search = start_search(since=since, until=until)
            if cursor and number == start:
                search = search_from_json(cursor["search"])
            while (window := next_window(search)) is not None:
                before = {"query": number, "search": search_as_json(search)}
                found = await self._ask(self.queries[number], window)
                for lead in found.leads:
                    yield Step(item=lead, cursor=before)
                search = search_on(search, window, listed=found.listed, records=self.records)
                after = {"query": number, "search": search_as_json(search)}
                yield Step(
                    item=None,
                    cursor=after,
                    share=self._share(number, (window.end - since) / (until - since)),
                )

    def _share(self, query: int, of_query: float) -> float:
        return (query + min(of_query, 1.0)) / len(self.queries)

    async def _ask(self, query: str, window: Window) -> ArticleList:
        url = query_url(query, window, records=self.records, api=self.api)
        problem: Failure | Rejection | None = None
        for attempt in range(_TRIES):
            await self.pause(self.interval_seconds * 4**attempt)
            page = await load_body(
                self.context,
                url,
                accept="application/json",
                max_bytes=_MAX_BYTES,
                check_robots=False,  # an interface for programs, asked as its documentation says
            )
            if isinstance(page, FetchedPage):
                found = await self.context.compute(
                    read_articles, page.body, url=page.final_url, now=self.context.now()
                )
                if isinstance(found, ArticleList):
                    return found
                problem = found
            else:
                problem = page
            if not problem.kind.temporary:
                break
        assert problem is not None
        raise SourceError(f"GDELT: {problem.reason}; --resume asks again")
