"""The daemon as the faults bench starts it: the real command, with a trap and other budgets.

    python bench/faults_daemon.py --config FILE --log-level INFO run

The configuration bounds how often and how soon a page is tried again: attempts are counted when
they begin, so that two hundred kills would use them up, and a page would be given up that the site
would have shown. Here they don't run out, and don't grow apart; housekeeping comes every second.
"""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from faults_points import POINTS, SEAM_GONE, SeamGoneError, Trap, install

MODEL = "FAULTS_MODEL"
"""Variable of the environment that has the model of sentences used."""


def leave_out_model() -> None:
    """Judge by names and numbers alone.

    The model costs each worker two seconds at each of three hundred starts, and says nothing of
    what is lost or doubled.
    """
    import ingest.compute  # noqa: PLC0415
    import ingest.stories  # noqa: PLC0415 - late: a worker imports this file before its first task
    import ingest.work  # noqa: PLC0415

    seams = [(ingest.work, "shared_encoder"), (ingest.stories, "shared_encoder")]
    if not all(hasattr(*seam) for seam in [*seams, (ingest.compute, "PRELOAD")]):
        raise SeamGoneError("the model of sentences is had in another way now")
    ingest.compute.PRELOAD = ["ingest.work"]
    ingest.work.shared_encoder = ingest.stories.shared_encoder = lambda: None


def _with_budgets() -> None:
    import ingest.daemon  # noqa: PLC0415
    import ingest.runtime  # noqa: PLC0415
    from ingest.schedule import RetryBudget  # noqa: PLC0415

    opened = ingest.runtime.open_context

    @asynccontextmanager
    async def open_context(*args: Any, **kwargs: Any) -> Any:
        async with opened(*args, **kwargs) as context:
            patient = RetryBudget(first_seconds=1.0, growth=1.0, attempts=10**6, crashes=10**6)
            yield replace(context, retry_budget=patient)

    ingest.runtime.open_context = open_context
    ingest.daemon.Ticks = partial(  # type: ignore[misc,assignment]
        ingest.daemon.Ticks, housekeeping_seconds=1.0, longest_rest_seconds=2.0
    )


def start() -> None:
    """Lay the trap that the environment names, and run the command."""
    from ingest.cli import main  # noqa: PLC0415

    name = os.environ.get("FAULTS_POINT", "")
    point = next((item for item in POINTS if item.name == name), None)
    trap = Trap(
        point,
        nth=int(os.environ.get("FAULTS_NTH", "1")),
        record=Path(os.environ["FAULTS_RECORD"]),
    )
    try:
        install(trap, refuse=point is not None and point.unit == "release of claims")
        _with_budgets()
        if not os.environ.get(MODEL):
            leave_out_model()
    except (SeamGoneError, AttributeError, TypeError) as error:
        print(f"crash point {name!r}: {error}", file=sys.stderr)
        sys.exit(SEAM_GONE)
    main()


if __name__ == "__main__":
    start()
elif __name__ == "__mp_main__" and not os.environ.get(MODEL):
    leave_out_model()
