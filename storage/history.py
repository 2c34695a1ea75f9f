"""All that is known of one article, for people to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.schema import (
    article,
    article_event,
    article_url,
    change,
    observation,
    outlet,
    version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleHead:
    """An article without its versions."""

    id: int
    url: str
    outlet: str
    state: str
    first_seen_at: datetime
    published_at: datetime | None
    published_source: str | None
    published_confidence: float | None
    published_earliest: datetime | None
    published_latest: datetime | None
    last_checked_at: datetime | None
    next_check_at: datetime | None
    looks: dict[str, int]  # by outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVersion:
    """A version, and how it came about."""

    seq: int
    title: str
    text: str
    language: str | None
    words: int
    first_observed_at: datetime
    last_observed_at: datetime
    kind: str | None  # of the change that led to it; None for the first
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """A disappearance, a wall or a return."""

    kind: str
    first_sign_at: datetime
    decided_at: datetime
    reason: str


def article_of_url(connection: Connection, url_key: str) -> int | None:
    """The id of the article known under a URL."""
    return connection.execute(
        select(article_url.c.article_id).where(article_url.c.url_key == url_key)
    ).scalar_one_or_none()


def article_head(connection: Connection, article_id: int) -> ArticleHead | None:
    """The article with this id."""
    row = connection.execute(
        select(article, outlet.c.name)
        .join(outlet, outlet.c.id == article.c.outlet_id)
        .where(article.c.id == article_id)
    ).one_or_none()
    if row is None:
        return None
    looks = connection.execute(
        select(observation.c.outcome, func.count())
        .where(observation.c.article_id == article_id)
        .group_by(observation.c.outcome)
        .order_by(observation.c.outcome)
    )
    return ArticleHead(
        id=row.id,
        url=row.canonical_url,
        outlet=row.name,
        state=row.state,
        first_seen_at=row.first_seen_at,
        published_at=row.published_at,
        published_source=row.published_source,
        published_confidence=row.published_confidence,
        published_earliest=row.published_earliest,
        published_latest=row.published_latest,
        last_checked_at=row.last_checked_at,
        next_check_at=row.next_check_at,
        looks=dict(Counter({str(outcome): int(count) for outcome, count in looks})),
    )


def past_versions(connection: Connection, article_id: int) -> tuple[PastVersion, ...]:
    """The article's versions in order."""
    rows = connection.execute(
        select(version, change.c.kind, change.c.reason)
        .outerjoin(change, change.c.to_version_id == version.c.id)
        .where(version.c.article_id == article_id)
        .order_by(version.c.seq)
    )
    return tuple(
        PastVersion(
            seq=row.seq,
            title=row.title,
            text=row.text,
            language=row.language,
            words=row.words,
            first_observed_at=row.first_observed_at,
            last_observed_at=row.last_observed_at,
            kind=row.kind,
            reason=row.reason,
        )
        for row in rows
    )


def past_events(connection: Connection, article_id: int) -> tuple[PastEvent, ...]:
    """What happened to the article beside its text, in order."""
    rows = connection.execute(
        select(article_event)
        .where(article_event.c.article_id == article_id)
        .order_by(article_event.c.id)
    )
    return tuple(
        PastEvent(
            kind=row.kind,
            first_sign_at=row.first_sign_at,
            decided_at=row.decided_at,
            reason=row.reason,
        )
        for row in rows
    )
