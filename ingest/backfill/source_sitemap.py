"""The source `sitemap`: the addresses that a site lists itself, those of the wanted days.

robots.txt -> announced sitemaps -> read_sitemap (worker) -> leads, and nested sitemaps to walk
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ingest.backfill.days import Days
from ingest.backfill.items import Cursor, Skipped, Step
from ingest.backfill.leads import Lead
from ingest.backfill.loading import load_body
from ingest.backfill.sitemaps import MAX_BYTES, Sitemap, SitemapEntry, read_sitemap
from ingest.backfill.sitemapwalk import (
    SitemapBudget,
    SitemapWalk,
    announced_sitemaps,
    choose_sitemaps,
    next_sitemap,
    start_walk,
    usual_sitemaps,
    walk_as_json,
    walk_from_json,
    walk_on,
    wanted,
)
from ingest.context import Context
from ingest.errors import SourceError
from ingest.model import FailureKind, FetchedPage, Rejection

_ACCEPT = "application/xml,text/xml;q=0.9,text/plain;q=0.8,*/*;q=0.5"
_MISSING = frozenset({FailureKind.NOT_FOUND, FailureKind.GONE, FailureKind.HTTP_CLIENT})


@dataclass(frozen=True, kw_only=True)
class SitemapSource:
    """A site by any of its addresses, or a sitemap by its own."""

    context: Context
    url: str
    days: Days
    budget: SitemapBudget = field(default_factory=SitemapBudget)
    name = "sitemap"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The address and the days."""
        return {"url": self.url, **self.days.spec}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Walk through the sitemaps; the cursor holds the walk and how far the one in hand is.

        Raises SourceError when the site tells of none, or one can't be had for now.
        """
        since, until = self.days.within(self.context.now())
        walk = walk_from_json(cursor["walk"]) if cursor else await self._begin()
        entry = cursor["entry"] if cursor else 0
        while (url := next_sitemap(walk)) is not None:
            now = self.context.now()
            kept = walk_as_json(walk)
            sitemap = await self._read(url)
            if isinstance(sitemap, Rejection):
                walk = walk_on(walk, (), budget=self.budget)
                after = {"walk": walk_as_json(walk), "entry": 0}
                told = f"{url}: {sitemap.reason}"
                yield Step(item=Skipped(reason="bad sitemap", error=told), cursor=after)
                continue
            chosen = [
                item for item in sitemap.entries if wanted(item, since=since, until=until, now=now)
            ]
            for number, item in enumerate(chosen[entry:], start=entry + 1):
                yield Step(item=_lead(item), cursor={"walk": kept, "entry": number})
            nested = choose_sitemaps(sitemap.nested, since=since, until=until)
            walk, entry = walk_on(walk, nested, budget=self.budget), 0
            left = len(sitemap.entries) - len(chosen)
            yield Step(
                item=Skipped(
                    reason="outside the range",
                    count=left,
                    error=f"{url}: {sitemap.damage}" if sitemap.damage else None,
                ),
                cursor={"walk": walk_as_json(walk), "entry": 0},
                share=walk.read / (walk.read + len(walk.waiting)),
            )

    async def _begin(self) -> SitemapWalk:
        if _is_sitemap(self.url):
            return start_walk([self.url], budget=self.budget)
        root = urlsplit(self.url)
        robots = f"{root.scheme}://{root.netloc}/robots.txt"
        body = await load_body(self.context, robots, accept="text/plain,*/*", max_bytes=512 * 1024)
        found: tuple[str, ...] = ()
        if isinstance(body, FetchedPage):
            found = announced_sitemaps(body.body, url=robots)
        return start_walk(found or usual_sitemaps(self.url), budget=self.budget)

    async def _read(self, url: str) -> Sitemap | Rejection:
        page = await load_body(self.context, url, accept=_ACCEPT, max_bytes=MAX_BYTES)
        if isinstance(page, Rejection):
            return page
        if not isinstance(page, FetchedPage):
            if page.kind.temporary and page.kind not in _MISSING:
                raise SourceError(f"{url}: {page.reason}; --resume tries it again")
            return Rejection(kind=page.kind, reason=page.reason)
        return await self.context.compute(
            read_sitemap,
            page.body,
            url=page.final_url,
            now=self.context.now(),
            site=self.url,
        )


def _is_sitemap(url: str) -> bool:
    path = urlsplit(url).path.lower()
    return path.endswith((".xml", ".gz", ".txt", ".rss")) or "sitemap" in path


def _lead(entry: SitemapEntry) -> Lead:
    return Lead(
        url=entry.url,
        title=entry.title,
        published=entry.published,
        modified=entry.lastmod.value if entry.lastmod else None,
        language=entry.language,
    )
