"""Running a backfill: what a source yields goes the way of all pages, and a checkpoint follows.

Source -> Lead ----> known? screened? -> queue ----------> looked at as the daemon does
       -> Capture -> load -> read_article (worker) ------> settle_capture
       -> Given ----------------> assess_given (worker) -> settle_given
       -> Skipped -> counted

Items are worked on many at a time and written in the order of the source, so that captures of one
page come in the order of their times, and the checkpoint is the last item written: whoever goes on
there repeats at most what was in hand, and writing that again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from ingest.backfill.items import Capture, Cursor, Given, Skipped, Source, Step
from ingest.backfill.job import Begun, checkpoint
from ingest.backfill.leads import Lead
from ingest.backfill.settle import queue_leads, settle_given, write_capture
from ingest.context import Context
from ingest.errors import SourceError, StorageError
from ingest.looking import LookReport
from ingest.passes import PassSummary, Report, drain_queue
from storage.failures import concerns_all

_CHECKPOINT_SECONDS = 2.0
_TURN_SECONDS = 0.12  # longer than SQLite sleeps between two tries
_LEADS = 200  # that are queued before the queue is worked on
_MOST_ERRORS = 1000  # that are kept to be told


@dataclass(slots=True)
class Progress:
    """How far a backfill is; `counts` are by outcome, as `backfill_job` has them."""

    counts: Counter[str] = field(default_factory=Counter)
    share: float | None = None
    errors: list[str] = field(default_factory=list)

    def note(self, outcome: str, *, count: int = 1, error: str | None = None) -> None:
        """Count an outcome."""
        self.counts[outcome] += count
        if error is not None and len(self.errors) < _MOST_ERRORS:
            self.errors.append(error)


OnProgress = Callable[[Progress], None]
_Outcome = tuple[str, str | None] | None
"""What became of an item, and what is wrong with it; None: that is told elsewhere."""


async def run_backfill(
    context: Context,
    source: Source,
    job: Begun,
    *,
    in_hand: int,
    limit: int | None,
    on_progress: OnProgress = lambda _progress: None,
) -> tuple[Progress, bool]:
    """Work through a source from the job's checkpoint; return what was done, and whether all was.

    All is the whole source or `limit` items of it. At a stop what is in hand is finished. Raises
    SourceError when the source can't be read on, after the same; StorageError when the database
    refuses everything: the checkpoint stands where it stood.
    """
    progress = Progress(counts=Counter(job.counts))
    run = _Run(context, job, progress, on_progress, cursor=job.cursor)
    saving = asyncio.ensure_future(run.keep_saving())
    try:
        await _go_through(context, source, job, run, in_hand=in_hand, limit=limit)
    finally:
        saving.cancel()
        await asyncio.wait({saving})
        await run.abandon()
    return progress, not context.stopping.is_set()


async def _go_through(
    context: Context,
    source: Source,
    job: Begun,
    run: _Run,
    *,
    in_hand: int,
    limit: int | None,
) -> None:
    taken = 0
    async with aclosing(source.steps(job.cursor)) as steps:
        try:
            async for step in steps:
                if context.stopping.is_set():
                    break
                await run.take(step, in_hand=in_hand)
                taken += 1
                if taken == limit:
                    break
        except SourceError:
            await run.finish()  # what was read before
            raise
        await run.finish()
        if job.cursor is not None:
            await run.drain()  # what the run before had queued


class _Run:
    """Items in hand, in the order of the source."""

    def __init__(
        self,
        context: Context,
        job: Begun,
        progress: Progress,
        on_progress: OnProgress,
        *,
        cursor: Cursor | None,
    ) -> None:
        self._context = context
        self._job = job
        self._progress = progress
        self._on_progress = on_progress
        self._cursor = cursor
        self._pending: deque[tuple[Step, asyncio.Task[_Outcome]]] = deque()
        self._leads: list[Lead] = []

    async def take(self, step: Step, *, in_hand: int) -> None:
        """Begin an item, once there is room."""
        before = self._pending[-1][1] if self._pending else None
        task = asyncio.ensure_future(_do(self._context, step, before))
        self._pending.append((step, task))
        if isinstance(step.item, Lead):
            self._leads.append(step.item)
            if len(self._leads) >= _LEADS:
                await self._settle_all()
            return
        while len(self._pending) >= in_hand:
            await self._settle_first()

    async def finish(self) -> None:
        """Wait for what is in hand, and save the checkpoint."""
        await self._settle_all()
        await self._save()

    async def abandon(self) -> None:
        """End what is in hand, after an error."""
        tasks = [task for _, task in self._pending]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _settle_all(self) -> None:
        await self._work_on_leads()
        while self._pending:
            await self._settle_first()

    async def _settle_first(self) -> None:
        step, task = self._pending[0]
        if isinstance(step.item, Lead) and self._leads:
            await self._work_on_leads()
        done = await task
        self._pending.popleft()
        if done is not None:
            self._progress.note(done[0], error=done[1])
        if isinstance(step.item, Skipped):
            self._progress.note(
                f"skipped: {step.item.reason}", count=step.item.count, error=step.item.error
            )
        self._cursor, self._progress.share = step.cursor, step.share
        self._on_progress(self._progress)

    async def _work_on_leads(self) -> None:
        """Queue the leads at hand in one transaction, then look at what is due."""
        leads, self._leads = self._leads, []
        if not leads:
            return
        for name, count in (await self._context.store(queue_leads, self._context, leads)).items():
            self._progress.note(name, count=count)
        await self.drain()

    async def drain(self) -> None:
        """Look at what waits in the queue and is due, whoever queued it."""

        def on_report(_kind: str, report: Report) -> None:
            assert isinstance(report, LookReport)
            self._progress.note(report.outcome.value)
            self._on_progress(self._progress)

        await drain_queue(self._context, PassSummary(), on_report=on_report)

    async def keep_saving(self) -> None:
        """Save the checkpoint now and then, and with it extend the lease; until it is cancelled."""
        while True:
            await asyncio.sleep(_CHECKPOINT_SECONDS)
            with suppress(StorageError):  # the next write of the run says so
                await self._save()
            await self._let_others_write()

    async def _let_others_write(self) -> None:
        """Hold the writer back for a moment, on SQLite.

        Who waits for its lock asks ten times a second. A backfill that writes without a break would
        keep the daemon out until that gives up.
        """
        if self._context.engine.dialect.name == "sqlite":
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._context.writer, self._context.pause, _TURN_SECONDS)

    async def _save(self) -> None:
        counts: Mapping[str, int] = self._progress.counts
        await checkpoint(self._context, self._job, cursor=self._cursor, counts=counts)


async def _do(context: Context, step: Step, before: asyncio.Task[_Outcome] | None) -> _Outcome:
    """Work on an item; it is written, and done, after all before it."""

    async def in_turn() -> None:
        if before is not None:
            await asyncio.wait({before})

    item = step.item
    outcome: _Outcome = None  # leads are queued together, what was skipped is told by the source
    try:
        if isinstance(item, Capture):
            outcome = await write_capture(context, item, in_turn=in_turn)
        elif isinstance(item, Given):
            outcome = await settle_given(context, item.article, in_turn=in_turn)
    except StorageError as error:
        if concerns_all(error):
            raise
        outcome = "failed", str(error)
    await in_turn()
    return outcome
