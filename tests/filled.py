"""A database with something in most views, odd values among it, and one with many rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from storage.engine import transaction
from storage.schema import (
    backfill_job,
    change,
    discard,
    feed,
    feed_poll,
    metadata,
    observation,
    version,
)
from tests.test_views import (
    add,
    add_article,
    add_edge,
    add_outlet,
    add_seed,
    add_story,
    add_version,
    join_story,
    set_current,
)

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
MOMENT = timedelta(seconds=1, microseconds=250_000)
ODD = 'He said "no, never";\r\nthen 北京 🚂\tand\n=1+1'


def fill(engine: Engine) -> None:
    """Two articles of one story, related, the first with two versions."""
    with transaction(engine) as connection:
        paper = add_outlet(connection, country="KR", language="ko")
        other = add_outlet(connection, "other.example", name="=HYPERLINK(1)")
        first = add_article(
            connection, paper, published_at=NOON, published_source="json-ld",
            published_confidence=0.95, published_day_only=False, last_checked_at=NOON + MOMENT,
        )  # fmt: skip
        second = add_article(
            connection, other, canonical_url="https://other.example/b", state="gone",
            check_url="https://other.example/b", first_seen_at=NOON + MOMENT,
        )  # fmt: skip
        old = add_version(connection, first, 1, text=ODD)
        new = add_version(connection, first, 2, byline="", title="", text="Über \\ alles, ''.")
        copy = add_version(connection, second, 1, language=None, first_observed_at=NOON + MOMENT)
        set_current(connection, first, new)
        set_current(connection, second, copy)
        add(
            connection, change, article_id=first, from_version_id=old, to_version_id=new,
            kind="correction", reason="it says so", headline_from="Headline 1", headline_to="",
            sentences_added=["Neu, „sehr“."], sentences_removed=[], words_added=1, words_removed=2,
            recorded_at=NOON,
        )  # fmt: skip
        story = add_story(connection)
        seed = add_seed(connection, story, 1, is_current=True)
        for article_id, version_id in ((first, new), (second, copy)):
            join_story(connection, article_id, story)
            add_edge(connection, version_id, seed, "excerpt", score=1 / 3, needs_review=True)
        add_edge(
            connection, copy, None, "near_duplicate", parent_version_id=new,
            evidence={"note": "z before a", "a": [1, 2.5, None, True], "pairs": []},
        )  # fmt: skip
        source = add(
            connection, feed, outlet_id=paper, url="https://paper.example/rss", url_sha256="1",
            origin="config", state="active", interval_seconds=900.0, next_poll_at=NOON,
            failures=0.0, added_at=NOON,
        )  # fmt: skip
        add(
            connection, feed_poll, feed_id=source, polled_at=NOON, outcome="parsed", entries=3,
            new_entries=1, bytes=10, ms=1.5, unread_dates=[["https://a.example", "31.2."]],
        )  # fmt: skip
        for number in range(3):
            add(
                connection, discard, url_key=f"key-{number}", url="https://a.example",
                canonical_url="https://a.example", title="T", stage="entry", rule="names",
                score=None, rule_version="1", detail="", feed_id=source,
                discarded_at=NOON + number * MOMENT,
            )  # fmt: skip
        add(
            connection, observation, article_id=first, version_id=new, source="live",
            requested_url="https://paper.example/a", observed_at=NOON, outcome="new-version",
            status=200, bytes=100, ms=12.0, recorded_at=NOON,
        )  # fmt: skip
        add(
            connection, backfill_job, spec_key="k", source="urls", spec={"files": ["ü.txt"]},
            state="done", counts={"new": 2}, holder="", started_at=NOON, updated_at=NOON,
        )  # fmt: skip


def fill_many(engine: Engine, versions: int, *, words: int = 300) -> None:
    """One article with so many versions of so many words."""
    text = "word " * words
    with transaction(engine) as connection:
        item = add_article(connection, add_outlet(connection))
        connection.execute(
            version.insert(),
            [
                {
                    "article_id": item, "seq": seq, "content_hash": str(seq), "title": "T",
                    "text": f"{seq} {text}", "words": words, "extractor": "e",
                    "extractor_version": "1", "first_observed_at": NOON + seq * MOMENT,
                    "last_observed_at": NOON + seq * MOMENT,
                }
                for seq in range(1, versions + 1)
            ],
        )  # fmt: skip


def empty(engine: Engine) -> None:
    """Delete every row of every table but the register of snapshots."""
    with transaction(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "snapshot":
                connection.execute(table.delete())
