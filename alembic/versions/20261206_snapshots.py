"""Named snapshots: what was made, when, and the hashes of its tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, Json, UTCDateTime

revision = "20261206"
down_revision = "20261205"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the register."""
    op.create_table(
        "snapshot",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "name",
            sa.Text,
            nullable=False,
            unique=True,
            comment="as in a schema's or file's name",
        ),
        sa.Column("created_at", UTCDateTime, nullable=False, comment="the moment that it shows"),
        sa.Column(
            "program_version", sa.Text, nullable=False, comment="of the storywatch that made it"
        ),
        sa.Column("contract_version", sa.Text, nullable=False, comment="of the views at that time"),
        sa.Column("schema_revision", sa.Text, nullable=False, comment="of the tables at that time"),
        sa.Column("note", sa.Text, nullable=False, server_default="", comment="why it was made"),
        sa.Column(
            "contents", Json, nullable=False, comment="of each view: its rows and their sha256"
        ),
        comment="Named snapshots: the views as tables of their own, in a schema or a file.",
    )


def downgrade() -> None:
    """Take the register away; the snapshots themselves stay where they are."""
    op.drop_table("snapshot")
