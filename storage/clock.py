"""What a clock that was set back leaves behind: due times that lie too far ahead."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from storage.schema import article, article_wake, candidate, feed


def recall(connection: Connection, now: datetime) -> int:
    """Make due at once what was seen or looked at "later than now"; return how many were.

    Such a row was written by a clock that was ahead. Left alone, it would wait as long as that
    clock was wrong: an hour, or a year.
    """
    ahead = (
        update(feed).where(feed.c.last_polled_at > now).values(next_poll_at=now),
        update(candidate).where(candidate.c.seen_at > now).values(due_at=now),
        update(article)
        .where(article.c.last_checked_at > now, article.c.next_check_at.is_not(None))
        .values(next_check_at=now),
        update(article_wake).where(article_wake.c.woken_at > now).values(woken_at=now),
    )
    return sum(connection.execute(statement).rowcount for statement in ahead)
