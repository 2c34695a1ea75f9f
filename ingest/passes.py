"""One pass over what is due: feeds, then the queue they filled, then articles to look at again.

A pass decides nothing: it claims, hands each item to its step and counts what comes back.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

from ingest.context import Context
from ingest.errors import StorageError
from ingest.inhand import InHand
from ingest.looking import LookReport, look_again, look_first
from ingest.model import Feed
from ingest.polling import FeedReport, poll_feed
from ingest.urls import registered_domain
from storage.articles import StoredArticle, claim_due_articles
from storage.candidates import ClaimedCandidate, claim_candidates
from storage.feeds import due_feeds
from storage.turns import take_in_turn

T = TypeVar("T")
R = TypeVar("R", FeedReport, LookReport)
_CLAIM_AGAIN_SECONDS = 2.0  # while nothing is done

Report = FeedReport | LookReport
OnReport = Callable[[str, Report], None]


@dataclass(slots=True)
class PassSummary:
    """What a pass did: outcomes by kind of item."""

    feeds: Counter[str] = field(default_factory=Counter)
    candidates: Counter[str] = field(default_factory=Counter)
    articles: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    discarded: int = 0

    def counts(self) -> dict[str, int]:
        """All figures under flat names, for `job_run` and `--json`."""
        figures = {"queued": self.queued, "discarded": self.discarded}
        for name in ("feeds", "candidates", "articles"):
            outcomes: Counter[str] = getattr(self, name)
            figures |= {f"{name}.{outcome}": count for outcome, count in sorted(outcomes.items())}
        return figures

    @property
    def every_feed_failed(self) -> bool:
        """Whether feeds were polled and none of them could be read."""
        return bool(self.feeds) and set(self.feeds) == {"failed"}


async def poll_due_feeds(
    context: Context,
    summary: PassSummary,
    *,
    everything: bool,
    on_report: OnReport,
    claim_seconds: float = math.inf,
) -> None:
    """Poll each feed whose time has come; with `everything`, each feed once."""
    hand = context.feeds_in_hand
    waiting: list[Feed] | None = None
    if everything:
        waiting = list(await context.store(due_feeds, context.now(), everything=True))

    async def claim(room: int) -> Sequence[Feed]:
        due = waiting
        if due is None:
            due = list(await context.store(due_feeds, context.now()))
        by_id = {feed.id: feed for feed in due if feed.id not in hand}
        turn = take_in_turn(
            ((feed.id, _feed_source(feed)) for feed in by_id.values()),
            turns=hand.turns(),
            limit=room,
        )
        if waiting is not None:
            waiting[:] = [feed for feed in waiting if feed.id not in turn]
        return [by_id[feed_id] for feed_id in turn]

    def note(report: FeedReport) -> None:
        summary.feeds[report.outcome] += 1
        summary.queued += report.queued
        summary.discarded += report.discarded
        on_report("feed", report)

    await _drain(
        context,
        hand,
        claim=claim,
        place=lambda feed: (feed.id, _feed_source(feed)),
        work=lambda feed: poll_feed(context, feed),
        note=note,
        claim_seconds=claim_seconds,
    )


async def drain_queue(
    context: Context,
    summary: PassSummary,
    *,
    on_report: OnReport,
    claim_seconds: float = math.inf,
) -> None:
    """Look at every candidate that is due, until none is."""
    hand = context.candidates_in_hand

    async def claim(room: int) -> Sequence[ClaimedCandidate]:
        return await context.store(
            claim_candidates,
            context.now(),
            limit=room,
            lease=context.limits.lease,
            turns=hand.turns(),
        )

    def note(report: LookReport) -> None:
        summary.candidates[report.outcome.value] += 1
        on_report("candidate", report)

    await _drain(
        context,
        hand,
        claim=claim,
        place=lambda item: (item.id, item.candidate.domain),
        work=lambda item: look_first(context, item),
        note=note,
        claim_seconds=claim_seconds,
    )


async def recheck_articles(
    context: Context,
    summary: PassSummary,
    *,
    checked_before: datetime | None,
    on_report: OnReport,
    claim_seconds: float = math.inf,
) -> None:
    """Look again at every article that is due; with `checked_before`, at all not seen since."""
    hand = context.articles_in_hand

    async def claim(room: int) -> Sequence[StoredArticle]:
        return await context.store(
            claim_due_articles,
            context.now(),
            limit=room,
            lease=context.limits.lease,
            turns=hand.turns(),
            checked_before=checked_before,
        )

    def note(report: LookReport) -> None:
        summary.articles[report.outcome.value] += 1
        on_report("article", report)

    await _drain(
        context,
        hand,
        claim=claim,
        place=lambda item: (item.id, item.outlet_id),
        work=lambda item: look_again(context, item),
        note=note,
        claim_seconds=claim_seconds,
    )


async def run_pass(
    context: Context, *, everything: bool = False, on_report: OnReport = lambda _kind, _report: None
) -> PassSummary:
    """Do all that is due once; with `everything`, all feeds and all articles, due or not."""
    summary = PassSummary()
    started = context.now()
    await poll_due_feeds(context, summary, everything=everything, on_report=on_report)
    await recheck_articles(
        context, summary, checked_before=started if everything else None, on_report=on_report
    )
    await drain_queue(context, summary, on_report=on_report)
    return summary


def _feed_source(feed: Feed) -> str:
    return registered_domain(feed.polled_url)


async def _drain(
    context: Context,
    hand: InHand,
    *,
    claim: Callable[[int], Awaitable[Sequence[T]]],
    place: Callable[[T], tuple[int, Hashable]],
    work: Callable[[T], Coroutine[Any, Any, R]],
    note: Callable[[R], None],
    claim_seconds: float,
) -> None:
    """Keep as many items in work as have places, claiming while there are any.

    What falls due in the meantime is claimed too, so that one slow item does not keep others
    waiting; after `claim_seconds`, or at a stop or an error, nothing more is. Items in hand are
    finished in any case; the first unexpected error is raised after them.
    """
    running: set[asyncio.Future[R]] = set()
    failed: BaseException | None = None
    ends = monotonic() + claim_seconds
    quiet = True  # nothing was done for a while
    try:
        while True:
            # In small batches a claim would cost as much as a page.
            wanted = quiet or hand.room * 2 >= hand.places
            if wanted and failed is None and not context.stopping.is_set() and monotonic() < ends:
                try:
                    while hand.room and (items := await claim(hand.room)):
                        running |= {_begin(hand, work(item), *place(item)) for item in items}
                except StorageError as error:
                    failed = error
            if not running:
                break
            done, running = await asyncio.wait(
                running, timeout=_CLAIM_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            quiet = not done
            for task in done:
                if (raised := task.exception()) is None:
                    note(task.result())
                else:
                    failed = failed or raised
    finally:
        for task in running:
            task.cancel()
    if failed is not None:
        raise failed


def _begin(
    hand: InHand, work: Coroutine[Any, Any, R], key: int, source: Hashable
) -> asyncio.Future[R]:
    """Start an item in a place, which it gives back however it ends."""

    def end(task: asyncio.Future[R]) -> None:
        ended_well = not task.cancelled() and task.exception() is None
        hand.end(key, harmed=task.result().harmed if ended_well else None)

    hand.begin(key, source)
    task = asyncio.ensure_future(work)
    task.add_done_callback(end)
    return task
