"""What became of feeds, and which of them are polled as another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_

from ingest.model import FeedEvent
from storage.schema import feed, feed_event


def add_feed_event(
    connection: Connection, feed_id: int, event: FeedEvent, *, now: datetime
) -> None:
    """Append what happened to a feed."""
    connection.execute(
        feed_event.insert().values(
            feed_id=feed_id, at=now, kind=event.kind.value, detail=event.detail
        )
    )


def is_polled_as_another() -> ColumnElement[bool]:
    """Whether a row of `feed` moved to an address that an active feed is polled at already.

    The one whose own address it is goes first, then the one that was listed first. When that one
    is paused, removed or moves on, the other is polled again.
    """
    other = feed.alias("other")
    return and_(
        feed.c.moved_to.is_not(None),
        exists().where(
            other.c.state == "active",
            other.c.id != feed.c.id,
            func.coalesce(other.c.moved_to, other.c.url) == feed.c.moved_to,
            or_(other.c.moved_to.is_(None), other.c.id < feed.c.id),
        ),
    )
