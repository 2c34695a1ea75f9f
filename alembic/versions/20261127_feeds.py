"""Where feeds moved to, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261127"
down_revision = "20261126"
branch_labels = None
depends_on = None

_KINDS = ("moved", "moved-back", "gone", "back", "added", "paused", "resumed", "removed")


def upgrade() -> None:
    """Add the moves of feeds and the table of their events."""
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
    with op.batch_alter_table("feed") as batch:
        for name in (
            "gone_since",
            "move_sighted_since",
            "move_sightings",
            "move_target",
            "moved_to",
        ):
            batch.drop_column(name)
