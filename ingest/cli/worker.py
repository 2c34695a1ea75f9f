"""`worker`: this machine reads pages for a cluster."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.cli.state import State


def worker(
    context: typer.Context,
    scheduler: Annotated[str, typer.Argument(help="A Dask scheduler, as in tcp://10.0.0.5:8786.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read pages; one for each core.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="The address of this machine that others reach it at.")
    ] = None,
) -> None:
    """Read pages on this machine for others of the cluster, until SIGTERM or Ctrl-C.

    Example: storywatch worker tcp://10.0.0.5:8786
    """
    state: State = context.obj
    state.start_log(default="INFO")
    from ingest.cluster import require_dask  # noqa: PLC0415
    from ingest.settings_check import is_scheduler  # noqa: PLC0415

    require_dask()
    if not is_scheduler(scheduler):
        raise UsageError(f"{scheduler} is no scheduler's address, as tcp://10.0.0.5:8786 is one")
    from ingest.cluster.serve import serve  # noqa: PLC0415 - the library is optional

    asyncio.run(serve(scheduler, processes=workers or os.cpu_count() or 1, host=host))
