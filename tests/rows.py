"""Rows as the views' tests need them: each with what does not matter filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from storage.engine import read_connection
from storage.feed_days import sum_up_day
from storage.schema import (
    article,
    article_cluster,
    article_event,
    article_story,
    change,
    edge,
    feed,
    feed_poll,
    observation,
    outlet,
    seed,
    story,
    version,
)
from storage.views import VIEWS

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def add(connection, table, **values):
    return connection.execute(table.insert().values(**values)).inserted_primary_key[0]


def add_outlet(connection, name="Paper", **values):
    return add(connection, outlet, domain=f"{name.lower()}.example", name=name, **values)


def add_story(connection, slug="talks"):
    """A story with its seed; both have the same id as long as each has one."""
    story_id = add(connection, story, slug=slug, title=slug, created_at=NOON)
    add(
        connection, seed,
        story_id=story_id, seq=1, is_current=True, path="seed.txt", sha256=slug, title="Seed",
        text="Seed.", residue="", loaded_at=NOON,
    )  # fmt: skip
    return story_id


def add_article(connection, outlet_id=1, *, stories=(1,), language="en", **values):
    """An article with one version, of which both have the same id as long as no other is added."""
    at = values.get("first_seen_at", NOON)
    defaults = {
        "canonical_url": "https://paper.example/a",
        "check_url": "https://paper.example/a",
        "first_seen_at": at,
        "state": "live",
        "state_since": at,
        "check_interval_seconds": 900.0,
        "published_latest": at,
        "recorded_at": at,
    }
    article_id = add(connection, article, outlet_id=outlet_id, **{**defaults, **values})
    for story_id in stories:
        connection.execute(
            article_story.insert().values(
                article_id=article_id, story_id=story_id, score=0.75, rule="names",
                rule_version="1", matched=[], decided_at=at,
            )
        )  # fmt: skip
    add_version(connection, article_id, language=language, at=at)
    return article_id


def add_dated(connection, outlet_id=1, *, at, **values):
    """An article whose time of publication is known exactly, and which was seen an hour later."""
    return add_article(
        connection, outlet_id,
        **{
            "published_at": at, "published_day_only": False, "published_earliest": at,
            "published_latest": at, "first_seen_at": at + HOUR, **values,
        },
    )  # fmt: skip


def add_version(connection, article_id, *, at=NOON, title="Headline", current=True, **values):
    """The article's next version."""
    last = connection.scalar(
        select(func.max(version.c.seq)).where(version.c.article_id == article_id)
    )
    defaults = {
        "content_hash": f"{article_id}-{last}",
        "title": title,
        "text": "Text.",
        "language": "en",
        "words": 1,
        "extractor": "reader",
        "extractor_version": "1.0",
        "first_observed_at": at,
        "last_observed_at": at,
        "recorded_at": at,
    }
    version_id = add(
        connection, version, article_id=article_id, seq=(last or 0) + 1, **{**defaults, **values}
    )
    if current:
        connection.execute(
            article.update().where(article.c.id == article_id).values(current_version_id=version_id)
        )
    return version_id


def add_change(connection, article_id, before, after, *, kind="substantive", **values):
    defaults = {
        "reason": "it differs", "sentences_added": [], "sentences_removed": [], "words_added": 0,
        "words_removed": 0, "recorded_at": NOON,
    }  # fmt: skip
    return add(
        connection, change,
        article_id=article_id, from_version_id=before, to_version_id=after, kind=kind,
        **{**defaults, **values},
    )  # fmt: skip


def add_look(connection, article_id, at, *, version_id=None, **values):
    defaults = {"source": "live", "outcome": "unchanged", "recorded_at": at}
    return add(
        connection, observation,
        article_id=article_id, version_id=version_id, requested_url="https://paper.example/a",
        observed_at=at, **{**defaults, **values},
    )  # fmt: skip


def add_event(connection, article_id, kind, first_sign_at, *, decided_at=None, **values):
    defaults = {"reason": "404", "recorded_at": decided_at or first_sign_at}
    return add(
        connection, article_event,
        article_id=article_id, kind=kind, first_sign_at=first_sign_at,
        decided_at=decided_at or first_sign_at, **{**defaults, **values},
    )  # fmt: skip


def place(connection, article_id, cluster_id=None, *, parent=None, relation=None, size=0):
    """Put an article into a cluster, its own without another; a parent with its relation."""
    own = cluster_id is None or cluster_id == article_id
    connection.execute(
        article_cluster.insert().values(
            article_id=article_id, cluster_id=article_id if own else cluster_id, earliest=own,
            parent_article_id=parent, parent_relation=relation,
            parent_shared_child=None if parent is None else 0.5,
            parent_shared_parent=None if parent is None else 0.25,
            size=size or int(own), updated_at=NOON, parent_since=None if parent is None else NOON,
        )
    )  # fmt: skip


def relate(connection, child, relation, *, parent=None, seed_id=None, at=NOON, method="1"):
    """A verdict on a version and another or a seed."""
    return add(
        connection, edge,
        child_version_id=child, parent_version_id=parent, seed_id=seed_id, relation=relation,
        score=0.5, shared_child=0.25, shared_parent=0.125, needs_review=False, method="shingles",
        method_version=method, evidence={}, decided_at=at,
    )  # fmt: skip


def add_feed(connection, outlet_id=1, **values):
    defaults = {
        "url": "https://paper.example/rss",
        "url_sha256": "rss",
        "origin": "config",
        "state": "active",
        "interval_seconds": 3600.0,
        "next_poll_at": NOON,
        "failures": 0.0,
        "added_at": NOON,
    }
    return add(connection, feed, outlet_id=outlet_id, **{**defaults, **values})


def add_poll(connection, feed_id, at, outcome="parsed", *, entries=10, new=0, failure=None):
    """A poll, which the feed has as its last one."""
    add(
        connection, feed_poll,
        feed_id=feed_id, polled_at=at, outcome=outcome, bytes=1, ms=1.0, failure=failure,
        entries=entries if outcome == "parsed" else 0, new_entries=new,
    )  # fmt: skip
    connection.execute(feed.update().where(feed.c.id == feed_id).values(last_polled_at=at))
    sum_up_day(connection, feed_id, at)


def read(engine, name, *columns):
    """Every row of a view: as a dictionary, or the values of some columns; in their order."""
    with read_connection(engine) as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(VIEWS[name]))]
    if columns:
        return sorted((tuple(row[column] for column in columns) for row in rows), key=_texts)
    return sorted(rows, key=lambda row: _texts(row.values()))


def _texts(values):
    return [str(value) for value in values]


def read_one(engine, name, *columns):
    """The only row of a view."""
    [row] = read(engine, name, *columns)
    return row
