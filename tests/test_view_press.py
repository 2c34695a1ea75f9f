"""The press day by day and publisher by publisher, counted by hand."""

from __future__ import annotations

from datetime import timedelta

from storage.engine import transaction
from storage.schema import outlet_alarm
from tests.rows import (
    DAY,
    HOUR,
    NOON,
    add,
    add_article,
    add_change,
    add_dated,
    add_event,
    add_feed,
    add_outlet,
    add_story,
    add_version,
    place,
    read,
    read_one,
)

COUNTS = (
    "articles", "undated", "independent", "copies", "translations", "excerpts", "changes",
    "corrections", "headline_changes", "reextractions", "disappearances",
)  # fmt: skip


def days(engine):
    return read(engine, "timeline", "day", "story", "language", "outlet", *COUNTS)


def test_a_day_counts_what_was_published_and_what_was_changed_on_it(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        for number, relation in enumerate(
            (None, "identical", "near_duplicate", "translation", "excerpt"), start=1
        ):
            add_dated(connection, at=NOON + number * HOUR)
            place(connection, number, parent=1 if relation else None, relation=relation)
        old = add_version(connection, 1, at=NOON + DAY, title="New")
        add_change(connection, 1, 1, old, kind="correction", headline_to="New")
        new = add_version(connection, 1, at=NOON + DAY + HOUR)
        add_change(connection, 1, old, new, kind="reextracted")
        add_event(connection, 2, "gone", NOON + DAY, decided_at=NOON + 2 * DAY)
        add_event(connection, 2, "back", NOON + 3 * DAY)
    assert days(engine) == [
        ("2023-09-05", "talks", "en", "Paper", 5, 0, 1, 2, 1, 1, 0, 0, 0, 0, 0),
        ("2023-09-06", "talks", "en", "Paper", 0, 0, 0, 0, 0, 0, 2, 1, 1, 1, 0),
        ("2023-09-07", "talks", "en", "Paper", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    ]


def test_an_article_without_a_date_or_with_one_of_the_future_counts_when_it_was_seen(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_article(connection)
        add_article(connection, published_at=NOON + 9 * DAY)
    [row] = days(engine)
    assert row[:6] == ("2023-09-05", "talks", "en", "Paper", 2, 2)


def test_a_day_ends_at_midnight_of_utc(engine):
    almost = NOON + timedelta(hours=11, minutes=59, seconds=59, microseconds=999_999)
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=almost)
        add_dated(connection, at=almost + timedelta(microseconds=1))
    assert [row[0] for row in days(engine)] == ["2023-09-05", "2023-09-06"]


def test_languages_outlets_and_stories_are_told_apart(engine):
    with transaction(engine) as connection:
        for name in ("Paper", "Zeitung"):
            add_outlet(connection, name)
        for slug in ("talks", "visit"):
            add_story(connection, slug)
        add_dated(connection, 1, at=NOON, stories=(1, 2))
        add_dated(connection, 2, at=NOON, language=None)
        add_dated(connection, 2, at=NOON, stories=())
    assert [row[:5] for row in days(engine)] == [
        ("2023-09-05", "talks", None, "Zeitung", 1),
        ("2023-09-05", "talks", "en", "Paper", 1),
        ("2023-09-05", "visit", "en", "Paper", 1),
    ]


# ---------------------------------------------------------------- publishers


def test_a_publisher_is_summed_up_over_its_articles_of_a_story(engine):
    with transaction(engine) as connection:
        add_outlet(connection, country="KR", language="ko")
        for slug in ("visit", "talks"):
            add_story(connection, slug)
        add_feed(connection)
        add_feed(connection, url_sha256="old", state="removed")
        add_dated(connection, at=NOON, stories=(1, 2))
        add_dated(connection, at=NOON + HOUR, stories=(1,), language="ko")
        add_article(connection, stories=(1,), state="gone", first_seen_at=NOON - DAY)
        add_dated(connection, at=NOON + 2 * HOUR)
        for number, relation in ((1, None), (2, "translation"), (3, "excerpt"), (4, "identical")):
            place(connection, number, parent=1 if relation else None, relation=relation)
        second = add_version(connection, 1, at=NOON + DAY)
        add_change(connection, 1, 1, second, kind="correction", headline_to="New")
        third = add_version(connection, 1, at=NOON + 2 * DAY)
        add_change(connection, 1, second, third, kind="reextracted")
        add_event(connection, 3, "gone", NOON + DAY)
        add(connection, outlet_alarm, outlet_id=1, raised_at=NOON, looks=5, failed=5, detail="none")
    assert read(engine, "outlets", "story", "articles", "independent", "changes") == [
        ("talks", 1, 1, 1),
        ("visit", 4, 1, 1),
    ]
    assert read(engine, "outlets")[1] == {
        "story": "visit", "outlet": "Paper", "domain": "paper.example", "country": "KR",
        "outlet_language": "ko", "feeds": 1, "articles": 4, "independent": 1, "copies": 1,
        "translations": 1, "excerpts": 1, "independent_share": 0.25, "languages": 2, "changes": 1,
        "corrections": 1, "headline_changes": 1, "disappearances": 1, "missing": 1,
        "first_published_at": NOON, "last_published_at": NOON + 2 * HOUR,
        "first_seen_at": NOON - DAY, "alarm_open": True,
    }  # fmt: skip


def test_a_publisher_without_articles_is_there_with_zeros_and_without_a_share(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add(
            connection, outlet_alarm,
            outlet_id=1, raised_at=NOON, cleared_at=NOON, looks=5, failed=5, detail="none",
        )  # fmt: skip
    row = read_one(engine, "outlets")
    assert (row["articles"], row["independent_share"], row["story"]) == (0, None, None)
    assert (row["feeds"], row["changes"], row["alarm_open"]) == (0, 0, False)
