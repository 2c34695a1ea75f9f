"""A worker of a Dask cluster that reads pages for this program."""

from __future__ import annotations

import asyncio
import signal

import dask
from distributed import Worker

from ingest.cluster.client import SETTINGS
from ingest.cluster.work import end_pools
from ingest.errors import EngineError


async def serve(scheduler: str, *, processes: int, host: str | None) -> None:
    """Work for a scheduler until SIGTERM or Ctrl-C; what is in hand then goes to other workers.

    Raises EngineError when the scheduler is not there, or goes away.
    """
    dask.config.set(SETTINGS)
    # The memory that counts is that of the processes, and they have limits of their own.
    worker = Worker(
        scheduler, nthreads=processes, memory_limit=0, host=host, dashboard=False, death_timeout=30
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await worker
    except (OSError, TimeoutError, RuntimeError) as error:
        reason = error.__cause__ or error
        raise EngineError(f"no Dask scheduler takes a worker at {scheduler}: {reason}") from error
    ended = asyncio.ensure_future(worker.finished())
    asked = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            raise EngineError(f"the scheduler at {scheduler} is gone")
        await worker.close_gracefully()
    finally:
        asked.cancel()
        await asyncio.to_thread(end_pools)
