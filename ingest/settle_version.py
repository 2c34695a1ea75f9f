"""Writing a version with everything that hangs on it, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.changes import content_hash
from ingest.context import Context
from ingest.model import Article, FetchedPage, Outcome
from ingest.verdict.judge import JudgedText, judge
from ingest.work import PageReading
from storage.articles import set_current_version
from storage.edges import SimilarVersion, add_edge, add_fingerprint, find_similar
from storage.versions import Observation, RawBody, add_version


def store_version(
    connection: Connection,
    context: Context,
    article_id: int,
    *,
    article: Article,
    assessment: Assessment,
    now: datetime,
) -> int:
    """Store a version, its fingerprint and its verdicts; make it current; return its id."""
    version_id = add_version(
        connection,
        article_id,
        article,
        content_hash=content_hash(article.title, article.text),
        now=now,
    )
    set_current_version(connection, article_id, version_id)
    for seed_id, verdict in zip(context.seed_ids, assessment.seed_verdicts, strict=True):
        add_edge(connection, child_version_id=version_id, seed_id=seed_id, verdict=verdict, now=now)
    similar = find_similar(
        connection,
        assessment.fingerprint,
        article_id=article_id,
        limit=context.limits.similar_limit,
        min_shared=context.limits.similar_min_shared,
    )
    add_fingerprint(connection, version_id, assessment.fingerprint)
    own = JudgedText(text=article.text, title=article.title, language=article.language)
    for other in similar:
        _relate(connection, version_id, article, own=own, other=other, now=now)
    return version_id


def _relate(
    connection: Connection,
    version_id: int,
    article: Article,
    *,
    own: JudgedText,
    other: SimilarVersion,
    now: datetime,
) -> None:
    verdict = judge(own, JudgedText(text=other.text, title=other.title, language=other.language))
    if not verdict.relation.text_level:
        return
    if is_older(article, other):
        # Found later but published earlier: the stored one descends from it.
        turned = replace(verdict, shared_a=verdict.shared_b, shared_b=verdict.shared_a)
        add_edge(
            connection,
            child_version_id=other.version_id,
            parent_version_id=version_id,
            verdict=turned,
            now=now,
        )
    else:
        add_edge(
            connection,
            child_version_id=version_id,
            parent_version_id=other.version_id,
            verdict=verdict,
            now=now,
        )


def is_older(article: Article, other: SimilarVersion) -> bool:
    """Whether an article found just now was published before one found earlier."""
    published = article.published
    if published is None or published.day_only or other.published_at is None:
        return False
    return published.value < other.published_at


def page_observation(
    page: FetchedPage, reading: PageReading | None, outcome: Outcome, *, keep_raw: bool = True
) -> Observation:
    """The look at a page that was fetched."""
    raw = None
    if (
        keep_raw
        and reading is not None
        and reading.raw_sha256 is not None
        and reading.raw_zstd is not None
    ):
        raw = RawBody(sha256=reading.raw_sha256, compressed=reading.raw_zstd, size=reading.raw_size)
    return Observation(
        requested_url=page.requested_url,
        final_url=page.final_url,
        observed_at=page.fetched_at,
        outcome=outcome,
        status=page.status,
        size=len(page.body),
        ms=page.elapsed_ms,
        headers=page.headers,
        raw=raw,
    )
