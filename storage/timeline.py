"""The history of an article where a capture of an archive comes in: runs, places, seams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, case, delete, select, update

from ingest.model import Change, ObservationSource, Outcome
from storage.repeats import repeat_version
from storage.sayings import begin_earlier, end_later
from storage.schema import article, change, change_travel, observation, version
from storage.versions import change_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedVersion:
    """A version with its place in time and what a neighbour is compared with."""

    id: int
    seq: int
    content_hash: str
    title: str
    text: str
    words: int
    extractor: str  # with its version
    first_observed_at: datetime
    last_observed_at: datetime


def timed_versions(connection: Connection, article_id: int) -> tuple[TimedVersion, ...]:
    """The versions of an article in the order of their numbers."""
    rows = connection.execute(
        select(version).where(version.c.article_id == article_id).order_by(version.c.seq)
    )
    return tuple(
        TimedVersion(
            id=row.id,
            seq=row.seq,
            content_hash=row.content_hash,
            title=row.title,
            text=row.text,
            words=row.words,
            extractor=f"{row.extractor} {row.extractor_version}",
            first_observed_at=row.first_observed_at,
            last_observed_at=row.last_observed_at,
        )
        for row in rows
    )


def lock_history(connection: Connection, article_id: int) -> None:
    """Keep other writers from the article's versions until the commit; SQLite has one writer."""
    own = select(article.c.id).where(article.c.id == article_id)
    # Not against rows that only refer to the article, as who wakes it writes one.
    connection.execute(own.with_for_update(key_share=True))


def has_capture(
    connection: Connection, *, url: str, at: datetime, source: ObservationSource
) -> bool:
    """Whether a look at this address from this source and moment is written down already."""
    found = connection.execute(
        select(observation.c.id)
        .where(
            observation.c.observed_at == at,
            observation.c.source == source.value,
            # Said once more as the index on looks from archives has it, or it would not serve.
            observation.c.source != ObservationSource.LIVE.value,
            observation.c.requested_url == url,
        )
        .limit(1)
    )
    return found.first() is not None


def stretch_version(connection: Connection, version_id: int, at: datetime) -> None:
    """Let a version reach to a moment before its first look or after its last."""
    connection.execute(
        update(version)
        .where(version.c.id == version_id)
        .values(
            first_observed_at=case(
                (version.c.first_observed_at > at, at), else_=version.c.first_observed_at
            ),
            last_observed_at=case(
                (version.c.last_observed_at < at, at), else_=version.c.last_observed_at
            ),
        )
    )
    begin_earlier(connection, version_id, at)


def make_room(connection: Connection, article_id: int, *, seq: int) -> None:
    """Move the versions from a number on one up, so that another can take it."""
    own = version.c.article_id == article_id
    # In two steps, below zero and back: the numbers of an article are unique at every moment.
    connection.execute(
        update(version).where(own, version.c.seq >= seq).values(seq=-(version.c.seq + 1))
    )
    connection.execute(update(version).where(own, version.c.seq < 0).values(seq=-version.c.seq))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulLook:
    """A look that showed what an earlier version showed."""

    version_id: int
    observed_at: datetime


def doubtful_looks(
    connection: Connection, article_id: int, *, after: datetime, before: datetime | None
) -> tuple[DoubtfulLook, ...]:
    """The doubtful looks between two moments, in the order of their times."""
    wanted = [
        observation.c.article_id == article_id,
        observation.c.outcome == Outcome.UNSETTLED.value,
        observation.c.version_id.is_not(None),
        observation.c.observed_at > after,
    ]
    if before is not None:
        wanted.append(observation.c.observed_at < before)
    rows = connection.execute(
        select(observation.c.version_id, observation.c.observed_at)
        .where(*wanted)
        .order_by(observation.c.observed_at)
    )
    return tuple(
        DoubtfulLook(version_id=row.version_id, observed_at=row.observed_at) for row in rows
    )


def split_version(
    connection: Connection,
    whole: TimedVersion,
    article_id: int,
    at: datetime,
    *,
    recorded_at: datetime,
) -> int:
    """End a version before a moment and let one of equal content begin after it; return its id.

    The number between the two is free then.
    """
    looks = select(observation.c.observed_at).where(observation.c.version_id == whole.id)
    last = connection.execute(
        looks.where(observation.c.observed_at < at)
        .order_by(observation.c.observed_at.desc())
        .limit(1)
    ).scalar()
    first = connection.execute(
        looks.where(observation.c.observed_at > at).order_by(observation.c.observed_at).limit(1)
    ).scalar()
    ends, begins = last or whole.first_observed_at, first or whole.last_observed_at
    for _ in range(2):
        make_room(connection, article_id, seq=whole.seq + 1)
    later = repeat_version(
        connection,
        whole.id,
        first_observed_at=begins,
        seen_at=whole.last_observed_at,
        recorded_at=recorded_at,
        seq=whole.seq + 2,
    )
    connection.execute(
        update(version).where(version.c.id == whole.id).values(last_observed_at=ends)
    )
    connection.execute(
        update(observation)
        .where(observation.c.version_id == whole.id, observation.c.observed_at > at)
        .values(version_id=later)
    )
    connection.execute(
        update(change).where(change.c.from_version_id == whole.id).values(from_version_id=later)
    )
    end_later(connection, article_id, whole.id, later=later)
    connection.execute(
        update(article)
        .where(article.c.current_version_id == whole.id)
        .values(current_version_id=later)
    )
    return later


def replace_change(
    connection: Connection,
    value: Change,
    *,
    from_version: int,
    to_version: int,
    recorded_at: datetime,
) -> bool:
    """Tell anew what led to a version whose predecessor is another one now; False if nothing did.

    Whether the change reached other articles is forgotten with it: it was asked of other sentences.
    """
    known = select(change.c.id).where(change.c.to_version_id == to_version).scalar_subquery()
    connection.execute(delete(change_travel).where(change_travel.c.change_id == known))
    replaced = connection.execute(
        update(change)
        .where(change.c.to_version_id == to_version)
        .values(from_version_id=from_version, recorded_at=recorded_at, **change_columns(value))
    )
    return replaced.rowcount > 0


def move_first_seen(connection: Connection, article_id: int, at: datetime) -> bool:
    """Note that an article stood there earlier than was known; return whether it is news."""

    def no_later(column: Column[datetime | None]) -> ColumnElement[datetime | None]:
        return case((column > at, at), else_=column)

    moved = connection.execute(
        update(article)
        .where(article.c.id == article_id, article.c.first_seen_at > at)
        .values(
            first_seen_at=at,
            published_earliest=no_later(article.c.published_earliest),
            published_latest=no_later(article.c.published_latest),
        )
    )
    return moved.rowcount > 0
