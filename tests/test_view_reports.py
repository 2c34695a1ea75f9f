"""Who reported by himself, and who was first: counted by derivation, ranked within bounds."""

from __future__ import annotations

import pytest

from storage.engine import transaction
from tests.rows import (
    DAY,
    HOUR,
    NOON,
    add_article,
    add_dated,
    add_outlet,
    add_story,
    place,
    read,
    read_one,
    relate,
)

NEW = ("independent_reports", "first_reports", "headline_changes", "disappearances", "timeline",
       "outlets", "coverage", "runs", "verdicts")  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_an_empty_database_has_no_rows(engine, name):
    assert read(engine, name) == []


@pytest.fixture
def press(engine):
    """An original, its copy, near-copy and translation; one that lifts; one of its own."""
    with transaction(engine) as connection:
        add_story(connection)
        for name in ("Agency", "Paper", "Zeitung"):
            add_outlet(connection, name)
        add_dated(connection, 1, at=NOON)  # 1: the original
        add_dated(connection, 2, at=NOON + HOUR)  # 2: a copy
        add_dated(connection, 2, at=NOON + 2 * HOUR)  # 3: a near-copy
        add_dated(connection, 3, at=NOON + 3 * HOUR, language="de")  # 4: a translation
        add_dated(connection, 3, at=NOON + 4 * HOUR, language="de")  # 5: lifts from the translation
        add_dated(connection, 2, at=NOON + 5 * HOUR)  # 6: by itself
        add_dated(connection, 1, at=NOON + 6 * HOUR)  # 7: joined by a later copy only
        place(connection, 1, size=5)
        place(connection, 2, 1, parent=1, relation="identical")
        place(connection, 3, 1, parent=1, relation="near_duplicate")
        place(connection, 4, 1, parent=1, relation="translation")
        place(connection, 5, parent=4, relation="excerpt")
        place(connection, 6)
        place(connection, 7, 1)
        relate(connection, 1, "translation", seed_id=1)
        relate(connection, 6, "same_story", seed_id=1)
    return engine


# ---------------------------------------------------------------- independent reports


def test_a_text_with_all_its_copies_is_one_report(press):
    first = read(press, "independent_reports")[0]
    assert first == {
        "story": "talks", "report_id": 1, "url": "https://paper.example/a", "title": "Headline",
        "outlet": "Agency", "domain": "agency.example", "country": None, "language": "en",
        "published_at": NOON, "published_day_only": False, "published_earliest": NOON,
        "published_latest": NOON, "is_independent": True, "lifts_from_article_id": None,
        "lifted_share": None, "articles": 5, "outlets": 3, "languages": 2, "identical": 1,
        "near_duplicates": 1, "translations": 1, "other_copies": 1, "excerpts": 1,
        "relation_to_seed": "translation", "seed_score": 0.5, "needs_review": False,
        "final_relation": "translation", "learned_at": NOON + HOUR,
    }  # fmt: skip


def test_what_lifts_passages_is_a_report_of_its_own_that_is_not_independent(press):
    shown = read(
        press, "independent_reports", "report_id", "is_independent", "lifts_from_article_id",
        "lifted_share", "articles", "relation_to_seed",
    )  # fmt: skip
    assert shown == [
        (1, True, None, None, 5, "translation"),
        (5, False, 4, 0.5, 1, None),
        (6, True, None, None, 1, "same_story"),
    ]


