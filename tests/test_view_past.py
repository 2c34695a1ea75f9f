"""What changed, what disappeared, what was believed when, and what ran."""

from __future__ import annotations

from itertools import pairwise

import pytest

from storage.engine import transaction
from storage.readonly import read_only_query
from storage.schema import analyst_verdict, job_run
from tests.rows import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    add,
    add_article,
    add_change,
    add_event,
    add_look,
    add_outlet,
    add_story,
    add_version,
    place,
    read,
    read_one,
    relate,
)

# ---------------------------------------------------------------- headlines


@pytest.fixture
def retitled(engine):
    """An article whose headline goes A, B, B with another text, A, C."""
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_article(connection, stories=(1,))
        connection.exec_driver_sql("UPDATE version SET title = 'A'")
        titles = "ABBAC"
        for number, (before, after) in enumerate(pairwise(titles), start=1):
            version_id = add_version(
                connection, 1, at=NOON + number * HOUR, title=after,
                last_observed_at=NOON + number * HOUR + 20 * MINUTE,
            )  # fmt: skip
            heads = {"headline_from": before, "headline_to": after} if before != after else {}
            add_change(
                connection, 1, number, version_id, kind="reverted" if number == 3 else "headline",
                words_removed=int(number == 4), recorded_at=NOON + number * DAY, **heads,
            )  # fmt: skip
    return engine


def test_a_change_of_headline_tells_when_and_whether_it_is_an_earlier_one(retitled):
    shown = read(
        retitled, "headline_changes", "from_seq", "to_seq", "headline_from", "headline_to",
        "is_return", "returns_to_seq", "is_last", "text_changed",
    )  # fmt: skip
    assert shown == [
        (1, 2, "A", "B", False, None, False, False),
        (3, 4, "B", "A", True, 1, False, False),
        (4, 5, "A", "C", False, None, True, True),
    ]


def test_a_change_of_headline_stands_between_two_looks(retitled):
    row = next(row for row in read(retitled, "headline_changes") if row["to_seq"] == 4)
    assert row == {
        "change_id": 3, "article_id": 1, "url": "https://paper.example/a", "outlet": "Paper",
        "domain": "paper.example", "language": "en", "story": "talks", "from_seq": 3, "to_seq": 4,
        "headline_from": "B", "headline_to": "A", "kind": "reverted", "reason": "it differs",
        "text_changed": False, "last_seen_at": NOON + 2 * HOUR + 20 * MINUTE,
        "changed_at": NOON + 3 * HOUR, "changed_after_seconds": 40 * 60, "is_return": True,
        "returns_to_seq": 1, "is_last": False, "learned_at": NOON + 3 * DAY,
    }  # fmt: skip


