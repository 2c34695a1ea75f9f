"""Analysts' view of the search index: what to search in, and what a hit is.

The one view whose columns the two databases search each in their own way; see docs/search.md.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

search_index = Table(
    "search_index",
    view_metadata,
    Column("article_id", BigInt, comment="article.id"),
    Column("version_id", BigInt, comment="version.id"),
    Column("seq", Integer, comment="1, 2, … within the article"),
    Column("is_current", Boolean, comment="what was read at the last look"),
    Column("url", Text, comment="canonical URL"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="the publisher's registered domain"),
    Column("title", Text, comment="headline of this version"),
    Column("language", Text, comment="ISO 639-1"),
    Column("published_at", UTCDateTime, comment="best known date of publication of the article"),
    Column("first_observed_at", UTCDateTime, comment="first look that showed this version"),
    Column("last_observed_at", UTCDateTime, comment="last look that still showed it"),
    Column(
        "words",
        TSVECTOR,
        comment="headline and text, to be searched: words MATCH '…' on SQLite, words @@ '…' on"
        " Postgres",
    ),
    Column(
        "stems",
        TSVECTOR,
        comment="the same by their language's stemmer, on Postgres; null on SQLite",
    ),
    Column(
        "is_overfull",
        Boolean,
        comment="so long that Postgres lost positions: phrases are to be checked in the text",
    ),
    Column(
        "rank",
        Float,
        comment="on SQLite how well the row fits what is searched, the less the better; null on"
        " Postgres, which has ts_rank_cd(words, …)",
    ),
    comment="Every version of every article, to be searched for words and phrases.",
    info={
        "sql": {
            "sqlite": """
SELECT v.article_id, v.id AS version_id, v.seq,
       CASE WHEN v.id = a.current_version_id THEN TRUE ELSE FALSE END AS is_current,
       a.canonical_url AS url, o.name AS outlet, o.domain, v.title, v.language,
       a.published_at, v.first_observed_at, v.last_observed_at,
       f.version_search AS words, NULL AS stems, FALSE AS is_overfull, f.rank AS rank
FROM version_search f
JOIN version v ON v.id = f.rowid
JOIN article a ON a.id = v.article_id
JOIN outlet o ON o.id = a.outlet_id
""",
            "postgresql": """
SELECT v.article_id, v.id AS version_id, v.seq,
       CASE WHEN v.id = a.current_version_id THEN TRUE ELSE FALSE END AS is_current,
       a.canonical_url AS url, o.name AS outlet, o.domain, v.title, v.language,
       a.published_at, v.first_observed_at, v.last_observed_at,
       f.words, f.stems, f.is_overfull, CAST(NULL AS DOUBLE PRECISION) AS rank
FROM version_search f
JOIN version v ON v.id = f.version_id
JOIN article a ON a.id = v.article_id
JOIN outlet o ON o.id = a.outlet_id
""",
        }
    },
)
