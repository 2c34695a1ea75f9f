"""The bodies that versions were extracted from, for reading them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from storage.schema import article, observation, raw, version


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBody:
    """A response whose body was kept."""

    requested_url: str
    final_url: str | None
    status: int
    headers: Mapping[str, str]
    observed_at: datetime
    compressed: bytes  # zstd, of the decoded body


def body_of(connection: Connection, version_id: int) -> StoredBody | None:
    """The body that a version was extracted from; None when it was not kept."""
    row = connection.execute(
        select(
            observation.c.requested_url,
            observation.c.final_url,
            observation.c.status,
            observation.c.headers,
            observation.c.observed_at,
            raw.c.body,
        )
        .join(raw, raw.c.sha256 == observation.c.raw_sha256)
        .where(observation.c.version_id == version_id)
        .order_by(observation.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return StoredBody(
        requested_url=row.requested_url,
        final_url=row.final_url,
        status=row.status or 200,
        headers=row.headers or {},
        observed_at=row.observed_at,
        compressed=row.body,
    )


def _made_by_others(extractor: str, extractor_version: str) -> Select[int]:
    """Articles whose current version was extracted, but not by this extractor."""
    return (
        select(article.c.id)
        .join(version, version.c.id == article.c.current_version_id)
        .where(version.c.extractor == extractor, version.c.extractor_version != extractor_version)
    )


def count_made_by_others(connection: Connection, extractor: str, extractor_version: str) -> int:
    """How many articles another version of the extractor read."""
    made = _made_by_others(extractor, extractor_version).subquery()
    return connection.scalar(select(func.count()).select_from(made)) or 0


def articles_made_by_others(
    connection: Connection, extractor: str, extractor_version: str, *, after: int, limit: int
) -> tuple[int, ...]:
    """Articles that another version of the extractor read, by id."""
    query = _made_by_others(extractor, extractor_version).where(article.c.id > after)
    return tuple(connection.execute(query.order_by(article.c.id).limit(limit)).scalars())
