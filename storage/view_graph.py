"""Analysts' views of which articles carry one text, and where each has it from.

`{plain:…}` keeps SQLite from walking all children of a text that many have,
once for each of them: .7 s instead of ten minutes for 130,000 verdicts.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table, Text

from storage.columns import BigInt, Json, UTCDateTime
from storage.view import view_metadata

clusters = Table(
    "clusters",
    view_metadata,
    Column("cluster_id", BigInt, comment="the earliest article: article.id"),
    Column("title", Text, comment="current headline of the earliest article"),
    Column("outlet", Text, comment="name of its publisher"),
    Column("url", Text, comment="its canonical URL"),
    Column("published_at", UTCDateTime, comment="best known date of its publication"),
    Column("published_day_only", Boolean, comment="only the day is known: the time is midnight"),
    Column("first_seen_at", UTCDateTime, comment="first look that showed it, live or archived"),
    Column("size", Integer, comment="articles in the cluster, two at least"),
    Column("languages", BigInteger, comment="how many languages their current texts are in"),
    Column("outlets", BigInteger, comment="how many publishers they are from"),
    comment="Every text that several articles carry: copies, near-copies, translations.",
    info={
        "sql": """
SELECT c.cluster_id, v.title, o.name AS outlet, a.canonical_url AS url,
       a.published_at, a.published_day_only, a.first_seen_at, c.size, m.languages, m.outlets
FROM (
    SELECT n.cluster_id, COUNT(DISTINCT t.language) AS languages,
           COUNT(DISTINCT b.outlet_id) AS outlets
    FROM article_cluster e
    JOIN article_cluster n ON n.cluster_id = e.article_id
    JOIN article b ON b.id = n.article_id
    LEFT JOIN version t ON t.id = b.current_version_id
    WHERE e.size > 1
    GROUP BY n.cluster_id
) m
JOIN article_cluster c ON c.article_id = m.cluster_id
JOIN article a ON a.id = m.cluster_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
"""
    },
)

derivations = Table(
    "derivations",
    view_metadata,
    Column("article_id", BigInt, comment="article.id"),
    Column("url", Text, comment="canonical URL"),
    Column("title", Text, comment="current headline"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("language", Text, comment="of the current text: ISO 639-1"),
    Column(
        "parent_article_id", BigInt, comment="earlier article that it has most of its text from"
    ),
    Column("parent_url", Text, comment="canonical URL of the parent"),
    Column("parent_title", Text, comment="current headline of the parent"),
    Column("parent_outlet", Text, comment="name of the parent's publisher"),
    Column("parent_language", Text, comment="of the parent's current text: ISO 639-1"),
    Column("relation", Text, comment="identical, near_duplicate, translation, excerpt"),
    Column("shared_article", Float, comment="share of the article that the parent covers, 0 to 1"),
    Column("shared_parent", Float, comment="share of the parent that the article covers, 0 to 1"),
    Column(
        "lag_seconds",
        BigInt,
        comment="from the parent's publication to the article's; null unless both times are known "
        "exactly and are not after the first look",
    ),
    Column("learned_at", UTCDateTime, comment="when we learned that it is from that parent"),
    comment="Every article that has its text, or some of it, from an earlier one.",
    info={
        "sql": """
SELECT c.article_id, a.canonical_url AS url, v.title, o.name AS outlet, v.language,
       c.parent_article_id, b.canonical_url AS parent_url, w.title AS parent_title,
       p.name AS parent_outlet, w.language AS parent_language,
       c.parent_relation AS relation, c.parent_shared_child AS shared_article,
       c.parent_shared_parent AS shared_parent,
       CASE WHEN a.published_at <= a.first_seen_at AND b.published_at <= b.first_seen_at
                 AND NOT COALESCE(a.published_day_only, FALSE)
                 AND NOT COALESCE(b.published_day_only, FALSE)
            THEN {epoch:a.published_at} - {epoch:b.published_at} END AS lag_seconds,
       c.parent_since AS learned_at
