"""Which daemon may write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261128"
down_revision = "20261127"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the epoch, none yet: the first daemon begins it."""
    op.create_table(
        "daemon_epoch",
        sa.Column(
            "id",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="1: there is one row",
        ),
        sa.Column("epoch", BigInt, nullable=False, comment="raised by each daemon that takes over"),
        sa.Column("holder", sa.Text, nullable=False, comment="process and host of that daemon"),
        sa.Column("taken_at", UTCDateTime, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        comment="Which daemon may write; a transaction of an earlier one is refused.",
    )


def downgrade() -> None:
    """Drop the epoch: no daemon may run meanwhile."""
    op.drop_table("daemon_epoch")