def test_a_headline_of_two_stories_has_a_row_in_each_and_one_of_none_has_one(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        for slug in ("talks", "visit"):
            add_story(connection, slug)
        for number, stories in ((1, (1, 2)), (2, ())):
            add_article(connection, stories=stories)
            after = add_version(connection, number, title="New")
            add_change(connection, number, after - 1, after, headline_to="New")
    shown = read(engine, "headline_changes", "article_id", "story")
    assert shown == [(1, "talks"), (1, "visit"), (2, None)]


# ---------------------------------------------------------------- disappearances


def test_a_disappearance_tells_its_looks_its_end_and_who_has_the_text(engine):
    with transaction(engine) as connection:
        add_outlet(connection, country="KR")
        add_story(connection)
        for number, state in enumerate(("live", "live", "gone", "live"), start=1):
            add_article(connection, state=state)
            place(connection, number, 1 if number < 4 else None, size=3 if number == 1 else 0)
        add_look(connection, 1, NOON, version_id=1)
        add_look(connection, 1, NOON + HOUR, version_id=1)
        add_look(connection, 1, NOON + 2 * HOUR, outcome="failed")
        add_look(connection, 1, NOON + 9 * HOUR, version_id=1)
        add_event(
            connection, 1, "gone", NOON + 2 * HOUR, decided_at=NOON + 3 * HOUR,
            recorded_at=NOON + 4 * HOUR,
        )  # fmt: skip
        add_event(connection, 1, "back", NOON + 9 * HOUR)
        add_event(connection, 1, "blocked", NOON + 20 * HOUR)
        add_event(connection, 4, "gone", NOON)
    first, *others = read(engine, "disappearances")
    assert first == {
        "event_id": 1, "article_id": 1, "url": "https://paper.example/a", "title": "Headline",
        "outlet": "Paper", "domain": "paper.example", "country": "KR", "language": "en",
        "story": "talks", "kind": "gone", "last_read_at": NOON + HOUR,
        "first_sign_at": NOON + 2 * HOUR, "decided_at": NOON + 3 * HOUR, "reason": "404",
        "back_at": NOON + 9 * HOUR, "away_seconds": 7 * 3600, "state": "live",
        "still_carried_by": 1, "learned_at": NOON + 4 * HOUR,
    }  # fmt: skip
    shown = [
        (row["event_id"], row["kind"], row["back_at"], row["away_seconds"], row["still_carried_by"])
        for row in others
    ]
    assert shown == [(3, "blocked", None, None, 1), (4, "gone", None, None, 0)]


def test_an_article_that_was_never_read_and_is_in_no_cluster_disappears_all_the_same(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, stories=(), state="gone")
        add_event(connection, 1, "gone", NOON)
    row = read_one(engine, "disappearances", "story", "last_read_at", "still_carried_by")
    assert row == (None, None, 0)


# ---------------------------------------------------------------- verdicts


def correct(connection, child, relation, at, *, parent=None, seed_id=None):
    add(
        connection, analyst_verdict,
        child_version_id=child, parent_version_id=parent, seed_id=seed_id, relation=relation,
        author="mk", note="same report", decided_at=at,
    )  # fmt: skip


def held(engine):
    return read(
        engine, "verdicts", "decided_by", "verdict_id", "relation", "decided_at", "superseded_at"
    )


@pytest.fixture
def judged(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        for _ in range(3):
            add_article(connection)
    return engine


def test_a_later_verdict_on_a_seed_takes_the_place_of_the_one_before(judged):
    with transaction(judged) as connection:
        relate(connection, 1, "same_story", seed_id=1, at=NOON, method="1")
        relate(connection, 1, "excerpt", seed_id=1, at=NOON + DAY, method="2")
        relate(connection, 2, "excerpt", seed_id=1, at=NOON + 2 * DAY)
    assert held(judged) == [
        ("rule", 1, "same_story", NOON, NOON + DAY),
        ("rule", 2, "excerpt", NOON + DAY, None),
        ("rule", 3, "excerpt", NOON + 2 * DAY, None),
    ]


def test_two_versions_are_one_pair_in_whatever_direction(judged):
    with transaction(judged) as connection:
        relate(connection, 2, "identical", parent=1, at=NOON)
        relate(connection, 1, "excerpt", parent=2, at=NOON + DAY)
        relate(connection, 3, "excerpt", parent=2, at=NOON + 2 * DAY)
    assert [row[4] for row in held(judged)] == [NOON + DAY, None, None]


def test_an_analyst_counts_over_every_rule_then_and_later(judged):
    with transaction(judged) as connection:
        relate(connection, 2, "identical", parent=1, at=NOON, method="1")
        correct(connection, 1, "excerpt", NOON + DAY, parent=2)
        relate(connection, 2, "translation", parent=1, at=NOON + 2 * DAY, method="2")
        correct(connection, 2, "unrelated", NOON + 3 * DAY, parent=1)
    assert held(judged) == [
        ("analyst", 1, "excerpt", NOON + DAY, NOON + 3 * DAY),
        ("analyst", 2, "unrelated", NOON + 3 * DAY, None),
        ("rule", 1, "identical", NOON, NOON + DAY),
        ("rule", 2, "translation", NOON + 2 * DAY, NOON + 2 * DAY),  # never held
    ]


@pytest.mark.parametrize(
    ("moment", "believed"),
    [("2023-09-05", []), ("2023-09-06", ["same_story"]), ("2023-09-07", ["excerpt"]),
     ("2023-09-08", ["translation"])],
)  # fmt: skip
def test_at_each_moment_one_verdict_holds(judged, moment, believed):
    with transaction(judged) as connection:
        relate(connection, 1, "same_story", seed_id=1, at=NOON, method="1")
        relate(connection, 1, "excerpt", seed_id=1, at=NOON + DAY, method="2")
        correct(connection, 1, "translation", NOON + 2 * DAY, seed_id=1)
    _, rows = read_only_query(
        judged,
        f"SELECT relation FROM verdicts WHERE story = 'talks' AND decided_at <= '{moment}'"
        f" AND (superseded_at IS NULL OR superseded_at > '{moment}')",
    )
    assert [row[0] for row in rows] == believed


def test_a_verdict_names_both_sides(judged):
    with transaction(judged) as connection:
        relate(connection, 2, "identical", parent=1)
        correct(connection, 3, "excerpt", NOON, seed_id=1)
    analyst, rule = read(judged, "verdicts")
    assert rule == {
        "decided_by": "rule", "verdict_id": 1, "child_article_id": 2, "child_version_id": 2,
        "child_seq": 1, "child_outlet": "Paper", "child_language": "en", "parent_article_id": 1,
        "parent_version_id": 1, "parent_seq": 1, "story": None, "seed_seq": None,
        "relation": "identical", "score": 0.5, "shared_child": 0.25, "shared_parent": 0.125,
        "needs_review": False, "method": "shingles", "method_version": "1", "author": None,
        "note": None, "decided_at": NOON, "superseded_at": None,
    }  # fmt: skip
    shown = tuple(analyst[key] for key in ("story", "seed_seq", "author", "note", "score"))
    assert shown == ("talks", 1, "mk", "same report", None)


# ---------------------------------------------------------------- runs and the contract


def test_a_run_tells_how_long_it_took_and_one_without_end_is_unfinished(engine):
    done = {"finished_at": NOON + 90 * MINUTE, "outcome": "done"}
    with transaction(engine) as connection:
        add(connection, job_run, job="poll", started_at=NOON, counts={})
        add(connection, job_run, job="poll", started_at=NOON, counts={"new": 2}, **done)
        add(connection, job_run, job="check", started_at=NOON, counts={}, error="no disk")
    killed, row, running = read(engine, "runs")
    assert row == {
        "run_id": 2, "job": "poll", "started_at": NOON, "finished_at": NOON + 90 * MINUTE,
        "seconds": 5400, "outcome": "done", "is_unfinished": False, "is_last": True,
        "counts": {"new": 2}, "error": None,
    }  # fmt: skip
    shown = [(item["is_unfinished"], item["is_last"]) for item in (killed, running)]
    assert shown == [(True, False), (True, True)]


def test_the_version_of_the_contract_is_one_row(engine):
    assert read_one(engine, "contract_version", "major", "minor", "version") == (1, 0, "1.0")
