"""Which daemon may write, and what daemons died on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261128"
down_revision = "20261127"
branch_labels = None
depends_on = None


_ATTEMPTS = "counted when claimed"
_CLAIMED = ("article", "candidate")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    """Add the epoch, none yet: the first daemon begins it. Nothing was interrupted so far."""
    recreate = "always" if _is_sqlite() else "never"
    for table in _CLAIMED:
        with op.batch_alter_table(table, recreate=recreate) as batch:
            batch.add_column(
                sa.Column(
                    "claim_epoch",
                    BigInt,
                    comment="daemon that claimed it; null: a command, until leased_until",
                )
            )
            batch.add_column(
                sa.Column(
                    "interrupted",
                    sa.Integer,
                    nullable=False,
                    server_default="0",
                    comment="claims in a row whose holder died",
                )
            )
    if not _is_sqlite():  # which keeps no comments
        op.execute(f"COMMENT ON COLUMN candidate.attempts IS '{_ATTEMPTS}; not the interrupted'")
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
    if not _is_sqlite():
        op.execute(f"COMMENT ON COLUMN candidate.attempts IS '{_ATTEMPTS}'")
    for table in _CLAIMED:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("interrupted")
            batch.drop_column("claim_epoch")
