"""Analysts' views of the press as a whole: day by day, and publisher by publisher.

`{plain:h.article_id}` keeps SQLite from going through the changes publisher by publisher, each at
another place of the file: six times as slow. `{sqlite:…}` has it read an index only, which Postgres
does of its own accord.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, Text

from storage.columns import UTCDateTime
from storage.view import view_metadata

timeline = Table(
    "timeline",
    view_metadata,
    Column("day", Text, comment="of UTC, as 2023-09-05"),
    Column("story", Text, comment="slug of the story; an article of two stories counts in both"),
    Column("language", Text, comment="of the text: ISO 639-1; null: not known"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column(
        "articles",
        BigInteger,
        comment="published that day; without a date, or with one after the first look: first seen",
    ),
    Column("undated", BigInteger, comment="of the articles: those that only were first seen then"),
    Column("independent", BigInteger, comment="of the articles: from no earlier one, as is known"),
    Column("copies", BigInteger, comment="of the articles: identical or near-copies"),
    Column("translations", BigInteger, comment="of the articles: translations"),
    Column("excerpts", BigInteger, comment="of the articles: reports that lift passages"),
    Column("changes", BigInteger, comment="new versions that day, of articles of whatever day"),
    Column("corrections", BigInteger, comment="of the changes: corrections"),
    Column("headline_changes", BigInteger, comment="of the changes: those of the headline"),
    Column(
        "reextractions",
        BigInteger,
        comment="of the changes: our reading of the page changed, not the page",
    ),
    Column("disappearances", BigInteger, comment="articles found gone or walled off that day"),
    comment="What was published and changed each day, by language and publisher. Days on which "
    "nothing was have no row.",
    info={
        "sql": """
SELECT {date_text:g.day} AS day, s.slug AS story, g.language, o.name AS outlet, o.domain, o.country,
       g.articles, g.undated, g.independent, g.copies, g.translations, g.excerpts,
       g.changes, g.corrections, g.headline_changes, g.reextractions, g.disappearances
FROM (
    SELECT u.day, u.story_id, u.language, u.outlet_id,
           SUM(CASE WHEN u.what = 'article' THEN 1 ELSE 0 END) AS articles,
           SUM(CASE WHEN u.what = 'article' AND u.marked THEN 1 ELSE 0 END) AS undated,
           SUM(CASE WHEN u.what = 'article' AND u.how IS NULL THEN 1 ELSE 0 END) AS independent,
           SUM(CASE WHEN u.how IN ('identical', 'near_duplicate') THEN 1 ELSE 0 END) AS copies,
           SUM(CASE WHEN u.how = 'translation' THEN 1 ELSE 0 END) AS translations,
           SUM(CASE WHEN u.how = 'excerpt' THEN 1 ELSE 0 END) AS excerpts,
           SUM(CASE WHEN u.what = 'change' THEN 1 ELSE 0 END) AS changes,
           SUM(CASE WHEN u.how = 'correction' THEN 1 ELSE 0 END) AS corrections,
           SUM(CASE WHEN u.what = 'change' AND u.marked THEN 1 ELSE 0 END) AS headline_changes,
           SUM(CASE WHEN u.how = 'reextracted' THEN 1 ELSE 0 END) AS reextractions,
           SUM(CASE WHEN u.what = 'event' THEN 1 ELSE 0 END) AS disappearances
    FROM (
        SELECT m.story_id, a.outlet_id, v.language,
               {as_date:CASE WHEN a.published_at <= a.first_seen_at
                         THEN a.published_at ELSE a.first_seen_at END} AS day,
               'article' AS what, c.parent_relation AS how,
               CASE WHEN a.published_at <= a.first_seen_at THEN FALSE ELSE TRUE END AS marked
        FROM article a
        JOIN article_story m ON m.article_id = a.id
        LEFT JOIN version v ON {sqlite:v.article_id = a.id AND +}v.id = a.current_version_id
        LEFT JOIN article_cluster c ON c.article_id = a.id
        UNION ALL
        SELECT m.story_id, a.outlet_id, t.language, {as_date:t.first_observed_at}, 'change', h.kind,
               CASE WHEN h.headline_to IS NOT NULL THEN TRUE ELSE FALSE END
        FROM change h
        JOIN version t ON {sqlite:t.article_id = +h.article_id AND +}t.id = h.to_version_id
        JOIN article a ON a.id = {plain:h.article_id}
        JOIN article_story m ON m.article_id = {plain:h.article_id}
        UNION ALL
        SELECT m.story_id, a.outlet_id, v.language, {as_date:e.decided_at}, 'event', e.kind, FALSE
        FROM article_event e
        JOIN article a ON a.id = e.article_id
        JOIN article_story m ON m.article_id = e.article_id
        LEFT JOIN version v ON {sqlite:v.article_id = a.id AND +}v.id = a.current_version_id
        WHERE e.kind <> 'back'
    ) u
    GROUP BY u.day, u.story_id, u.language, u.outlet_id
) g
JOIN story s ON s.id = g.story_id
JOIN outlet o ON o.id = g.outlet_id
"""
    },
)

outlets = Table(
    "outlets",
    view_metadata,
    Column("story", Text, comment="slug of the story; null: it has no article of any"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain, which no other has"),
    Column("country", Text, comment="ISO 3166-1 alpha-2"),
    Column("outlet_language", Text, comment="most of what it publishes: ISO 639-1"),
    Column("feeds", BigInteger, comment="its feeds that are polled"),
    Column("articles", BigInteger, comment="of the story; one of two stories counts in both"),
    Column("independent", BigInteger, comment="of them: from no earlier one as far as known"),
    Column("copies", BigInteger, comment="of them: identical or near-copies of an earlier one"),
    Column("translations", BigInteger, comment="of them: translations of an earlier one"),
    Column("excerpts", BigInteger, comment="of them: reports that lift passages"),
    Column(
        "independent_share", Float, comment="independent of all articles, 0 to 1; null: no article"
    ),
    Column("languages", BigInteger, comment="how many its current texts are in"),
    Column("changes", BigInteger, comment="new versions of its articles, without reextracted ones"),
    Column("corrections", BigInteger, comment="of the changes: corrections"),
    Column("headline_changes", BigInteger, comment="of the changes: those of the headline"),
    Column("disappearances", BigInteger, comment="times that an article was gone or walled off"),
    Column("missing", BigInteger, comment="articles that are gone or walled off now"),
    Column("first_published_at", UTCDateTime, comment="earliest known date of an article"),
    Column("last_published_at", UTCDateTime, comment="latest known date of an article"),
    Column("first_seen_at", UTCDateTime, comment="first look at any of its articles"),
    Column("alarm_open", Boolean, comment="its pages cannot be read now, as after a redesign"),
    comment="Every publisher by story: what it has of it, and what it does with it afterwards.",
    info={
        "sql": """
