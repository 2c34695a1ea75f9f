"""Analysts' views of who quotes and counts what, from when to when.

What looks at other rows of a quotation or figure is a subquery of a column, which costs nothing
unless it is asked for; only the first article's row counts them, so that all rows together take
time in their number. `{plain:l.id}` has SQLite find a version in an index that holds its
times: in the table they stand behind the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata


def _where_it_stands(what: str, *, in_seed: str) -> tuple[Column[Any], ...]:
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
        Column("in_seed", Boolean, comment=f"the story's current seed has {in_seed}"),
    )


_ELSEWHERE = """
       u.article_id, o.name AS outlet, u.language, a.canonical_url AS url,
       u.first_seen_at,
       (SELECT l.last_observed_at FROM version l
        WHERE l.article_id = u.article_id
          AND {plain:l.id} = COALESCE(u.last_version_id, a.current_version_id)) AS last_seen_at,
       u.last_version_id IS NULL AS is_current, a.state,
       a.published_at, a.published_earliest, a.published_latest,
       u.first_version_id, COALESCE(u.last_version_id, a.current_version_id) AS last_version_id,
       CASE WHEN <is_first> THEN TRUE ELSE FALSE END AS is_first,
       CASE WHEN <is_first>
            THEN (SELECT COUNT(*) FROM <table> x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  WHERE <same>)
            END AS articles,
       CASE WHEN <is_first>
            THEN (SELECT COUNT(DISTINCT b.outlet_id) FROM <table> x
                  JOIN article_story n ON n.article_id = x.article_id AND n.story_id = m.story_id
                  JOIN article b ON b.id = x.article_id
                  WHERE <same>)
            END AS outlets,
       <seed_key> IN (
           SELECT <seed_columns> FROM seed d JOIN <seed_table> x ON x.seed_id = d.id
           WHERE d.is_current
       ) AND EXISTS (
           SELECT 1 FROM seed d JOIN <seed_table> x ON x.seed_id = d.id
           WHERE d.story_id = m.story_id AND d.is_current AND <same_in_seed>
       ) AS in_seed
FROM <table> u<joined>
JOIN article_story m ON m.article_id = u.article_id
JOIN article a ON a.id = u.article_id
LEFT JOIN story s ON s.id = m.story_id
LEFT JOIN outlet o ON o.id = a.outlet_id
"""
_IS_FIRST = """u.article_id = (
           SELECT x.article_id FROM <table> x
           WHERE <same>
             AND EXISTS (SELECT 1 FROM article_story n
                         WHERE n.article_id = x.article_id AND n.story_id = m.story_id)
           ORDER BY x.first_seen_at, x.article_id LIMIT 1)"""


def _complete(
    written: str,
    table: str,
    key: Sequence[str],
    *,
    seed_table: str,
    seed_key: Sequence[str],
    joined: str = "",
) -> str:
    """The columns of one view with those of both, of rows with a key; `table` is `u` in them."""
    words = {
        "elsewhere": _ELSEWHERE.strip(),
        "is_first": _IS_FIRST,
        "joined": joined,
        "table": table,
        "same": " AND ".join(f"x.{name} = u.{name}" for name in key),
        "seed_table": seed_table,
        "seed_key": f"({', '.join(f'u.{name}' for name in seed_key)})",
        "seed_columns": ", ".join(f"x.{name}" for name in seed_key),
        "same_in_seed": " AND ".join(f"x.{name} = u.{name}" for name in seed_key),
    }
    for name, word in words.items():
        written = written.replace(f"<{name}>", word)
    return written


quotes = Table(
    "quotes",
    view_metadata,
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("quote_key", Text, comment="equal for equal words, whatever the marks and the case"),
    Column("quote", Text, comment="the words without the marks, as they were stored first"),
    Column("words", Integer, comment="three or more; two characters count as one without spaces"),
    Column("context", Text, comment="with up to 120 characters around it, from the first version"),
    *_where_it_stands("the same quotation", in_seed="the same quotation"),
    comment="Every quotation of every article: who has it, from when to when, who had it first.",
    info={
        "sql": _complete(
            """
SELECT s.slug AS story, u.quotation_key AS quote_key, q.text AS quote, q.words,
       (SELECT SUBSTR(x.text, CASE WHEN u.start > 120 THEN u.start - 119 ELSE 1 END,
                      u.stop - u.start + 121 + CASE WHEN u.start > 120 THEN 119 ELSE u.start END)
        FROM version x WHERE x.id = u.first_version_id) AS context,
       <elsewhere>
""",
            "quotation_use",
            ["quotation_key"],
            seed_table="seed_quotation",
            seed_key=["quotation_key"],
            joined="\nJOIN quotation q ON q.key = u.quotation_key",
        )
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
    *_where_it_stands("the same value, unit and counted word", in_seed="the same value and unit"),
    comment="Every number of every article: who gives it, from when to when, and who had it first.",
    info={
        "sql": _complete(
            """
SELECT s.slug AS story, u.value, NULLIF(u.unit, '') AS unit, NULLIF(u.counted, '') AS counted,
       u.text AS figure,
       (SELECT SUBSTR(x.text, u.sentence_start + 1, u.sentence_stop - u.sentence_start)
        FROM version x WHERE x.id = u.first_version_id) AS sentence,
       <elsewhere>
""",
            "figure",
            ["value", "unit", "counted"],
            seed_table="seed_figure",
            seed_key=["value", "unit"],
        )
    },
)
