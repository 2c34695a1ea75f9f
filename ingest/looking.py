"""One look at a page: the first one, which may make an article, and the later ones.

candidate | article -> fetch -> read_article (worker) -> judge_ahead (worker) -> settle

Settling is one transaction. Looks are settled one by one: polls and claims, which are quick, would
else wait at the one writer behind as many looks as there are places.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.ahead import judge_ahead
from ingest.changes import content_hash
from ingest.context import Context
from ingest.inhand import did_harm
from ingest.model import (
    Article,
    Failure,
    FailureKind,
    FetchedPage,
    Outcome,
    Rejection,
    Validators,
)
from ingest.reextract import is_outdated, renew
from ingest.settle_check import settle_check
from ingest.settle_first import settle_first_look
from ingest.work import PageReading, read_article
from storage.articles import StoredArticle
from storage.candidates import ClaimedCandidate


@dataclass(frozen=True, slots=True, kw_only=True)
class LookReport:
    """What one look gave."""

    url: str
    outcome: Outcome
    detail: str = ""
    harmed: bool | None = None  # whether the page killed or stalled the worker; None: unread


async def look_first(context: Context, claimed: ClaimedCandidate) -> LookReport:
    """Fetch a candidate and decide whether it becomes an article."""
    candidate = claimed.candidate
    fetched = await context.fetcher.fetch(candidate.url)
    if isinstance(fetched, FetchedPage):
        reading = await context.compute(
            read_article,
            fetched,
            feed_date=candidate.published,
            stories=context.stories,
            max_bytes=context.limits.max_decoded_bytes,
            keep_raw=context.limits.keep_raw,
        )
        fetched = fetched.emptied()
        if isinstance(reading, PageReading):
            reading = await judge_ahead(context, reading, stored=None, now=fetched.fetched_at)
    else:
        assert isinstance(fetched, Failure), "no validators were sent, so a 304 can't be"
        reading = None
    async with context.settling:
        outcome, detail = await context.store(
            settle_first_look, context, claimed, fetched=fetched, reading=reading
        )
    harmed = did_harm(fetched, reading)
    return LookReport(url=candidate.url, outcome=outcome, detail=detail, harmed=harmed)


async def look_again(context: Context, article: StoredArticle) -> LookReport:
    """Re-check an article for a new version, a block or its disappearance."""
    unconditional = context.chance() < context.limits.unconditional_share
    fetched = await context.fetcher.fetch(
        article.check_url, validators=Validators() if unconditional else article.validators
    )
    if isinstance(fetched, FetchedPage):
        reading = await context.compute(
            read_article,
            fetched,
            feed_date=None,
            stories=context.stories,
            max_bytes=context.limits.max_decoded_bytes,
            keep_raw=context.limits.keep_raw,
            known_hash=article.current.content_hash,
        )
        fetched = fetched.emptied()
    else:
        reading = None
    if _differs(reading, article) and is_outdated(article):
        # What another extractor made of the page must not be taken for an edit.
        article, _ = await renew(context, article)
    if isinstance(fetched, FetchedPage) and isinstance(reading, PageReading):
        reading = await judge_ahead(context, reading, stored=article, now=fetched.fetched_at)
    async with context.settling:
        outcome, detail = await context.store(
            settle_check, context, article, fetched=fetched, reading=reading
        )
    harmed = did_harm(fetched, reading)
    return LookReport(url=article.canonical_url, outcome=outcome, detail=detail, harmed=harmed)


async def fail_first_look(
    context: Context, claimed: ClaimedCandidate, kind: FailureKind, reason: str
) -> LookReport:
    """Write down a first look that came to nothing for a reason of ours; it is one attempt."""
    url = claimed.candidate.url
    failure = Failure(requested_url=url, kind=kind, reason=reason, at=context.now())
    outcome, detail = await context.store(
        settle_first_look, context, claimed, fetched=failure, reading=None
    )
    return LookReport(url=url, outcome=outcome, detail=detail)


async def fail_look(
    context: Context, article: StoredArticle, kind: FailureKind, reason: str
) -> LookReport:
    """Write down a later look that came to nothing for a reason of ours."""
    failure = Failure(requested_url=article.check_url, kind=kind, reason=reason, at=context.now())
    outcome, detail = await context.store(
        settle_check, context, article, fetched=failure, reading=None
    )
    return LookReport(url=article.canonical_url, outcome=outcome, detail=detail)


def _differs(reading: PageReading | Rejection | None, article: StoredArticle) -> bool:
    if not isinstance(reading, PageReading) or not isinstance(reading.content, Article):
        return False
    content = reading.content
    return content_hash(content.title, content.text) != article.current.content_hash
