"""The workers of a Dask cluster, behind the same seam as those of this machine.

    submit ─> payload ─> scheduler ─> some worker ─> result, Rejection
                 │ lost with its worker: Dask gives it to another
                 └ no scheduler, or no worker for a while: EngineError, and nothing is known of it

A future of Dask can wait for ever when its scheduler dies, so a thread asks every other second
whether that is there, ends what waits for it if not, and looks for it again.
https://distributed.dask.org/en/stable/resilience.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any, ParamSpec, TypeVar

import dask
from distributed import Client, KilledWorker

from ingest.cluster.work import Call, Limits, pack, program_version, run_call
from ingest.compute import Workers
from ingest.errors import EngineError
from ingest.model import FailureKind, Rejection

log = logging.getLogger("storywatch.compute")

SETTINGS = {
    # A lost worker is noticed after three seconds instead of thirty.
    "distributed.comm.timeouts.connect": "3s",
    "distributed.admin.large-graph-warning-threshold": "1GiB",
}
_ASK_SECONDS = 2.0
_ANSWER_SECONDS = 10.0

P = ParamSpec("P")
T = TypeVar("T")


class Cluster(Workers):
    """A cluster by the address of its scheduler."""

    def __init__(
        self,
        scheduler: str,
        *,
        task_seconds: float,
        limits: Limits,
        patience_seconds: float = 60.0,
    ) -> None:
        """Connect; work waits for `patience_seconds` at most while there is no worker.

        Raises EngineError when no scheduler answers.
        """
        self._scheduler = scheduler
        self._task_seconds = task_seconds
        self._limits = limits
        self._patience_seconds = patience_seconds
        self._pending: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._alone_since: float | None = None
        self.places = 1
        dask.config.set(SETTINGS)
        self._client: Client | None = self._connect()
        self._look()
        self._watch = threading.Thread(target=self._keep_watch, name="cluster", daemon=True)
        self._watch.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function on the cluster within the usual time."""
        return self.submit_within(self._task_seconds, fn, *args, **kwargs)

    def submit_within(
        self, seconds: float, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Run a function on the cluster; it may run more than once, when workers are lost."""
        call = Call(function=fn, args=args, kwargs=kwargs, seconds=seconds, limits=self._limits)
        future: Future[Any] = Future()
        client = self._client
        if client is None:
            future.set_exception(EngineError(f"no Dask scheduler answers at {self._scheduler}"))
            return future
        with self._lock:
            self._pending.add(future)
        try:
            executor = client.get_executor(pure=False)
            task = executor.submit(run_call, program_version(), pack(call))
        except RuntimeError as error:  # it is being closed
            self._finish(future, EngineError(f"{self._scheduler}: {error}"))
            return future
        future.add_done_callback(lambda done: task.cancel() if done.cancelled() else None)
        task.add_done_callback(lambda done: self._settle(future, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - the stdlib's signature
        """Leave the cluster; its workers stay."""
        self._ended.set()
        if wait:
            self._watch.join()
        self._leave(EngineError("this program is leaving the cluster"))

    def _settle(self, future: Future[Any], task: Future[Any]) -> None:
        """Hand on what came of a task."""
        error = (
            EngineError("the cluster gave the task up") if task.cancelled() else task.exception()
        )
        if error is None:
            self._finish(future, None, task.result())
        elif isinstance(error, KilledWorker):
            reason = "several machines of the cluster died on it"
            self._finish(future, None, Rejection(kind=FailureKind.CRASHED, reason=reason))
        else:
            told = " ".join(str(error).split())  # Dask tells in paragraphs
            kind = "" if isinstance(error, EngineError) else f"{type(error).__name__}: "
            self._finish(future, EngineError(f"{self._scheduler}: {kind}{told}"))

    def _finish(
        self, future: Future[Any], error: EngineError | None, result: object = None
    ) -> None:
        with self._lock:
            if future not in self._pending:
                return  # it was given up before
            self._pending.discard(future)
        if not future.set_running_or_notify_cancel():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def _connect(self) -> Client:
        try:
            client = Client(
                self._scheduler, timeout=_ANSWER_SECONDS, set_as_default=False, name="storywatch"
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise EngineError(
                f"no Dask scheduler answers at {self._scheduler}: {error}; start one by"
                " `dask scheduler`, and workers by `storywatch worker`"
            ) from error
        return client

    def _keep_watch(self) -> None:
        while not self._ended.wait(_ASK_SECONDS):
            try:
                if self._client is None:
                    self._client = self._connect()
                    log.info("the scheduler at %s is there again", self._scheduler)
                self._look()
            except EngineError as error:
                log.warning("%s", error)
                self._leave(error)

    def _look(self) -> None:
        """See how many workers there are; raise EngineError when none is for too long."""
        client = self._client
        assert client is not None
        try:
            if client.status != "running":
                raise EngineError(f"the connection to {self._scheduler} is lost")
            found = client.sync(client.scheduler.ncores, callback_timeout=_ANSWER_SECONDS)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise EngineError(f"the scheduler at {self._scheduler} does not answer") from error
        self.places = max(1, sum(found.values()))
        if found or not self._pending:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or monotonic()
        waited = monotonic() - self._alone_since
        if waited > self._patience_seconds:
            raise EngineError(f"{self._scheduler} has no worker for {waited:.0f} s")

    def _leave(self, reason: EngineError) -> None:
        """Close the connection, and end what waits for it."""
        client, self._client = self._client, None
        with self._lock:
            waiting = list(self._pending)
        for future in waiting:
            self._finish(future, reason)
        if client is not None:
            client.close(timeout=_ASK_SECONDS)
