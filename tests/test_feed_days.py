"""The days of a feed, summed up with each poll, tell what all its polls tell."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ingest.model import FeedPlace, Validators
from storage.engine import read_connection, transaction
from storage.migrate import check, downgrade, upgrade
from storage.polls import FeedState, PollRecord, record_poll
from storage.schema import feed_day
from storage.view import spelled
from tests.rows import DAY, HOUR, NOON, add_feed, add_outlet, add_story, read

FEEDS = 25

# Both read every poll. A gap reaches from one poll that did not fail to the next, the first from
# the day the feed was added, the last to its last poll.
GAPS = """
WITH RECURSIVE point AS (
    SELECT p.feed_id, {epoch:p.polled_at} AS at, p.polled_at AS exact, 1 AS kind,
           CASE WHEN p.entries > 0 AND p.new_entries >= p.entries THEN 1 ELSE 0 END AS all_new
    FROM feed_poll p WHERE p.outcome <> 'failed'
    UNION ALL
    SELECT f.id, {epoch:f.added_at}, f.added_at, 0, 0 FROM feed f WHERE f.last_polled_at IS NOT NULL
    UNION ALL
    SELECT f.id, {epoch:f.last_polled_at}, f.last_polled_at, 2, 0
    FROM feed f WHERE f.last_polled_at IS NOT NULL
), stretch AS (
    SELECT feed_id, at AS since, at / 86400 AS first_day, LEAD(at) OVER w AS until,
           LEAD(at) OVER w / 86400 AS last_day,
           CASE WHEN kind = 1 THEN LEAD(all_new) OVER w ELSE 0 END AS lost
    FROM point WINDOW w AS (PARTITION BY feed_id ORDER BY exact, kind)
), piece AS (
    SELECT feed_id, first_day AS day, since, until, lost, last_day
    FROM stretch WHERE until IS NOT NULL
    UNION ALL
    SELECT feed_id, day + 1, since, until, lost, last_day FROM piece WHERE day < last_day
)
SELECT feed_id, {date:day} AS day,
       MAX(CASE WHEN until < 86400 * (day + 1) THEN until ELSE 86400 * (day + 1) END
           - CASE WHEN since > 86400 * day THEN since ELSE 86400 * day END) AS part,
       MAX(until - since) AS whole, MAX(lost) AS lost
FROM piece GROUP BY feed_id, day
"""
COUNTS = """
SELECT feed_id, {day:polled_at} AS day, COUNT(*) AS polls,
       SUM(CASE WHEN outcome IN ('same-body', 'not-modified') THEN 1 ELSE 0 END) AS unchanged,
       SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS failed,
       SUM(entries) AS entries, SUM(new_entries) AS new_entries
FROM feed_poll GROUP BY feed_id, {day:polled_at}
"""
HEALTH = """
SELECT f.id AS feed_id, COUNT(p.id) AS polls,
       SUM(CASE WHEN p.outcome IN ('parsed', 'same-body') THEN 1 ELSE 0 END) AS ok,
       SUM(CASE WHEN p.outcome = 'not-modified' THEN 1 ELSE 0 END) AS not_modified,
       SUM(CASE WHEN p.outcome = 'failed' THEN 1 ELSE 0 END) AS failed,
       COALESCE(SUM(p.entries), 0) AS entries, COALESCE(SUM(p.new_entries), 0) AS new_entries,
       {epoch:f.last_polled_at}
           - {epoch:COALESCE(MAX(CASE WHEN p.new_entries > 0 THEN p.polled_at END), f.added_at)}
           > 604800 AS is_silent
