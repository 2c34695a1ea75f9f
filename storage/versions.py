"""Versions, the looks that found them, the bodies behind them and what changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from ingest.model import Article, Change, ObservationSource, Outcome
from storage.dialect import insert
from storage.schema import change, observation, raw, version


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBody:
    """A response body, compressed."""

    sha256: str  # of the body before compression
    compressed: bytes  # zstd
    size: int  # bytes before compression


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at a page as it is written down."""

    requested_url: str
    observed_at: datetime
    outcome: Outcome
    source: ObservationSource = ObservationSource.LIVE
    final_url: str | None = None
    status: int | None = None
    failure: str | None = None
    reason: str | None = None
    size: int | None = None
    ms: float | None = None
    headers: Mapping[str, str] | None = None
    raw: RawBody | None = None


def add_raw(connection: Connection, body: RawBody) -> None:
    """Store a body once."""
    connection.execute(
        insert(connection, raw)
        .values(sha256=body.sha256, body=body.compressed, size=body.size)
        .on_conflict_do_nothing()
    )


def add_observation(
    connection: Connection,
    look: Observation,
    *,
    article_id: int | None = None,
    version_id: int | None = None,
) -> int:
    """Append one look; return its id."""
    if look.raw is not None:
        add_raw(connection, look.raw)
    return int(
        connection.execute(
            observation.insert()
            .values(
                article_id=article_id,
                version_id=version_id,
                requested_url=look.requested_url,
                final_url=look.final_url,
                observed_at=look.observed_at,
                source=look.source.value,
                outcome=look.outcome.value,
                status=look.status,
                failure=look.failure,
                reason=look.reason,
                bytes=look.size,
                ms=look.ms,
                headers=dict(look.headers) if look.headers is not None else None,
                raw_sha256=look.raw.sha256 if look.raw is not None else None,
            )
            .returning(observation.c.id)
        ).scalar_one()
    )


def add_version(
    connection: Connection, article_id: int, value: Article, *, content_hash: str, now: datetime
) -> int:
    """Append the article's next version; return its id."""
    last = connection.execute(
        select(func.max(version.c.seq)).where(version.c.article_id == article_id)
    ).scalar_one()
    return int(
        connection.execute(
            version.insert()
            .values(
                article_id=article_id,
                seq=(last or 0) + 1,
                content_hash=content_hash,
                title=value.title,
                byline=value.byline,
                site_name=value.site_name,
                text=value.text,
                language=value.language,
                words=value.words,
                published_at=value.published.value if value.published else None,
                modified_at=value.modified.value if value.modified else None,
                extractor=value.extractor,
                extractor_version=value.extractor_version,
                first_observed_at=now,
                last_observed_at=now,
            )
            .returning(version.c.id)
        ).scalar_one()
    )


def extend_version(connection: Connection, version_id: int, now: datetime) -> None:
    """Note that a version was still there."""
    connection.execute(
        update(version)
        .where(version.c.id == version_id, version.c.last_observed_at < now)
        .values(last_observed_at=now)
    )


def seen_before(connection: Connection, article_id: int, content_hash: str) -> bool:
    """Whether an earlier version of the article had this content."""
    return (
        connection.execute(
            select(version.c.id)
            .where(version.c.article_id == article_id, version.c.content_hash == content_hash)
            .limit(1)
        ).one_or_none()
        is not None
    )


def last_failure(connection: Connection, article_id: int) -> str | None:
    """The failure kind of the last look, None when it went well."""
    return connection.execute(
        select(observation.c.failure)
        .where(observation.c.article_id == article_id)
        .order_by(observation.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def add_change(
    connection: Connection, article_id: int, value: Change, *, from_version: int, to_version: int
) -> None:
    """Append what changed from one version to the next."""
    connection.execute(
        change.insert().values(
            article_id=article_id,
            from_version_id=from_version,
            to_version_id=to_version,
            kind=value.kind.value,
            reason=value.reason,
            headline_from=value.headline_from,
            headline_to=value.headline_to,
            sentences_added=list(value.added),
            sentences_removed=list(value.removed),
            words_added=value.words_added,
            words_removed=value.words_removed,
        )
    )
