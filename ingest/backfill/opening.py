"""Making sources of what a person asked for: what a story's names are to GDELT, where an archive is."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from ingest.backfill.cdxquery import CdxQuery, article_queries, target_query
from ingest.backfill.gdelt import build_queries
from ingest.backfill.source_wayback import WaybackSource
from ingest.backfill.wayback import (
    INTERNET_ARCHIVE,
    Manners,
    WaybackArchive,
    patient_policy,
    pywb_endpoint,
)
from ingest.config import Config
from ingest.context import Context
from ingest.errors import UsageError
from ingest.fetch import Fetcher
from ingest.runtime import fetch_policy
from storage.articles import known_addresses


async def open_wayback(
    context: Context,
    config: Config,
    stack: AsyncExitStack,
    *,
    targets: tuple[str, ...],
    articles: tuple[str, ...],
    known: bool,
    archive: str | None,
    since: datetime | None,
    until: datetime | None,
    manners: Manners = Manners(),
) -> WaybackSource:
    """The source of a web archive's captures; its Fetcher ends with the stack.

    `known` stands for all stored articles, in the order in which they were found. Raises UsageError
    when there are none, BadURLError for what is no address.
    """
    queries: list[CdxQuery] = [
        target_query(target, since=since, until=until) for target in targets
    ]
    for url in articles:
        queries += article_queries([url], since=since, until=until)
    if known:
        groups = await context.store(known_addresses)
        if not groups:
            raise UsageError("no articles are stored yet: --known has nothing to ask for")
        for addresses in groups:
            queries += article_queries(addresses, since=since, until=until)
    policy = patient_policy(fetch_policy(config), manners)
    fetcher = await stack.enter_async_context(Fetcher(policy, now=context.now))
    endpoint = INTERNET_ARCHIVE if archive is None else pywb_endpoint(archive)
    asked: dict[str, Any] = {
        "targets": list(targets),
        "articles": list(articles),
        "known": known,
        "archive": archive,
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
    }
    return WaybackSource(
        archive=WaybackArchive(fetcher, endpoint, now=context.now, manners=manners),
        queries=queries,
        asked=asked,
    )


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
