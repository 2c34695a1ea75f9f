"""Analysts' views of the feeds and of what was seen and not kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table, Text

from storage.columns import BigInt, Json, UTCDateTime
from storage.view import view_metadata

discards = Table(
    "discards",
    view_metadata,
    Column("url", Text, comment="as it was found"),
    Column("title", Text, comment="as the feed or the page gave it; may be empty"),
    Column("stage", Text, comment="where it was decided: entry, fetch, extract, text"),
    Column("rule", Text, comment="the rule that decided"),
    Column("score", Float, comment="relevance if one was computed, 0 to 1"),
    Column("rule_version", Text, comment="a changed rule decides anew"),
    Column("detail", Text, comment="why, for people"),
    Column("feed_url", Text, comment="feed it was seen in, if any"),
    Column("outlet", Text, comment="name of that feed's publisher"),
    Column("discarded_at", UTCDateTime, comment="when it was decided"),
    comment="Every URL that was seen and not kept, with the reason.",
    info={
        "sql": """
SELECT d.url, d.title, d.stage, d.rule, d.score, d.rule_version, d.detail,
       f.url AS feed_url, o.name AS outlet, d.discarded_at
FROM discard d
LEFT JOIN feed f ON f.id = d.feed_id
LEFT JOIN outlet o ON o.id = f.outlet_id
"""
    },
)

feed_health = Table(
    "feed_health",
    view_metadata,
    Column("feed_id", BigInt, comment="feed.id"),
    Column("url", Text, comment="of the feed"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of the publisher: ISO 639-1"),
    Column("state", Text, comment="active, paused (left the configuration), removed"),
    Column("last_polled_at", UTCDateTime, comment="last poll, whatever came of it"),
    Column("last_success_at", UTCDateTime, comment="last poll that did not fail"),
    Column("next_poll_at", UTCDateTime, comment="when it is due again"),
    Column("interval_seconds", Float, comment="between polls, as it now stands"),
    Column("failures", Float, comment="since the last success: hard 1, soft 0.5, temporary 0.25"),
    Column("polls", BigInteger, comment="ok + not_modified + failed"),
    Column("ok", BigInteger, comment="polls that gave a feed"),
    Column("not_modified", BigInteger, comment="polls answered with 304"),
    Column("failed", BigInteger, comment="polls that gave nothing"),
    Column("entries_seen", BigInteger, comment="over all polls, the same ones again and again"),
    Column("new_entries", BigInteger, comment="entries not seen before"),
    Column("last_status", Integer, comment="HTTP status of the last poll, if there was an answer"),
    Column("last_error", Text, comment="of the last poll, if it failed"),
    Column(
        "health",
        Text,
        comment="removed, paused, gone (its publisher took it away: a 410), merged (it moved to an "
        "address that is polled as another feed), new (never polled), failing (the last poll "
        "failed), silent (nothing new in the seven days before the last poll), ok",
    ),
    Column("polled_url", Text, comment="address polled now: the feed's own, or where it moved to"),
    Column("gone_since", UTCDateTime, comment="of a feed that is gone"),
    comment="Every feed, how it has been doing and how it does.",
    info={
        "sql": """
SELECT f.id AS feed_id, f.url, o.name AS outlet, o.country, o.language, f.state,
       f.last_polled_at, f.last_success_at, f.next_poll_at, f.interval_seconds, f.failures,
       COALESCE(p.polls, 0) AS polls, COALESCE(p.ok, 0) AS ok,
       COALESCE(p.not_modified, 0) AS not_modified, COALESCE(p.failed, 0) AS failed,
       COALESCE(p.entries_seen, 0) AS entries_seen, COALESCE(p.new_entries, 0) AS new_entries,
       (SELECT n.status FROM feed_poll n WHERE n.feed_id = f.id
        ORDER BY n.polled_at DESC, n.id DESC LIMIT 1) AS last_status,
       f.last_error,
       CASE WHEN f.state <> 'active' THEN f.state
            WHEN f.gone_since IS NOT NULL THEN 'gone'
            WHEN f.moved_to IS NOT NULL AND EXISTS (
                SELECT 1 FROM feed m WHERE m.state = 'active' AND m.id <> f.id
                AND COALESCE(m.moved_to, m.url) = f.moved_to
                AND (m.moved_to IS NULL OR m.id < f.id)) THEN 'merged'
            WHEN f.last_polled_at IS NULL THEN 'new'
            WHEN f.failures > 0 THEN 'failing'
            WHEN {epoch:f.last_polled_at} - {epoch:COALESCE(p.last_new_at, f.added_at)} > 604800
                THEN 'silent'
            ELSE 'ok' END AS health,
       COALESCE(f.moved_to, f.url) AS polled_url, f.gone_since