SELECT t.slug AS story, o.name AS outlet, o.domain, o.country, o.language AS outlet_language,
       COALESCE(f.feeds, 0) AS feeds, COALESCE(a.articles, 0) AS articles,
       COALESCE(a.independent, 0) AS independent, COALESCE(a.copies, 0) AS copies,
       COALESCE(a.translations, 0) AS translations, COALESCE(a.excerpts, 0) AS excerpts,
       CAST(a.independent AS DOUBLE PRECISION) / a.articles AS independent_share,
       COALESCE(a.languages, 0) AS languages, COALESCE(h.changes, 0) AS changes,
       COALESCE(h.corrections, 0) AS corrections,
       COALESCE(h.headline_changes, 0) AS headline_changes,
       COALESCE(e.disappearances, 0) AS disappearances, COALESCE(a.missing, 0) AS missing,
       a.first_published_at, a.last_published_at, a.first_seen_at,
       CASE WHEN EXISTS (SELECT 1 FROM outlet_alarm l
                         WHERE l.outlet_id = o.id AND l.cleared_at IS NULL)
            THEN TRUE ELSE FALSE END AS alarm_open
FROM outlet o
LEFT JOIN (
    SELECT outlet_id, COUNT(*) AS feeds FROM feed WHERE state = 'active' GROUP BY outlet_id
) f ON f.outlet_id = o.id
LEFT JOIN (
    SELECT m.story_id, n.outlet_id, COUNT(*) AS articles,
           SUM(CASE WHEN c.parent_relation IS NULL THEN 1 ELSE 0 END) AS independent,
           SUM(CASE WHEN c.parent_relation IN ('identical', 'near_duplicate')
                    THEN 1 ELSE 0 END) AS copies,
           SUM(CASE WHEN c.parent_relation = 'translation' THEN 1 ELSE 0 END) AS translations,
           SUM(CASE WHEN c.parent_relation = 'excerpt' THEN 1 ELSE 0 END) AS excerpts,
           COUNT(DISTINCT v.language) AS languages,
           SUM(CASE WHEN n.state <> 'live' THEN 1 ELSE 0 END) AS missing,
           MIN(n.published_at) AS first_published_at, MAX(n.published_at) AS last_published_at,
           MIN(n.first_seen_at) AS first_seen_at
    FROM article n
    JOIN article_story m ON m.article_id = n.id
    LEFT JOIN article_cluster c ON c.article_id = n.id
    LEFT JOIN version v ON {sqlite:v.article_id = n.id AND +}v.id = n.current_version_id
    GROUP BY n.outlet_id, m.story_id
) a ON a.outlet_id = o.id
LEFT JOIN (
    SELECT m.story_id, n.outlet_id, COUNT(*) AS changes,
           SUM(CASE WHEN c.kind = 'correction' THEN 1 ELSE 0 END) AS corrections,
           SUM(CASE WHEN c.headline_to IS NOT NULL THEN 1 ELSE 0 END) AS headline_changes
    FROM change c
    JOIN article n ON n.id = {plain:c.article_id}
    JOIN article_story m ON m.article_id = {plain:c.article_id}
    WHERE c.kind <> 'reextracted'
    GROUP BY n.outlet_id, m.story_id
) h ON h.outlet_id = o.id AND h.story_id = a.story_id
LEFT JOIN (
    SELECT m.story_id, n.outlet_id, COUNT(*) AS disappearances
    FROM article_event c
    JOIN article n ON n.id = c.article_id
    JOIN article_story m ON m.article_id = n.id
    WHERE c.kind <> 'back'
    GROUP BY n.outlet_id, m.story_id
) e ON e.outlet_id = o.id AND e.story_id = a.story_id
LEFT JOIN story t ON t.id = a.story_id
"""
    },
)
