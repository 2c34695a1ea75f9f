"""What a feed says of stored articles: whether it tells of changes, and which to look at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ingest.context import Context
from ingest.model import Feed
from ingest.vouching import Record, was_told
from ingest.waking import wake
from storage.candidates import SeenEntry, note_seen_in_feed
from storage.vouching import changes_since_read, record_listing


def note_known(
    connection: Connection, context: Context, feed: Feed, seen: list[SeenEntry], *, now: datetime
) -> int:
    """Note the entries of stored articles, count what the feed told of changes, wake what it tells.

    Returns how many articles it tells other things of.
    """
    changes = changes_since_read(connection, feed.id, [item.article_id for item in seen])
    told_anew = note_seen_in_feed(connection, seen, feed_id=feed.id, now=now)
    told = [
        was_told(
            told_at=item.told_at,
            last_read_before=item.last_read_before,
            told_now=item.article_id in told_anew,
        )
        for item in changes
    ]
    record = Record(told=feed.changes_told, untold=feed.changes_untold).add(told)
    record_listing(connection, feed.id, told=record.told, untold=record.untold, now=now)
    wake(connection, context, told_anew, reason="its feed says other things of it", now=now)
    return len(told_anew)
