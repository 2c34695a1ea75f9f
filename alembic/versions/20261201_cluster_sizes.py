"""A cluster's size stands in the row of its earliest article only: another member moves one row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261201"
down_revision = "20261130"
branch_labels = None
depends_on = None

_clusters = sa.table(
    "article_cluster",
    sa.column("article_id"),
    sa.column("cluster_id"),
    sa.column("earliest", sa.Boolean),
    sa.column("size"),
)


def upgrade() -> None:
    """Leave the size in one row of each cluster."""
    op.execute(_clusters.update().where(sa.not_(_clusters.c.earliest)).values(size=0))
    _comment("articles in the cluster, in the row of its earliest; 0 in the others")


def downgrade() -> None:
    """Write it into all rows again."""
    first = _clusters.alias()
    size = (
        sa.select(first.c.size)
        .where(first.c.article_id == _clusters.c.cluster_id)
        .scalar_subquery()
    )
    op.execute(_clusters.update().where(sa.not_(_clusters.c.earliest)).values(size=size))
    _comment("articles in the cluster")


def _comment(text: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.execute(f"COMMENT ON COLUMN article_cluster.size IS '{text}'")
