"""When articles changed, what feeds told of it, and which feeds list an article."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, not_, select, update

from ingest.model import ChangeKind
from storage.feed_events import is_polled_as_another
from storage.schema import article_feed, change, feed, version

_OF_TEXT = tuple(
    kind.value
    for kind in (
        ChangeKind.CORRECTION,
        ChangeKind.SUBSTANTIVE,
        ChangeKind.AGENCY,
        ChangeKind.LIVE_BLOG,
    )
)
"""Kinds that tell feeds apart: of slips and lines of the page none tells, of headlines all do."""
_MEANT = (*_OF_TEXT, ChangeKind.HEADLINE.value)
"""Kinds that a publisher means."""


def last_changes(
    connection: Connection, article_id: int, *, limit: int = 3
) -> tuple[datetime, ...]:
    """When the last changes that its publisher meant were found, the latest first."""
    return tuple(
        connection.execute(
            select(version.c.first_observed_at)
            .join(change, change.c.to_version_id == version.c.id)
            .where(change.c.article_id == article_id, change.c.kind.in_(_MEANT))
            .order_by(version.c.seq.desc())
            .limit(limit)
        ).scalars()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeInFeed:
    """A change of an article in a feed, found since its entry was last read."""

    article_id: int
    last_read_before: datetime
    told_at: datetime | None


def changes_since_read(
    connection: Connection, feed_id: int, article_ids: Collection[int]
) -> tuple[ChangeInFeed, ...]:
    """The changes of texts found since the feed's entries of them were last read."""
    before, after = version.alias(), version.alias()
    rows = connection.execute(
        select(change.c.article_id, before.c.last_observed_at, article_feed.c.told_at)
        .join(before, before.c.id == change.c.from_version_id)
        .join(after, after.c.id == change.c.to_version_id)
        .join(article_feed, article_feed.c.article_id == change.c.article_id)
        .where(
            article_feed.c.feed_id == feed_id,
            change.c.article_id.in_(sorted(article_ids)),
            change.c.kind.in_(_OF_TEXT),
            after.c.first_observed_at >= article_feed.c.last_seen_at,
        )
        .order_by(change.c.id)
    )
    return tuple(
        ChangeInFeed(
            article_id=row.article_id,
            last_read_before=row.last_observed_at,
            told_at=row.told_at,
        )
        for row in rows
    )


def record_listing(
    connection: Connection, feed_id: int, *, told: int, untold: int, now: datetime
) -> None:
    """Write that the feed's entries were read, and what it has told of changes so far."""
    connection.execute(
        update(feed)
        .where(feed.c.id == feed_id)
        .values(entries_read_at=now, changes_told=told, changes_untold=untold)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A feed that works and has an article among its entries."""

    interval_seconds: float
    told: int
    untold: int


def listings_of(connection: Connection, article_id: int) -> tuple[Listing, ...]:
    """The feeds that work and had the article among their entries when these were last read."""
    rows = connection.execute(
        select(feed.c.interval_seconds, feed.c.changes_told, feed.c.changes_untold)
        .join(article_feed, article_feed.c.feed_id == feed.c.id)
        .where(
            article_feed.c.article_id == article_id,
            article_feed.c.last_seen_at >= feed.c.entries_read_at,
            feed.c.state == "active",
            feed.c.failures == 0,
            not_(is_polled_as_another()),
        )
        .order_by(feed.c.id)
    )
    return tuple(
        Listing(
            interval_seconds=row.interval_seconds,
            told=row.changes_told,
            untold=row.changes_untold,
        )
        for row in rows
    )
