"""One pass over what is due: feeds, then the queue they filled, then articles to look at again.

A pass decides nothing: it claims, hands each item to its step and counts what comes back.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.context import Context
from ingest.draining import Steps, drain, drain_alone
from ingest.looking import LookReport, fail_first_look, fail_look, look_again, look_first
from ingest.model import Feed
from ingest.polling import FeedReport, fail_poll, poll_feed
from ingest.suspects import claim_suspected_article, claim_suspected_candidate
from ingest.urls import registered_domain
from storage.articles import StoredArticle, claim_due_articles, has_suspected_articles
from storage.candidates import ClaimedCandidate, claim_candidates, has_suspected_candidates
from storage.feeds import due_feeds
from storage.turns import take_in_turn

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
    claimed: dict[int, datetime] = {}  # feed -> when it was due

    async def claim(room: int) -> Sequence[Feed]:
        due = await context.store(due_feeds, context.now(), everything=everything)
        # One that is due as it was before was polled, and nothing of it could be written.
        fresh = {
            feed.id: feed
            for feed in due
            if feed.id not in hand
            and (feed.id not in claimed or not (everything or claimed[feed.id] == feed.due_at))
        }
        waiting = ((feed.id, _feed_source(feed)) for feed in fresh.values())
        chosen = take_in_turn(waiting, turns=hand.turns(), limit=room)
        claimed.update({feed_id: fresh[feed_id].due_at for feed_id in chosen})
        return [fresh[feed_id] for feed_id in chosen]

    def note(report: FeedReport) -> None:
        summary.feeds[report.outcome] += 1
        summary.queued += report.queued
        summary.discarded += report.discarded
        on_report("feed", report)

    steps = Steps(
        hand=hand,
        place=lambda feed: (feed.id, _feed_source(feed)),
        claim=claim,
        work=poll_feed,
        set_aside=fail_poll,
        note=note,
    )
    await drain(context, steps, claim_seconds=claim_seconds)


def _feed_source(feed: Feed) -> str:
    return registered_domain(feed.polled_url)


async def drain_queue(
    context: Context,
    summary: PassSummary,
    *,
    on_report: OnReport,
    claim_seconds: float = math.inf,
) -> None:
    """Look at every candidate that is due, until none is; at suspected ones last, and alone."""
    alone_after = context.retry_budget.alone_after
    hand = context.candidates_in_hand

    async def claim(room: int) -> Sequence[ClaimedCandidate]:
        return await context.store(
            claim_candidates,
            context.now(),
            limit=room,
            terms=context.terms(),
            turns=hand.turns(),
        )

    async def claim_alone(_room: int) -> Sequence[ClaimedCandidate]:
        given_up, claimed = await context.store(claim_suspected_candidate, context)
        for report in given_up:
            note(report)
        return claimed

    def note(report: LookReport) -> None:
        summary.candidates[report.outcome.value] += 1
        on_report("candidate", report)

    steps = Steps(
        hand=hand,
        place=lambda item: (item.id, item.candidate.domain),
        claim=claim,
        work=look_first,
        set_aside=fail_first_look,
        note=note,
    )
    await drain(context, steps, claim_seconds=claim_seconds)
    if await context.store(has_suspected_candidates, context.now(), alone_after=alone_after):
        await drain_alone(context, replace(steps, claim=claim_alone))


async def recheck_articles(
    context: Context,
    summary: PassSummary,
    *,
    checked_before: datetime | None,
    on_report: OnReport,
    claim_seconds: float = math.inf,
) -> None:
    """Look again at every article that is due; with `checked_before`, at all not seen since.

    At suspected ones last, when they are due, and alone.
    """
    alone_after = context.retry_budget.alone_after
    hand = context.articles_in_hand

    async def claim(room: int) -> Sequence[StoredArticle]:
        return await context.store(
            claim_due_articles,
            context.now(),
            limit=room,
            terms=context.terms(),
            turns=hand.turns(),
            checked_before=checked_before,
        )

    async def claim_alone(_room: int) -> Sequence[StoredArticle]:
        given_up, claimed = await context.store(claim_suspected_article, context)
        for report in given_up:
            note(report)
        return claimed

    def note(report: LookReport) -> None:
        summary.articles[report.outcome.value] += 1
        on_report("article", report)

    steps = Steps(
        hand=hand,
        place=lambda item: (item.id, item.outlet_id),
        claim=claim,
        work=look_again,
        set_aside=fail_look,
        note=note,
    )
    await drain(context, steps, claim_seconds=claim_seconds)
    if await context.store(has_suspected_articles, context.now(), alone_after=alone_after):
        await drain_alone(context, replace(steps, claim=claim_alone))


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
