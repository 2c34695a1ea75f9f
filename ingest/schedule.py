"""When to poll a feed, look at an article, or try a page again.

Pure: the present, the budget and the chance are arguments; what comes out is stored as a due time.

Feeds follow what mediacloud/rss-fetcher learned in the field: the share of unseen entries moves the
interval, failures back off linearly and weighted, and no feed is ever given up. Articles follow
News-Sniffer: the interval grows by a fifth while nothing changes, and starts over when it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from ingest.model import FailureKind

DAY = 86400.0
WEEK = 7 * DAY

_HARD = frozenset(
    {FailureKind.GONE, FailureKind.BAD_URL, FailureKind.REFUSED_ADDRESS, FailureKind.NOT_A_FEED}
)
_TEMPORARY = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.NETWORK,
        FailureKind.TRUNCATED,
        FailureKind.HTTP_SERVER,
        FailureKind.RATE_LIMITED,
    }
)
_SOON_GIVEN_UP = frozenset({FailureKind.CRASHED, FailureKind.UNSTORABLE})
_MAY_YET_COME = frozenset({FailureKind.NOT_FOUND, FailureKind.SOFT_404, FailureKind.EMPTY})
"""A feed may list a page before all servers have it, or before its text is there."""
_LOOKS_A_BEAT = 4  # looks from one change to the next, in an article's own rhythm
_BEATS = 3  # after which a rhythm has ended
_SPREAD = 0.1
"""Intervals vary by this share either way, so that feeds added together don't stay together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollBudget:
    """Bounds of a feed's interval and the age of an unconditional fetch; seconds."""

    floor_seconds: float = 900.0
    ceiling_seconds: float = DAY
    full_fetch_seconds: float = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """What the next poll of a feed needs."""

    interval_seconds: float
    next_poll_at: datetime
    failures: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBudget:
    """How often an article is looked at again; seconds."""

    first_seconds: float = 1200.0
    growth: float = 1.2
    vouched_growth: float = 2.0  # up to a day, while a feed tells of changes
    lost_growth: float = 2.0  # once an article is gone or walled off
    ceiling_seconds: float = 7 * DAY
    park_after_seconds: float = 40 * DAY  # since the last version
    grace_seconds: float = 3600.0  # between the first and the second sign of a disappearance


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """When to look at an article again; None parks it."""

    interval_seconds: float
    next_check_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """How often a page that could not be read is tried; seconds."""

    first_seconds: float = 300.0
    growth: float = 4.0
    attempts: int = 8  # over days: walls before a whole outlet last that long
    missing: int = 3  # a page that is not there when it is first looked for
    crashes: int = 5  # a page that kills its worker, or the program, is given up sooner
    alone_after: int = 2  # deaths of the program: then a page is tried alone


def _after(now: datetime, seconds: float, jitter: float) -> datetime:
    return now + timedelta(seconds=seconds * (1 + _SPREAD * (2 * jitter - 1)))


def _bounded(seconds: float, budget: PollBudget) -> float:
    return min(max(seconds, budget.floor_seconds), budget.ceiling_seconds)


def plan_after_success(
    *,
    interval_seconds: float,
    entries: int,
    new_entries: int,
    now: datetime,
    budget: PollBudget,
    jitter: float,
) -> FeedPlan:
    """Plan after a parsed feed: half of it new halves the interval, nothing new lengthens it.

    A first poll (interval 0) starts at twice the floor, since all its entries are new to us.
    """
    if interval_seconds <= 0:
        wanted = 2 * budget.floor_seconds
    else:
        share = new_entries / entries if entries else 0.0
        if share >= 0.5:  # more may have scrolled out unseen
            factor = 0.5
        elif share >= 0.2:
            factor = 0.8
        elif share > 0:
            factor = 1.0
        else:
            factor = 1.25
        wanted = interval_seconds * factor
    interval = _bounded(wanted, budget)
    return FeedPlan(
        interval_seconds=interval, next_poll_at=_after(now, interval, jitter), failures=0.0
    )


def plan_after_not_modified(
    *, interval_seconds: float, now: datetime, budget: PollBudget, jitter: float
) -> FeedPlan:
    """Plan after a 304 or an unchanged body: as after a feed with nothing new."""
    return plan_after_success(
        interval_seconds=interval_seconds,
        entries=1,
        new_entries=0,
        now=now,
        budget=budget,
        jitter=jitter,
    )


def failure_weight(kind: FailureKind) -> float:
    """How much one failure counts: hard 1, soft 0.5, temporary 0.25."""
    if kind in _HARD:
        return 1.0
    return 0.25 if kind in _TEMPORARY else 0.5


def plan_after_failure(
    *,
    failures: float,
    kind: FailureKind,
    retry_after_seconds: float | None,
    interval_seconds: float,
    now: datetime,
    budget: PollBudget,
    jitter: float,
) -> FeedPlan:
    """Plan after a failed poll: back-off grows with the weighted failures, up to a day."""
    total = failures + failure_weight(kind)
    interval = _bounded(interval_seconds, budget)
    wait = min(interval * (1 + total), max(DAY, budget.floor_seconds), budget.ceiling_seconds)
    if retry_after_seconds is not None:
        wait = max(wait, min(retry_after_seconds, DAY))
    return FeedPlan(
        interval_seconds=interval, next_poll_at=_after(now, wait, max(jitter, 0.5)), failures=total
    )


def plan_while_gone(
    *, failures: float, interval_seconds: float, now: datetime, budget: PollBudget, jitter: float
) -> FeedPlan:
    """Plan after a failed poll of a feed that its publisher took away: a look a week.

    The rhythm it had is kept, for the day it comes back.
    """
    return FeedPlan(
        interval_seconds=_bounded(interval_seconds, budget),
        next_poll_at=_after(now, WEEK, max(jitter, 0.5)),
        failures=failures,
    )


