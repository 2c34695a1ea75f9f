"""The scheduled jobs: two ticks that ask the database what is due, and housekeeping.

APScheduler is only the clock. Due times are columns, so a restart loses nothing; no job is
pickled; a tick that comes late runs late instead of being dropped (misfire_grace_time=None).
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from ingest.context import Context
from ingest.errors import StorageError, StorywatchError
from ingest.passes import PassSummary, Report, drain_queue, poll_due_feeds, recheck_articles
from storage.articles import release_article_claims
from storage.candidates import release_claims
from storage.lock import DaemonLock
from storage.runs import finish_run, start_run
from storage.upkeep import tidy

log = logging.getLogger("storywatch.daemon")

Job = Callable[[Context], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """How often the daemon asks, and how long it may take to stop; seconds."""

    tick_seconds: float
    housekeeping_seconds: float = 3600.0
    drain_seconds: float = 15.0
    job_seconds: float = 3600.0  # a job that takes longer is cancelled: it hangs


@dataclass(slots=True)
class _Running:
    """The jobs in hand; the scheduler's own shutdown would cancel them."""

    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    fatal: StorywatchError | None = None


async def run_daemon(context: Context, *, lock: DaemonLock, ticks: Ticks) -> None:
    """Run until SIGTERM or SIGINT, then finish the items in hand within the drain limit.

    Raises StorageError when the lock is lost: another daemon may be writing by now.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, context.stopping.set)
    await context.store(_release_claims)
    running = _Running()
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    jobs: dict[str, tuple[Job, float]] = {
        "poll-due-feeds": (_poll_due_feeds, ticks.tick_seconds),
        "recheck-due-articles": (_recheck_due_articles, ticks.tick_seconds),
        "housekeeping": (_housekeeping, ticks.housekeeping_seconds),
    }
    for name, (job, seconds) in jobs.items():
        scheduler.add_job(
            _run_job,
            "interval",
            seconds=seconds,
            jitter=min(seconds / 10, 5.0) if seconds >= 10 else None,
            id=name,
            next_run_time=context.now(),
            args=(context, name, job),
            kwargs={"running": running, "lock": lock, "ticks": ticks},
        )
    scheduler.start()
    log.info("watching; stories: %s", ", ".join(item.rule.slug for item in context.stories))
    await context.stopping.wait()
    scheduler.pause()
    log.info("stopping; %d job(s) finish the items in hand", len(running.tasks))
    if running.tasks:
        _done, late = await asyncio.wait(running.tasks, timeout=ticks.drain_seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("%d job(s) did not finish in time; the next run completes them", len(late))
            await asyncio.wait(late, timeout=2.0)
    scheduler.shutdown(wait=False)
    if running.fatal is not None:
        raise running.fatal


async def _run_job(
    context: Context, name: str, job: Job, *, running: _Running, lock: DaemonLock, ticks: Ticks
) -> None:
    """Run a job as a task of our own, write down how it went, and keep the clock ticking."""
    if context.stopping.is_set():
        return
    task = asyncio.ensure_future(
        _supervise(context, name, job, lock=lock, ticks=ticks, running=running)
    )
    running.tasks.add(task)
    try:
        await asyncio.shield(task)
    finally:
        running.tasks.discard(task)


async def _supervise(
    context: Context, name: str, job: Job, *, lock: DaemonLock, ticks: Ticks, running: _Running
) -> None:
    if not lock.still_held():
        running.fatal = StorageError(
            "the daemon's lock is lost: the database was restarted or another daemon took over"
        )
        context.stopping.set()
        return
    try:
        run_id = await context.store(start_run, name, context.now())
        counts: Mapping[str, int] = {}
        error: str | None = None
        try:
            async with asyncio.timeout(ticks.job_seconds):
                counts = await job(context)
        except TimeoutError:
            error = f"cancelled after {ticks.job_seconds:.0f} s"
        except Exception as problem:  # noqa: BLE001 - recorded with the run, and the next tick tries again
            error = f"{type(problem).__name__}: {problem}"
        if error is not None:
            log.error("%s failed: %s", name, error)
        await context.store(
            finish_run,
            run_id,
            outcome="failed" if error else "done",
            counts=counts,
            error=error,
            now=context.now(),
        )
    except StorageError as problem:
        # Nothing could be written, not even that; due times are unchanged, so nothing is lost.
        log.error("%s: the database refused: %s", name, problem)  # noqa: TRY400 - expected when the disk is full


def _release_claims(connection: Connection) -> int:
    return release_claims(connection) + release_article_claims(connection)


async def _poll_due_feeds(context: Context) -> Mapping[str, int]:
    summary = PassSummary()
    await poll_due_feeds(context, summary, everything=False, on_report=_log_report)
    await drain_queue(context, summary, on_report=_log_report)
    return summary.counts()


async def _recheck_due_articles(context: Context) -> Mapping[str, int]:
    summary = PassSummary()
    await recheck_articles(context, summary, checked_before=None, on_report=_log_report)
    return summary.counts()


async def _housekeeping(context: Context) -> Mapping[str, int]:
    await asyncio.get_running_loop().run_in_executor(context.writer, tidy, context.engine)
    return {}


def _log_report(kind: str, report: Report) -> None:
    detail = getattr(report, "error", None) or getattr(report, "detail", "")
    log.info("%s %s: %s%s", kind, report.url, report.outcome, f" ({detail})" if detail else "")
