"""Versions, the looks that found them, the bodies behind them and what changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from ingest.model import (
    Article,
    Change,
    ChangeKind,
    DatedBy,
    FailureKind,
    ObservationSource,
    Outcome,
    PastLook,
)
from storage.dialect import insert
from storage.schema import article, change, observation, raw, version
from storage.search_index import index_version


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
    page_mark: str | None = None  # of a text that had nothing of the article
    length_unknown: bool | None = None  # None: no body


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
    recorded_at: datetime,
    article_id: int | None = None,
    version_id: int | None = None,
) -> int:
    """Append one look, whenever it was made, as learnt now; return its id."""
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
                page_mark=look.page_mark,
                length_unknown=look.length_unknown,
                recorded_at=recorded_at,
            )
            .returning(observation.c.id)
        ).scalar_one()
    )


def add_version(
    connection: Connection,
    article_id: int,
    value: Article,
    *,
    content_hash: str,
    now: datetime,
    recorded_at: datetime,
    seq: int | None = None,
) -> int:
    """Store a version, the article's next one or that of a free number; return its id.

    `now` is the look that showed it, `recorded_at` when it is learnt.
    """
    if seq is None:
        last = connection.execute(
            select(func.max(version.c.seq)).where(version.c.article_id == article_id)
        ).scalar_one()
        seq = (last or 0) + 1
    version_id = int(
        connection.execute(
            version.insert()
            .values(
                article_id=article_id,
                seq=seq,
                content_hash=content_hash,
                title=value.title,
                byline=value.byline,
                site_name=value.site_name,
                text=value.text,
                language=value.language,
                words=value.words,
                **_dated_columns("published", value.published),
                **_dated_columns("modified", value.modified),
                extractor=value.extractor,
                extractor_version=value.extractor_version,
                first_observed_at=now,
                last_observed_at=now,
                recorded_at=recorded_at,
            )
            .returning(version.c.id)
        ).scalar_one()
    )
    index_version(
        connection, version_id, title=value.title, body=value.text, language=value.language
    )
    return version_id


def _dated_columns(name: str, dated: DatedBy | None) -> dict[str, datetime | str | float]:
    if dated is None:
        return {}
    return {
        f"{name}_at": dated.value,
        f"{name}_source": dated.source.value,
        f"{name}_confidence": dated.confidence,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPlace:
    """Which version of its article one is, and since when the article is known."""

    seq: int
    first_seen_at: datetime


def place_of(connection: Connection, version_id: int) -> VersionPlace:
    """Where a version stands in its article's history."""
    row = connection.execute(
        select(version.c.seq, article.c.first_seen_at)
        .join(article, article.c.id == version.c.article_id)
        .where(version.c.id == version_id)
    ).one()
    return VersionPlace(seq=row.seq, first_seen_at=row.first_seen_at)


def extend_version(connection: Connection, version_id: int, now: datetime) -> None:
    """Note that a version was still there."""
    connection.execute(
        update(version)
        .where(version.c.id == version_id, version.c.last_observed_at < now)
        .values(last_observed_at=now)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastContent:
    """An earlier version of an article, as far as a return to it is recognised by."""

    version_id: int
    content_hash: str
    title: str
    text: str


def past_contents(
    connection: Connection, article_id: int, *, before: int, limit: int = 30
) -> tuple[PastContent, ...]:
    """The versions of an article that came before one of them, the latest first."""
    # By number: an archive may have brought in an earlier one later.
    present = select(version.c.seq).where(version.c.id == before).scalar_subquery()
    rows = connection.execute(
        select(version.c.id, version.c.content_hash, version.c.title, version.c.text)
        .where(version.c.article_id == article_id, version.c.seq < present)
        .order_by(version.c.seq.desc())
        .limit(limit)
    )
    return tuple(
        PastContent(
            version_id=row.id, content_hash=row.content_hash, title=row.title, text=row.text
        )
        for row in rows
    )


def past_looks(connection: Connection, article_id: int, *, limit: int = 40) -> tuple[PastLook, ...]:
    """The last looks at an article, the latest first."""
    rows = connection.execute(
        select(
            observation.c.observed_at,
            observation.c.outcome,
            observation.c.failure,
            observation.c.status,
            observation.c.version_id,
            observation.c.reason,
        )
        .where(observation.c.article_id == article_id, observation.c.outcome != Outcome.ALIAS.value)
        .order_by(observation.c.observed_at.desc(), observation.c.id.desc())
        .limit(limit)
    )
    return tuple(
        PastLook(
            observed_at=row.observed_at,
            outcome=Outcome(row.outcome),
            failure=FailureKind(row.failure) if row.failure else None,
            status=row.status,
            version_id=row.version_id,
            reason=row.reason,
        )
        for row in rows
    )


def count_changes(connection: Connection, article_id: int, kind: ChangeKind) -> int:
    """How many changes of one kind an article has."""
    return connection.execute(
        select(func.count())
        .select_from(change)
        .where(change.c.article_id == article_id, change.c.kind == kind.value)
    ).scalar_one()


def last_added(
    connection: Connection, article_id: int, *, limit: int = 2
) -> tuple[tuple[str, ...], ...]:
    """The sentences that each of the article's last changes added, the latest first."""
    rows = connection.execute(
        select(change.c.sentences_added)
        .where(change.c.article_id == article_id)
        .order_by(change.c.id.desc())
        .limit(limit)
    ).scalars()
    return tuple(map(tuple, rows))


def add_change(
    connection: Connection,
    article_id: int,
    value: Change,
    *,
    from_version: int,
    to_version: int,
    recorded_at: datetime,
) -> int:
    """Append what changed from one version to the next; return its id."""
    statement = change.insert().values(
        article_id=article_id,
        from_version_id=from_version,
        to_version_id=to_version,
        recorded_at=recorded_at,
        **change_columns(value),
    )
    return int(connection.execute(statement.returning(change.c.id)).scalar_one())


def change_columns(value: Change) -> dict[str, Any]:
    """What a change says, as its row has it."""
    return {
        "kind": value.kind.value,
        "reason": value.reason,
        "headline_from": value.headline_from,
        "headline_to": value.headline_to,
        "sentences_added": list(value.added),
        "sentences_removed": list(value.removed),
        "words_added": value.words_added,
        "words_removed": value.words_removed,
        "sentences_changed": [list(pair) for pair in value.changed],
        "quotes_added": list(value.quotes_added),
        "quotes_removed": list(value.quotes_removed),
        "numbers_added": list(value.numbers_added),
        "numbers_removed": list(value.numbers_removed),
    }