FROM article_cluster c
JOIN article a ON a.id = c.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
JOIN article b ON b.id = c.parent_article_id
JOIN outlet p ON p.id = b.outlet_id
LEFT JOIN version w ON w.id = b.current_version_id
"""
    },
)

relations = Table(
    "relations",
    view_metadata,
    Column("edge_id", BigInt, comment="edge.id, of the latest verdict on the two versions"),
    Column("child_article_id", BigInt, comment="article of the later of the two versions"),
    Column("child_version_id", BigInt, comment="version.id"),
    Column("child_url", Text, comment="canonical URL"),
    Column("child_language", Text, comment="of the version: ISO 639-1"),
    Column("parent_article_id", BigInt, comment="article of the earlier of the two versions"),
    Column("parent_version_id", BigInt, comment="version.id"),
    Column("parent_url", Text, comment="canonical URL"),
    Column("parent_language", Text, comment="of the version: ISO 639-1"),
    Column("relation", Text, comment="identical, near_duplicate, translation, excerpt, …"),
    Column("score", Float, comment="how sure, 0 to 1"),
    Column("shared_child", Float, comment="share of the child that the parent covers, 0 to 1"),
    Column("shared_parent", Float, comment="share of the parent that the child covers, 0 to 1"),
    Column("needs_review", Boolean, comment="should be looked at by a person"),
    Column("method", Text, comment="which comparison decided"),
    Column("method_version", Text, comment="and its version"),
    Column("evidence", Json, comment="aligned sentences, passages, numbers and names, a note"),
    Column("analyst_relation", Text, comment="what an analyst says it is; null: nobody did"),
    Column("final_relation", Text, comment="the analyst's relation, else the rule's"),
    Column("decided_at", UTCDateTime, comment="when it was decided, which is when we learned it"),
    comment="Every two versions of different articles that a verdict relates: the latest verdict. "
    "The child is the later published, or the version that came when the other was there: who has "
    "a text from whom is in derivations.",
    info={
        "sql": """
SELECT e.id AS edge_id, c.article_id AS child_article_id, e.child_version_id,
       a.canonical_url AS child_url, c.language AS child_language,
       q.article_id AS parent_article_id, e.parent_version_id,
       b.canonical_url AS parent_url, q.language AS parent_language,
       e.relation, e.score, e.shared_child, e.shared_parent, e.needs_review,
       e.method, e.method_version, e.evidence,
       p.relation AS analyst_relation, COALESCE(p.relation, e.relation) AS final_relation,
       e.decided_at
FROM edge e
JOIN version c ON c.id = e.child_version_id
JOIN article a ON a.id = c.article_id
JOIN version q ON q.id = e.parent_version_id
JOIN article b ON b.id = q.article_id
LEFT JOIN {said_of_pairs:MAX(id) AS id} l ON {pair_of:l}
LEFT JOIN analyst_verdict p ON p.id = l.id
WHERE NOT EXISTS (
    SELECT 1 FROM edge n
    WHERE n.id > e.id AND n.child_version_id = e.child_version_id
      AND {plain:n.parent_version_id} = e.parent_version_id
) AND NOT EXISTS (
    SELECT 1 FROM edge n
    WHERE n.id > e.id AND n.child_version_id = e.parent_version_id
      AND {plain:n.parent_version_id} = e.child_version_id
)
"""
    },
)

cluster_members = Table(
    "cluster_members",
    view_metadata,
    Column("cluster_id", BigInt, comment="the earliest article: clusters.cluster_id"),
    Column("article_id", BigInt, comment="article.id"),
    Column("is_earliest", Boolean, comment="this is that article"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of the current text: ISO 639-1"),
    Column("url", Text, comment="canonical URL"),
    Column("title", Text, comment="current headline"),
    Column("published_at", UTCDateTime, comment="best known date of publication"),
    Column("state", Text, comment="live, gone, blocked"),
    Column("parent_article_id", BigInt, comment="which of them it has its text from; null: none"),
    Column("parent_relation", Text, comment="to that article: identical, …"),
    comment="Every article of every cluster: who carries a text, and from whom.",
    info={
        "sql": """
SELECT c.cluster_id, c.article_id, c.earliest AS is_earliest, o.name AS outlet, o.country,
       v.language, a.canonical_url AS url, v.title, a.published_at, a.state,
       c.parent_article_id, c.parent_relation
FROM article_cluster e
JOIN article_cluster c ON c.cluster_id = e.article_id
JOIN article a ON a.id = c.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
WHERE e.size > 1
"""
    },
)
