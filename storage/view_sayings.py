"""Analysts' views of who quotes and counts what, from when to when.

What looks at other rows of a quotation or figure is a subquery of a column, which costs nothing
unless it is asked for; only the first article's row counts them, so that all rows together take
time in their number. The plus in `+l.id` has SQLite find a version in an index that holds its
times: in the table they stand behind the text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata


def _where_it_stands(what: str) -> tuple[Column[Any], ...]:
    """The columns that tell of the article, which both views have."""
    return (
        Column("article_id", BigInt, comment="article.id"),
        Column("outlet", Text, comment="name of the publisher"),
        Column("language", Text, comment="of the first version with it: ISO 639-1"),
        Column("url", Text, comment="canonical URL"),
        Column("first_seen_at", UTCDateTime, comment="first look that showed it in the article"),
        Column("last_seen_at", UTCDateTime, comment="last look that still showed it"),
        Column("is_current", Boolean, comment="it stands in the current version"),
        Column("state", Text, comment="of the article: live, gone, blocked"),
        Column("published_at", UTCDateTime, comment="best known date of the article"),
        Column("published_earliest", UTCDateTime, comment="it was published then or later"),
        Column("published_latest", UTCDateTime, comment="it was published then or before"),
        Column("first_version_id", BigInt, comment="first version with it: version.id"),
        Column("last_version_id", BigInt, comment="last version with it: version.id"),
        Column(
            "is_first", Boolean, comment=f"no article of the story was seen earlier with {what}"
        ),
        Column(
            "articles",
            BigInt,
            comment=f"articles of the story that have or had {what}, where is_first; else null",
        ),
        Column(
            "outlets", BigInt, comment="publishers of these articles, where is_first; else null"
        ),
        Column("in_seed", Boolean, comment=f"the story's current seed has {what}"),
    )


quotes = Table(
    "quotes",
    view_metadata,
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("quote_key", Text, comment="equal for equal words, whatever the marks and the case"),
    Column("quote", Text, comment="the words without the marks, as they were stored first"),
    Column("words", Integer, comment="three or more; two characters count as one without spaces"),
    Column("context", Text, comment="with up to 120 characters around it, from the first version"),
    *_where_it_stands("the same quotation"),
    comment="Every quotation of every article: who has it, from when to when, who had it first.",
    info={
        "sql": """
SELECT s.slug AS story, u.quotation_key AS quote_key, q.text AS quote, q.words,
       (SELECT SUBSTR(x.text, CASE WHEN u.start > 120 THEN u.start - 119 ELSE 1 END,
                      u.stop - u.start + 121 + CASE WHEN u.start > 120 THEN 119 ELSE u.start END)
        FROM version x WHERE x.id = u.first_version_id) AS context,
       u.article_id, o.name AS outlet, u.language, a.canonical_url AS url,
       u.first_seen_at,
       (SELECT l.last_observed_at FROM version l
        WHERE l.article_id = u.article_id
          AND +l.id = COALESCE(u.last_version_id, a.current_version_id)) AS last_seen_at,
       u.last_version_id IS NULL AS is_current, a.state,
       a.published_at, a.published_earliest, a.published_latest,
       u.first_version_id, COALESCE(u.last_version_id, a.current_version_id) AS last_version_id,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM quotation_use x
           WHERE x.quotation_key = u.quotation_key
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN TRUE ELSE FALSE END AS is_first,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM quotation_use x
           WHERE x.quotation_key = u.quotation_key
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN (SELECT COUNT(*) FROM quotation_use x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  WHERE x.quotation_key = u.quotation_key)
            END AS articles,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM quotation_use x
           WHERE x.quotation_key = u.quotation_key
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN (SELECT COUNT(DISTINCT b.outlet_id) FROM quotation_use x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  JOIN article b ON b.id = x.article_id
                  WHERE x.quotation_key = u.quotation_key)
            END AS outlets,
       u.quotation_key IN (
           SELECT x.quotation_key FROM seed d JOIN seed_quotation x ON x.seed_id = d.id
           WHERE d.is_current
       ) AND EXISTS (
           SELECT 1 FROM seed d JOIN seed_quotation x ON x.seed_id = d.id
           WHERE d.story_id = m.story_id AND d.is_current AND x.quotation_key = u.quotation_key
       ) AS in_seed
FROM quotation_use u
JOIN quotation q ON q.key = u.quotation_key
JOIN article_story m ON m.article_id = u.article_id
JOIN article a ON a.id = u.article_id
LEFT JOIN story s ON s.id = m.story_id
LEFT JOIN outlet o ON o.id = a.outlet_id
"""
    },
)

figures = Table(
    "figures",
    view_metadata,
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("value", Float, comment="multiplied out: 2,5 Mio. and 2.5 million are both 2500000"),
    Column("unit", Text, comment="%, a currency as in ISO 4217, km, mm, kg, t, …; null without"),
    Column("counted", Text, comment="the word after it, in lower case; null behind a unit"),
    Column("figure", Text, comment="as the first version writes it, with multiplier and unit"),
    Column("sentence", Text, comment="in which it stands there"),
    *_where_it_stands("the same value, unit and counted word"),
    comment="Every number of every article: who gives it, from when to when, and who had it first.",
    info={
        "sql": """
SELECT s.slug AS story, u.value, NULLIF(u.unit, '') AS unit, NULLIF(u.counted, '') AS counted,
       u.text AS figure,
       (SELECT SUBSTR(x.text, u.sentence_start + 1, u.sentence_stop - u.sentence_start)
        FROM version x WHERE x.id = u.first_version_id) AS sentence,
       u.article_id, o.name AS outlet, u.language, a.canonical_url AS url,
       u.first_seen_at,
       (SELECT l.last_observed_at FROM version l
        WHERE l.article_id = u.article_id
          AND +l.id = COALESCE(u.last_version_id, a.current_version_id)) AS last_seen_at,
       u.last_version_id IS NULL AS is_current, a.state,
       a.published_at, a.published_earliest, a.published_latest,
       u.first_version_id, COALESCE(u.last_version_id, a.current_version_id) AS last_version_id,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM figure x
           WHERE x.value = u.value AND x.unit = u.unit AND x.counted = u.counted
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN TRUE ELSE FALSE END AS is_first,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM figure x
           WHERE x.value = u.value AND x.unit = u.unit AND x.counted = u.counted
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN (SELECT COUNT(*) FROM figure x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  WHERE x.value = u.value AND x.unit = u.unit AND x.counted = u.counted)
            END AS articles,
       CASE WHEN u.article_id = (
           SELECT x.article_id FROM figure x
           WHERE x.value = u.value AND x.unit = u.unit AND x.counted = u.counted
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)
            THEN (SELECT COUNT(DISTINCT b.outlet_id) FROM figure x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  JOIN article b ON b.id = x.article_id
                  WHERE x.value = u.value AND x.unit = u.unit AND x.counted = u.counted)
            END AS outlets,
       (u.value, u.unit) IN (
           SELECT x.value, x.unit FROM seed d JOIN seed_figure x ON x.seed_id = d.id
           WHERE d.is_current
       ) AND EXISTS (
           SELECT 1 FROM seed d JOIN seed_figure x ON x.seed_id = d.id
           WHERE d.story_id = m.story_id AND d.is_current
             AND x.value = u.value AND x.unit = u.unit
       ) AS in_seed
FROM figure u
JOIN article_story m ON m.article_id = u.article_id
JOIN article a ON a.id = u.article_id
LEFT JOIN story s ON s.id = m.story_id
LEFT JOIN outlet o ON o.id = a.outlet_id
"""
    },
)
