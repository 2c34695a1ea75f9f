"""CPU work behind one seam: an executor of killable worker processes.

The stdlib's ProcessPoolExecutor is dead for good once a child dies, and cannot end a task that
overruns; pebble's pool replaces the worker. Pages are hostile: both happen.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

import pebble

from ingest.errors import WorkerError

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool(Executor):
    """An Executor over worker processes with a limit of wall time and memory per task."""

    def __init__(
        self,
        *,
        workers: int,
        task_seconds: float,
        memory_mib: int,
        recycle_after: int,
        warm_up: Callable[[], None] | None = None,
    ) -> None:
        """Start nothing yet: workers start with the first task."""
        # fork would copy the threads' locks of the daemon in whatever state they are
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["ingest.work"])  # so that a new worker costs no imports
        self._task_seconds = task_seconds
        self._pool = pebble.ProcessPool(
            max_workers=workers,
            max_tasks=recycle_after,
            initializer=_prepare_worker,
            initargs=(memory_mib, warm_up),
            context=context,
        )

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function of this program in a worker; arguments and result must be picklable."""
        future: Future[T] = self._pool.schedule(
            fn, args=args, kwargs=kwargs, timeout=self._task_seconds
        )
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the stdlib's signature
        """End the workers, after their tasks unless `cancel_futures`."""
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
        MemoryError: "ran out of memory",
        RecursionError: "nested too deep",
    }
    for kind, what in known.items():
        if isinstance(error, kind):
            detail: Any = str(error)
            return WorkerError(f"the worker {what}" + (f": {detail}" if detail else ""))
    return None
