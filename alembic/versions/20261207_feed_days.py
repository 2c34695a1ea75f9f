"""What the polls of each feed come to, day by day: a year of them need not be read any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261207"
down_revision = "20261206"
branch_labels = None
depends_on = None

_EPOCH = {
    "sqlite": "CAST(strftime('%s', substr(polled_at, 1, 19)) AS INTEGER)",
    "postgresql": "CAST(FLOOR(EXTRACT(EPOCH FROM polled_at)) AS BIGINT)",
}
_FILL = """
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
        SELECT id, feed_id, {epoch} AS at, {epoch} / 86400 AS day, polled_at,
               outcome, CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END AS failed,
               entries, new_entries,
               CASE WHEN outcome <> 'failed' AND entries > 0 AND new_entries >= entries
                    THEN 1 ELSE 0 END AS all_new
        FROM feed_poll
    ) timed
) spaced
GROUP BY feed_id, day
"""


def upgrade() -> None:
    """Add the table and fill it from the polls."""
    op.create_table(
        "feed_day",
        sa.Column(
            "feed_id", BigInt, sa.ForeignKey("feed.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "day",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="of UTC, days since 1970",
        ),
        sa.Column("polls", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=False, comment="of the polls")
            for name in ("parsed", "same_body", "not_modified", "failed")
        ),
        sa.Column("entries", BigInt, nullable=False),
        sa.Column("new_entries", BigInt, nullable=False),
        sa.Column("first_success_at", UTCDateTime, comment="first poll that did not fail"),
        sa.Column("last_success_at", UTCDateTime, comment="last poll that did not fail"),
        sa.Column(
            "gap_seconds", BigInt, comment="longest from one such poll to the next of the day"
        ),
        sa.Column(
            "lost_between",
            sa.Boolean,
            nullable=False,
            comment="all entries were new at such a poll but the first",
        ),
        sa.Column(
            "first_all_new",
            sa.Boolean,
            nullable=False,
            comment="all entries were new at the first one",
        ),
        sa.Column("last_new_at", UTCDateTime, comment="last poll with a new entry"),
        sqlite_with_rowid=False,
        comment="What a feed's polls of a day come to. Made anew with each of them.",
    )
    dialect = op.get_bind().dialect.name
    op.get_bind().exec_driver_sql(
        _FILL.replace("{epoch}", _EPOCH[dialect]), execution_options={"no_parameters": True}
    )


def downgrade() -> None:
    """Drop it: the polls are still there."""
    op.drop_table("feed_day")
