"""Analysts' view of every verdict there ever was, so that one can ask what was believed when."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

verdicts = Table(
    "verdicts",
    view_metadata,
    Column("decided_by", Text, comment="rule, analyst"),
    Column("verdict_id", BigInt, comment="edge.id of a rule's, analyst_verdict.id of an analyst's"),
    Column("child_article_id", BigInt, comment="article.id"),
    Column("child_version_id", BigInt, comment="version.id"),
    Column("child_seq", Integer, comment="number of that version within its article"),
    Column("child_outlet", Text, comment="name of its publisher"),
    Column("child_language", Text, comment="of that version: ISO 639-1"),
    Column("parent_article_id", BigInt, comment="the other article; null: compared with a seed"),
    Column("parent_version_id", BigInt, comment="version.id; null: compared with a seed"),
    Column("parent_seq", Integer, comment="number of that version within its article"),
    Column("story", Text, comment="slug of the seed's story; null: compared with a version"),
    Column("seed_seq", Integer, comment="which version of the seed; null: compared with a version"),
    Column("relation", Text, comment="of the child to the other: identical, …, unrelated"),
    Column("score", Float, comment="how sure, 0 to 1; null: an analyst's"),
    Column("shared_child", Float, comment="share of the child that the other covers, 0 to 1"),
    Column("shared_parent", Float, comment="share of the other that the child covers, 0 to 1"),
    Column("needs_review", Boolean, comment="should be looked at by a person; null: an analyst's"),
    Column("method", Text, comment="which comparison decided; null: an analyst's"),
    Column("method_version", Text, comment="and its version"),
    Column("author", Text, comment="who says so; null: a rule's"),
    Column("note", Text, comment="why; null: a rule's"),
    Column("decided_at", UTCDateTime, comment="when it was decided, which is when we learned it"),
    Column(
        "superseded_at",
        UTCDateTime,
        comment="when a later verdict on the same pair took its place, or an analyst's, which "
        "counts over every rule; null: it holds; decided_at: it never held",
    ),
    comment="Every verdict ever made, on a version and a seed or on two versions, in whatever "
    "direction. At a moment, the one holds that was decided by then and not superseded.",
    info={
        "sql": """
SELECT 'rule' AS decided_by, e.id AS verdict_id, c.article_id AS child_article_id,
       e.child_version_id, c.seq AS child_seq, o.name AS child_outlet, c.language AS child_language,
       NULL AS parent_article_id, NULL AS parent_version_id, NULL AS parent_seq,
       s.slug AS story, d.seq AS seed_seq, e.relation, e.score, e.shared_child, e.shared_parent,
       e.needs_review, e.method, e.method_version, NULL AS author, NULL AS note, e.decided_at,
       CASE WHEN p.at <= e.decided_at THEN e.decided_at ELSE COALESCE((
           SELECT MIN(CASE WHEN p.at < n.decided_at THEN p.at ELSE n.decided_at END) FROM edge n
           WHERE n.child_version_id = e.child_version_id AND {plain:n.seed_id} = e.seed_id
             AND n.id > e.id
       ), p.at) END AS superseded_at
FROM edge e
JOIN seed d ON d.id = e.seed_id
JOIN story s ON s.id = d.story_id
LEFT JOIN version c ON c.id = e.child_version_id
LEFT JOIN article a ON a.id = c.article_id
LEFT JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN (
    SELECT child_version_id, seed_id, MIN(decided_at) AS at
    FROM analyst_verdict WHERE seed_id IS NOT NULL GROUP BY child_version_id, seed_id
) p ON p.child_version_id = e.child_version_id AND p.seed_id = e.seed_id
UNION ALL
SELECT 'rule', e.id, c.article_id, e.child_version_id, c.seq, o.name, c.language,
       q.article_id, e.parent_version_id, q.seq, NULL, NULL, e.relation, e.score, e.shared_child,
       e.shared_parent, e.needs_review, e.method, e.method_version, NULL, NULL, e.decided_at,
       (SELECT MIN(x.at) FROM (
            SELECT n.decided_at AS at FROM edge n
            WHERE n.child_version_id = e.child_version_id
              AND {plain:n.parent_version_id} = e.parent_version_id AND n.id > e.id
            UNION ALL
            SELECT n.decided_at FROM edge n
            WHERE n.child_version_id = e.parent_version_id
              AND {plain:n.parent_version_id} = e.child_version_id AND n.id > e.id
            UNION ALL
            SELECT CASE WHEN p.at < e.decided_at THEN e.decided_at ELSE p.at END
        ) x)
FROM edge e
LEFT JOIN version c ON c.id = e.child_version_id
LEFT JOIN article a ON a.id = c.article_id
LEFT JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version q ON q.id = e.parent_version_id
LEFT JOIN {said_of_pairs:MIN(decided_at) AS at} p ON {pair_of:p}
WHERE e.parent_version_id IS NOT NULL
UNION ALL
SELECT 'analyst', e.id, c.article_id, e.child_version_id, c.seq, o.name, c.language,
       q.article_id, e.parent_version_id, q.seq, s.slug, d.seq, e.relation,
       NULL, NULL, NULL, NULL, NULL, NULL, e.author, e.note, e.decided_at,
       (SELECT MIN(n.decided_at) FROM analyst_verdict n
        WHERE n.id > e.id
          AND ((n.child_version_id = e.child_version_id
                AND (n.seed_id = e.seed_id OR n.parent_version_id = e.parent_version_id))
               OR (n.child_version_id = e.parent_version_id
                   AND n.parent_version_id = e.child_version_id)))
FROM analyst_verdict e
LEFT JOIN version c ON c.id = e.child_version_id
LEFT JOIN article a ON a.id = c.article_id
LEFT JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version q ON q.id = e.parent_version_id
LEFT JOIN seed d ON d.id = e.seed_id
LEFT JOIN story s ON s.id = d.story_id
"""
    },
)
