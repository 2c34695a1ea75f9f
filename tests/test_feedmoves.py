"""Where a feed is polled from now on, decided from what its polls said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feedmoves import MovePolicy, after_answer, after_failure
from ingest.model import FailureKind, FeedEventKind, FeedPlace

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
OLD, NEW, OTHER = "https://a.example/rss", "https://a.example/feed", "https://a.example/atom"
POLICY = MovePolicy()


def polled(place, *steps, url=OLD):
    """Polls that find the feed: each step is (hours since noon, way), the way from the polled
    address to the final one, all of it for good; return all events and the last place."""
    events = []
    for hours, way in steps:
        standing = after_answer(
            url,
            place,
            redirects=way[:-1],
            final_url=way[-1],
            permanent=len(way) > 1,
            now=NOON + timedelta(hours=hours),
            policy=POLICY,
        )
        place = standing.place
        events += standing.events
    return place, events


def failed(place, kind=FailureKind.NETWORK, *, failures=1.0):
    return after_failure(
        OLD, place, kind=kind, reason="HTTP 410", failures=failures, now=NOON, policy=POLICY
    )


def test_the_third_redirect_to_one_address_a_day_after_the_first_is_adopted():
    way = [OLD, NEW]
    place, events = polled(FeedPlace(), (0, way), (12, way), (24, way))
    assert place == FeedPlace(moved_to=NEW)
    assert [event.kind for event in events] == [FeedEventKind.MOVED]
    assert events[0].detail == f"{OLD} redirects for good to {NEW}, at 3 polls in a row"


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([(0, [OLD, NEW]), (30, [OLD, NEW])], id="two polls are too few"),
        pytest.param(
            [(hour, [OLD, NEW]) for hour in range(24)], id="any number within a day is too soon"
        ),
        pytest.param(
            [(0, [OLD, NEW]), (12, [OLD, OTHER]), (24, [OLD, NEW]), (36, [OLD, NEW])],
            id="another target in between starts anew",
        ),
        pytest.param(
            [(0, [OLD, NEW]), (12, [OLD]), (24, [OLD, NEW]), (36, [OLD, NEW])],
            id="an answer of its own in between starts anew",
        ),
        pytest.param(
            [(hour, [OLD, f"{NEW}?token={hour}"]) for hour in range(0, 96, 12)],
            id="a target that is new each time is none",
        ),
        pytest.param(
            [(hour, [OLD, "http://a.example/feed"]) for hour in range(0, 96, 12)],
            id="from https to http never",
        ),
        pytest.param(
            [(hour, [OLD, "http://a.example/x", NEW]) for hour in range(0, 96, 12)],
            id="by way of http neither",
        ),
        pytest.param(
            [(hour, [OLD, OTHER, OLD]) for hour in range(0, 96, 12)],
            id="a detour back to the same address is no move",
        ),
    ],
)
def test_what_is_not_adopted(steps):
    place, events = polled(FeedPlace(), *steps)
    assert (place.moved_to, events) == (None, [])


def test_a_redirect_that_is_not_for_good_starts_the_count_anew():
    place, _ = polled(FeedPlace(), (0, [OLD, NEW]), (12, [OLD, NEW]))
    standing = after_answer(
        OLD, place, redirects=[OLD], final_url=NEW, permanent=False, now=NOON, policy=POLICY
    )
    assert standing.place == FeedPlace()


def test_a_failure_in_between_starts_the_count_anew():
    place, _ = polled(FeedPlace(), (0, [OLD, NEW]), (24, [OLD, NEW]))
    assert failed(place).place == FeedPlace()


def test_another_registered_domain_is_adopted_and_noted():
    way = [OLD, "https://feeds.b.org/rss"]
    place, [event] = polled(FeedPlace(), (0, way), (12, way), (24, way))
    assert place.moved_to == way[-1]
    assert event.detail.endswith("; another registered domain: a.example -> b.org")


def test_from_http_to_https_is_adopted():
    way = ["http://a.example/rss", OLD]
    place, _ = polled(FeedPlace(), (0, way), (12, way), (24, way), url=way[0])
    assert place.moved_to == OLD


def test_a_redirect_back_to_the_listed_address_ends_the_move():
    way = [NEW, OLD]
    place, events = polled(FeedPlace(moved_to=NEW), (0, way), (12, way), (24, way))
    assert (place, [event.kind for event in events]) == (FeedPlace(), [FeedEventKind.MOVED_BACK])


def test_a_new_address_that_moves_on_is_followed():
    way = [NEW, OTHER]
    place, events = polled(FeedPlace(moved_to=NEW), (0, way), (12, way), (24, way))
    assert (place.moved_to, events[0].kind) == (OTHER, FeedEventKind.MOVED)


def test_a_new_address_is_given_up_for_the_listed_one_after_three_hard_failures():
    moved = FeedPlace(moved_to=NEW)
    assert failed(moved, FailureKind.GONE, failures=2.0).place == moved
    given_up = failed(moved, FailureKind.GONE, failures=3.0)
    assert given_up.place == FeedPlace()
    [event] = given_up.events
    assert event.kind is FeedEventKind.MOVED_BACK
    assert event.detail == f"{NEW} failed too often, at last with gone: HTTP 410; now {OLD}"


def test_a_410_is_gone_once_and_an_answer_brings_it_back():
    gone = failed(FeedPlace(), FailureKind.GONE)
    assert gone.place.gone_since == NOON
    assert [event.kind for event in gone.events] == [FeedEventKind.GONE]
    for kind in (FailureKind.GONE, FailureKind.TIMEOUT, FailureKind.NOT_FOUND):
        again = failed(gone.place, kind, failures=9.0)
        assert (again.place, again.events) == (gone.place, ())
    place, [event] = polled(gone.place, (24 * 9, [OLD]))
    assert (place, event.kind) == (FeedPlace(), FeedEventKind.BACK)


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.GONE])
def test_no_other_failure_makes_a_feed_gone(kind):
    standing = failed(FeedPlace(), kind, failures=50.0)
    assert (standing.place, standing.events) == (FeedPlace(), ())


_HOSTS = st.sampled_from(["http://a.example/", "https://a.example/", "https://b.example/x"])
_WAYS = st.lists(_HOSTS, min_size=1, max_size=3)


@given(st.lists(st.tuples(st.floats(0, 48), _WAYS, st.booleans(), st.booleans()), max_size=12))
def test_whatever_polls_say_a_move_has_its_reasons(polls):
    """Adopted is only what the last three polls at least agreed on, over a day, never downwards."""
    url, place, hours, row = "https://a.example/", FeedPlace(), 0.0, []
    for pause, rest, permanent, fails in polls:
        hours += pause
        now = NOON + timedelta(hours=hours)
        before = place.moved_to or url
        way = [before, *rest]
        if fails:
            place, row = failed(place).place, []
            continue
        place = after_answer(
            url, place, redirects=way[:-1], final_url=way[-1], permanent=permanent, now=now,
            policy=POLICY,
        ).place  # fmt: skip
        row = [*row, (now, way, permanent)]
        after = place.moved_to or url
        if after == before:
            continue
        last = row[-3:]
        assert {(seen[-1], good) for _, seen, good in last} == {(after, True)}
        assert len(last) == 3
        steady = [at for at, seen, _ in row if seen[-1] == after]
        assert now - min(steady) >= timedelta(days=1)
        assert not (before.startswith("https:") and after.startswith("http:"))
        row = []
