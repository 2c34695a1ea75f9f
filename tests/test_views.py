"""What analysts see: the same rows on both databases for the same history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage.engine import read_connection, transaction
from storage.feed_days import sum_up_day
from storage.readonly import read_only_query
from storage.schema import (
    article,
    article_story,
    change,
    discard,
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
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SEEN = NOON + 90 * DAY  # when all was learnt, long after it was so


def add(connection, table, **values):
    return connection.execute(table.insert().values(**values)).inserted_primary_key[0]


def add_outlet(connection, domain="paper.example", **values):
    return add(connection, outlet, **{"domain": domain, "name": "The Paper", **values})


def add_article(connection, outlet_id, **values):
    defaults = {
        "canonical_url": "https://paper.example/a",
        "check_url": "https://paper.example/a",
        "first_seen_at": NOON,
        "state": "live",
        "state_since": NOON,
        "check_interval_seconds": 900.0,
        "recorded_at": SEEN,
    }
    return add(connection, article, **{**defaults, **values}, outlet_id=outlet_id)


def add_version(connection, article_id, seq, **values):
    defaults = {
        "content_hash": f"hash-{article_id}-{seq}",
        "title": f"Headline {seq}",
        "text": f"Text {seq}.",
        "language": "en",
        "words": 2,
        "extractor": "reader",
        "extractor_version": "1.0",
        "first_observed_at": NOON,
        "last_observed_at": NOON,
        "recorded_at": SEEN,
    }
    return add(connection, version, **{**defaults, **values}, article_id=article_id, seq=seq)


def add_story(connection, slug="talks"):
    return add(connection, story, slug=slug, title=slug.title(), created_at=NOON)


def add_seed(connection, story_id, seq, *, is_current):
    return add(
        connection, seed,
        story_id=story_id, seq=seq, is_current=is_current, path="seeds/talks.txt",
        sha256=f"sha-{story_id}-{seq}", title="Seed", text="Seed.", residue="", loaded_at=NOON,
    )  # fmt: skip


def add_edge(connection, child, seed_id, relation, **values):
    defaults = {
        "score": 0.5,
        "shared_child": 0.25,
        "shared_parent": 0.125,
        "needs_review": False,
        "method": "shingles",
        "method_version": "1",
        "evidence": {"note": "same words", "passages": []},
        "decided_at": NOON,
    }
    return add(
        connection, edge, child_version_id=child, seed_id=seed_id, relation=relation,
        **{**defaults, **values},
    )  # fmt: skip


def join_story(connection, article_id, story_id, score=0.75):
    connection.execute(
        article_story.insert().values(
            article_id=article_id, story_id=story_id, score=score, rule="names",
            rule_version="1", matched=["who: Somebody"], decided_at=NOON,
        )
    )  # fmt: skip


def set_current(connection, article_id, version_id):
    connection.execute(
        article.update().where(article.c.id == article_id).values(current_version_id=version_id)
    )


def read(engine, name):
    """Every row of a view as a dictionary, in the order of all its values."""
    with read_connection(engine) as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(VIEWS[name]))]
    return sorted(rows, key=str)


def part(row, *names):
    return tuple(row[name] for name in names)


@pytest.fixture
def edited(engine):
    """An article of one story with two versions; the seed was edited, the method improved."""
    with transaction(engine) as connection:
        paper = add_outlet(connection, country="KR", language="ko")
        item = add_article(
            connection, paper,
            published_at=NOON - HOUR, published_source="json-ld", published_confidence=0.95,
            published_day_only=False, published_earliest=NOON - HOUR,
            published_latest=NOON - HOUR, last_checked_at=NOON + 2 * HOUR, state="gone",
            state_since=NOON + 2 * HOUR,
        )  # fmt: skip
        first = add_version(
            connection, item, 1,
            last_observed_at=NOON + timedelta(minutes=10, seconds=1, microseconds=999_999),
        )  # fmt: skip
        second = add_version(
            connection, item, 2,
            byline="A Reporter", words=7, modified_at=NOON + HOUR, modified_source="meta",
            modified_confidence=0.5, published_at=NOON - HOUR, published_source="json-ld",
            published_confidence=0.95,
            first_observed_at=NOON + HOUR, last_observed_at=NOON + 2 * HOUR,
        )  # fmt: skip
        set_current(connection, item, second)
        add(
            connection, change,
            article_id=item, from_version_id=first, to_version_id=second, kind="headline",
            reason="the headline differs", headline_from="Headline 1", headline_to="Headline 2",
            sentences_added=["Neu."], sentences_removed=["Text 1."], words_added=1,
            words_removed=2, recorded_at=SEEN,
        )  # fmt: skip
        talks = add_story(connection)
        join_story(connection, item, talks)
        old = add_seed(connection, talks, 1, is_current=False)
        new = add_seed(connection, talks, 2, is_current=True)
        add_edge(connection, first, old, "identical")
        add_edge(connection, first, new, "excerpt", method_version="1")
        add_edge(connection, second, old, "identical")
        add_edge(connection, second, new, "same_story", method_version="1")
        add_edge(
            connection, second, new, "translation", method_version="2", score=0.875,
            needs_review=True, decided_at=NOON + HOUR,
        )  # fmt: skip
        add_edge(connection, second, None, "near_duplicate", parent_version_id=first)
    return engine


# ---------------------------------------------------------------- articles


def test_an_article_is_shown_as_it_stands_now(edited):
    assert read(edited, "articles") == [
        {
            "article_id": 1,
            "outlet": "The Paper",
            "domain": "paper.example",
            "country": "KR",
            "outlet_language": "ko",
            "url": "https://paper.example/a",
            "title": "Headline 2",
            "byline": "A Reporter",
            "language": "en",
            "words": 7,
            "published_at": NOON - HOUR,
            "published_source": "json-ld",
            "published_confidence": 0.95,
            "published_day_only": False,
            "published_earliest": NOON - HOUR,
            "published_latest": NOON - HOUR,
            "modified_at": NOON + HOUR,
            "modified_source": "meta",
            "modified_confidence": 0.5,
            "first_seen_at": NOON,
            "last_checked_at": NOON + 2 * HOUR,
            "state": "gone",
            "state_since": NOON + 2 * HOUR,
            "versions": 2,
            "story": "talks",
            "relevance": 0.75,
            "relation_to_seed": "translation",
            "seed_score": 0.875,
            "needs_review": True,
            "analyst_relation": None,
            "final_relation": "translation",
            "learned_at": SEEN,
        }
    ]


def test_an_article_without_version_or_story_is_shown_with_gaps(engine):
    with transaction(engine) as connection:
        add_article(connection, add_outlet(connection))
    [row] = read(engine, "articles")
    assert part(row, "title", "versions", "story", "relation_to_seed") == (None, 0, None, None)


def test_an_article_of_two_stories_has_a_row_for_each_with_its_own_seed(engine):
    with transaction(engine) as connection:
        item = add_article(connection, add_outlet(connection))
        only = add_version(connection, item, 1)
        set_current(connection, item, only)
        for slug, relation in (("talks", "excerpt"), ("visit", "unrelated")):
            about = add_story(connection, slug)
            join_story(connection, item, about)
            add_edge(connection, only, add_seed(connection, about, 1, is_current=True), relation)
    found = [part(row, "story", "relation_to_seed") for row in read(engine, "articles")]
    assert sorted(found) == [("talks", "excerpt"), ("visit", "unrelated")]


def test_an_article_not_yet_compared_with_the_current_seed_has_no_relation(engine):
    with transaction(engine) as connection:
        item = add_article(connection, add_outlet(connection))
        only = add_version(connection, item, 1)
        set_current(connection, item, only)
        talks = add_story(connection)
        join_story(connection, item, talks)
        add_edge(connection, only, add_seed(connection, talks, 1, is_current=False), "excerpt")
        add_seed(connection, talks, 2, is_current=True)
    [row] = read(engine, "articles")
    assert part(row, "story", "relation_to_seed", "needs_review") == ("talks", None, None)


# ---------------------------------------------------------------- versions and changes


def test_every_version_is_shown_and_the_current_one_marked(edited):
    first, second = sorted(read(edited, "article_versions"), key=lambda row: row["seq"])
    assert part(first, "article_id", "version_id", "seq", "is_current") == (1, 1, 1, False)
    assert second == {
        "article_id": 1,
        "version_id": 2,
        "seq": 2,
        "is_current": True,
        "title": "Headline 2",
        "byline": "A Reporter",
        "text": "Text 2.",
        "language": "en",
        "words": 7,
        "content_hash": "hash-1-2",
        "first_observed_at": NOON + HOUR,
        "last_observed_at": NOON + 2 * HOUR,
        "published_at": NOON - HOUR,
        "published_source": "json-ld",
        "published_confidence": 0.95,
        "modified_at": NOON + HOUR,
        "modified_source": "meta",
        "modified_confidence": 0.5,
        "extractor": "reader",
        "extractor_version": "1.0",
        "length_unknown": False,
        "is_garbled": False,
        "learned_at": SEEN,
    }


@pytest.mark.parametrize(
    ("looks", "unknown"),
    [
        pytest.param([None, None], False, id="no body: nothing to say"),
        pytest.param([True, None], True, id="the only body ended with its connection"),
        pytest.param([True, False], False, id="a later body of known length confirms it"),
    ],
)
def test_a_version_seen_in_bodies_of_unknown_length_alone_is_marked(engine, looks, unknown):
    with transaction(engine) as connection:
        source = add_article(connection, add_outlet(connection))
        shown = add_version(connection, source, 1)
        for flag in looks:
            add(
                connection, observation, article_id=source, version_id=shown,
                requested_url="https://paper.example/a", observed_at=NOON, source="live",
                outcome="unchanged", length_unknown=flag,
            )  # fmt: skip
    [row] = read(engine, "article_versions")
    assert row["length_unknown"] is unknown


@pytest.mark.parametrize("values", [{"text": "Stra\ufffde."}, {"title": "\ufffdber"}])
def test_a_version_with_characters_that_could_not_be_decoded_is_marked(engine, values):
    with transaction(engine) as connection:
        add_version(connection, add_article(connection, add_outlet(connection)), 1, **values)
    [row] = read(engine, "article_versions")
    assert row["is_garbled"] is True


def test_a_version_of_an_article_without_a_current_one_is_not_current(engine):
    with transaction(engine) as connection:
        add_version(connection, add_article(connection, add_outlet(connection)), 1)
    [row] = read(engine, "article_versions")
    assert row["is_current"] is False


def test_a_change_names_both_versions_and_the_gap_in_whole_seconds(edited):
    assert read(edited, "article_changes") == [
        {
            "article_id": 1,
            "url": "https://paper.example/a",
            "outlet": "The Paper",
            "from_seq": 1,
            "to_seq": 2,
            "kind": "headline",
            "reason": "the headline differs",
            "headline_from": "Headline 1",
            "headline_to": "Headline 2",
            "sentences_added": ["Neu."],
            "sentences_removed": ["Text 1."],
            "words_added": 1,
            "words_removed": 2,
            "sentences_changed": [],
            "quotes_added": [],
            "quotes_removed": [],
            "numbers_added": [],
            "numbers_removed": [],
            "changed_at": NOON + HOUR,
            "changed_after_seconds": 49 * 60 + 59,
            "change_id": 1,
            "learned_at": SEEN,
        }
    ]


# ---------------------------------------------------------------- relations


def test_each_version_has_its_latest_verdict_on_the_current_seed(edited):
    first, second = sorted(read(edited, "seed_relations"), key=lambda row: row["seq"])
    shown = part(first, "seq", "is_current", "seed_seq", "relation", "method_version")
    assert shown == (1, False, 2, "excerpt", "1")
    assert second == {
        "article_id": 1,
        "version_id": 2,
        "seq": 2,
        "is_current": True,
        "url": "https://paper.example/a",
        "outlet": "The Paper",
        "language": "en",
        "title": "Headline 2",
        "story": "talks",
        "seed_seq": 2,
        "relation": "translation",
        "score": 0.875,
        "shared_article": 0.25,
        "shared_seed": 0.125,
        "needs_review": True,
        "method": "shingles",
        "method_version": "2",
        "evidence": {"note": "same words", "passages": []},
        "decided_at": NOON + HOUR,
        "analyst_relation": None,
        "final_relation": "translation",
    }


@pytest.mark.parametrize("name", ["articles", "independent_reports", "seed_relations"])
def test_sqlite_finds_a_last_verdict_by_its_version_not_among_all_of_the_seed(
    sqlite_url, opened, name
):
    with read_connection(opened(sqlite_url)) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT * FROM {name}").all()
    steps = [
        row.detail
        for row in plan
        if row.detail.startswith("SEARCH n USING") and "edge" in row.detail
    ]
    assert steps
    assert all("(child_version_id=?" in step for step in steps)


@pytest.mark.parametrize("name", ["articles", "independent_reports"])
def test_a_verdict_that_is_not_asked_for_is_not_looked_up(engine, name):
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with read_connection(engine) as connection:
        with_it, without = (
            str(connection.exec_driver_sql(f"{explain} SELECT {columns} FROM {name}").all())
            for columns in ("title, final_relation", "title")
        )
    assert "edge" in with_it
    assert "edge" not in without


def test_analysts_verdicts_on_pairs_are_not_gone_through_for_each_pair(postgres_url, opened):
    with read_connection(opened(postgres_url)) as connection:
        plan = connection.exec_driver_sql("EXPLAIN SELECT * FROM relations").all()
    assert "analyst_verdict" in str(plan)
    assert "SubPlan" not in str(plan)


def test_the_same_query_asks_for_a_boolean_on_both_databases(edited):
    sql = "SELECT seq FROM seed_relations WHERE is_current AND needs_review"
    _, rows = read_only_query(edited, sql)
    assert list(rows) == [(2,)]
    sql = "SELECT seq FROM seed_relations WHERE NOT is_current"
    _, rows = read_only_query(edited, sql)
    assert list(rows) == [(1,)]


# ---------------------------------------------------------------- discards and feeds


def add_feed(connection, outlet_id, url="https://paper.example/feed", **values):
    defaults = {
        "origin": "config",
        "state": "active",
        "interval_seconds": 3600.0,
        "next_poll_at": NOON,
        "failures": 0.0,
        "added_at": NOON - 30 * DAY,
    }
    return add(
        connection, feed, outlet_id=outlet_id, url=url, url_sha256=url, **{**defaults, **values}
    )


def add_poll(connection, feed_id, at, outcome="parsed", **values):
    defaults = {"status": 200, "entries": 0, "new_entries": 0, "bytes": 10, "ms": 1.5}
    add(
        connection, feed_poll,
        feed_id=feed_id, polled_at=at, outcome=outcome, **{**defaults, **values},
    )  # fmt: skip
    sum_up_day(connection, feed_id, at)


def test_a_discard_is_shown_with_the_feed_it_came_from_if_any(engine):
    common = {
        "canonical_url": "https://paper.example/b", "url": "https://paper.example/b?x=1",
        "title": "Weather", "stage": "text", "rule": "no-names", "score": 0.0,
        "detail": "no name of the story", "discarded_at": NOON,
    }  # fmt: skip
    with transaction(engine) as connection:
        source = add_feed(connection, add_outlet(connection))
        add(connection, discard, url_key="k", rule_version="1", feed_id=source, **common)
        add(connection, discard, url_key="k", rule_version="2", **common)
    first, second = sorted(read(engine, "discards"), key=lambda row: row["rule_version"])
    assert first == {
        "url": "https://paper.example/b?x=1",
        "title": "Weather",
        "stage": "text",
        "rule": "no-names",
        "score": 0.0,
        "rule_version": "1",
        "detail": "no name of the story",
        "feed_url": "https://paper.example/feed",
        "outlet": "The Paper",
        "discarded_at": NOON,
    }
    assert part(second, "rule_version", "feed_url", "outlet") == ("2", None, None)


def test_a_feed_is_shown_with_what_its_polls_gave(engine):
    with transaction(engine) as connection:
        source = add_feed(
            connection, add_outlet(connection, country="KR", language="ko"),
            last_polled_at=NOON, last_success_at=NOON - HOUR, failures=0.25,
            last_error="HTTP 503", next_poll_at=NOON + HOUR,
        )  # fmt: skip
        add_poll(connection, source, NOON - 4 * HOUR, entries=20, new_entries=20)
        add_poll(connection, source, NOON - 3 * HOUR, entries=20, new_entries=3)
        add_poll(connection, source, NOON - 2 * HOUR, "same-body")
        add_poll(connection, source, NOON - 1 * HOUR, "not-modified", status=304)
        add_poll(connection, source, NOON, "failed", status=503)
    assert read(engine, "feed_health") == [
        {
            "feed_id": 1,
            "url": "https://paper.example/feed",
            "outlet": "The Paper",
            "country": "KR",
            "language": "ko",
            "state": "active",
            "last_polled_at": NOON,
            "last_success_at": NOON - HOUR,
            "next_poll_at": NOON + HOUR,
            "interval_seconds": 3600.0,
            "failures": 0.25,
            "polls": 5,
            "ok": 3,
            "not_modified": 1,
            "failed": 1,
            "entries_seen": 40,
            "new_entries": 23,
            "last_status": 503,
            "last_error": "HTTP 503",
            "health": "failing",
            "polled_url": "https://paper.example/feed",
            "gone_since": None,
        }
    ]


def test_a_poll_is_shown_with_what_was_odd_about_it(engine):
    with transaction(engine) as connection:
        source = add_feed(connection, add_outlet(connection))
        add_poll(
            connection, source, NOON, entries=5000, new_entries=2, entries_cut=7,
            entries_garbled=1, length_unknown=True,
            unread_dates=[["https://paper.example/a", "Thu, 32 Foo"]],
        )  # fmt: skip
    assert read(engine, "feed_polls") == [
        {
            "feed_id": 1,
            "url": "https://paper.example/feed",
            "outlet": "The Paper",
            "polled_at": NOON,
            "outcome": "parsed",
            "status": 200,
            "entries": 5000,
            "new_entries": 2,
            "entries_cut": 7,
            "entries_garbled": 1,
            "unread_dates": [["https://paper.example/a", "Thu, 32 Foo"]],
            "length_unknown": True,
            "bytes": 10,
            "ms": 1.5,
            "failure": None,
            "error": None,
        }
    ]


@pytest.mark.parametrize(
    ("state", "new_at", "health"),
    [
        pytest.param({}, None, "new", id="never polled: new"),
        pytest.param({"last_polled_at": NOON}, NOON - HOUR, "ok", id="something new today: ok"),
        pytest.param(
            {"last_polled_at": NOON}, NOON - 7 * DAY, "ok", id="new a week ago to the second: ok"
        ),
        pytest.param(
            {"last_polled_at": NOON},
            NOON - 7 * DAY - timedelta(seconds=1),
            "silent",
            id="nothing new for more than a week: silent",
        ),
        pytest.param(
            {"last_polled_at": NOON}, None, "silent", id="listed a month ago, never any: silent"
        ),
        pytest.param(
            {"last_polled_at": NOON, "added_at": NOON - DAY},
            None,
            "ok",
            id="listed yesterday, nothing yet: ok",
        ),
        pytest.param(
            {"last_polled_at": NOON, "failures": 0.25}, NOON, "failing", id="last failed: failing"
        ),
        pytest.param(
            {"last_polled_at": NOON, "failures": 9.0, "state": "removed"},
            NOON,
            "removed",
            id="a removed feed does not fail: removed",
        ),
        pytest.param({"state": "paused"}, None, "paused", id="left the configuration: paused"),
        pytest.param(
            {"last_polled_at": NOON, "failures": 3.0, "gone_since": NOON},
            NOON,
            "gone",
            id="answered 410, and nothing since: gone",
        ),
        pytest.param(
            {"last_polled_at": NOON, "moved_to": "https://paper.example/new"},
            NOON,
            "ok",
            id="polled elsewhere: ok",
        ),
    ],
)
def test_the_health_of_a_feed(engine, state, new_at, health):
    with transaction(engine) as connection:
        source = add_feed(connection, add_outlet(connection), **state)
        if new_at is not None:
            add_poll(connection, source, new_at, entries=2, new_entries=1)
        if "last_polled_at" in state:
            add_poll(connection, source, state["last_polled_at"], entries=2)
    [row] = read(engine, "feed_health")
    assert row["health"] == health


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_the_columns_its_dictionary_names_in_that_order(engine, name):
    columns, rows = read_only_query(engine, f"SELECT * FROM {name}")
    assert len(list(rows)) == (name == "contract_version")
    assert columns == [column.name for column in VIEWS[name].columns]
