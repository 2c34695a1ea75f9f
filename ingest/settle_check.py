"""What a later look at an article leaves behind, inside one transaction.

304 | same content  -> settle_look: the version is extended
other content       -> settle_change: an old copy, a return, or the next version
no article          -> settle_problem: a failed look; after a second sign, gone or blocked
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from ingest.changes import content_hash
from ingest.context import Context
from ingest.model import Article, Failure, Fetched, NotModified, Outcome, Rejection
from ingest.observations import page_observation
from ingest.settle_change import settle_change
from ingest.settle_look import Look, Report, settle_same
from ingest.settle_problem import settle_problem
from ingest.work import PageReading
from storage.articles import StoredArticle, get_article
from storage.timeline import lock_history
from storage.versions import Observation


def settle_check(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    fetched: Fetched,
    reading: PageReading | Rejection | None,
) -> Report:
    """Write the outcome of a later look."""
    stored = _as_it_stands(connection, stored)
    if isinstance(fetched, Failure):
        return settle_problem(connection, context, stored, problem=fetched, page=None)
    if isinstance(fetched, NotModified):
        seen = Observation(
            requested_url=fetched.requested_url,
            observed_at=fetched.fetched_at,
            outcome=Outcome.NOT_MODIFIED,
            status=304,
            ms=fetched.elapsed_ms,
        )
        return settle_same(connection, context, Look(article=stored, observation=seen))
    if not isinstance(reading, PageReading):
        assert reading is not None
        return settle_problem(connection, context, stored, problem=reading, page=fetched)
    content = reading.content
    if not isinstance(content, Article):
        return settle_problem(
            connection, context, stored, problem=content, page=fetched, reading=reading
        )
    look = Look(
        article=stored,
        observation=page_observation(fetched, reading, Outcome.UNCHANGED),
        page=fetched,
    )
    if content_hash(content.title, content.text) == stored.current.content_hash:
        return settle_same(connection, context, look)
    return settle_change(connection, context, look, article=content, reading=reading)


def _as_it_stands(connection: Connection, stored: StoredArticle) -> StoredArticle:
    """The article with its current version of now, which a backfill may have split in two."""
    lock_history(connection, stored.id)
    present = get_article(connection, stored.id)
    if present is None or present.current.id == stored.current.id:
        return stored
    if present.current.content_hash != stored.current.content_hash:
        return stored  # the page was compared with what it was claimed with
    return replace(stored, current=present.current)
