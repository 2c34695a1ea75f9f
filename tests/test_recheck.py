"""What a look means beside the looks before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.model import ArticleState, FailureKind, Outcome, PastLook
from ingest.recheck import (
    COUNTER_MOVED,
    always_differs,
    count_flips,
    decide_state,
    has_collapsed,
    is_degraded,
    is_old_copy,
    overtaken_return,
    weigh_other_page,
    weigh_return,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNS = {
    "n": (Outcome.NEW_VERSION, None),
    "u": (Outcome.UNCHANGED, None),
    "x": (Outcome.NOISE, None),
    "l": (Outcome.NOISE, None),
    "r": (Outcome.UNSETTLED, None),
    "s": (Outcome.STALE, None),
    "4": (Outcome.FAILED, FailureKind.NOT_FOUND),
    "h": (Outcome.FAILED, FailureKind.SOFT_404),
    "b": (Outcome.FAILED, FailureKind.BLOCKED),
    "e": (Outcome.FAILED, FailureKind.EMPTY),
    "t": (Outcome.FAILED, FailureKind.TIMEOUT),
    "o": (Outcome.FAILED, FailureKind.OTHER_PAGE),
    "f": (Outcome.FAILED, FailureKind.HTTP_CLIENT),
}


def looks(story: str, *, status: int | None = None) -> list[PastLook]:
    """Looks an hour apart, the last letter the present one; the latest first."""
    return [
        PastLook(
            observed_at=NOW - number * HOUR,
            outcome=SIGNS[letter][0],
            failure=SIGNS[letter][1],
            status=status,
            version_id=7 if letter in "rs" else 8,
            reason=COUNTER_MOVED if letter == "x" else None,
        )
        for number, letter in enumerate(reversed(story))
    ]


@pytest.mark.parametrize(
    ("story", "looked", "needed", "hours"),
    [
        pytest.param("nuu", 1, 4, 0, id="seen for the first time"),
        pytest.param("nurrr", 4, 4, 2, id="enough, since the first of them"),
        pytest.param("nurtr", 3, 4, 2, id="a timeout does not break the row"),
        pytest.param("nururr", 3, 5, 1, id="it came and left before: one more"),
        pytest.param("nurururur", 2, 7, 0, id="and one more each time"),
        pytest.param("nurururururururr", 3, 8, 1, id="eight at most"),
    ],
)
def test_an_earlier_version_counts_after_looks_in_a_row(story, looked, needed, hours):
    found = weigh_return(looks(story), version_id=7, returns=0, old_copy=False, now=NOW)
    assert (found.looks, found.needed) == (looked, needed)
    assert found.settled is (looked >= needed)
    assert NOW - found.first_seen_at == hours * HOUR


def test_a_return_takes_longer_after_returns_and_from_a_page_that_says_it_is_old():
    def needed(**given):
        return weigh_return(looks("nu"), version_id=7, now=NOW, **given).needed

    assert needed(returns=1, old_copy=False) == 6
    assert needed(returns=0, old_copy=True) == 6
    assert needed(returns=9, old_copy=True) == 8


def test_flips_are_counted_since_the_last_version():
    assert count_flips(looks("nurururu")) == 3
    assert count_flips(looks("nrurun")) == 0
    assert count_flips(looks("nurrr")) == 0


@pytest.mark.parametrize(
    ("story", "overtaken"),
    [
        ("nurr", True),
        ("nur", False),
        ("nururr", False),
        ("nuss", False),
        ("nurru", False),
        ("nurrt", True),
    ],
)
def test_new_content_settles_a_return_before_it_unless_content_flips(story, overtaken):
    assert (overtaken_return(looks(story)) is not None) is overtaken


def old(**given) -> bool:
    values = {
        "headers": {},
        "fetched_at": NOW,
        "modified_at": None,
        "current_seen_at": NOW - HOUR,
        "current_modified_at": None,
        "current_last_modified": None,
    }
    return is_old_copy(**(values | given))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, False, id="nothing is said"),
        pytest.param({"headers": {"age": "7200"}}, True, id="made before what we have"),
        pytest.param({"headers": {"age": "60"}}, False, id="made after it"),
        pytest.param({"headers": {"age": "a while"}}, False, id="no age"),
        pytest.param({"headers": {"age": "9" * 400}}, False, id="no age either"),
        pytest.param(
            {"modified_at": NOW - 2 * HOUR, "current_modified_at": NOW - HOUR}, True, id="modified"
        ),
        pytest.param(
            {
                "headers": {"last-modified": "Mon, 02 Mar 2026 08:00:00 GMT"},
                "current_last_modified": "Mon, 02 Mar 2026 10:00:00 GMT",
            },
            True,
            id="Last-Modified",
        ),
        pytest.param(
            {"headers": {"last-modified": "yesterday"}, "current_last_modified": "x"},
            False,
            id="no date",
        ),
    ],
)
def test_a_page_may_say_that_it_is_old(given, expected):
    assert old(**given) is expected


@pytest.mark.parametrize(
    ("words", "before", "usual", "explains", "expected"),
    [
        pytest.param(30, 400, [300] * 6, False, True, id="a twelfth is left"),
        pytest.param(30, 400, [300] * 6, True, False, id="and it says why"),
        pytest.param(30, 400, [60] * 6, False, False, id="as short as the outlet's others"),
        pytest.param(120, 400, [300] * 6, False, False, id="a third is left: cut"),
        pytest.param(60, 400, [], False, False, id="nothing to compare with"),
        pytest.param(30, 400, [], False, True, id="nothing to compare with, and next to nothing"),
    ],
)
def test_collapsed(words, before, usual, explains, expected):
    found = has_collapsed(words, words_before=before, usual=usual, explains_itself=explains)
    assert found is expected


def state(story, *, before=ArticleState.LIVE, grace=3600.0, alarmed=False, status=None):
    found = decide_state(
        looks(story, status=status), before=before, grace_seconds=grace, alarmed=alarmed
    )
    return found.state.value, found.proven


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("u4", ("live", False)),
        ("u44", ("gone", True)),
        ("u4h", ("gone", True)),
        ("u4t4", ("gone", True)),
        ("u4u4", ("live", False)),
        ("ub", ("live", False)),
        ("ube", ("blocked", True)),
        ("ub4", ("live", False)),
        ("ut", ("live", True)),
        ("uf", ("live", True)),
    ],
)
def test_gone_and_blocked_take_two_signs(story, expected):
    assert state(story) == expected


def test_the_second_sign_comes_after_the_grace_period():
    assert state("u44", grace=7200.0) == ("live", False)
    assert state("u444", grace=7200.0) == ("gone", True)


def test_what_is_gone_stays_gone_at_the_next_sign_and_a_refused_page_is_blocked():
    assert state("4", before=ArticleState.GONE) == ("gone", True)
    assert state("uff", status=403) == ("blocked", True)
    assert state("uff", status=418) == ("live", True)


def test_an_empty_page_says_nothing_while_the_outlet_is_alarmed():
    assert state("uee", alarmed=True) == ("live", True)
    assert state("ubb", alarmed=True) == ("blocked", True)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("nunn", True),
        ("nnxx", True),
        ("nnxtx", True),
        ("nunun", False),
        ("nnxu", False),
        ("nnl", False),
    ],
)
def test_a_counter_moves_at_every_look(story, expected):
    assert always_differs(looks(story)) is expected


def test_the_canary_wants_four_of_the_last_six_articles_without_text():
    empty = FailureKind.EMPTY
    assert not is_degraded([empty] * 3)
    assert is_degraded([empty, FailureKind.COLLAPSED, FailureKind.CRASHED, empty, None, None])
    assert not is_degraded([empty, empty, empty, None, None])
    assert is_degraded([FailureKind.NOT_FOUND, FailureKind.BLOCKED, empty, empty, empty, empty])
    assert not is_degraded([FailureKind.BLOCKED] * 9)


@pytest.mark.parametrize(
    ("story", "words", "elsewhere", "expected"),
    [
        pytest.param("nu", 400, False, FailureKind.OTHER_PAGE, id="one look proves nothing"),
        pytest.param("nuo", 400, False, None, id="still there after the grace period: a rewrite"),
        pytest.param("nuot", 400, False, None, id="a timeout says nothing"),
        pytest.param("nuou", 400, False, FailureKind.OTHER_PAGE, id="the article came between"),
        pytest.param("nuooo", 90, False, FailureKind.OTHER_PAGE, id="a short one never counts"),
        pytest.param("nuo", 400, True, FailureKind.BLOCKED, id="a wall stands at every address"),
    ],
)
def test_another_page_counts_when_it_is_long_and_stays(story, words, elsewhere, expected):
    before = [
        PastLook(
            observed_at=look.observed_at - 2 * HOUR,
            outcome=look.outcome,
            failure=look.failure,
            status=None,
            version_id=look.version_id,
            reason=None,
        )
        for look in looks(story)
    ]
    found = weigh_other_page(
        before,
        words=words,
        words_before=500,
        stands_elsewhere=elsewhere,
        grace_seconds=3600.0,
        now=NOW,
    )
    assert found is expected
