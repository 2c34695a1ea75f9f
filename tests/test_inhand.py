"""No source takes all places, and one that does harm is handled alone, then left to rest."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.inhand import InHand, did_harm
from ingest.model import FailureKind, NotModified, Rejection
from storage.turns import Turns, take_in_turn

CRASHED = Rejection(kind=FailureKind.CRASHED, reason="the worker died")
EMPTY = Rejection(kind=FailureKind.EMPTY, reason="no text")


NOT_MODIFIED = NotModified(
    requested_url="https://a.example/", fetched_at=datetime(2023, 9, 5, tzinfo=UTC), elapsed_ms=1
)


class Watch:
    """A monotonic clock that a test turns."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def hand(watch):
    return InHand(places=8, per_source=4, first_rest_seconds=60, clock=watch)


def work_on(hand, source, *, harmed):
    hand.begin("item", source)
    hand.end("item", harmed=harmed)


def test_a_source_has_one_place_until_it_gave_something_readable(hand):
    assert hand.open_places("a") == 1
    hand.begin(1, "a")
    assert hand.open_places("a") == 0
    assert 1 in hand
    hand.end(1, harmed=None)  # nothing came
    assert hand.open_places("a") == 1
    work_on(hand, "a", harmed=False)
    assert hand.open_places("a") == 4


def test_a_full_source_is_closed_and_the_others_are_not(hand):
    work_on(hand, "a", harmed=False)
    for item in range(4):
        hand.begin(item, "a")
    hand.begin(4, "b")
    turns = hand.turns()
    assert set(turns.closed) == {"a", "b"}
    assert turns.open_places("c") == 1
    assert hand.room == 3


def test_what_does_harm_is_handled_alone(hand):
    work_on(hand, "a", harmed=False)
    work_on(hand, "a", harmed=True)
    assert hand.open_places("a") == 1
    work_on(hand, "a", harmed=False)
    assert hand.open_places("a") == 4


def test_what_goes_on_doing_harm_rests_ever_longer(hand, watch):
    for _ in range(3):
        assert hand.open_places("a") == 1
        work_on(hand, "a", harmed=True)
    for rest in (60, 120, 240):
        assert set(hand.turns().closed) == {"a"}
        watch.seconds += rest - 1
        assert hand.open_places("a") == 0
        watch.seconds += 1
        assert hand.open_places("a") == 1
        assert not hand.turns().closed
        work_on(hand, "a", harmed=True)
    work_on(hand, "a", harmed=False)
    watch.seconds += 480
    assert hand.open_places("a") == 4


def test_a_rest_has_a_longest(watch):
    hand = InHand(places=8, per_source=4, longest_rest_seconds=3600, clock=watch)
    for _ in range(60):
        work_on(hand, "a", harmed=True)
    watch.seconds = 3600
    assert hand.open_places("a") == 1


def test_only_so_many_sources_are_remembered(hand):
    for number in range(5_000):
        work_on(hand, number, harmed=False)
    assert hand.open_places(0) == 1
    assert hand.open_places(4_999) == 4


@pytest.mark.parametrize(
    ("reading", "expected"), [(CRASHED, True), (EMPTY, False), (object(), False)]
)
def test_harm_is_what_a_worker_did_not_survive(reading, expected):
    assert did_harm(NOT_MODIFIED, reading) is expected


@given(
    st.lists(st.sampled_from("abc"), max_size=30),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 4)),
    st.integers(0, 10),
)
def test_items_are_taken_in_their_order_and_no_more_of_a_source_than_may_be(sources, places, limit):
    waiting = list(enumerate(sources))
    turns = Turns(open_places=lambda source: places.get(source, 1))
    taken = take_in_turn(waiting, turns=turns, limit=limit)
    assert len(taken) <= limit
    assert taken == sorted(set(taken))
    for source in "abc":
        of_source = [item for item in taken if sources[item] == source]
        allowed = min(places.get(source, 1), sources.count(source))
        assert of_source == [item for item, name in waiting if name == source][: len(of_source)]
        assert len(of_source) == allowed or (len(taken) == limit and len(of_source) < allowed)
