"""What changed inside a version, what happened to articles, how changes travel, alarms."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, Json, UTCDateTime

revision = "20261126"
down_revision = "20261125"
branch_labels = None
depends_on = None

_OUTCOMES = "new-version, unchanged, not-modified, noise, stale, unsettled, off-story, failed"
_DETAILS = (
    ("sentences_changed", "pairs of a sentence before and after"),
    ("quotes_added", None),
    ("quotes_removed", None),
    ("numbers_added", None),
    ("numbers_removed", None),
)
_TOLD = (
    ("changes_told", "changes of its articles that it told of, older ones at half weight"),
    ("changes_untold", None),
)
_ENTRY_HASH = ("entry_hash", sa.Text, "of the entry's headline and dates when last seen")
_DATES: tuple[tuple[str, tuple[tuple[str, Any, str], ...]], ...] = (
    (
        "article_feed",
        (
            _ENTRY_HASH,
            ("modified_at", UTCDateTime, "as the entry stated it then"),
            ("told_at", UTCDateTime, "when the entry last said other things than before"),
        ),
    ),
    ("candidate", (("modified_at", UTCDateTime, "as its feed states it"),)),
    (
        "article",
        (
            ("published_earliest", UTCDateTime, "not before; null: nobody knows"),
            ("published_latest", UTCDateTime, "not after: by its date, or it was there"),
        ),
    ),
    (
        "version",
        (
            ("published_source", sa.Text, "json-ld, meta, feed, url, text, given"),
            ("published_confidence", sa.Float, "0 to 1"),
            ("modified_source", sa.Text, "json-ld, meta, feed"),
            ("modified_confidence", sa.Float, "0 to 1"),
        ),
    ),
)


def upgrade() -> None:
    """Add the details of changes and dates, empty for those already stored, and five tables."""
    recreate = "always" if _is_sqlite() else "never"
    if not _is_sqlite():  # which keeps no comments
        op.execute(f"COMMENT ON COLUMN observation.outcome IS '{_OUTCOMES}'")
    with op.batch_alter_table("change", recreate=recreate) as batch:
        for name, comment in _DETAILS:
            batch.add_column(
                sa.Column(name, Json, nullable=False, server_default="[]", comment=comment)
            )
    for table, columns in _DATES:
        with op.batch_alter_table(table, recreate=recreate) as batch:
            for name, kind, comment in columns:
                batch.add_column(sa.Column(name, kind, comment=comment))
    with op.batch_alter_table("feed", recreate=recreate) as batch:
        batch.add_column(
            sa.Column("entries_read_at", UTCDateTime, comment="last poll that gave entries")
        )
        for name, comment in _TOLD:
            batch.add_column(
                sa.Column(name, sa.Integer, nullable=False, server_default="0", comment=comment)
            )
    with op.batch_alter_table("observation", recreate=recreate) as batch:
        batch.add_column(
            sa.Column(
                "page_mark", sa.Text, comment="hash of a text that had nothing of the article"
            )
        )
    op.create_index(
        "ix_observation_page_mark",
        "observation",
        ["page_mark"],
        sqlite_where=sa.text("page_mark IS NOT NULL"),
        postgresql_where=sa.text("page_mark IS NOT NULL"),
    )
    # All that is sure of an article stored before: it was there when it was first seen.
    op.execute("UPDATE article SET published_latest = first_seen_at")
    op.create_table(
        "article_wake",
        sa.Column(
            "article_id", BigInt, sa.ForeignKey("article.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("woken_at", UTCDateTime, nullable=False, comment="to be looked at from then on"),
        sa.Column(
            "reason",
            sa.Text,
            nullable=False,
            comment="a relative changed, or a feed shows it anew",
        ),
        comment="Articles to look at before all others, parked ones too; deleted by the look.",
    )
    op.create_table(
        "article_event",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="gone, blocked, back"),
        sa.Column(
            "first_sign_at", UTCDateTime, nullable=False, comment="first look that showed it"
        ),
        sa.Column("decided_at", UTCDateTime, nullable=False, comment="look that confirmed it"),
        sa.Column("reason", sa.Text, nullable=False, comment="for people"),
        sa.CheckConstraint("kind IN ('gone', 'blocked', 'back')", name="kind"),
        comment="Disappearances, walls and returns of an article. Append-only.",
    )
    op.create_index("ix_article_event_article_id", "article_event", ["article_id"])
    op.create_table(
        "change_travel",
        sa.Column(
            "change_id", BigInt, sa.ForeignKey("change.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "article_id",
            BigInt,
            sa.ForeignKey("article.id"),
            primary_key=True,
            autoincrement=False,
            comment="an article that has text from the one that changed",
        ),
        sa.Column(
            "relation",
            sa.Text,
            nullable=False,
            comment="of that article to the one that changed",
        ),
        sa.Column(
            "state", sa.Text, nullable=False, comment="carries-old, took-over, never-had, unclear"
        ),
        sa.Column(
            "passage",
            sa.Text,
            nullable=False,
            comment="the sentence that tells, as it stands there",
        ),
        sa.Column(
            "version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            nullable=False,
            comment="version of that article when it was first asked",
        ),
        sa.Column("noted_at", UTCDateTime, nullable=False, comment="when it was first asked"),
        sa.Column(
            "taken_version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            comment="its version with the new text",
        ),
        sa.Column("taken_at", UTCDateTime, comment="first look that showed the new text"),
        sa.CheckConstraint(
            "state IN ('carries-old', 'took-over', 'never-had', 'unclear')", name="state"
        ),
        comment="Whether a change reached the articles that have the text. The state moves.",
    )
    op.create_index("ix_change_travel_article_id", "change_travel", ["article_id"])
    op.create_table(
        "outlet_alarm",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("outlet_id", BigInt, sa.ForeignKey("outlet.id"), nullable=False),
        sa.Column("raised_at", UTCDateTime, nullable=False),
        sa.Column("cleared_at", UTCDateTime, comment="null: it still stands"),
        sa.Column("looks", sa.Integer, nullable=False, comment="last looks that were judged"),
        sa.Column("failed", sa.Integer, nullable=False, comment="of them, those that gave no text"),
        sa.Column("detail", sa.Text, nullable=False, comment="for people"),
        comment="An outlet whose pages can't be read any more, as after a redesign.",
    )
    op.create_index("ix_outlet_alarm_outlet_id", "outlet_alarm", ["outlet_id"])


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def downgrade() -> None:
    """Drop the tables and columns."""
    for table in ("outlet_alarm", "change_travel", "article_event", "article_wake"):
        op.drop_table(table)
    op.drop_index("ix_observation_page_mark", "observation")
    with op.batch_alter_table("observation") as batch:
        batch.drop_column("page_mark")
    with op.batch_alter_table("feed") as batch:
        for name in ("changes_untold", "changes_told", "entries_read_at"):
            batch.drop_column(name)
    for table, columns in reversed(_DATES):
        with op.batch_alter_table(table) as batch:
            for name, _kind, _comment in reversed(columns):
                batch.drop_column(name)
    with op.batch_alter_table("change") as batch:
        for name, _comment in reversed(_DETAILS):
            batch.drop_column(name)
