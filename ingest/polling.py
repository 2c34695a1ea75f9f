"""One poll of a feed, from request to stored candidates.

Feed -> fetch -> read_feed (worker) -> settle_poll, in one transaction
"""

from __future__ import annotations

from dataclasses import replace

from ingest.context import Context
from ingest.inhand import did_harm
from ingest.model import Failure, FailureKind, Feed, FetchedPage, Validators
from ingest.schedule import needs_full_fetch
from ingest.settle_poll import FeedReport, settle_poll, validators_of
from ingest.work import read_feed

__all__ = ["FeedReport", "fail_poll", "poll_feed"]

_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
)


async def poll_feed(context: Context, feed: Feed) -> FeedReport:
    """Poll one feed and queue what it holds; a failing feed is a report, not an exception."""
    now = context.now()
    full = needs_full_fetch(feed.last_full_fetch_at, now=now, budget=context.poll_budget)
    validators = Validators() if full else validators_of(feed)
    fetched = await context.fetcher.fetch(
        feed.polled_url,
        validators=validators,
        accept=_ACCEPT,
        max_wire_bytes=context.limits.max_feed_bytes,
    )
    if isinstance(fetched, FetchedPage):
        reading = await context.compute(
            read_feed,
            fetched,
            known_hash=None if full else feed.body_hash,
            max_bytes=context.limits.max_decoded_bytes,
            now=now,
        )
        fetched = fetched.emptied()
    else:
        reading = None
    report = await context.store(
        settle_poll, context, feed, fetched=fetched, reading=reading, now=now
    )
    return replace(report, harmed=did_harm(fetched, reading))


async def fail_poll(context: Context, feed: Feed, kind: FailureKind, reason: str) -> FeedReport:
    """Write down a poll that came to nothing for a reason of ours; the feed is asked later."""
    now = context.now()
    failure = Failure(requested_url=feed.polled_url, kind=kind, reason=reason, at=now)
    return await context.store(settle_poll, context, feed, fetched=failure, reading=None, now=now)
