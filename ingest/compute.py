"""CPU work behind one seam: an executor of killable worker processes.

The stdlib's ProcessPoolExecutor is dead for good once a child dies, and cannot end a task that
overruns; pebble's pool replaces the worker. Pages are hostile: both happen. Pebble's pool in turn
is dead for good when a child dies that has nothing to do, as when the kernel runs out of memory:
then another pool takes its place.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from typing import Any, ParamSpec, TypeVar

import pebble

from ingest.errors import EngineError, WorkerError
from ingest.model import FailureKind, Rejection

log = logging.getLogger("storywatch.compute")

PRELOAD = ["ingest.prefork"]
"""What the server of warm workers imports; one that is forked from it costs nothing."""

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Executor):
    """Where pure functions of this program run, each within a limit of wall time and memory.

    What a task does to the process that it runs in is its own failure, as `describe_failure` has
    it. Raises EngineError where there is nothing to run them.
    """

    places: int
    """How many tasks run at once."""

    def submit_within(
        self, seconds: float, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Run a function of this program; its arguments and its result must be picklable."""
        raise NotImplementedError


class WorkerPool(Workers):
    """Worker processes of this machine."""

    def __init__(
        self,
        *,
        workers: int,
        task_seconds: float,
        memory_mib: int,
        recycle_after: int,
        warm_up: Callable[[], None] | None = None,
    ) -> None:
        """Start no worker yet: that is for the first task.

        The server that warm ones are forked from starts at once, and loads its models while the
        program goes on.
        """
        # fork would copy the threads' locks of the daemon in whatever state they are
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD if warm_up else ["ingest.work"])
        self._task_seconds = task_seconds
        self.places = workers
        self._recycle_after = recycle_after
        self._for_worker = (memory_mib, warm_up)
        self._pool = self._make_pool()
        self._ended = False
        if warm_up:
            forkserver.ensure_running()

    def _make_pool(self) -> pebble.ProcessPool:
        return pebble.ProcessPool(
            max_workers=self.places,
            max_tasks=self._recycle_after,
            initializer=_prepare_worker,
            initargs=self._for_worker,
            context=self._context,
        )

    def _living_pool(self) -> pebble.ProcessPool:
        if not self._ended and not self._pool.active:
            log.error("the worker processes broke down; others take their place")
            # What is left of them may take seconds to end.
            threading.Thread(target=self._pool.join, daemon=True).start()
            self._pool = self._make_pool()
        return self._pool

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function within the usual time."""
        return self.submit_within(self._task_seconds, fn, *args, **kwargs)

    def submit_within(
        self, seconds: float, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Run a function in a worker, which is killed if it takes longer."""
        future: Future[T] = self._living_pool().schedule(
            fn, args=args, kwargs=kwargs, timeout=seconds
        )
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the stdlib's signature
        """End the workers, after their tasks unless `cancel_futures`."""
        self._ended = True
        if cancel_futures:
            self._pool.stop()  # type: ignore[no-untyped-call]
        else:
            self._pool.close()  # type: ignore[no-untyped-call]
        if wait:
            self._pool.join()


def _prepare_worker(memory_mib: int, warm_up: Callable[[], None] | None) -> None:
    # The terminal's Ctrl-C goes to the whole group: the parent drains, workers finish their page.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if warm_up is not None:
        warm_up()


def describe_failure(error: BaseException) -> WorkerError | None:
    """The death or overrun of a worker as our error; None when it was something else."""
    known: dict[type[BaseException], str] = {
        TimeoutError: "overran its time and was killed",
        pebble.ProcessExpired: "died",
        BrokenProcessPool: "died with all others",
        MemoryError: "ran out of memory",
        RecursionError: "nested too deep",
    }
    for kind, what in known.items():
        if isinstance(error, kind):
            detail: Any = str(error)
            return WorkerError(f"the worker {what}" + (f": {detail}" if detail else ""))
    return None


async def outcome_in_worker(
    workers: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T | Rejection:
    """Run a pure function in a worker process.

    Whatever a hostile body does to the worker is an outcome of that body: a Rejection. Raises
    EngineError when that is not to be told, for there is no worker.
    """
    return await outcome_of(workers.submit(function, *args, **kwargs))


async def outcome_of(task: Future[T]) -> T | Rejection:
    """What came of a task; raises EngineError."""
    try:
        return await asyncio.wrap_future(task)
    except EngineError:
        raise
    except Exception as error:  # noqa: BLE001 - parsers raise anything on hostile input
        return rejection_of(error)


def rejection_of(error: BaseException) -> Rejection:
    """What a task did to its worker, or raised, as an outcome of the body that it was about."""
    died = describe_failure(error)
    reason = str(died) if died else f"the parser raised {type(error).__name__}: {error}"
    return Rejection(kind=FailureKind.CRASHED, reason=reason[:500])
