"""One pass over what is due: feeds, then the queue they filled, then articles to look at again.

A pass decides nothing: it claims, hands each item to its step and counts what comes back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ingest.context import Context
from ingest.looking import LookReport, look_again, look_first
from ingest.model import Feed
from ingest.polling import FeedReport, poll_feed
from storage.articles import StoredArticle, claim_due_articles
from storage.candidates import ClaimedCandidate, claim_candidates
from storage.feeds import due_feeds

T = TypeVar("T")
R = TypeVar("R")

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
    context: Context, summary: PassSummary, *, everything: bool, on_report: OnReport
) -> None:
    """Poll each feed whose time has come once."""
    waiting = list(
        await context.store(due_feeds, context.now(), limit=100_000, everything=everything)
    )

    async def claim(room: int) -> Sequence[Feed]:
        batch = waiting[:room]
        del waiting[:room]
        return batch

    def note(report: FeedReport) -> None:
        summary.feeds[report.outcome] += 1
        summary.queued += report.queued
        summary.discarded += report.discarded
        on_report("feed", report)

    await _drain(context, claim, lambda feed: poll_feed(context, feed), note)


async def drain_queue(context: Context, summary: PassSummary, *, on_report: OnReport) -> None:
    """Look at every candidate that is due, until none is."""

    async def claim(room: int) -> Sequence[ClaimedCandidate]:
        return await context.store(
            claim_candidates, context.now(), limit=room, lease=context.limits.lease
        )

    def note(report: LookReport) -> None:
        summary.candidates[report.outcome.value] += 1
        on_report("candidate", report)

    await _drain(context, claim, lambda item: look_first(context, item), note)


async def recheck_articles(
    context: Context,
    summary: PassSummary,
    *,
    checked_before: datetime | None,
    on_report: OnReport,
) -> None:
    """Look again at every article that is due; with `checked_before`, at all not seen since."""

    async def claim(room: int) -> Sequence[StoredArticle]:
        return await context.store(
            claim_due_articles,
            context.now(),
            limit=room,
            lease=context.limits.lease,
            checked_before=checked_before,
        )

    def note(report: LookReport) -> None:
        summary.articles[report.outcome.value] += 1
        on_report("article", report)

    await _drain(context, claim, lambda item: look_again(context, item), note)


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


async def _drain(
    context: Context,
    claim: Callable[[int], Awaitable[Sequence[T]]],
    work: Callable[[T], Awaitable[R]],
    note: Callable[[R], None],
) -> None:
    """Keep up to `in_flight` items going until nothing more is claimed or the daemon stops.

    Items in hand are finished in any case; the first unexpected error is raised after them.
    """
    running: set[asyncio.Future[R]] = set()
    failed: BaseException | None = None
    while True:
        room = context.limits.in_flight - len(running)
        # In small batches a claim would cost as much as a page.
        if (
            room * 2 >= context.limits.in_flight
            and failed is None
            and not context.stopping.is_set()
        ):
            running |= {asyncio.ensure_future(work(item)) for item in await claim(room)}
        if not running:
            break
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is None:
                note(task.result())
            else:
                failed = failed or error
    if failed is not None:
        raise failed
