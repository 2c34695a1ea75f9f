"""Backfills: a job with its checkpoint, and looks from archives found by their times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, Json, UTCDateTime

revision = "20261130"
down_revision = "20261129"
branch_labels = None
depends_on = None

_VERSION = "A run of equal content of an article."


def upgrade() -> None:
    """Add the jobs and the index."""
    op.create_table(
        "backfill_job",
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column(
            "spec_key", sa.Text, nullable=False, unique=True, comment="hash of source and spec"
        ),
        sa.Column(
            "source", sa.Text, nullable=False, comment="wayback, warc, sitemap, feed-archive, …"
        ),
        sa.Column("spec", Json, nullable=False, comment="what was asked for"),
        sa.Column("state", sa.Text, nullable=False, comment="running, interrupted, done"),
        sa.Column("cursor", Json, comment="where the source goes on; null: at its beginning"),
        sa.Column(
            "counts",
            Json,
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="by outcome",
        ),
        sa.Column("holder", sa.Text, nullable=False, comment="process and host of the last run"),
        sa.Column("leased_until", UTCDateTime, comment="a run that lives extends it"),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("updated_at", UTCDateTime, nullable=False, comment="the last checkpoint"),
        sa.Column("finished_at", UTCDateTime),
        sa.CheckConstraint(
            "state IN ('running', 'interrupted', 'done')", name=op.f("ck_backfill_job_state")
        ),
        comment="A backfill and its checkpoint.",
    )
    archived = sa.text("source <> 'live'")
    op.create_index(
        "ix_observation_archived_at",
        "observation",
        ["observed_at"],
        sqlite_where=archived,
        postgresql_where=archived,
    )
    _comment("Archives may move its number and times.")


def downgrade() -> None:
    """Take the jobs and the index away."""
    op.drop_index("ix_observation_archived_at", "observation")
    op.drop_table("backfill_job")
    _comment("Only last_observed_at moves.")


def _comment(ending: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.execute(f"COMMENT ON TABLE version IS '{_VERSION} {ending}'")