FROM feed f
JOIN outlet o ON o.id = f.outlet_id
LEFT JOIN (
    SELECT feed_id, SUM(polls) AS polls, SUM(parsed + same_body) AS ok,
           SUM(not_modified) AS not_modified, SUM(failed) AS failed,
           CAST(SUM(entries) AS BIGINT) AS entries_seen,
           CAST(SUM(new_entries) AS BIGINT) AS new_entries, MAX(last_new_at) AS last_new_at
    FROM feed_day GROUP BY feed_id
) p ON p.feed_id = f.id
"""
    },
)

feed_polls = Table(
    "feed_polls",
    view_metadata,
    Column("feed_id", BigInt, comment="feed.id"),
    Column("url", Text, comment="of the feed, as it was listed"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("polled_at", UTCDateTime, comment="when"),
    Column("outcome", Text, comment="parsed, same-body, not-modified, failed"),
    Column("status", Integer, comment="HTTP status, if there was an answer"),
    Column("entries", Integer, comment="entries that were read, of a parsed feed"),
    Column("new_entries", Integer, comment="of them, those not seen before"),
    Column(
        "entries_cut", Integer, comment="entries beyond the limit of 5,000, which were not read"
    ),
    Column(
        "entries_garbled",
        Integer,
        comment="entries with characters that could not be decoded, U+FFFD in their place",
    ),
    Column(
        "unread_dates",
        Json,
        comment="of new entries: pairs of URL and a date that could not be read, as it stands; "
        "fifty at most",
    ),
    Column(
        "length_unknown",
        Boolean,
        comment="the body ended with its connection: nothing says it was whole; null: no body",
    ),
    Column("bytes", Integer, comment="of the content, uncompressed"),
    Column("ms", Float, comment="from request to last byte"),
    Column("failure", Text, comment="kind of failure"),
    Column("error", Text, comment="why it failed, or what was not well-formed"),
    comment="Every poll of every feed, with what was odd about it.",
    info={
        "sql": """
SELECT p.feed_id, f.url, o.name AS outlet, p.polled_at, p.outcome, p.status, p.entries,
       p.new_entries, p.entries_cut, p.entries_garbled, p.unread_dates, p.length_unknown,
       p.bytes, p.ms, p.failure, p.error
FROM feed_poll p
JOIN feed f ON f.id = p.feed_id
JOIN outlet o ON o.id = f.outlet_id
"""
    },
)

feed_events = Table(
    "feed_events",
    view_metadata,
    Column("feed_id", BigInt, comment="feed.id"),
    Column("url", Text, comment="of the feed, as it was listed"),
    Column("outlet", Text, comment="name of the publisher"),
    Column(
        "kind",
        Text,
        comment="moved (its redirects lead elsewhere for good), moved-back, gone (a 410), back, "
        "added, paused (left the configuration), resumed, removed",
    ),
    Column("at", UTCDateTime, comment="when it was decided"),
    Column("detail", Text, comment="why, for people"),
    comment="What became of each feed: it moved, its publisher took it away, somebody removed it.",
    info={
        "sql": """
SELECT e.feed_id, f.url, o.name AS outlet, e.kind, e.at, e.detail
FROM feed_event e
JOIN feed f ON f.id = e.feed_id
JOIN outlet o ON o.id = f.outlet_id
"""
    },
)
