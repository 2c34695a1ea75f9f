"""Everything a step of the pipeline works with, put together once by the entry points."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from ingest.assess import StorySetup
from ingest.candidates import SignatureIndex
from ingest.company import Company
from ingest.compute import Workers, outcome_in_worker, outcome_of
from ingest.errors import LockLostError
from ingest.fetch import Fetcher
from ingest.inhand import InHand
from ingest.model import Rejection
from ingest.schedule import CheckBudget, PollBudget, RetryBudget
from storage.claims import Terms
from storage.units import Patience, run_unit

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Budgets and thresholds of the pipeline's own steps."""

    max_feed_bytes: int = 10 * 2**20  # on the wire
    max_decoded_bytes: int = 20 * 2**20
    lease: timedelta = timedelta(seconds=300)
    similar_limit: int = 20  # stored versions that a new one is compared with
    unconditional_share: float = 0.1  # of re-checks: validators lie
    keep_raw: bool = True


@dataclass(slots=True, kw_only=True)
class Fence:
    """What a daemon may write by; a command has no epoch and runs beside the daemon."""

    epoch: int | None = None
    job: int | None = None  # the backfill that this process works on
    lost: LockLostError | None = None  # when a transaction was refused for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The engines, the stories and the budgets."""

    engine: Engine
    writer: ThreadPoolExecutor  # one thread: the single writer
    workers: Workers
    fetcher: Fetcher
    stories: tuple[StorySetup, ...]
    seed_ids: tuple[int, ...]  # in the order of the stories
    rule_version: str
    poll_budget: PollBudget
    check_budget: CheckBudget
    retry_budget: RetryBudget
    limits: Limits
    feeds_in_hand: InHand
    candidates_in_hand: InHand
    articles_in_hand: InHand
    now: Callable[[], datetime]
    chance: Callable[[], float] = random.random
    signatures: SignatureIndex = field(default_factory=SignatureIndex)  # the writer's alone
    fence: Fence = field(default_factory=Fence)
    company: Company = field(default_factory=Company)
    patience: Patience = field(default_factory=Patience)
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)  # looks: one at the writer
    pause: Callable[[float], None] = time.sleep  # of the writer's thread, before it repeats
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def claim_epoch(self) -> int | None:
        """What this process's claims are told by; None: they end with their leases."""
        return -self.fence.job if self.fence.job is not None else self.fence.epoch

    def terms(self, *, alone: bool = False) -> Terms:
        """What this process claims work on; `alone`: what is to be tried alone."""
        return Terms(
            lease=self.limits.lease,
            epoch=self.claim_epoch,
            alone_after=self.retry_budget.alone_after,
            alone=alone,
        )

    async def store(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function in one transaction on the writer's thread; it may be run again.

        Raises StorageError when the database refuses, and LockLostError when another daemon took
        over; nothing is written then. The second ends the work at hand.
        """

        def step() -> T:
            mark = self.signatures.mark()
            return run_unit(
                self.engine,
                lambda connection: function(connection, *args, **kwargs),
                epoch=self.fence.epoch,
                patience=self.patience,
                chance=self.chance,
                sleep=self.pause,
                undo=lambda: self.signatures.rewind(mark),
            )

        try:
            return await asyncio.get_running_loop().run_in_executor(self.writer, step)
        except LockLostError as error:
            self.fence.lost = error
            self.stopping.set()
            raise

    async def compute(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | Rejection:
        """Run a pure function in a worker process.

        Whatever a hostile body does to the worker is an outcome of that body: a Rejection. Raises
        EngineError when there is no worker.
        """
        return await outcome_in_worker(self.workers, function, *args, **kwargs)

    async def compute_within(
        self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | Rejection:
        """The same with another limit of time than a page has."""
        return await outcome_of(self.workers.submit_within(seconds, function, *args, **kwargs))
