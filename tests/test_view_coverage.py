"""Each day of each feed: its polls, its gaps, what may be lost, and what archives made up for."""

from __future__ import annotations

import pytest

from storage.engine import transaction
from storage.schema import article_feed
from tests.rows import (
    DAY,
    HOUR,
    NOON,
    add_article,
    add_feed,
    add_look,
    add_outlet,
    add_poll,
    add_story,
    read,
    read_one,
)


@pytest.fixture
def fed(engine):
    """A feed that was added at noon of 5 September."""
    with transaction(engine) as connection:
        add_outlet(connection, country="KR", language="ko")
        add_story(connection)
        add_feed(connection)
    return engine


def test_a_day_sums_up_its_polls(fed):
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON, entries=10, new=10)
        add_poll(connection, 1, NOON + HOUR, "not-modified")
        add_poll(connection, 1, NOON + 2 * HOUR, "same-body")
        add_poll(connection, 1, NOON + 3 * HOUR, "failed")
        add_poll(connection, 1, NOON + 5 * HOUR, entries=12, new=2)
        article_id = add_article(connection)
        connection.execute(
            article_feed.insert().values(
                article_id=article_id, feed_id=1, first_seen_at=NOON, last_seen_at=NOON + DAY
            )
        )
    assert read_one(fed, "coverage") == {
        "feed_id": 1, "feed_url": "https://paper.example/rss", "outlet": "Paper",
        "domain": "paper.example", "country": "KR", "language": "ko", "day": "2023-09-05",
        "is_watched": True, "polls": 5, "unchanged": 2, "failed": 1, "entries": 22,
        "new_entries": 12, "articles": 1, "gap_seconds": 3 * 3600,
        "longest_gap_seconds": 3 * 3600, "may_have_lost": False, "backfilled_looks": 0,
        "backfilled_articles": 0,
    }  # fmt: skip


def gaps(engine):
    return read(engine, "coverage", "day", "polls", "gap_seconds", "longest_gap_seconds")


def test_days_without_any_poll_are_there_each_with_the_whole_gap(fed):
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON)
        add_poll(connection, 1, NOON + 3 * DAY)
    assert gaps(fed) == [
        ("2023-09-05", 1, 12 * 3600, 3 * 86400),
        ("2023-09-06", 0, 86400, 3 * 86400),
        ("2023-09-07", 0, 86400, 3 * 86400),
        ("2023-09-08", 1, 12 * 3600, 3 * 86400),
    ]


def test_polls_that_fail_end_no_gap(fed):
    with transaction(fed) as connection:
        for hours in range(0, 49, 6):
            add_poll(connection, 1, NOON + hours * HOUR, "failed")
    assert gaps(fed) == [
        ("2023-09-05", 2, 12 * 3600, 2 * 86400),
        ("2023-09-06", 4, 86400, 2 * 86400),
        ("2023-09-07", 3, 12 * 3600, 2 * 86400),
    ]


def test_a_feed_is_watched_from_its_adding_on_and_not_at_all_before_its_first_poll(fed):
    assert read(fed, "coverage") == []
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON + DAY)
    assert gaps(fed) == [("2023-09-05", 0, 12 * 3600, 86400), ("2023-09-06", 1, 12 * 3600, 86400)]


def test_polls_at_midnight_belong_to_the_day_that_begins(fed):
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON + 12 * HOUR)
        add_poll(connection, 1, NOON + 36 * HOUR)
    assert gaps(fed) == [
        ("2023-09-05", 0, 12 * 3600, 12 * 3600),
        ("2023-09-06", 1, 86400, 86400),
        ("2023-09-07", 1, 0, 86400),
    ]


@pytest.mark.parametrize(
    ("entries", "new", "lost"),
    [
        pytest.param(10, 10, True, id="nothing of the list before was left"),
        pytest.param(10, 9, False, id="one entry was known: none came and went"),
        pytest.param(0, 0, False, id="an empty feed says nothing"),
    ],
)
def test_entries_may_be_lost_in_a_gap_after_which_all_are_new(fed, entries, new, lost):
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON, entries=10, new=10)  # the first poll: no gap before it
        add_poll(connection, 1, NOON + HOUR, entries=10, new=0)
        add_poll(connection, 1, NOON + HOUR + 2 * DAY, entries=entries, new=new)
        add_poll(connection, 1, NOON + 3 * DAY, entries=10, new=0)
    assert [row[0] for row in read(fed, "coverage", "may_have_lost", "day")] == sorted(
        [lost, lost, lost, False], key=str
    )
    assert dict(read(fed, "coverage", "day", "may_have_lost"))["2023-09-08"] is False


def test_days_that_only_archives_tell_of_are_there_and_not_watched(fed):
    with transaction(fed) as connection:
        add_poll(connection, 1, NOON)
        other = add_feed(connection, url_sha256="other")
        add_poll(connection, other, NOON)
        for number in (1, 2):
            add_article(connection)
            add_look(connection, number, NOON - 9 * DAY, source="wayback")
        add_look(connection, 1, NOON - 9 * DAY + HOUR, source="wayback")
        add_look(connection, 1, NOON, source="warc")
        add_look(connection, 1, NOON, source="live")
    shown = read(
        fed, "coverage", "feed_id", "day", "is_watched", "polls", "gap_seconds",
        "backfilled_looks", "backfilled_articles",
    )  # fmt: skip
    assert shown == [
        (feed_id, *row)
        for feed_id in (1, other)
        for row in (("2023-08-27", False, 0, None, 3, 2), ("2023-09-05", True, 1, 0, 1, 1))
    ]
