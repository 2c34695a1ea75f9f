"""Whose turn it is in the queue: the domain of every waiting page."""

from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "20261129"
down_revision = "20261128"
branch_labels = None
depends_on = None

_DOMAIN = "registered domain, whose pages take turns with those of others"


def upgrade() -> None:
    """Add the domain; of what waits already the host will do."""
    connection = op.get_bind()
    recreate = "always" if connection.dialect.name == "sqlite" else "never"
    with op.batch_alter_table("candidate", recreate=recreate) as batch:
        batch.add_column(
            sa.Column("domain", sa.Text, nullable=False, server_default="", comment=_DOMAIN)
        )
    candidate = sa.table(
        "candidate", sa.column("id"), sa.column("canonical_url"), sa.column("domain")
    )
    waiting = connection.execute(sa.select(candidate.c.id, candidate.c.canonical_url)).all()
    for row in waiting:
        connection.execute(
            sa.update(candidate)
            .where(candidate.c.id == row.id)
            .values(domain=urlsplit(row.canonical_url).hostname or "")
        )


def downgrade() -> None:
    """Take the domain away."""
    with op.batch_alter_table("candidate") as batch:
        batch.drop_column("domain")
