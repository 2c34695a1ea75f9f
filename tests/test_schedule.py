"""The schedule as tables: what came of the last look decides when the next one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.model import FailureKind
from ingest.schedule import (
    DAY,
    CheckBudget,
    PollBudget,
    RetryBudget,
    find_rhythm,
    needs_full_fetch,
    plan_after_failure,
    plan_after_not_modified,
    plan_after_success,
    plan_check_after_change,
    plan_check_after_failure,
    plan_check_after_unchanged,
    plan_check_to_confirm,
    plan_retry,
    plan_wake,
    plan_while_gone,
)

NOW = datetime(2023, 9, 5, 12, tzinfo=UTC)
BUDGET = PollBudget(floor_seconds=900, ceiling_seconds=DAY, full_fetch_seconds=DAY)
CHECKS = CheckBudget(first_seconds=1200, growth=1.2, park_after_seconds=40 * DAY)
MIDDLE = 0.5  # the chance that leaves an interval as it is


@pytest.mark.parametrize(
    ("interval", "entries", "new", "expected"),
    [
        pytest.param(0, 30, 30, 1800, id="a first poll starts at twice the floor"),
        pytest.param(7200, 30, 20, 3600, id="mostly new halves the interval"),
        pytest.param(7200, 30, 8, 5760, id="a good part new shortens it"),
        pytest.param(7200, 30, 1, 7200, id="little new keeps it"),
        pytest.param(7200, 30, 0, 9000, id="nothing new lengthens it"),
        pytest.param(7200, 0, 0, 9000, id="an empty feed counts as nothing new"),
        pytest.param(1000, 30, 30, 900, id="never below the floor"),
        pytest.param(80_000, 30, 0, DAY, id="never above the ceiling"),
    ],
)
def test_share_of_unseen_entries_moves_the_interval(interval, entries, new, expected):
    plan = plan_after_success(
        interval_seconds=interval,
        entries=entries,
        new_entries=new,
        now=NOW,
        budget=BUDGET,
        jitter=MIDDLE,
    )
    assert plan.interval_seconds == pytest.approx(expected)
    assert plan.next_poll_at == NOW + timedelta(seconds=plan.interval_seconds)
    assert plan.failures == 0


def test_a_304_counts_as_nothing_new():
    plan = plan_after_not_modified(interval_seconds=7200, now=NOW, budget=BUDGET, jitter=MIDDLE)
    assert plan.interval_seconds == 9000


@pytest.mark.parametrize(
    ("kind", "weight"),
    [
        (FailureKind.GONE, 1.0),
        (FailureKind.NOT_A_FEED, 1.0),
        (FailureKind.NOT_FOUND, 0.5),
        (FailureKind.HTTP_SERVER, 0.25),
        (FailureKind.TIMEOUT, 0.25),
    ],
)
def test_failures_are_weighted_and_back_off_linearly(kind, weight):
    plan = plan_after_failure(
        failures=2.0,
        kind=kind,
        retry_after_seconds=None,
        interval_seconds=3600,
        now=NOW,
        budget=BUDGET,
        jitter=MIDDLE,
    )
    assert plan.failures == 2.0 + weight
    assert plan.next_poll_at == NOW + timedelta(seconds=3600 * (3 + weight))


def test_a_feed_that_failed_a_thousand_times_is_still_polled_daily():
    plan = plan_after_failure(
        failures=1000,
        kind=FailureKind.GONE,
        retry_after_seconds=None,
        interval_seconds=3600,
        now=NOW,
        budget=BUDGET,
        jitter=1.0,
    )
    assert plan.next_poll_at <= NOW + timedelta(seconds=1.1 * DAY)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_a_feed_that_is_gone_is_polled_once_a_week_and_keeps_its_rhythm(jitter):
    plan = plan_while_gone(
        failures=7.0, interval_seconds=3600, now=NOW, budget=BUDGET, jitter=jitter
    )
    assert timedelta(days=7) <= plan.next_poll_at - NOW <= timedelta(days=7.7)
    assert (plan.interval_seconds, plan.failures) == (3600, 7.0)


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [(7200, 7200), (10**9, DAY), (1, 3600 * 1.25)],
    ids=["honoured", "capped at a day", "never sooner than the back-off"],
)
def test_retry_after(retry_after, expected):
    plan = plan_after_failure(
        failures=0,
        kind=FailureKind.RATE_LIMITED,
        retry_after_seconds=retry_after,
        interval_seconds=3600,
        now=NOW,
        budget=BUDGET,
        jitter=0.0,
    )
    assert plan.next_poll_at == NOW + timedelta(seconds=expected)


@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.999])
def test_jitter_stays_within_a_tenth(jitter):
    plan = plan_after_success(
        interval_seconds=3600, entries=10, new_entries=1, now=NOW, budget=BUDGET, jitter=jitter
    )
    assert abs((plan.next_poll_at - NOW).total_seconds() - 3600) <= 360


def test_a_full_fetch_is_due_after_a_day_and_at_first():
    assert needs_full_fetch(None, now=NOW, budget=BUDGET)
    assert needs_full_fetch(NOW - timedelta(days=1), now=NOW, budget=BUDGET)
    assert not needs_full_fetch(NOW - timedelta(hours=23), now=NOW, budget=BUDGET)


def test_sixty_days_without_a_change_take_few_checks_and_end_parked():
    now, interval, checks = NOW, 0.0, 0
    due = plan_check_after_change(now=now, budget=CHECKS, jitter=MIDDLE)
    while due.next_check_at is not None:
        now, interval, checks = due.next_check_at, due.interval_seconds, checks + 1
        due = plan_check_after_unchanged(
            interval_seconds=interval, since=NOW, now=now, budget=CHECKS, jitter=MIDDLE
        )
    assert timedelta(days=30) < now - NOW <= timedelta(days=40)
    assert 25 <= checks <= 50


def _after_failed_look(*, age_days=1, retry_after=None):
    return plan_check_after_failure(
        interval_seconds=50_000,
        since=NOW - timedelta(days=age_days),
        retry_after_seconds=retry_after,
        now=NOW,
        budget=CHECKS,
        jitter=MIDDLE,
    )


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_a_second_look_comes_after_the_wait_and_never_before(jitter):
    plan = plan_check_to_confirm(
        interval_seconds=50_000, wait_seconds=3600, now=NOW, budget=CHECKS, jitter=jitter
    )
    assert plan.interval_seconds == 50_000
    assert timedelta(0) <= plan.next_check_at - NOW - timedelta(hours=1) <= timedelta(minutes=6)


@pytest.mark.parametrize(
    ("interval", "vouched", "rhythm", "expected"),
    [
        pytest.param(3600, False, None, 4320, id="a fifth longer"),
        pytest.param(3600, True, None, 7200, id="twice as long while a feed tells of changes"),
        pytest.param(80000, True, None, 96000, id="beyond a day a fifth longer all the same"),
        pytest.param(60000, True, None, 86400, id="twice as long, but a day at most"),
        pytest.param(3600, False, 7200, 1800, id="four looks from one change to the next"),
        pytest.param(1200, False, 86400, 1440, id="a slow rhythm hurries nothing"),
        pytest.param(3600, False, 600, 1200, id="a fast one hurries to the first interval"),
        pytest.param(3600, True, 7200, 7200, id="what a feed tells of needs no hurry"),
    ],
)
def test_the_next_look_after_an_unchanged_one(interval, vouched, rhythm, expected):
    plan = plan_check_after_unchanged(
        interval_seconds=interval,
        since=NOW,
        now=NOW,
        budget=CHECKS,
        jitter=MIDDLE,
        vouched=vouched,
        rhythm_seconds=rhythm,
    )
    assert plan.interval_seconds == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hours_ago", "expected"),
    [
        pytest.param([], None, id="nothing changed"),
        pytest.param([1], None, id="one change has no rhythm"),
        pytest.param([1, 3], 2, id="two have"),
        pytest.param([5, 7], 2, id="the third may be late"),
        pytest.param([6, 8], None, id="it is long overdue"),
        pytest.param([2, 12, 15, 16], 3, id="the shorter of the last two gaps"),
    ],
)
def test_a_rhythm_is_the_gap_between_changes(hours_ago, expected):
    found = find_rhythm([NOW - timedelta(hours=ago) for ago in hours_ago], now=NOW)
    assert found == (None if expected is None else expected * 3600)


def test_a_failed_look_makes_the_next_ones_rarer():
    plan = _after_failed_look()
    assert plan.interval_seconds == 60_000
    assert plan.next_check_at == NOW + timedelta(seconds=60_000)


def test_what_is_lost_for_sure_is_looked_at_half_as_often_each_time():
    plan = plan_check_after_failure(
        interval_seconds=3600,
        since=NOW,
        retry_after_seconds=None,
        now=NOW,
        budget=CHECKS,
        jitter=MIDDLE,
        lost=True,
    )
    assert plan.interval_seconds == 7200


def test_an_article_without_a_new_version_for_long_is_parked_after_a_failure_too():
    assert _after_failed_look(age_days=40).next_check_at is None


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(70_000, 70_000), (10**9, DAY), (5, 60_000)],
    ids=["honoured", "capped at a day", "never sooner than planned"],
)
def test_a_look_waits_as_long_as_the_server_asks(retry_after, seconds):
    plan = _after_failed_look(retry_after=retry_after)
    assert plan.next_check_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("attempts", "kind", "expected"),
    [
        pytest.param(1, FailureKind.TIMEOUT, 300, id="first retry after five minutes"),
        pytest.param(3, FailureKind.TIMEOUT, 4800, id="each wait is four times the last"),
        pytest.param(7, FailureKind.TIMEOUT, 86400, id="a day is the longest wait"),
        pytest.param(8, FailureKind.TIMEOUT, None, id="given up after the last attempt"),
        pytest.param(4, FailureKind.CRASHED, 19200, id="a page that kills its worker is"),
        pytest.param(5, FailureKind.CRASHED, None, id="but is given up sooner"),
        pytest.param(1, FailureKind.NOT_FOUND, 300, id="a 404 may be early"),
        pytest.param(2, FailureKind.EMPTY, 1200, id="so may a page without text"),
        pytest.param(3, FailureKind.SOFT_404, None, id="both are given up after half an hour"),
        pytest.param(1, FailureKind.GONE, None, id="a 410 is not tried again"),
        pytest.param(1, FailureKind.NOT_HTML, None, id="a page of another kind is not"),
        pytest.param(1, FailureKind.BLOCKED, 300, id="a consent wall is"),
    ],
)
def test_retries_of_a_page(attempts, kind, expected):
    due = plan_retry(
        attempts, kind=kind, retry_after_seconds=None, now=NOW, budget=RetryBudget(), jitter=0.5
    )
    assert due == (None if expected is None else NOW + timedelta(seconds=expected))


def test_a_page_waits_as_long_as_the_server_asks_up_to_a_day():
    due = [
        plan_retry(
            1,
            kind=FailureKind.RATE_LIMITED,
            retry_after_seconds=asked,
            now=NOW,
            budget=RetryBudget(),
            jitter=0.0,
        )
        for asked in (7200, 10**9)
    ]
    assert due == [NOW + timedelta(hours=2), NOW + timedelta(days=1)]


def test_no_wait_of_a_failing_feed_is_shorter_than_the_one_before():
    failures, waits = 0.0, []
    for _ in range(200):
        plan = plan_after_failure(
            failures=failures,
            kind=FailureKind.HTTP_SERVER,
            retry_after_seconds=None,
            interval_seconds=900,
            now=NOW,
            budget=BUDGET,
            jitter=MIDDLE,
        )
        failures = plan.failures
        waits.append((plan.next_poll_at - NOW).total_seconds())
    assert waits == sorted(waits)
    assert waits[0] == 900 * 1.25
    assert waits[3] == 900 * 2
    assert waits[-1] <= DAY


def test_a_feed_that_comes_back_starts_without_its_failures():
    back = plan_after_not_modified(interval_seconds=3600, now=NOW, budget=BUDGET, jitter=MIDDLE)
    assert back.failures == 0
    assert back.interval_seconds == 4500


@pytest.mark.parametrize(
    ("checked", "changed", "expected"),
    [
        pytest.param(None, None, 0, id="what was never looked at again is looked at now"),
        pytest.param(-60, None, 0, id="and so is what was looked at an hour ago"),
        pytest.param(-4, None, 6, id="what was looked at just now rests first"),
        pytest.param(-60, -30, 0, id="a change since the last look is looked at"),
        pytest.param(-60, -90, None, id="a change before the last look was seen by it"),
        pytest.param(-4, -3, 6, id="a change just after the last look waits for the rest"),
    ],
)
def test_a_wake_comes_soon_but_not_at_once_after_a_look(checked, changed, expected):
    def at(minutes):
        return None if minutes is None else NOW + timedelta(minutes=minutes)

    due = plan_wake(checked_at=at(checked), changed_at=at(changed), now=NOW, budget=CHECKS)
    assert due == at(expected)
