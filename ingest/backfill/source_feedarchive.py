"""The source `feed-archive`: what a feed listed once, and what a WordPress site has published.

the site's posts by WordPress's API, if it has one: all of them, and asked for by date
else the feed, walked back page by page (RFC 5005, `?paged=N`)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.backfill.days import Days
from ingest.backfill.feedarchives import (
    FeedBudget,
    FeedWalk,
    start_walk,
    stop_walk,
    walk_as_json,
    walk_from_json,
    walk_on,
)
from ingest.backfill.items import Cursor, Step
from ingest.backfill.leads import lead_of_entry
from ingest.backfill.loading import load_body, load_feed
from ingest.backfill.wordpress import (
    PostsPage,
    is_past_the_end,
    next_page,
    posts_url,
    read_posts,
    usual_roots,
)
from ingest.context import Context
from ingest.errors import SourceError
from ingest.model import (
    Entry,
    Failure,
    FeedDocument,
    FetchedPage,
    Rejection,
)

_MAX_BYTES = 20 * 2**20


@dataclass(frozen=True, kw_only=True)
class FeedArchiveSource:
    """A feed by its address."""

    context: Context
    url: str
    days: Days
    budget: FeedBudget = field(default_factory=FeedBudget)
    name = "feed-archive"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The address and the days."""
        return {"url": self.url, **self.days.spec}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through posts or pages; the cursor is the page in hand, until it is done.

        Raises SourceError when a page can't be had for now.
        """
        place = cursor or await self._begin()
        if "root" in place:
            async for step in self._go_through_posts(place["root"], place["page"]):
                yield step
        else:
            async for step in self._walk_back(walk_from_json(place["walk"])):
                yield step

    async def _begin(self) -> Cursor:
        for root in usual_roots(self.url):
            if isinstance(await self._read_posts(root, 1), PostsPage):
                return {"root": root, "page": 1}
        return {"walk": walk_as_json(start_walk(self.url))}

    async def _go_through_posts(self, root: str, first: int) -> AsyncGenerator[Step, None]:
        page: int | None = first
        while page is not None:
            posts = await self._read_posts(root, page)
            if isinstance(posts, Failure) and is_past_the_end(posts, page=page):
                return
            if not isinstance(posts, PostsPage):
                raise SourceError(f"page {page} of {root}: {posts.reason}; --resume tries again")
            for lead in posts.leads:
                yield Step(item=lead, cursor={"root": root, "page": page})
            done = page
            page = next_page(page, posts)
            share = done / posts.total_pages if posts.total_pages else None
            yield Step(item=None, cursor={"root": root, "page": done + 1}, share=share)

    async def _read_posts(self, root: str, page: int) -> PostsPage | Failure | Rejection:
        since, until = self.days.within(self.context.now())
        url = posts_url(root, since=since, until=until, page=page)
        found = await load_body(self.context, url, accept="application/json", max_bytes=_MAX_BYTES)
        if not isinstance(found, FetchedPage):
            return found
        return await self.context.compute(
            read_posts,
            found.body,
            headers=found.headers,
            url=found.final_url,
            now=self.context.now(),
        )

    async def _walk_back(self, walk: FeedWalk) -> AsyncGenerator[Step, None]:
        since, until = self.days.within(self.context.now())
        while walk.url is not None:
            before = {"walk": walk_as_json(walk)}
            document = await load_feed(self.context, walk.url)
            if not isinstance(document, FeedDocument):
                stopped = stop_walk(walk, document)
                if stopped.url is not None or not walk.guessed:
                    raise SourceError(f"{walk.url}: {document.reason}; --resume tries it again")
                return
            for entry in document.entries:
                if _is_wanted(entry, since=since, until=until):
                    yield Step(item=lead_of_entry(entry, document), cursor=before)
            walk = walk_on(walk, document, since=since, budget=self.budget)
            yield Step(item=None, cursor={"walk": walk_as_json(walk)})


def _is_wanted(entry: Entry, *, since: datetime, until: datetime) -> bool:
    """Whether an entry may be of the range; one without a date may."""
    return entry.published is None or since <= entry.published.value <= until