FROM feed f LEFT JOIN feed_poll p ON p.feed_id = f.id
GROUP BY f.id, f.last_polled_at, f.added_at
"""


def answers(engine, query, keys):
    with read_connection(engine) as connection:
        rows = connection.execute(text(spelled(query, connection.dialect.name))).mappings()
        return {tuple(row[key] for key in keys): dict(row) for row in rows}


def poll(connection, feed_id, at, outcome, entries, new):
    record_poll(
        connection,
        feed_id,
        poll=PollRecord(polled_at=at, outcome=outcome, entries=entries, new_entries=new),
        state=FeedState(
            interval_seconds=900.0, next_poll_at=at + HOUR, failures=0.0, validators=Validators(),
            body_hash=None, full_fetch=True, place=FeedPlace(),
        ),
    )  # fmt: skip


def history(drawn):
    """Polls of a feed after it was added: of hours, of days, at midnight, in one second."""
    midnight = NOON + 12 * HOUR
    at = NOON
    for _ in range(drawn.choice((0, 1, 2, 5, 20, 60))):
        step = drawn.choice((1, 600, 3600, 20_000, 86_400, 400_000, 900_000))
        at += timedelta(seconds=step * (0.1 + drawn.random()))
        if drawn.random() < 0.1:
            at = midnight + ((at - midnight) // DAY + 1) * DAY
            at += drawn.choice((timedelta(0), timedelta(microseconds=-1)))
        outcome = drawn.choices(
            ("parsed", "not-modified", "same-body", "failed"), (4, 2, 1, drawn.choice((1, 9)))
        )[0]
        entries = drawn.randint(0, 3) if outcome == "parsed" else 0
        yield at, outcome, entries, drawn.randint(0, entries)


@pytest.fixture(params=[1])
def polled(engine, request):
    """Feeds with made-up histories, written as the program does."""
    drawn = random.Random(request.param)
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        for number in range(FEEDS):
            feed_id = add_feed(connection, url_sha256=str(number))
            for made in history(drawn):
                poll(connection, feed_id, *made)
    return engine


def days(engine):
    with read_connection(engine) as connection:
        query = select(feed_day).order_by(feed_day.c.feed_id, feed_day.c.day)
        return [tuple(row) for row in connection.execute(query)]


def test_coverage_is_what_all_polls_say(polled):
    counted = answers(polled, COUNTS, ("feed_id", "day"))
    expected = {
        key: (
            *(int(counted[key][name]) if key in counted else 0
              for name in ("polls", "unchanged", "failed", "entries", "new_entries")),
            gap["part"], gap["whole"], bool(gap["lost"]),
        )
        for key, gap in answers(polled, GAPS, ("feed_id", "day")).items()
    }  # fmt: skip
    found = {
        (row["feed_id"], row["day"]): (
            row["polls"], row["unchanged"], row["failed"], row["entries"], row["new_entries"],
            row["gap_seconds"], row["longest_gap_seconds"], row["may_have_lost"],
        )
        for row in read(polled, "coverage")
    }  # fmt: skip
    assert found == expected
    assert counted.keys() <= expected.keys()
    lost = {row[-1] for row in expected.values()}
    assert lost == {True, False}
    assert any(row[0] == 0 for row in expected.values())


def test_the_health_of_a_feed_is_what_all_polls_say(polled):
    expected = {
        feed_id: tuple(int(value or 0) for value in list(row.values())[1:7])
        for (feed_id,), row in answers(polled, HEALTH, ("feed_id",)).items()
    }
    found = {
        row["feed_id"]: (
            row["polls"], row["ok"], row["not_modified"], row["failed"], row["entries_seen"],
            row["new_entries"],
        )
        for row in read(polled, "feed_health")
    }  # fmt: skip
    assert found == expected
    silent = answers(polled, HEALTH, ("feed_id",))
    told = {row["feed_id"]: row["health"] for row in read(polled, "feed_health")}
    assert {feed_id for feed_id, health in told.items() if health == "silent"} == {
        feed_id for (feed_id,), row in silent.items() if row["is_silent"]
    }
    assert {"silent", "ok", "new"} == set(told.values())


def test_a_migration_sums_up_the_polls_of_before_as_they_would_have_been(polled):
    written = days(polled)
    downgrade(polled, "20261206")
    upgrade(polled)
    assert days(polled) == written
    assert len(written) > FEEDS
    assert check(polled) == []


def test_a_poll_of_a_clock_that_was_set_back_counts_where_it_stands(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        first, second = (add_feed(connection, url_sha256=name) for name in "ab")
        polls = [(NOON + hours * HOUR, "parsed", 2, hours // 5) for hours in (1, 2, 5, 10)]
        for feed_id, order in ((first, polls), (second, [polls[i] for i in (2, 0, 3, 1)])):
            for made in order:
                poll(connection, feed_id, *made)
    in_order, out_of_order = (row[1:] for row in days(engine))
    assert in_order == out_of_order
