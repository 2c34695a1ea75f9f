"""Analysts' views of who reported by himself, and who was first.

Reports are counted by derivation: a text that forty outlets carry is one report, whatever its
language. Times of publication are known within bounds, and so are the ranks made from them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

independent_reports = Table(
    "independent_reports",
    view_metadata,
    Column("story", Text, comment="slug of the story; a text of two stories has two rows"),
    Column("report_id", BigInt, comment="the earliest known article with the text: article.id"),
    Column("url", Text, comment="its canonical URL"),
    Column("title", Text, comment="its current headline"),
    Column("outlet", Text, comment="name of its publisher"),
    Column("domain", Text, comment="its publisher's registered domain"),
    Column("country", Text, comment="of its publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of its current text: ISO 639-1"),
    Column("published_at", UTCDateTime, comment="best known date of its publication"),
    Column("published_day_only", Boolean, comment="only the day is known: the time is midnight"),
    Column(
        "published_earliest",
        UTCDateTime,
        comment="no article with the text was published before; null: nobody knows of one of them",
    ),
    Column("published_latest", UTCDateTime, comment="one of them was published then or before"),
    Column(
        "is_independent",
        Boolean,
        comment="no earlier article is known that it was copied, translated or lifted from; false: "
        "a report of its own that lifts passages of lifts_from_article_id",
    ),
    Column(
        "lifts_from_article_id", BigInt, comment="earlier article it has passages from: article.id"
    ),
    Column("lifted_share", Float, comment="share of its text that the earlier one covers, 0 to 1"),
    Column("articles", BigInteger, comment="that carry the text, with the earliest: of this story"),
    Column("outlets", BigInteger, comment="how many publishers they are from"),
    Column("languages", BigInteger, comment="how many languages they are in"),
    Column("identical", BigInteger, comment="of the articles: identical with an earlier one"),
    Column("near_duplicates", BigInteger, comment="of them: near-copies of an earlier one"),
    Column("translations", BigInteger, comment="of them: translations of an earlier one"),
    Column(
        "other_copies",
        BigInteger,
        comment="of them: joined to the text by a later copy only, or lifted from elsewhere",
    ),
    Column(
        "excerpts",
        BigInteger,
        comment="reports that lift passages from one of the articles; they have rows of their own",
    ),
    Column(
        "relation_to_seed",
        Text,
        comment="of the earliest article's current version; same_story: independent of the seed",
    ),
    Column("seed_score", Float, comment="how sure that is, 0 to 1"),
    Column("needs_review", Boolean, comment="that should be looked at by a person"),
    Column("final_relation", Text, comment="an analyst's relation to the seed, else the rule's"),
    Column(
        "learned_at",
        UTCDateTime,
        comment="when we learned of the first of the articles, which need not be the root",
    ),
    comment="A row a report, not an article: a text with all that was copied or translated from it "
    "counts once. What only lifts passages is a report of its own that is not independent. As far "
    "as is known: an original that the archive lacks leaves each of its copies independent, and "
    "all rows with the seed's text (identical, near_duplicate, translation) are one report.",
    info={
        "sql": """
SELECT s.slug AS story, g.report_id, a.canonical_url AS url, v.title, o.name AS outlet, o.domain,
       o.country, v.language, a.published_at, a.published_day_only,
       CASE WHEN g.unbounded = 0 THEN g.published_earliest END AS published_earliest,
       g.published_latest,
       CASE WHEN c.parent_article_id IS NULL THEN TRUE ELSE FALSE END AS is_independent,
       c.parent_article_id AS lifts_from_article_id, c.parent_shared_child AS lifted_share,
       g.articles, g.outlets, g.languages, g.identical, g.near_duplicates, g.translations,
       g.others AS other_copies, COALESCE(x.excerpts, 0) AS excerpts,
       {verdict:relation} AS relation_to_seed, {verdict:score} AS seed_score,
       {verdict:needs_review} AS needs_review,
       COALESCE(p.relation, {verdict:relation}) AS final_relation, g.learned_at
