"""Where feeds moved to, what became of them, and what was odd about polls and looks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, Json, UTCDateTime

revision = "20261127"
down_revision = "20261126"
branch_labels = None
depends_on = None

_KINDS = ("moved", "moved-back", "gone", "back", "added", "paused", "resumed", "removed")
_LENGTH_UNKNOWN = "the body ended with its connection; null: no body"
_ODDITIES: tuple[tuple[str, Any, str, str], ...] = (
    ("entries_cut", sa.Integer, "0", "beyond the limit, not read"),
    (
        "entries_garbled",
        sa.Integer,
        "0",
        "with characters that could not be decoded, U+FFFD in their place",
    ),
    (
        "unread_dates",
        Json,
        "[]",
        "of new entries: pairs of URL and a date that could not be read, as it stands",
    ),
)


def upgrade() -> None:
    """Add the moves of feeds, the table of their events, and the oddities of polls and looks."""
    recreate = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("feed", recreate=recreate) as batch:
        batch.add_column(
            sa.Column(
                "moved_to",
                sa.Text,
                comment="address polled instead, adopted from its own redirects",
            )
        )
        batch.add_column(
            sa.Column("move_target", sa.Text, comment="where all the last polls were sent for good")
        )
        batch.add_column(
            sa.Column(
                "move_sightings",
                sa.Integer,
                nullable=False,
                server_default="0",
                comment="how many they were",
            )
        )
        batch.add_column(sa.Column("move_sighted_since", UTCDateTime, comment="the first of them"))
        batch.add_column(
            sa.Column(
                "gone_since",
                UTCDateTime,
                comment="a 410, and no answer since: polled once a week",
            )
        )
    with op.batch_alter_table("feed_poll", recreate=recreate) as batch:
        for name, kind, default, comment in _ODDITIES:
            batch.add_column(
                sa.Column(name, kind, nullable=False, server_default=default, comment=comment)
            )
        batch.add_column(sa.Column("length_unknown", sa.Boolean, comment=_LENGTH_UNKNOWN))
    with op.batch_alter_table("observation", recreate=recreate) as batch:
        batch.add_column(sa.Column("length_unknown", sa.Boolean, comment=_LENGTH_UNKNOWN))
    op.create_table(
        "feed_event",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("feed_id", BigInt, sa.ForeignKey("feed.id"), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment=", ".join(_KINDS)),
        sa.Column("detail", sa.Text, nullable=False, comment="for people"),
        sa.CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in _KINDS)})", name="kind"),
        comment="What became of a feed: its moves, its end, who listed it. Append-only.",
    )
    op.create_index("ix_feed_event_feed_id", "feed_event", ["feed_id"])
    # All that is known of the feeds there are: who listed them, and when.
    op.execute(
        "INSERT INTO feed_event (feed_id, at, kind, detail)"
        " SELECT id, added_at, 'added',"
        " CASE origin WHEN 'config' THEN 'by the configuration' ELSE 'by a user' END"
        " FROM feed ORDER BY id"
    )


def downgrade() -> None:
    """Drop the table and the columns; feeds are polled at their listed addresses again."""
    op.drop_table("feed_event")
    with op.batch_alter_table("observation") as batch:
        batch.drop_column("length_unknown")
    with op.batch_alter_table("feed_poll") as batch:
        batch.drop_column("length_unknown")
        for name, *_ in reversed(_ODDITIES):
            batch.drop_column(name)
    with op.batch_alter_table("feed") as batch:
        for name in (
            "gone_since",
            "move_sighted_since",
            "move_sightings",
            "move_target",
            "moved_to",
        ):
            batch.drop_column(name)
