"""Publishers by their names: that is how analysts ask for what one of them has."""

from __future__ import annotations

from alembic import op

revision = "20261208"
down_revision = "20261207"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index: without it a view is read whole for one publisher."""
    op.create_index("ix_outlet_name", "outlet", ["name"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_outlet_name", "outlet")