FROM (
    SELECT m.story_id, COALESCE(n.cluster_id, m.article_id) AS report_id,
           COUNT(*) AS articles, COUNT(DISTINCT b.outlet_id) AS outlets,
           COUNT(DISTINCT t.language) AS languages,
           SUM(CASE WHEN n.parent_relation = 'identical' AND NOT n.earliest
                    THEN 1 ELSE 0 END) AS identical,
           SUM(CASE WHEN n.parent_relation = 'near_duplicate' AND NOT n.earliest
                    THEN 1 ELSE 0 END) AS near_duplicates,
           SUM(CASE WHEN n.parent_relation = 'translation' AND NOT n.earliest
                    THEN 1 ELSE 0 END) AS translations,
           SUM(CASE WHEN NOT n.earliest
                         AND COALESCE(n.parent_relation, 'excerpt') = 'excerpt'
                    THEN 1 ELSE 0 END) AS others,
           SUM(CASE WHEN b.published_earliest IS NULL THEN 1 ELSE 0 END) AS unbounded,
           MIN(b.published_earliest) AS published_earliest,
           MIN(COALESCE(b.published_latest, b.first_seen_at)) AS published_latest,
           MIN(b.recorded_at) AS learned_at
    FROM article_story m
    JOIN article b ON b.id = m.article_id
    LEFT JOIN article_cluster n ON n.article_id = m.article_id
    LEFT JOIN version t ON {sqlite:t.article_id = b.id AND +}t.id = b.current_version_id
    GROUP BY m.story_id, COALESCE(n.cluster_id, m.article_id)
) g
LEFT JOIN story s ON s.id = g.story_id
JOIN article a ON a.id = g.report_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
LEFT JOIN article_cluster c ON c.article_id = g.report_id
LEFT JOIN (
    SELECT m.story_id, q.cluster_id AS report_id, COUNT(*) AS excerpts
    FROM article_cluster n
    JOIN article_cluster q ON q.article_id = n.parent_article_id
    JOIN article_story m ON m.article_id = n.article_id
    WHERE n.parent_relation = 'excerpt' AND n.cluster_id <> q.cluster_id
    GROUP BY m.story_id, q.cluster_id
) x ON x.story_id = g.story_id AND x.report_id = g.report_id
LEFT JOIN seed d ON d.story_id = g.story_id AND d.is_current
LEFT JOIN analyst_verdict p ON p.child_version_id = a.current_version_id AND p.seed_id = d.id
  AND NOT EXISTS (
    SELECT 1 FROM analyst_verdict n
    WHERE n.child_version_id = p.child_version_id AND n.seed_id = p.seed_id AND n.id > p.id
)
"""
    },
)

first_reports = Table(
    "first_reports",
    view_metadata,
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("article_id", BigInt, comment="article.id"),
    Column("url", Text, comment="canonical URL"),
    Column("title", Text, comment="current headline"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of the current text: ISO 639-1"),
    Column("published_at", UTCDateTime, comment="best known date of publication"),
    Column("published_day_only", Boolean, comment="only the day is known: the time is midnight"),
    Column(
        "published_earliest",
        UTCDateTime,
        comment="it was published then or later; null: nobody knows",
    ),
    Column(
        "published_latest",
        UTCDateTime,
        comment="it was published then or before, by its date or because it was seen",
    ),
    Column("first_seen_at", UTCDateTime, comment="first look that showed it"),
    Column(
        "rank_earliest",
        BigInt,
        comment="best place it can have in its story, 1 for the first: one more than the articles "
        "that were surely published before it",
    ),
    Column(
        "rank_latest",
        BigInt,
        comment="worst place it can have: one more than those that may have been before it or at "
        "the same time; 1: it was surely before all others",
    ),
    Column("language_rank_earliest", BigInt, comment="best place within its language"),
    Column("language_rank_latest", BigInt, comment="worst place within its language"),
    Column(
        "is_independent",
        Boolean,
        comment="no earlier article is known that it was copied, translated or lifted from",
    ),
    Column("parent_article_id", BigInt, comment="that earlier article; null: none known"),
    Column("parent_relation", Text, comment="identical, near_duplicate, translation, excerpt"),
    Column("parent_outlet", Text, comment="name of its publisher"),
    Column("learned_at", UTCDateTime, comment="when we learned of the article"),
    comment="Who had it first: the articles of a story with the bounds of their publication, and "
    "the places that these leave open.",
    info={
        "sql": """
SELECT s.slug AS story, g.article_id, a.canonical_url AS url, v.title, o.name AS outlet, o.domain,
       o.country, v.language, a.published_at, a.published_day_only, a.published_earliest,
       COALESCE(a.published_latest, a.first_seen_at) AS published_latest, a.first_seen_at,
       g.rank_earliest, g.rank_latest, g.language_rank_earliest, g.language_rank_latest,
       CASE WHEN c.parent_article_id IS NULL THEN TRUE ELSE FALSE END AS is_independent,
       c.parent_article_id, c.parent_relation, p.name AS parent_outlet,
       a.recorded_at AS learned_at
FROM (
    SELECT w.story_id, w.article_id,
           CAST(1 + MAX(CASE WHEN w.ends = 0 THEN w.ended END) AS BIGINT) AS rank_earliest,
           CAST(MAX(CASE WHEN w.ends = 1 THEN w.begun END) AS BIGINT) AS rank_latest,
           CAST(1 + MAX(CASE WHEN w.ends = 0 THEN w.language_ended END) AS BIGINT)
               AS language_rank_earliest,
           CAST(MAX(CASE WHEN w.ends = 1 THEN w.language_begun END) AS BIGINT)
               AS language_rank_latest
    FROM (
        SELECT b.story_id, b.article_id, b.ends,
               SUM(b.ends) OVER of_story AS ended, SUM(1 - b.ends) OVER of_story AS begun,
               SUM(b.ends) OVER of_language AS language_ended,
               SUM(1 - b.ends) OVER of_language AS language_begun
        FROM (
            SELECT m.story_id, m.article_id, t.language, k.ends,
                   CASE WHEN k.ends = 1
                             OR a.published_earliest > COALESCE(a.published_latest, a.first_seen_at)
                        THEN COALESCE(a.published_latest, a.first_seen_at)
                        ELSE a.published_earliest END AS at
            FROM article_story m
            JOIN article a ON a.id = m.article_id
            LEFT JOIN version t ON {sqlite:t.article_id = a.id AND +}t.id = a.current_version_id
            CROSS JOIN (SELECT 0 AS ends UNION ALL SELECT 1) k
        ) b
        WINDOW of_story AS (PARTITION BY b.story_id ORDER BY b.at NULLS FIRST, b.ends
                            ROWS UNBOUNDED PRECEDING),
               of_language AS (PARTITION BY b.story_id, b.language
                               ORDER BY b.at NULLS FIRST, b.ends ROWS UNBOUNDED PRECEDING)
    ) w
    GROUP BY w.story_id, w.article_id
) g
JOIN story s ON s.id = g.story_id
JOIN article a ON a.id = g.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
LEFT JOIN article_cluster c ON c.article_id = g.article_id
LEFT JOIN article b ON b.id = c.parent_article_id
LEFT JOIN outlet p ON p.id = b.outlet_id
"""
    },
)
