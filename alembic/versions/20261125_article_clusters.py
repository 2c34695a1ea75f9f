"""The cluster of each article and its parent in the derivation graph."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261125"
down_revision = "20261124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: the program fills it from the edges."""
    op.create_table(
        "article_cluster",
        sa.Column(
            "article_id",
            BigInt,
            sa.ForeignKey("article.id"),
            primary_key=True,
            autoincrement=False,
            comment="each article is in one cluster, often alone",
        ),
        sa.Column(
            "cluster_id",
            BigInt,
            sa.ForeignKey("article.id"),
            nullable=False,
            comment="the cluster's earliest known article",
        ),
        sa.Column("earliest", sa.Boolean, nullable=False, comment="this is that article"),
        sa.Column(
            "parent_article_id",
            BigInt,
            sa.ForeignKey("article.id"),
            comment="the earlier article it has most of its text from; null: none known",
        ),
        sa.Column("parent_relation", sa.Text, comment="to the parent: identical, …, excerpt"),
        sa.Column(
            "parent_shared_child", sa.Float, comment="share of this article that the parent covers"
        ),
        sa.Column(
            "parent_shared_parent", sa.Float, comment="share of the parent that this article covers"
        ),
        sa.Column("size", sa.Integer, nullable=False, comment="articles in the cluster"),
        sa.Column(
            "updated_at", UTCDateTime, nullable=False, comment="when anything of this row moved"
        ),
        comment="Which articles carry one text, and where each has it from."
        " Made from edges; it moves.",
    )
    op.create_index("ix_article_cluster_cluster_id", "article_cluster", ["cluster_id"])
    op.create_index(
        "ix_article_cluster_parent_article_id", "article_cluster", ["parent_article_id"]
    )


def downgrade() -> None:
    """Drop the table: it can be made from the edges again."""
    op.drop_table("article_cluster")
