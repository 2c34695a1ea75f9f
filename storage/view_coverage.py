"""Analysts' view of what the monitor could see: each feed, day by day, with its gaps.

A feed shows its last entries only. As long as one of them was there at the poll before, none was
lost in between; when all of them are new, some may have come and gone unseen.

What happened within a day is summed up in `feed_day`; a stretch from one day to another lies
between the last success of the one and the first of the other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from storage.columns import BigInt
from storage.view import view_metadata

coverage = Table(
    "coverage",
    view_metadata,
    Column("feed_id", BigInt, comment="feed.id"),
    Column("feed_url", Text, comment="of the feed, as it was listed"),
    Column("outlet", Text, comment="name of the publisher"),
    Column("domain", Text, comment="its registered domain"),
    Column("country", Text, comment="of the publisher: ISO 3166-1 alpha-2"),
    Column("language", Text, comment="of the publisher: ISO 639-1"),
    Column("day", Text, comment="of UTC, as 2023-09-05"),
    Column(
        "is_watched",
        Boolean,
        comment="from the day the feed was added to the day of its last poll; false: only archives "
        "tell of that day",
    ),
    Column("polls", BigInteger, comment="that day; 0: not polled at all"),
    Column("unchanged", BigInteger, comment="of them: the feed was as before (304, or same bytes)"),
    Column("failed", BigInteger, comment="of them: gave nothing"),
    Column("entries", BigInteger, comment="entries read, the same ones again and again"),
    Column("new_entries", BigInteger, comment="of them: not seen before"),
    Column("articles", BigInteger, comment="of the story: first seen in the feed that day"),
    Column(
        "gap_seconds",
        BigInt,
        comment="longest stretch of the day without a successful poll; 86400: none all day; "
        "null: not watched",
    ),
    Column(
        "longest_gap_seconds",
        BigInt,
        comment="the longest stretch without a successful poll that reaches into the day, counted "
        "whole, over all its days",
    ),
    Column(
        "may_have_lost",
        Boolean,
        comment="all entries were new at the poll that ended a stretch of this day: others may "
        "have come and gone in it; false: some were known, so none was lost, or no poll ended it",
    ),
    Column(
        "backfilled_looks",
        BigInteger,
        comment="captures of the outlet's articles that archives have of the day; of the outlet, "
        "so the same in each of its feeds",
    ),
    Column("backfilled_articles", BigInteger, comment="how many articles they show"),
    comment="Each day of each feed: how it was polled, where the gaps are, and what archives made "
    "up for. Also the days on which it was not polled, from its adding to its last poll.",
    info={
        "sql": """
