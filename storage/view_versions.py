"""Analysts' views of what happened to articles and whether corrections travelled."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

article_events = Table(
    "article_events",
    view_metadata,
    Column("article_id", BigInt, comment="article.id"),
    Column("url", Text, comment="canonical URL"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("title", Text, comment="current headline"),
    Column("kind", Text, comment="gone, blocked, back"),
    Column("last_read_at", UTCDateTime, comment="last look before it that still read the article"),
    Column("first_sign_at", UTCDateTime, comment="first look that showed it"),
    Column("decided_at", UTCDateTime, comment="look that confirmed it"),
    Column("reason", Text, comment="what the look found"),
    Column("learned_at", UTCDateTime, comment="when we learned of it"),
    comment="Articles that disappeared, were walled off, or came back.",
    info={
        "sql": """
SELECT e.article_id, a.canonical_url AS url, o.name AS outlet, v.title, e.kind,
       (SELECT MAX(b.observed_at) FROM observation b
        WHERE b.article_id = e.article_id AND b.version_id IS NOT NULL
          AND b.observed_at < e.first_sign_at) AS last_read_at,
       e.first_sign_at, e.decided_at, e.reason,
       e.recorded_at AS learned_at
FROM article_event e
JOIN article a ON a.id = e.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
"""
    },
)

outlet_alarms = Table(
    "outlet_alarms",
    view_metadata,
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("is_open", Boolean, comment="it still stands"),
    Column("raised_at", UTCDateTime, comment="when most of its articles had lost their text"),
    Column("cleared_at", UTCDateTime, comment="when they could be read again; null: not yet"),
    Column("looks", Integer, comment="articles whose last look was judged"),
    Column("failed", Integer, comment="of them, those without text"),
    Column("detail", Text, comment="for people"),
    comment="Publishers whose pages could not be read any more, as after a redesign.",
    info={
        "sql": """
SELECT o.name AS outlet, o.domain,
       CASE WHEN l.cleared_at IS NULL THEN TRUE ELSE FALSE END AS is_open,
       l.raised_at, l.cleared_at, l.looks, l.failed, l.detail
FROM outlet_alarm l
JOIN outlet o ON o.id = l.outlet_id
"""
    },
)

correction_lag = Table(
    "correction_lag",
    view_metadata,
    Column("change_id", BigInt, comment="change.id"),
    Column("kind", Text, comment="correction, substantive"),
    Column("reason", Text, comment="why the change is of that kind"),
    Column("parent_article_id", BigInt, comment="article that changed: article.id"),
    Column("parent_outlet", Text, comment="name of its publisher"),
    Column("parent_url", Text, comment="its canonical URL"),
    Column("parent_title", Text, comment="its current headline"),
    Column("from_seq", Integer, comment="number of its version before the change"),
    Column("to_seq", Integer, comment="number of its version after it"),
    Column("changed_at", UTCDateTime, comment="first look that showed the change"),
    Column("article_id", BigInt, comment="article that has the text: article.id"),
    Column("outlet", Text, comment="name of its publisher"),
    Column("url", Text, comment="its canonical URL"),
    Column("title", Text, comment="its current headline"),
    Column("language", Text, comment="of its current text: ISO 639-1"),
    Column("relation", Text, comment="to the article that changed: translation, excerpt, …"),
    Column("state", Text, comment="carries-old, took-over, never-had, unclear"),
    Column("passage", Text, comment="the sentence that tells, as it stands there"),
    Column("taken_at", UTCDateTime, comment="first look that showed the new text there"),
    Column(
        "lag_seconds",
        BigInt,
        comment="from the change to the new text there; negative: it was there first",
    ),
    Column("last_checked_at", UTCDateTime, comment="until when a state that is open is known"),
    Column("learned_at", UTCDateTime, comment="when we learned the state"),
    comment="Whether each correction reached each article that has the text, and how fast.",
    info={
        "sql": """
SELECT c.id AS change_id, c.kind, c.reason,
       c.article_id AS parent_article_id, po.name AS parent_outlet,
       pa.canonical_url AS parent_url, pv.title AS parent_title,
       f.seq AS from_seq, t.seq AS to_seq, t.first_observed_at AS changed_at,
       a.id AS article_id, o.name AS outlet, a.canonical_url AS url, v.title, v.language,
       r.relation, r.state, r.passage, r.taken_at,
       {epoch:r.taken_at} - {epoch:t.first_observed_at} AS lag_seconds,
       a.last_checked_at, r.recorded_at AS learned_at
FROM change_travel r
JOIN change c ON c.id = r.change_id
JOIN version f ON f.id = c.from_version_id
JOIN version t ON t.id = c.to_version_id
JOIN article pa ON pa.id = c.article_id
JOIN outlet po ON po.id = pa.outlet_id
LEFT JOIN version pv ON pv.id = pa.current_version_id
JOIN article a ON a.id = r.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
"""
    },
)
