"""The made-up archive as rows of the tables, in the order in which they refer to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import queries_articles
import queries_sayings
import queries_sources
import queries_verdicts
from queries_archive import Piece, Row, Size
from sqlalchemy import Table

from storage import schema

Rows = Callable[[Size, Sequence[Piece]], Iterator[Row]]

TABLES: tuple[tuple[Table, Rows], ...] = (
    (schema.story, queries_sources.stories),
    (schema.seed, queries_sources.seeds),
    (schema.outlet, queries_sources.outlets),
    (schema.feed, queries_sources.feeds),
    (schema.feed_poll, queries_sources.polls),
    (schema.article, queries_articles.articles),
    (schema.article_url, queries_articles.article_urls),
    (schema.article_feed, queries_articles.article_feeds),
    (schema.article_story, queries_articles.article_stories),
    (schema.version, queries_articles.versions),
    (schema.observation, queries_articles.observations),
    (schema.change, queries_articles.changes),
    (schema.quotation, queries_sayings.quotations),
    (schema.quotation_use, queries_sayings.quotation_uses),
    (schema.figure, queries_sayings.figures),
    (schema.sayings_read, queries_sayings.read_articles),
    (schema.seed_quotation, queries_sayings.seed_quotations),
    (schema.seed_figure, queries_sayings.seed_figures),
    (schema.article_event, queries_articles.events),
    (schema.change_travel, queries_articles.travels),
    (schema.outlet_alarm, queries_sources.alarms),
    (schema.edge, queries_verdicts.edges),
    (schema.analyst_verdict, queries_verdicts.verdicts),
    (schema.article_cluster, queries_verdicts.clusters),
    (schema.discard, queries_sources.discards),
    (schema.job_run, queries_sources.runs),
)
"""Every table that a view reads, and what makes its rows."""
