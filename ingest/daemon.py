"""The scheduler of the jobs: ticks at which the database is asked what is due, and housekeeping.

APScheduler is only the clock. Due times are columns, so a restart loses nothing; no job is
pickled; a tick that comes late runs late instead of being dropped (misfire_grace_time=None). It
reads the clock on the wall: `_watch_clock` tells it when that was set.
"""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from ingest.context import Context
from ingest.errors import EngineError, LockLostError, StorageError
from ingest.jobs import Job, fetch_candidates, keep_house, look_at_articles, poll_feeds
from ingest.schedule import plan_after_interruption
from storage.claims import give_back, settle_interrupted
from storage.clock import recall
from storage.epoch import take_epoch
from storage.failures import may_retry
from storage.lock import DaemonLock, process_name
from storage.runs import finish_run, start_run
from storage.schema import article, candidate

log = logging.getLogger("storywatch.daemon")

_CLAIMS = {"fetch-candidates": candidate, "recheck-due-articles": article}
"""Where the claims of a job are; after a refusal they would wait for their leases to end."""

_CLAIMING = frozenset({"poll-due-feeds", *_CLAIMS})
"""Jobs that claim what is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """How often the daemon asks, and how long it may take to stop; seconds."""

    tick_seconds: float
    housekeeping_seconds: float = 3600.0
    drain_seconds: float = 10.0
    claim_seconds: float = 300.0  # then a job only finishes what it has, and the next one claims
    job_seconds: float = 3600.0  # a job that takes longer is cancelled: it hangs
    longest_rest_seconds: float = 900.0  # after refusals of the database
    clock_seconds: float = 5.0  # between two looks whether the clock was set
    jump_seconds: float = 30.0  # less is drift
    lock_seconds: float = 5.0  # how long the lock's database may take to answer
    large_log_bytes: int = 256 * 2**20  # of SQLite's write-ahead log, to be told of


@dataclass(slots=True)
class _Running:
    """The jobs in hand; the scheduler's own shutdown would cancel them."""

    tasks: dict[asyncio.Task[None], str] = field(default_factory=dict)  # the job of each
    claiming: dict[str, float] = field(default_factory=dict)  # job -> until, monotonic
    asking: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="lock")
    )
    asked: asyncio.Future[bool] | None = None  # whether the lock is held; may outlast many ticks
    fatal: LockLostError | None = None
    wanted: set[str] = field(default_factory=set)  # jobs with new work since their run began
    unsettled: set[str] = field(default_factory=set)  # jobs whose claims outlived a refusal
    refusals: int = 0  # of the database, in a row
    rest_until: float = 0.0  # on the monotonic clock

    def refused(self, ticks: Ticks) -> float:
        """Rest ever longer while the database refuses: each try asks the sites again."""
        rest = min(ticks.tick_seconds * 2.0**self.refusals, ticks.longest_rest_seconds)
        self.refusals = min(self.refusals + 1, 32)
        self.rest_until = time.monotonic() + rest
        return rest

    async def still_held(self, lock: DaemonLock, seconds: float) -> bool | None:
        """Ask the lock beside the event loop; None when no answer comes in time.

        A frozen server takes half a minute to be given up. Until then one question is enough.
        """
        if self.asked is None or self.asked.done():
            loop = asyncio.get_running_loop()
            self.asked = loop.run_in_executor(self.asking, lock.still_held)
        asked = self.asked
        done, _ = await asyncio.wait({asked}, timeout=seconds)
        return asked.result() if done else None


