"""Analysts' verdicts: corrections that survive every rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261124"
down_revision = "20261123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "analyst_verdict",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "child_version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            nullable=False,
            comment="what it is about",
        ),
        sa.Column(
            "parent_version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            comment="null when it is about a seed",
        ),
        sa.Column(
            "seed_id", BigInt, sa.ForeignKey("seed.id"), comment="null when it is about a version"
        ),
        sa.Column(
            "relation", sa.Text, nullable=False, comment="what is true, in the analyst's eyes"
        ),
        sa.Column("author", sa.Text, nullable=False, server_default="", comment="who says so"),
        sa.Column("note", sa.Text, nullable=False, server_default="", comment="why"),
        sa.Column(
            "decided_at",
            UTCDateTime,
            nullable=False,
            server_default=sa.func.current_timestamp(),
            comment="left out of an INSERT: now",
        ),
        sa.CheckConstraint("(parent_version_id IS NULL) <> (seed_id IS NULL)", name="one_parent"),
        sa.CheckConstraint(
            "relation IN ('identical', 'near_duplicate', 'translation', 'excerpt', 'same_story',"
            " 'unrelated')",
            name="known_relation",
        ),
        comment="A person's correction; the last one of a pair counts, over every rule."
        " Append-only.",
    )
    op.create_index("ix_analyst_verdict_child_version_id", "analyst_verdict", ["child_version_id"])
    op.create_index(
        "ix_analyst_verdict_parent_version_id", "analyst_verdict", ["parent_version_id"]
    )


def downgrade() -> None:
    """Drop the table, and with it the corrections."""
    op.drop_table("analyst_verdict")
