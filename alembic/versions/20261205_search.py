"""The search index: FTS5 without texts of its own on SQLite, two tsvectors on Postgres.

It is filled, and on Postgres its indexes are made, when the database is at the newest schema.
"""

from __future__ import annotations

from alembic import op

revision = "20261205"
down_revision = "20261204"
branch_labels = None
depends_on = None

_SQLITE = """
CREATE VIRTUAL TABLE version_search USING fts5(
    title, text, content='',
    tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co'"
)
"""
_RANK = "INSERT INTO version_search (version_search, rank) VALUES ('rank', 'bm25(4.0, 1.0)')"
_POSTGRES = """
CREATE TABLE version_search (
    version_id BIGINT CONSTRAINT pk_version_search PRIMARY KEY
        CONSTRAINT fk_version_search_version_id REFERENCES version (id) ON DELETE CASCADE,
    words TSVECTOR NOT NULL,
    stems TSVECTOR NOT NULL,
    is_overfull BOOLEAN NOT NULL
)
"""


def upgrade() -> None:
    """Make it, empty."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRES)
        # kept in the row, or the planner would take reading all for cheap, and forget the index
        op.execute("ALTER TABLE version_search ALTER COLUMN words SET STORAGE MAIN")
        return
    op.execute(_SQLITE)
    # a word in the headline counts four times as much, for whoever orders by rank
    op.execute(_RANK)


def downgrade() -> None:
    """Drop it, with what it consists of."""
    op.execute("DROP TABLE version_search")
