"""Analysts' views of the looks at pages, whoever took them, and of the backfills."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table, Text

from storage.columns import BigInt, Json, UTCDateTime
from storage.view import view_metadata

looks = Table(
    "looks",
    view_metadata,
    Column("look_id", BigInt, comment="observation.id, in the order in which we learned of them"),
    Column("article_id", BigInt, comment="article.id; null while there is no article"),
    Column("outlet", Text, comment="name of the article's publisher"),
    Column("url", Text, comment="as it was asked for"),
    Column("final_url", Text, comment="where that led"),
    Column("observed_at", UTCDateTime, comment="when it was so: of a capture, its own time"),
    Column("source", Text, comment="live, wayback, warc, file"),
    Column("outcome", Text, comment="new-version, unchanged, not-modified, noise, stale, …"),
    Column("seq", Integer, comment="number of the version that was seen, if one was"),
    Column("status", Integer, comment="of HTTP"),
    Column("failure", Text, comment="why nothing was seen: timeout, not-found, blocked, …"),
    Column("reason", Text, comment="the same for people"),
    Column("bytes", Integer, comment="of the body as it was sent"),
    Column("ms", Float, comment="that it took; 0 of an archive"),
    Column("learned_at", UTCDateTime, comment="when it was stored; of a live look, moments later"),
    Column("version_id", BigInt, comment="version.id of the version that was seen, if one was"),
    comment="Every look at a page: live ones, captures of archives, files.",
    info={
        "sql": """
SELECT n.id AS look_id, n.article_id, o.name AS outlet, n.requested_url AS url, n.final_url,
       n.observed_at, n.source, n.outcome, v.seq, n.status, n.failure, n.reason, n.bytes, n.ms,
       n.recorded_at AS learned_at, n.version_id
FROM observation n
LEFT JOIN article a ON a.id = n.article_id
LEFT JOIN outlet o ON o.id = a.outlet_id
LEFT JOIN version v ON v.id = n.version_id
"""
    },
)

backfills = Table(
    "backfills",
    view_metadata,
    Column("backfill_id", BigInt, comment="backfill_job.id"),
    Column("source", Text, comment="wayback, warc, sitemap, feed-archive, gdelt, urls, …"),
    Column("asked", Json, comment="what was asked for: addresses, files, days"),
    Column("state", Text, comment="running, interrupted, done"),
    Column("outcomes", Json, comment="how many items by what became of them"),
    Column("started_at", UTCDateTime, comment="of the first run"),
    Column("updated_at", UTCDateTime, comment="the last checkpoint"),
    Column("finished_at", UTCDateTime, comment="when its source was read to the end"),
    comment="Every backfill and how far it is.",
    info={
        "sql": """
SELECT j.id AS backfill_id, j.source, j.spec AS asked, j.state, j.counts AS outcomes,
       j.started_at, j.updated_at, j.finished_at
FROM backfill_job j
"""
    },
)
