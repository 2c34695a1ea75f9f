"""Indexes of what versions and verdicts are without their words and evidence.

Both databases answer from them alone.
"""

from __future__ import annotations

from alembic import op

revision = "20261209"
down_revision = "20261208"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Versions: one in the place of two, of which Postgres could use neither alone."""
    op.drop_index("ix_version_light", "version")
    op.drop_index("ix_version_last_observed_at", "version")
    op.create_index(
        "ix_version_light",
        "version",
        ["article_id", "id", "seq", "first_observed_at", "last_observed_at", "language"],
    )
    op.create_index(
        "ix_edge_light",
        "edge",
        ["child_version_id", "seed_id", "id", "relation", "score", "needs_review"],
    )


def downgrade() -> None:
    """Make the two again."""
    op.drop_index("ix_edge_light", "edge")
    op.drop_index("ix_version_light", "version")
    op.create_index(
        "ix_version_last_observed_at", "version", ["article_id", "id", "last_observed_at"]
    )
    op.create_index("ix_version_light", "version", ["article_id", "first_observed_at", "language"])
