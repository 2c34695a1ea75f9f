"""Features: what a version is compared by in any language, and the anchors that find it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import BigInt

revision = "20261123"
down_revision = "20260915"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables; `storywatch rejudge` fills them for what is stored already."""
    op.create_table(
        "feature",
        sa.Column(
            "version_id",
            BigInt,
            sa.ForeignKey("version.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("judged_by", sa.Text, comment="rule that told its relations to other versions"),
        sa.Column("language", sa.Text, comment="ISO 639-1, as it was judged"),
        sa.Column("method_version", sa.Text, nullable=False),
        sa.Column(
            "model", sa.Text, nullable=False, comment="distribution of the encoder, empty without"
        ),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column(
            "signature", sa.LargeBinary, nullable=False, comment="512 signs; empty without a model"
        ),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="512 signed bytes"),
        sa.Column(
            "lengths",
            sa.LargeBinary,
            nullable=False,
            comment="u16 each: characters of the sentences",
        ),
        sa.Column(
            "quoted", sa.LargeBinary, nullable=False, comment="u8 each: share in quotation marks"
        ),
        sa.Column(
            "anchors", sa.LargeBinary, nullable=False, comment="(u16 sentence, u16 weight, u32 key)"
        ),
        sa.Column("vectors", sa.LargeBinary, nullable=False, comment="512 signed bytes a sentence"),
        comment="What a version is compared by in any language; computed once.",
    )
    op.create_index("ix_feature_judged_by", "feature", ["judged_by"])
    op.create_table(
        "anchor",
        sa.Column(
            "key", BigInt, primary_key=True, autoincrement=False, comment="hash of the anchor"
        ),
        sa.Column("version_id", BigInt, sa.ForeignKey("version.id"), primary_key=True),
        sqlite_with_rowid=False,
        comment="The heaviest names and numbers of a version, by which other languages find it.",
    )
    op.create_index("ix_anchor_version_id", "anchor", ["version_id"])


def downgrade() -> None:
    """Drop them: they can be made again from the texts."""
    op.drop_table("anchor")
    op.drop_table("feature")