def test_a_text_of_two_stories_counts_in_each_the_articles_of_that_story(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        for slug in ("talks", "visit"):
            add_story(connection, slug)
        add_dated(connection, at=NOON, stories=(1, 2))
        add_dated(connection, at=NOON + HOUR, stories=(2,))
        place(connection, 1, size=2)
        place(connection, 2, 1, parent=1, relation="identical")
        relate(connection, 1, "same_story", seed_id=1)
        relate(connection, 1, "excerpt", seed_id=2)
    shown = read(engine, "independent_reports", "story", "articles", "identical", "final_relation")
    assert shown == [("talks", 1, 0, "same_story"), ("visit", 2, 1, "excerpt")]


def test_an_article_that_is_in_no_cluster_yet_is_a_report(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON)
    shown = read_one(engine, "independent_reports", "report_id", "articles", "is_independent")
    assert shown == (1, 1, True)


def test_the_first_publication_of_a_text_is_bounded_by_all_its_articles(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON)
        add_dated(connection, at=NOON + HOUR, published_earliest=NOON - DAY)
        place(connection, 1, size=2)
        place(connection, 2, 1, parent=1, relation="identical")
    shown = read_one(engine, "independent_reports", "published_earliest", "published_latest")
    assert shown == (NOON - DAY, NOON)


def test_a_text_of_which_one_article_has_no_date_may_be_of_any_age(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON)
        add_article(connection, first_seen_at=NOON + DAY)
        place(connection, 1, size=2)
        place(connection, 2, 1, parent=1, relation="identical")
    shown = read_one(engine, "independent_reports", "published_earliest", "published_latest")
    assert shown == (None, NOON)


# ---------------------------------------------------------------- who was first


def ranks(engine):
    return read(
        engine, "first_reports", "article_id", "rank_earliest", "rank_latest",
        "language_rank_earliest", "language_rank_latest",
    )  # fmt: skip


def test_articles_with_exact_times_have_their_places_in_story_and_language(press):
    assert ranks(press) == [
        (1, 1, 1, 1, 1), (2, 2, 2, 2, 2), (3, 3, 3, 3, 3), (4, 4, 4, 1, 1), (5, 5, 5, 2, 2),
        (6, 6, 6, 4, 4), (7, 7, 7, 5, 5),
    ]  # fmt: skip


def test_a_first_report_tells_its_bounds_and_where_it_is_from(press):
    shown = next(row for row in read(press, "first_reports") if row["article_id"] == 4)
    assert shown == {
        "story": "talks", "article_id": 4, "url": "https://paper.example/a", "title": "Headline",
        "outlet": "Zeitung", "domain": "zeitung.example", "country": None, "language": "de",
        "published_at": NOON + 3 * HOUR, "published_day_only": False,
        "published_earliest": NOON + 3 * HOUR, "published_latest": NOON + 3 * HOUR,
        "first_seen_at": NOON + 4 * HOUR, "rank_earliest": 4, "rank_latest": 4,
        "language_rank_earliest": 1, "language_rank_latest": 1, "is_independent": False,
        "parent_article_id": 1, "parent_relation": "translation", "parent_outlet": "Agency",
        "learned_at": NOON + 4 * HOUR,
    }  # fmt: skip


def test_a_day_leaves_every_place_open_that_the_day_allows(engine):
    midnight = NOON - 12 * HOUR
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=midnight - DAY)  # 1: surely the first
        add_dated(connection, at=NOON)
        add_article(  # 3: some time on that day
            connection, first_seen_at=NOON + 2 * DAY, published_at=midnight,
            published_day_only=True, published_earliest=midnight, published_latest=midnight + DAY,
        )  # fmt: skip
        add_dated(connection, at=NOON + 2 * DAY)
    assert [row[:3] for row in ranks(engine)] == [(1, 1, 1), (2, 2, 3), (3, 2, 3), (4, 4, 4)]


def test_who_has_no_date_may_have_been_first_and_nobody_is_surely_before_it(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON)
        add_article(connection, first_seen_at=NOON + DAY)
        add_dated(connection, at=NOON + 2 * DAY)
    assert [row[:3] for row in ranks(engine)] == [(1, 1, 2), (2, 1, 2), (3, 3, 3)]


def test_at_the_same_moment_nobody_was_surely_first(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON)
        add_dated(connection, at=NOON)
    assert [row[:3] for row in ranks(engine)] == [(1, 1, 2), (2, 1, 2)]


def test_bounds_that_contradict_each_other_still_give_a_place(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_dated(connection, at=NOON, published_earliest=NOON + DAY)
        add_dated(connection, at=NOON + HOUR)
    assert [row[:3] for row in ranks(engine)] == [(1, 1, 1), (2, 2, 2)]


def test_each_story_and_each_language_has_its_own_order(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        for slug in ("talks", "visit"):
            add_story(connection, slug)
        add_dated(connection, at=NOON, stories=(1,))
        add_dated(connection, at=NOON + HOUR, stories=(1, 2), language=None)
    assert read(engine, "first_reports", "story", "article_id", "rank_latest", "language") == [
        ("talks", 1, 1, "en"), ("talks", 2, 2, None), ("visit", 2, 1, None),
    ]  # fmt: skip
