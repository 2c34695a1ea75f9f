"""Fetching what a source is read from, through the one way out."""

from __future__ import annotations

from dataclasses import replace

from ingest.context import Context
from ingest.feeds import parse_feed
from ingest.inflate import decode_body
from ingest.model import (
    Failure,
    FeedDocument,
    FetchedPage,
    NotAFeed,
    NotModified,
    Rejection,
)

_FEED = "application/rss+xml,application/atom+xml,application/xml;q=0.9,*/*;q=0.5"
_FEED_BYTES = 20 * 2**20
_WIRE = 50 * 2**20
"""The largest sitemap that the protocol allows, not compressed."""


async def load_body(
    context: Context, url: str, *, accept: str, max_bytes: int, check_robots: bool = True
) -> FetchedPage | Failure | Rejection:
    """Fetch a document; its body has its content encoding undone, in a worker."""
    fetched = await context.fetcher.fetch(
        url, accept=accept, max_wire_bytes=min(max_bytes, _WIRE), check_robots=check_robots
    )
    assert not isinstance(fetched, NotModified), "no validators were sent"
    if not isinstance(fetched, FetchedPage):
        return fetched
    encoding = fetched.headers.get("content-encoding", "")
    if not encoding:
        return fetched
    body = await context.compute(decode_body, fetched.body, encoding, max_bytes=max_bytes)
    return body if isinstance(body, Rejection) else replace(fetched, body=body)


async def load_feed(context: Context, url: str) -> FeedDocument | NotAFeed | Failure | Rejection:
    """Fetch a feed and read it in a worker."""
    found = await load_body(context, url, accept=_FEED, max_bytes=_FEED_BYTES)
    if not isinstance(found, FetchedPage):
        return found
    return await context.compute(
        parse_feed,
        found.body,
        url=found.final_url,
        content_type=found.headers.get("content-type"),
        now=context.now(),
    )