async def run_daemon(context: Context, *, lock: DaemonLock, ticks: Ticks) -> None:
    """Run until SIGTERM or SIGINT, then finish the items in hand within the drain limit.

    Raises LockLostError when the lock is lost or another daemon took over, whose transactions have
    the database from then on: ours are refused.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, context.stopping.set)
    context.fence.epoch = await context.store(_take_over, context, context.now())
    running = _Running()
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={
            "max_instances": 1_000,  # `_run_job` sees to it
            "coalesce": True,
            "misfire_grace_time": None,
        },
    )

    def fetch_now() -> None:
        running.wanted.add("fetch-candidates")
        scheduler.modify_job("fetch-candidates", next_run_time=context.now())

    jobs: dict[str, tuple[Job, float]] = {
        "poll-due-feeds": (
            partial(poll_feeds, claim_seconds=ticks.claim_seconds, on_queued=fetch_now),
            ticks.tick_seconds,
        ),
        "fetch-candidates": (
            partial(fetch_candidates, claim_seconds=ticks.claim_seconds),
            ticks.tick_seconds,
        ),
        "recheck-due-articles": (
            partial(look_at_articles, claim_seconds=ticks.claim_seconds),
            ticks.tick_seconds,
        ),
        "housekeeping": (
            partial(keep_house, large_log_bytes=ticks.large_log_bytes),
            ticks.housekeeping_seconds,
        ),
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
            kwargs={"running": running, "lock": lock, "ticks": ticks, "again": fetch_now},
        )
    scheduler.start()
    log.info("watching; stories: %s", ", ".join(item.rule.slug for item in context.stories))
    watching = asyncio.ensure_future(_watch_clock(context, scheduler, ticks))
    await context.stopping.wait()
    watching.cancel()
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
    await _end_in_order(context)
    running.asking.shutdown(wait=False, cancel_futures=True)
    lost = running.fatal or context.fence.lost
    if lost is not None:
        raise lost


async def _run_job(
    context: Context,
    name: str,
    job: Job,
    *,
    running: _Running,
    lock: DaemonLock,
    ticks: Ticks,
    again: Callable[[], None],
) -> None:
    """Run a job as a task of our own, write down how it went, and keep the clock ticking.

    While a run of the job claims, a second one isn't needed; while it only finishes what it has, as
    slow items make it do, the next one goes on.
    """
    started = time.monotonic()
    claims = name in running.tasks.values() and started < running.claiming[name]
    if context.stopping.is_set() or started < running.rest_until or claims:
        return
    running.wanted.discard(name)
    running.claiming[name] = started + (ticks.claim_seconds if name in _CLAIMING else math.inf)
    task = asyncio.ensure_future(
        _supervise(context, name, job, lock=lock, ticks=ticks, running=running)
    )
    running.tasks[task] = name
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():  # else it was late at the end, and that is said
            raise
    finally:
        del running.tasks[task]
        if name in running.wanted and not context.stopping.is_set():
            again()  # what came when the run had claimed for the last time


async def _supervise(
    context: Context, name: str, job: Job, *, lock: DaemonLock, ticks: Ticks, running: _Running
) -> None:
    held = await running.still_held(lock, ticks.lock_seconds)
    if held is None:
        rest = running.refused(ticks)
        log.error("%s: the lock's database does not answer, rests %.0f s", name, rest)
        return
    if not held:
        running.fatal = LockLostError(
            "the daemon's lock is lost: the database was restarted or another daemon took over"
        )
        context.stopping.set()
        return
    try:
        await _record_job(context, name, job, ticks=ticks, running=running)
    except LockLostError as problem:  # the daemon ends with it
        log.error("%s: %s", name, problem)  # noqa: TRY400 - and it is raised then
    except StorageError as problem:
        # Nothing could be written, not even that; due times are unchanged, so nothing is lost.
        rest = running.refused(ticks)
        log.error("%s: the database refused, rests %.0f s: %s", name, rest, problem)  # noqa: TRY400 - expected when the disk is full


async def _record_job(
    context: Context, name: str, job: Job, *, ticks: Ticks, running: _Running
) -> None:
    """Run a job, and write down when it began and how it ended."""
    run_id = await context.store(start_run, name, context.now())
    alone = list(running.tasks.values()).count(name) == 1
    if name in running.unsettled and alone:  # nothing of the job's is in hand now
        await context.store(give_back, _CLAIMS[name], context.fence.epoch)
        running.unsettled.discard(name)
    counts: Mapping[str, int] = {}
    error: str | None = None
    try:
        async with asyncio.timeout(ticks.job_seconds):
            counts = await job(context)
    except TimeoutError:
        error = f"cancelled after {ticks.job_seconds:.0f} s"
        running.unsettled |= {name} & _CLAIMS.keys()
    except LockLostError:
        raise
    except (StorageError, EngineError) as problem:
        error = f"{type(problem).__name__}: {problem}"
        if isinstance(problem, EngineError) or may_retry(problem):
            running.unsettled |= {name} & _CLAIMS.keys()
            error += f"; rests {running.refused(ticks):.0f} s"
    except Exception as problem:  # noqa: BLE001 - recorded with the run, and the next tick tries again
        error = f"{type(problem).__name__}: {problem}"
    else:
        running.refusals = 0
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


def _take_over(connection: Connection, context: Context, now: datetime) -> int:
    """Begin our epoch; make due again what a daemon that is gone had claimed, or a clock put off.

    Returns the epoch. Who ends in order gives its claims back: what is still claimed was in hand
    when its daemon died.
    """
    epoch = take_epoch(connection, holder=process_name(), now=now)

    def plan(interrupted: int) -> datetime | None:
        return plan_after_interruption(
            interrupted, now=now, budget=context.retry_budget, jitter=context.chance()
        )

    recall(connection, now)
    for table in _CLAIMS.values():
        settle_interrupted(connection, table, epoch, plan=plan)
    return epoch


async def _end_in_order(context: Context) -> None:
    """Give back what is claimed and will not be finished: it did not kill anybody."""
    if context.fence.lost is not None:
        return
    try:
        for table in _CLAIMS.values():
            await context.store(give_back, table, context.fence.epoch)
    except (StorageError, LockLostError) as problem:
        log.warning("what was claimed could not be given back: %s", problem)


async def _watch_clock(context: Context, scheduler: AsyncIOScheduler, ticks: Ticks) -> None:
    """Keep the ticks coming when the clock on the wall is set.

    Set back, APScheduler and all that is due would wait for the old time to come again. Set ahead,
    what is overdue is caught up once.
    """
    wall, steady = context.now(), time.monotonic()
    while True:
        await asyncio.sleep(ticks.clock_seconds)
        now, elapsed = context.now(), time.monotonic() - steady
        jump = (now - wall).total_seconds() - elapsed
        wall, steady = now, steady + elapsed
        if abs(jump) < ticks.jump_seconds:
            continue
        log.warning("the clock was set by %+.0f s", jump)
        if jump < 0:
            try:
                await context.store(recall, now)
            except LockLostError:
                return  # and the daemon ends
            except StorageError as problem:
                log.error("what is due could not be moved along: %s", problem)  # noqa: TRY400 - the next start does it
        for job in scheduler.get_jobs():
            job.modify(next_run_time=now)