WITH RECURSIVE success AS (
    SELECT feed_id, MIN(first_success_at) AS first_at, MAX(last_success_at) AS last_at
    FROM feed_day GROUP BY feed_id
), point AS (
    SELECT n.feed_id, {epoch:n.first_success_at} AS begins, {epoch:n.last_success_at} AS ends,
           1 AS kind, CASE WHEN n.first_all_new THEN 1 ELSE 0 END AS all_new
    FROM feed_day n WHERE n.first_success_at IS NOT NULL
    UNION ALL
    SELECT f.id, {epoch:f.added_at}, {epoch:f.added_at}, 0, 0
    FROM feed f LEFT JOIN success s ON s.feed_id = f.id
    WHERE f.last_polled_at IS NOT NULL AND (s.first_at IS NULL OR f.added_at <= s.first_at)
    UNION ALL
    SELECT f.id, {epoch:f.last_polled_at}, {epoch:f.last_polled_at}, 2, 0
    FROM feed f LEFT JOIN success s ON s.feed_id = f.id
    WHERE f.last_polled_at > s.last_at OR (f.last_polled_at IS NOT NULL AND s.last_at IS NULL)
), stretch AS (
    SELECT feed_id, ends AS since, ends / 86400 AS first_day, LEAD(begins) OVER w AS until,
           LEAD(begins) OVER w / 86400 AS last_day,
           CASE WHEN kind = 1 THEN LEAD(all_new) OVER w ELSE 0 END AS lost
    FROM point WINDOW w AS (PARTITION BY feed_id ORDER BY begins, kind)
), between_days AS (
    SELECT feed_id, first_day + 1 AS day, last_day, until - since AS whole, lost
    FROM stretch WHERE last_day > first_day + 1
    UNION ALL
    SELECT feed_id, day + 1, last_day, whole, lost FROM between_days WHERE day + 1 < last_day
), piece AS (
    SELECT feed_id, first_day AS day, until - since AS whole,
           CASE WHEN last_day > first_day
                THEN 86400 * (first_day + 1) ELSE until END - since AS part, lost
    FROM stretch WHERE until IS NOT NULL
    UNION ALL
    SELECT feed_id, last_day, until - since, until - 86400 * last_day, lost
    FROM stretch WHERE last_day > first_day
    UNION ALL
    SELECT feed_id, day, whole, 86400, lost FROM between_days
)
SELECT q.feed_id, f.url AS feed_url, o.name AS outlet, o.domain, o.country, o.language,
       q.day,
       CASE WHEN q.whole IS NULL THEN FALSE ELSE TRUE END AS is_watched,
       q.polls, q.unchanged, q.failed, q.entries, q.new_entries, q.articles,
       q.part AS gap_seconds, q.whole AS longest_gap_seconds,
       CASE WHEN q.lost > 0 THEN TRUE ELSE FALSE END AS may_have_lost,
       q.looks AS backfilled_looks, q.looked AS backfilled_articles
FROM (
    SELECT u.feed_id, u.day, CAST(SUM(u.polls) AS BIGINT) AS polls,
           CAST(SUM(u.unchanged) AS BIGINT) AS unchanged, CAST(SUM(u.failed) AS BIGINT) AS failed,
           CAST(SUM(u.entries) AS BIGINT) AS entries,
           CAST(SUM(u.new_entries) AS BIGINT) AS new_entries,
           CAST(SUM(u.articles) AS BIGINT) AS articles, MAX(u.part) AS part, MAX(u.whole) AS whole,
           MAX(u.lost) AS lost, CAST(SUM(u.looks) AS BIGINT) AS looks,
           CAST(SUM(u.looked) AS BIGINT) AS looked
    FROM (
        SELECT n.feed_id, {date:n.day} AS day, n.polls, n.same_body + n.not_modified AS unchanged,
               n.failed, n.entries, n.new_entries, 0 AS articles,
               n.gap_seconds AS part, n.gap_seconds AS whole,
               CASE WHEN n.lost_between THEN 1 ELSE 0 END AS lost, 0 AS looks, 0 AS looked
        FROM feed_day n
        UNION ALL
        SELECT feed_id, {date:day}, 0, 0, 0, 0, 0, 0, MAX(part), MAX(whole), MAX(lost), 0, 0
        FROM piece GROUP BY feed_id, day
        UNION ALL
        SELECT n.feed_id, {day:n.first_seen_at}, 0, 0, 0, 0, 0, COUNT(*), NULL, NULL, 0,
               0, 0
        FROM article_feed n GROUP BY n.feed_id, {day:n.first_seen_at}
        UNION ALL
        SELECT k.id, x.day, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, x.looks, x.looked
        FROM (
            SELECT a.outlet_id, {day:n.observed_at} AS day, COUNT(*) AS looks,
                   COUNT(DISTINCT n.article_id) AS looked
            FROM observation n
            JOIN article a ON a.id = n.article_id
            WHERE n.source <> 'live'
            GROUP BY a.outlet_id, {day:n.observed_at}
        ) x
        JOIN feed k ON k.outlet_id = x.outlet_id
    ) u
    GROUP BY u.feed_id, u.day
) q
JOIN feed f ON f.id = q.feed_id
JOIN outlet o ON o.id = f.outlet_id
"""
    },
)
