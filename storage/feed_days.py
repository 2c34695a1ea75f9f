"""What the polls of a feed come to, day by day: the row of a day is made anew with each poll.

So a question about days reads days, not a year of polls. The row is computed from the
day's polls, not moved on by the last one: a clock that was set back does no harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, text

from storage.columns import UTCDateTime
from storage.view import spelled

_SUM_UP = """
INSERT INTO feed_day (
    feed_id, day, polls, parsed, same_body, not_modified, failed, entries, new_entries,
    first_success_at, last_success_at, gap_seconds, lost_between, first_all_new, last_new_at
)
SELECT feed_id, day, COUNT(*),
       SUM(CASE WHEN outcome = 'parsed' THEN 1 ELSE 0 END),
       SUM(CASE WHEN outcome = 'same-body' THEN 1 ELSE 0 END),
       SUM(CASE WHEN outcome = 'not-modified' THEN 1 ELSE 0 END),
       SUM(failed), SUM(entries), SUM(new_entries),
       MIN(CASE WHEN failed = 0 THEN polled_at END), MAX(CASE WHEN failed = 0 THEN polled_at END),
       MAX(gap),
       CASE WHEN MAX(CASE WHEN gap IS NOT NULL THEN all_new END) > 0 THEN TRUE ELSE FALSE END,
       CASE WHEN MAX(CASE WHEN gap IS NULL THEN all_new END) > 0 THEN TRUE ELSE FALSE END,
       MAX(CASE WHEN new_entries > 0 THEN polled_at END)
FROM (
    SELECT feed_id, day, polled_at, outcome, failed, entries, new_entries, all_new,
           CASE WHEN failed = 0 THEN at - LAG(at) OVER (
               PARTITION BY feed_id, day, failed ORDER BY polled_at, id
           ) END AS gap
    FROM (
        SELECT id, feed_id, {epoch:polled_at} AS at, {epoch:polled_at} / 86400 AS day, polled_at,
               outcome, CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END AS failed,
               entries, new_entries,
               CASE WHEN outcome <> 'failed' AND entries > 0 AND new_entries >= entries
                    THEN 1 ELSE 0 END AS all_new
        FROM feed_poll WHERE {polls}
    ) timed
) spaced
GROUP BY feed_id, day
"""
_ONE_DAY = "feed_id = :feed_id AND polled_at >= :begins AND polled_at < :ends"
_SECONDS = 86_400


def sum_up_day(connection: Connection, feed_id: int, polled_at: datetime) -> None:
    """Make the row of a feed's day anew; the caller holds the feed's row against other writers."""
    begins = polled_at.replace(hour=0, minute=0, second=0, microsecond=0)
    connection.execute(
        text("DELETE FROM feed_day WHERE feed_id = :feed_id AND day = :day"),
        {"feed_id": feed_id, "day": int(begins.timestamp()) // _SECONDS},
    )
    statement = text(_sum_up(_ONE_DAY, connection.dialect.name)).bindparams(
        bindparam("begins", type_=UTCDateTime), bindparam("ends", type_=UTCDateTime)
    )
    connection.execute(
        statement, {"feed_id": feed_id, "begins": begins, "ends": begins + timedelta(days=1)}
    )


def sum_up_all(connection: Connection) -> None:
    """Make the rows of all days of all feeds, none of which is there."""
    connection.exec_driver_sql(_sum_up("TRUE", connection.dialect.name))


def _sum_up(polls: str, dialect: str) -> str:
    return spelled(_SUM_UP.replace("{polls}", polls), dialect)
