"""When each thing was learnt, beside when it was so; what the views need to be read fast.

What is stored already was learnt when its row was written, and the rows before and after it tell
roughly when that was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UTCDateTime

revision = "20261203"
down_revision = "20261201"
branch_labels = None
depends_on = None

_BEFORE = "before schema 20261203"
_COMMENTS = {
    "article": f"when it was stored; {_BEFORE}: when its first version was",
    "version": f"when it was stored; {_BEFORE}: when its first look or verdict was",
    "observation": f"when it was stored; {_BEFORE}, of an archive: not before the last live look or"
    " verdict that has a smaller id",
    "change": "when it was told, of a change told anew the last time;"
    f" {_BEFORE}: when the later of its versions was stored",
    "article_event": f"when it was stored; {_BEFORE}: decided_at",
    "change_travel": f"when the state was found; {_BEFORE}: when it was first asked,"
    " or when the new text was seen",
}

# A capture with a version of its own was stored with that version's first verdict. Any other one
# was stored after what has a smaller id, after the first backfill began, and before the next look
# of which the time is known.
_LOOKS = """
UPDATE observation SET recorded_at = COALESCE(
    g.known_at,
    CASE WHEN g.after_at IS NULL OR g.begun_at > g.after_at
         THEN CASE WHEN g.begun_at > g.before_at THEN g.before_at ELSE g.begun_at END
         ELSE g.after_at END,
    g.after_at, g.before_at, g.observed_at)
FROM (
    SELECT k.id, k.known_at, k.observed_at, j.begun_at,
           MAX(k.known_at) OVER (ORDER BY k.id) AS after_at,
           MIN(k.known_at) OVER (ORDER BY k.id DESC) AS before_at
    FROM (
        SELECT n.id, n.observed_at, n.source,
               CASE WHEN n.source = 'live' THEN n.observed_at
                    WHEN n.outcome = 'new-version' THEN e.decided_at END AS known_at
        FROM observation n
        LEFT JOIN (
            SELECT child_version_id, MIN(decided_at) AS decided_at FROM edge
            GROUP BY child_version_id
        ) e ON e.child_version_id = n.version_id
    ) k
    CROSS JOIN (SELECT MIN(started_at) AS begun_at FROM backfill_job) j
) g
WHERE g.id = observation.id
"""
_VERSIONS = """
UPDATE version SET recorded_at = COALESCE(
    (SELECT MIN(n.recorded_at) FROM observation n
     WHERE n.article_id = version.article_id AND n.version_id = version.id),
    (SELECT MIN(e.decided_at) FROM edge e WHERE e.child_version_id = version.id),
    first_observed_at)
"""
_CHANGES = """
UPDATE change SET recorded_at = CASE WHEN f.recorded_at > t.recorded_at
                                     THEN f.recorded_at ELSE t.recorded_at END
FROM version f, version t
WHERE f.id = change.from_version_id AND t.id = change.to_version_id
"""
_ARTICLES = """
UPDATE article SET recorded_at = COALESCE(
    (SELECT MIN(v.recorded_at) FROM version v WHERE v.article_id = article.id), first_seen_at)
"""


def upgrade() -> None:
    """Add the second clock and set it for what is stored; add the indexes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, comment in _COMMENTS.items():
        with op.batch_alter_table(table, recreate="always" if sqlite else "never") as batch:
            batch.add_column(
                sa.Column(
                    "recorded_at",
                    UTCDateTime,
                    nullable=False,
                    server_default=sa.func.current_timestamp(),
                    comment=comment,
                )
            )
    with op.batch_alter_table("article_cluster", recreate="always" if sqlite else "never") as batch:
        batch.add_column(
            sa.Column(
                "parent_since",
                UTCDateTime,
                comment=f"when that parent was found; {_BEFORE}: updated_at",
            )
        )
    op.create_index("ix_version_light", "version", ["article_id", "first_observed_at", "language"])
    for statement in (_LOOKS, _VERSIONS, _CHANGES, _ARTICLES):
        op.execute(statement)
    op.execute("UPDATE article_event SET recorded_at = decided_at")
    op.execute(
        "UPDATE change_travel SET recorded_at ="
        " CASE WHEN taken_at > noted_at THEN taken_at ELSE noted_at END"
    )
    op.execute(
        "UPDATE article_cluster SET parent_since = updated_at WHERE parent_article_id IS NOT NULL"
    )


def downgrade() -> None:
    """Take the second clock and the indexes away."""
    op.drop_index("ix_version_light", "version")
    with op.batch_alter_table("article_cluster") as batch:
        batch.drop_column("parent_since")
    for table in reversed(_COMMENTS):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("recorded_at")