def needs_full_fetch(
    last_full_fetch_at: datetime | None, *, now: datetime, budget: PollBudget
) -> bool:
    """Whether to fetch without validators: some servers repeat an ETag for new content."""
    if last_full_fetch_at is None:
        return True
    return (now - last_full_fetch_at).total_seconds() >= budget.full_fetch_seconds


def plan_check_after_change(*, now: datetime, budget: CheckBudget, jitter: float) -> CheckPlan:
    """Plan after a first or a new version: what changed once tends to change again soon."""
    return CheckPlan(
        interval_seconds=budget.first_seconds,
        next_check_at=_after(now, budget.first_seconds, jitter),
    )


def plan_check_after_unchanged(
    *,
    interval_seconds: float,
    since: datetime,
    now: datetime,
    budget: CheckBudget,
    jitter: float,
    vouched: bool = False,
    rhythm_seconds: float | None = None,
) -> CheckPlan:
    """Plan after an unchanged look: a fifth longer; parked when nothing came for long.

    `since` is when the current version was first seen. `vouched`: a feed tells of changes. Within
    `rhythm_seconds`, if known, the next change is expected.
    """
    interval = max(interval_seconds, budget.first_seconds)
    grown = interval * budget.growth
    if vouched:
        grown = max(grown, min(interval * budget.vouched_growth, DAY))
    elif rhythm_seconds is not None:
        grown = min(grown, max(rhythm_seconds / _LOOKS_A_BEAT, budget.first_seconds))
    interval = min(grown, budget.ceiling_seconds)
    due = _after(now, interval, jitter)
    if (due - since).total_seconds() > budget.park_after_seconds:
        return CheckPlan(interval_seconds=interval, next_check_at=None)
    return CheckPlan(interval_seconds=interval, next_check_at=due)


def find_rhythm(changes: Sequence[datetime], *, now: datetime) -> float | None:
    """The shorter of the gaps between an article's last three changes, the latest first; seconds.

    None before the second change, and when the next is long overdue: the story has come to rest.
    """
    gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(changes)]
    if not gaps:
        return None
    shortest = min(gaps[:2])
    return shortest if (now - changes[0]).total_seconds() < _BEATS * shortest else None


def plan_check_to_confirm(
    *,
    interval_seconds: float,
    wait_seconds: float,
    now: datetime,
    budget: CheckBudget,
    jitter: float,
) -> CheckPlan:
    """Plan a second look at what one look alone does not prove; the interval stays as it is."""
    return CheckPlan(
        interval_seconds=max(interval_seconds, budget.first_seconds),
        # never before the wait is over: an early second look would prove nothing either
        next_check_at=_after(now, wait_seconds, 0.5 + jitter / 2),
    )


def plan_check_after_failure(
    *,
    interval_seconds: float,
    since: datetime,
    retry_after_seconds: float | None,
    now: datetime,
    budget: CheckBudget,
    jitter: float,
    lost: bool = False,
) -> CheckPlan:
    """Plan after a failed look: as after an unchanged one, and not before the site allows it.

    What is gone or walled off for sure, `lost`, seldom comes back: the time between looks doubles.
    """
    if lost:
        budget = replace(budget, growth=budget.lost_growth)
    unchanged = plan_check_after_unchanged(
        interval_seconds=interval_seconds, since=since, now=now, budget=budget, jitter=jitter
    )
    if retry_after_seconds is None or unchanged.next_check_at is None:
        return unchanged
    earliest = now + timedelta(seconds=min(retry_after_seconds, DAY))
    return CheckPlan(
        interval_seconds=unchanged.interval_seconds,
        next_check_at=max(unchanged.next_check_at, earliest),
    )


def plan_wake(
    *,
    checked_at: datetime | None,
    changed_at: datetime | None,
    now: datetime,
    budget: CheckBudget,
) -> datetime | None:
    """When to look at an article that is said to have changed; None: the last look saw it changed.

    Half of the first interval lies between two looks, so that a feed that tells other things at
    each poll can't have a page fetched without end.
    """
    if checked_at is None:
        return now
    if changed_at is not None and changed_at <= checked_at:
        return None
    return max(now, checked_at + timedelta(seconds=budget.first_seconds / 2))


def plan_retry(
    attempts: int,
    *,
    kind: FailureKind,
    retry_after_seconds: float | None,
    now: datetime,
    budget: RetryBudget,
    jitter: float,
) -> datetime | None:
    """When to try a page again that could not be read; None gives it up."""
    if attempts >= _most_attempts(kind, budget):
        return None
    wait = min(budget.first_seconds * budget.growth ** (attempts - 1), DAY)
    if retry_after_seconds is not None:
        wait = max(wait, min(retry_after_seconds, DAY))
    return _after(now, wait, max(jitter, 0.5))


def _most_attempts(kind: FailureKind, budget: RetryBudget) -> int:
    if kind in _MAY_YET_COME:
        return min(budget.attempts, budget.missing)
    if kind in _SOON_GIVEN_UP:
        return min(budget.attempts, budget.crashes)
    return budget.attempts if kind.temporary else 1


def plan_after_interruption(
    interrupted: int, *, now: datetime, budget: RetryBudget, jitter: float
) -> datetime | None:
    """When to try again what was in hand when the program died so often; None: as it was due.

    Alone in hand it is the likely cause: it waits ever longer, so that a machine that is started
    again and again does not give up what merely happened to be there.
    """
    trials = interrupted - budget.alone_after
    if trials < 1:
        return None
    wait = min(budget.first_seconds * budget.growth ** (trials - 1), DAY)
    return _after(now, wait, max(jitter, 0.5))
