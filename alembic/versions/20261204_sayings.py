"""Quotations and figures: which article has them, from which version to which."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt, UTCDateTime

revision = "20261204"
down_revision = "20261203"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, empty: `storywatch db upgrade` and housekeeping read what is stored."""
    op.create_table(
        "quotation",
        sa.Column(
            "key", sa.Text, primary_key=True, comment="hash of its words, equal in every article"
        ),
        sa.Column(
            "text", sa.Text, nullable=False, comment="as it was stored first, marks left out"
        ),
        sa.Column(
            "words",
            sa.Integer,
            nullable=False,
            comment="two characters count as one without spaces",
        ),
        comment="Words between quotation marks, stored once. Append-only.",
    )
    op.create_table(
        "quotation_use",
        sa.Column("quotation_key", sa.Text, sa.ForeignKey("quotation.key"), primary_key=True),
        sa.Column("article_id", BigInt, sa.ForeignKey("article.id"), primary_key=True),
        *_versions(),
        *_place(),
        sqlite_with_rowid=False,
        comment="A quotation in an article, from which version to which. The ends move.",
    )
    op.create_index("ix_quotation_use_article_id", "quotation_use", ["article_id"])
    op.create_index(
        "ix_quotation_use_first_seen_at",
        "quotation_use",
        ["quotation_key", "first_seen_at", "article_id"],
    )
    op.create_table(
        "figure",
        _article(),
        sa.Column("value", sa.Float, primary_key=True, comment="multiplied out"),
        sa.Column(
            "unit", sa.Text, primary_key=True, comment="%, ISO 4217, km, …; empty without one"
        ),
        sa.Column(
            "counted", sa.Text, primary_key=True, comment="word after it; empty behind a unit"
        ),
        *_versions(),
        sa.Column("text", sa.Text, nullable=False, comment="as the first version writes it"),
        *_place(),
        sa.Column("sentence_start", sa.Integer, nullable=False, comment="of the sentence there"),
        sa.Column("sentence_stop", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
        comment="A number in an article, from which version to which. The ends move.",
    )
    op.create_index(
        "ix_figure_first_seen_at",
        "figure",
        ["value", "unit", "counted", "first_seen_at", "article_id"],
    )
    op.create_table(
        "sayings_read",
        _article(),
        sa.Column(
            "method_version", sa.Text, nullable=False, comment="of what read all its versions"
        ),
        comment="Whose quotations and figures were found, by which method.",
    )
    op.create_table(
        "seed_quotation",
        _seed(),
        sa.Column(
            "quotation_key",
            sa.Text,
            primary_key=True,
            comment="as in quotation, whoever else has it",
        ),
        comment="The quotations of a seed.",
    )
    op.create_table(
        "seed_figure",
        _seed(),
        sa.Column("value", sa.Float, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        comment="The figures of a seed.",
    )
    op.create_index(
        "ix_version_last_observed_at", "version", ["article_id", "id", "last_observed_at"]
    )


def _article() -> sa.Column[int]:
    return sa.Column(
        "article_id", BigInt, sa.ForeignKey("article.id"), primary_key=True, autoincrement=False
    )


def _seed() -> sa.Column[int]:
    return sa.Column(
        "seed_id", BigInt, sa.ForeignKey("seed.id"), primary_key=True, autoincrement=False
    )


def _versions() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("first_version_id", BigInt, sa.ForeignKey("version.id"), nullable=False),
        sa.Column(
            "first_seen_at", UTCDateTime, nullable=False, comment="first look at that version"
        ),
        sa.Column("language", sa.Text, comment="of that version: ISO 639-1"),
        sa.Column(
            "last_version_id", BigInt, sa.ForeignKey("version.id"), comment="null: the current one"
        ),
    )


def _place() -> tuple[sa.Column[int], ...]:
    start = sa.Column(
        "start", sa.Integer, nullable=False, comment="offset into the text of the first version"
    )
    stop = sa.Column("stop", sa.Integer, nullable=False, comment="where it ends there")
    return start, stop


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_version_last_observed_at", "version")
    for table in (
        "seed_figure",
        "seed_quotation",
        "sayings_read",
        "figure",
        "quotation_use",
        "quotation",
    ):
        op.drop_table(table)
