"""Analysts' views of what readers notice: a headline that changed, an article that is gone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

headline_changes = Table(
    "headline_changes",
    view_metadata,
    Column("change_id", BigInt, comment="change.id"),
    Column("article_id", BigInt, comment="article.id"),
    Column("url", Text, comment="canonical URL"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("language", Text, comment="of the version after: ISO 639-1"),
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("from_seq", Integer, comment="number of the version before"),
    Column("to_seq", Integer, comment="number of the version after"),
    Column("headline_from", Text, comment="old headline"),
    Column("headline_to", Text, comment="new headline"),
    Column(
        "kind",
        Text,
        comment="of the whole change: headline (nothing else of weight), correction, substantive, "
        "reverted, reextracted (our reading of the page changed, not the page), …",
    ),
    Column("reason", Text, comment="why it is of that kind"),
    Column("text_changed", Boolean, comment="words of the text came or went with it"),
    Column("last_seen_at", UTCDateTime, comment="last look that showed the old headline"),
    Column("changed_at", UTCDateTime, comment="first look that showed the new one"),
    Column(
        "changed_after_seconds",
        BigInt,
        comment="between those two looks: the change happened in between",
    ),
    Column("is_return", Boolean, comment="an earlier version had the new headline already"),
    Column("returns_to_seq", Integer, comment="the last such version; null: it is no return"),
    Column("is_last", Boolean, comment="the article's last change of headline: the new one stands"),
    Column("learned_at", UTCDateTime, comment="when we learned of it"),
    comment="Every change of a headline, with the two looks between which it happened.",
    info={
        "sql": """
SELECT c.id AS change_id, c.article_id, a.canonical_url AS url, o.name AS outlet, o.domain,
       c.language, s.slug AS story, c.from_seq, c.to_seq, c.headline_from, c.headline_to,
       c.kind, c.reason,
       CASE WHEN c.words_added > 0 OR c.words_removed > 0 THEN TRUE ELSE FALSE END AS text_changed,
       c.last_seen_at, c.changed_at,
       {epoch:c.changed_at} - {epoch:c.last_seen_at} AS changed_after_seconds,
       c.returns_to_seq IS NOT NULL AS is_return, c.returns_to_seq,
       CASE WHEN EXISTS (
           SELECT 1 FROM change n JOIN version w ON w.id = n.to_version_id
           WHERE n.article_id = c.article_id AND n.headline_to IS NOT NULL AND w.seq > c.to_seq
       ) THEN FALSE ELSE TRUE END AS is_last,
       c.recorded_at AS learned_at
FROM (
    SELECT h.*, f.seq AS from_seq, f.last_observed_at AS last_seen_at,
           t.seq AS to_seq, t.first_observed_at AS changed_at, t.language,
           (SELECT MAX(w.seq) FROM version w
            WHERE w.article_id = h.article_id AND w.seq < f.seq
              AND w.title = h.headline_to) AS returns_to_seq
    FROM change h
    JOIN version f ON {sqlite:f.article_id = +h.article_id AND +}f.id = h.from_version_id
    JOIN version t ON {sqlite:t.article_id = +h.article_id AND +}t.id = h.to_version_id
    WHERE h.headline_to IS NOT NULL
) c
JOIN article a ON a.id = {plain:c.article_id}
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN article_story m ON m.article_id = c.article_id
LEFT JOIN story s ON s.id = m.story_id
"""
    },
)

disappearances = Table(
    "disappearances",
    view_metadata,
    Column("event_id", BigInt, comment="article_event.id"),
    Column("article_id", BigInt, comment="article.id"),
    Column("url", Text, comment="canonical URL"),
    Column("title", Text, comment="headline of the last version"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of the last version: ISO 639-1"),
    Column("story", Text, comment="slug of the story; an article of two stories has two rows"),
    Column("kind", Text, comment="gone, blocked (behind a wall)"),
    Column("last_read_at", UTCDateTime, comment="last look before it that still read the article"),
    Column("first_sign_at", UTCDateTime, comment="first look that showed it"),
    Column("decided_at", UTCDateTime, comment="look that confirmed it"),
    Column("reason", Text, comment="what that look found"),
    Column("back_at", UTCDateTime, comment="first look that read it again; null: not so far"),
    Column("away_seconds", BigInt, comment="from the first sign to that look; null: not so far"),
    Column("state", Text, comment="how the article stands now: live, gone, blocked"),
    Column(
        "still_carried_by",
        BigInteger,
        comment="other articles with its text, copies and translations, that are live now",
    ),
    Column("learned_at", UTCDateTime, comment="when we learned of it"),
    comment="Every time an article disappeared or was walled off; whether it came back.",
    info={
        "sql": """
SELECT e.id AS event_id, e.article_id, a.canonical_url AS url, v.title, o.name AS outlet, o.domain,
       o.country, v.language, s.slug AS story, e.kind,
       (SELECT MAX(n.observed_at) FROM observation n
        WHERE n.article_id = e.article_id AND n.version_id IS NOT NULL
          AND n.observed_at < e.first_sign_at) AS last_read_at,
       e.first_sign_at, e.decided_at, e.reason, e.back_at,
       {epoch:e.back_at} - {epoch:e.first_sign_at} AS away_seconds, a.state,
       COALESCE(k.live, 0) - CASE WHEN k.live > 0 AND a.state = 'live' THEN 1 ELSE 0 END
           AS still_carried_by,
       e.recorded_at AS learned_at
FROM (
    SELECT g.*, (SELECT n.first_sign_at FROM article_event n
                 WHERE n.article_id = g.article_id AND n.kind = 'back' AND n.id > g.id
                 ORDER BY n.id LIMIT 1) AS back_at
    FROM article_event g
    WHERE g.kind <> 'back'
) e
JOIN article a ON a.id = e.article_id
JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = a.current_version_id
LEFT JOIN article_cluster c ON c.article_id = e.article_id
LEFT JOIN (
    SELECT n.cluster_id, SUM(CASE WHEN x.state = 'live' THEN 1 ELSE 0 END) AS live
    FROM article_cluster n
    JOIN article x ON x.id = n.article_id
    WHERE n.cluster_id IN (
        SELECT y.cluster_id
        FROM article_event z
        JOIN article_cluster y ON y.article_id = z.article_id
    )
    GROUP BY n.cluster_id
) k ON k.cluster_id = c.cluster_id
LEFT JOIN article_story m ON m.article_id = e.article_id
LEFT JOIN story s ON s.id = m.story_id
"""
    },
)
