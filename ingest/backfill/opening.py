"""Making sources of what a person asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ingest.backfill.cdxquery import article_queries, target_query
from ingest.backfill.days import Days
from ingest.backfill.gdelt import build_queries
from ingest.backfill.source_warc import WarcSource
from ingest.backfill.source_wayback import WaybackSource
from ingest.backfill.warcnames import cc_news_listings, find_archives
from ingest.backfill.warcreader import PartReader
from ingest.backfill.wayback import (
    INTERNET_ARCHIVE,
    Manners,
    WaybackArchive,
    patient_policy,
    pywb_endpoint,
)
from ingest.context import Context
from ingest.errors import UsageError
from ingest.fetch import Fetcher, FetchPolicy
from storage.articles import known_addresses

_PART_SECONDS = 300.0  # for tens of megabytes of a file behind HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked of an archive."""

    targets: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()  # by any of their addresses
    known: bool = False  # all stored articles
    archive: str | None = None  # a pywb collection; None: the Internet Archive
    days: Days = field(default_factory=Days)

    @property
    def spec(self) -> dict[str, Any]:
        """The same as JSON."""
        return {**asdict(self), "days": self.days.spec}


async def open_wayback(
    context: Context,
    stack: AsyncExitStack,
    asked: Asked,
    *,
    policy: FetchPolicy,
    manners: Manners | None = None,
) -> WaybackSource:
    """The source of a web archive's captures; its Fetcher ends with the stack.

    Raises UsageError when no articles are stored to ask for, BadURLError for what is no address.
    """
    manners = manners or Manners()
    groups: list[tuple[str, ...]] = [(url,) for url in asked.articles]
    if asked.known:
        groups += await context.store(known_addresses)
        if not groups:
            raise UsageError("no articles are stored yet: --known has nothing to ask for")
    since, until = asked.days.since, asked.days.until
    queries = [target_query(target, since=since, until=until) for target in asked.targets]
    for addresses in groups:
        queries += article_queries(addresses, since=since, until=until)
    fetcher = await stack.enter_async_context(
        Fetcher(patient_policy(policy, manners), now=context.now)
    )
    endpoint = INTERNET_ARCHIVE if asked.archive is None else pywb_endpoint(asked.archive)
    return WaybackSource(
        archive=WaybackArchive(fetcher, endpoint, now=context.now, manners=manners),
        queries=queries,
        asked=asked.spec,
    )


def open_warc(
    context: Context,
    paths: Sequence[str],
    *,
    base: str | None,
    cc_news: bool,
    days: Days,
    policy: FetchPolicy,
) -> WarcSource:
    """The source of the pages of WARC files, on disk and behind HTTP.

    Raises UsageError for a file that is not there, and for a news crawl of no certain months.
    """
    archives = find_archives(paths, base=base)
    if cc_news:
        archives += cc_news_listings(days, now=context.now())
    reader = PartReader(
        context=context,
        days=days,
        policy=replace(policy, total_seconds=max(policy.total_seconds, _PART_SECONDS)),
    )
    asked = {"paths": list(paths), "base": base, "cc_news": cc_news, "days": days.spec}
    return WarcSource(reader=reader, archives=archives, asked=asked)


def story_queries(context: Context) -> tuple[str, ...]:
    """What to ask GDELT for: the English names of each side of each story.

    Raises UsageError when a side has none.
    """
    queries: list[str] = []
    for story in context.stories:
        groups = [
            [name for language, names in group.names if language == "en" for name in names]
            for group in story.rule.groups
            if group.required
        ]
        if not groups:
            raise UsageError(f"story {story.rule.slug} has no names; give a --query")
        queries += build_queries(groups)
    return tuple(dict.fromkeys(queries))
