"""Reading stored bodies again with today's extractor.

article -> its body -> reread_body (worker) -> a `reextracted` change or nothing, in a transaction
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from ingest.ahead import judge_ahead
from ingest.changes import content_hash
from ingest.context import Context
from ingest.extract import EXTRACTOR, extractor_version
from ingest.model import Article
from ingest.settle_next import settle_reextraction
from ingest.work import PageReading, reread_body
from storage.articles import StoredArticle, get_article
from storage.bodies import articles_made_by_others, body_of, count_made_by_others

_BATCH = 100


class Renewal(StrEnum):
    """What reading an article again gave."""

    CHANGED = "changed"
    SAME = "same"
    NO_BODY = "no-body"  # it was not kept
    UNREADABLE = "unreadable"  # today's extractor finds no article in it


def is_outdated(stored: StoredArticle) -> bool:
    """Whether another version of the extractor made the current text."""
    current = stored.current
    return current.extractor == EXTRACTOR and current.extractor_version != extractor_version()


async def renew(context: Context, stored: StoredArticle) -> tuple[StoredArticle, Renewal]:
    """Read an article's stored body again; return the article as it stands then.

    Its current version counts as today's extractor's from then on, if only in memory: the next
    difference is the page's.
    """
    body = await context.store(body_of, stored.current.id)
    if body is None:
        return stored, Renewal.NO_BODY
    reading = await context.compute(
        reread_body,
        body,
        known_hash=stored.current.content_hash,
        stories=context.stories,
        max_bytes=context.limits.max_decoded_bytes,
    )
    if not isinstance(reading, PageReading) or not isinstance(reading.content, Article):
        return stored, Renewal.UNREADABLE
    article = reading.content
    reading = await judge_ahead(context, reading, stored=stored, now=context.now())
    if content_hash(article.title, article.text) != stored.current.content_hash:
        assert reading.assessment is not None
        renewed = await context.store(
            settle_reextraction, context, stored, article=article, assessment=reading.assessment
        )
        return renewed, Renewal.CHANGED
    current = replace(stored.current, extractor_version=extractor_version())
    return replace(stored, current=current), Renewal.SAME


async def count_outdated(context: Context) -> int:
    """How many articles another version of the extractor read."""
    return await context.store(count_made_by_others, EXTRACTOR, extractor_version())


async def renew_all(context: Context, *, on_article: Callable[[Renewal], None]) -> Counter[Renewal]:
    """Read every article again that another version of the extractor read."""
    counts: Counter[Renewal] = Counter()
    after = 0
    while not context.stopping.is_set():
        batch = await context.store(
            articles_made_by_others, EXTRACTOR, extractor_version(), after=after, limit=_BATCH
        )
        if not batch:
            break
        for article_id in batch:
            stored = await context.store(get_article, article_id)
            if stored is None or not is_outdated(stored):
                continue  # the daemon was faster
            _, renewal = await renew(context, stored)
            counts[renewal] += 1
            on_article(renewal)
        after = batch[-1]
    return counts
