"""What a worker of the cluster does with a call: the same as a worker of this machine.

    payload ─> of this very program? ─> a killable process of this machine ─> its result

Dask can't end a task that overruns, nor bound its memory, and would give a page that kills workers
to one after another; so each of them has a pool of processes of its own, which it lets die.
"""

from __future__ import annotations

import multiprocessing
import pickle
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import get_worker

import ingest
import storage
from ingest.compute import WorkerPool, rejection_of
from ingest.errors import EngineError

_THAT_READ = ("feedparser", "htmldate", "lxml", "py3langid", "trafilatura")
_pools: dict[Limits, WorkerPool] = {}
_making = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a task may take; the same for all of a program."""

    memory_mib: int
    recycle_after: int  # tasks, then a fresh process
    warm_up: Callable[[], None] | None  # when a process starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function of this program with its arguments; sent as bytes, for Dask looks into others."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    seconds: float
    limits: Limits


@cache
def program_version() -> str:
    """What must be equal for results to be equal: this program's text, Python, what reads pages."""
    digest = sha256()
    for package in (ingest, storage):
        folder = Path(package.__path__[0])
        for file in sorted(folder.rglob("*.py")):
            digest.update(str(file.relative_to(folder)).encode())
            digest.update(file.read_bytes())
    python = ".".join(map(str, sys.version_info[:2]))
    libraries = ", ".join(f"{name} {version(name)}" for name in _THAT_READ)
    return (
        f"storywatch {ingest.__version__} ({digest.hexdigest()[:12]}), Python {python}, {libraries}"
    )


def pack(call: Call) -> bytes:
    """Make a payload of a call."""
    return pickle.dumps(call)


def run_call(expected_version: str, payload: bytes) -> Any:  # noqa: ANN401 - the function's own
    """Do a call in a process of this machine; what that does to the process is a Rejection.

    Raises EngineError when this worker is not fit for any call.
    """
    if program_version() != expected_version:
        raise EngineError(
            f"the worker on {platform.node()} runs {program_version()}; asked for was"
            f" {expected_version}: install the same everywhere"
        )
    call: Call = pickle.loads(payload)  # noqa: S301 - who can send tasks to a Dask worker owns it
    pool = _pool(call.limits)
    try:
        return pool.submit_within(call.seconds, call.function, *call.args, **call.kwargs).result()
    except Exception as error:  # noqa: BLE001 - parsers raise anything on hostile input
        return rejection_of(error)


def _pool(limits: Limits) -> WorkerPool:
    """This worker's processes, as many as Dask gives it tasks at once."""
    if multiprocessing.current_process().daemon:
        raise EngineError(
            f"the Dask worker on {platform.node()} may not start processes: start it by"
            " `storywatch worker`, or with DASK_DISTRIBUTED__WORKER__DAEMON=False"
        )
    with _making:
        if limits not in _pools:
            _pools[limits] = WorkerPool(
                workers=get_worker().state.nthreads,
                task_seconds=60,
                memory_mib=limits.memory_mib,
                recycle_after=limits.recycle_after,
                warm_up=limits.warm_up,
            )
        return _pools[limits]


def end_pools() -> None:
    """End the processes of this worker."""
    with _making:
        for pool in _pools.values():
            pool.shutdown(cancel_futures=True)
        _pools.clear()
