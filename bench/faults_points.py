"""Named points at which the daemon dies, installed from outside into its process.

A unit of work is what `Context.store` runs in one transaction; units are known by the name of the
function that is stored. The seams: `Context.store`, `Context.compute`, `ingest.jobs.tidy`,
SQLAlchemy's events and the `do_commit` of its dialect. Where a seam or a unit is gone, or a point
is not passed, the bench fails and names the point.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEAM_GONE = 97
"""Exit code of a daemon in which a point could not be installed."""

UNITS = {
    "_take_over": "take-over",
    "claim_candidates": "claim of candidates",
    "claim_due_articles": "claim of articles",
    "settle_poll": "poll",
    "settle_first_look": "first look",
    "settle_check": "re-check",
    "start_run": "start of a run",
    "finish_run": "end of a run",
    "give_back": "release of claims",
}
_STEPS = ("before the transaction", "after the first write", "before COMMIT", "after COMMIT")
_FAILED = ("failed poll", "failed first look", "failed re-check")
_READ = {"read_feed": "feed", "read_article": "page"}
_EARLIER = frozenset(
    {
        "claim of candidates",
        "first look",
        "failed first look",
        "page",
        "poll",
        "feed",
        "release of claims",  # after first looks that were refused
    }
)
_LATER = frozenset({"claim of articles", "re-check", "failed re-check", "page again"})


@dataclass(frozen=True)
class Point:
    """Where the daemon dies."""

    unit: str
    step: str

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.unit}: {self.step}"

    @property
    def act(self) -> int:
        """The act of the press in which it is passed; 0 for any."""
        if self.unit in _LATER:
            return 2
        return 1 if self.unit in _EARLIER else 0


def _list_points() -> tuple[Point, ...]:
    later = "release of claims"
    steps = dict.fromkeys(UNITS.values(), _STEPS) | {later: _STEPS[1:]}
    steps |= dict.fromkeys(_FAILED, _STEPS[2:])
    steps |= {"housekeeping": ("before it", "after it")}
    steps |= dict.fromkeys(
        ("feed", "page", "page again"), ("fetched, not read", "read, not stored")
    )
    return tuple(Point(unit, step) for unit, own in steps.items() for step in own)


POINTS = _list_points()


class SeamGoneError(Exception):
    """The program no longer has what a point hangs on."""


class Trap:
    """Counts the passages of one point and dies at the Nth."""

    def __init__(self, point: Point | None, *, nth: int, record: Path) -> None:
        """Without a point nobody dies, and units are noted all the same."""
        self._point = point
        self._nth = nth
        self._record = record
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def passes(self, unit: str, step: str) -> None:
        """Pass a point."""
        with self._lock:
            if self._point is not None and (unit, step) == (self._point.unit, self._point.step):
                self._nth -= 1
                if self._nth <= 0:
                    self._note(f"fired {self._point.name}")
                    if len(self._point.name) % 2:
                        os._exit(9)
                    os.kill(os.getpid(), signal.SIGKILL)
            if unit not in self._seen:
                self._seen.add(unit)
                self._note(f"unit {unit}")

    def _note(self, line: str) -> None:
        with self._record.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


_here = threading.local()


def install(trap: Trap, *, refuse: bool) -> None:
    """Lay the trap in this process; `refuse` has first looks refused until claims are released.

    Raises SeamGoneError.
    """
    from sqlalchemy import event  # noqa: PLC0415 - the supervisor needs none of this
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    import ingest.context  # noqa: PLC0415
    import ingest.jobs  # noqa: PLC0415

    context = _need(ingest.context, "Context")
    store, compute = _need(context, "store"), _need(context, "compute")
    refusing = [refuse]

    async def trapped_store(self: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        unit = _unit_of(function, kwargs)
        trap.passes(unit, _STEPS[0])
        if unit == "release of claims":
            refusing[0] = False
        elif unit == "first look" and refusing[0]:
            function = _refuse
        return await store(self, _traced(trap, function, unit), *args, **kwargs)

    async def trapped_compute(self: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        name = _READ.get(getattr(function, "__name__", ""))
        unit = f"{name} again" if name == "page" and kwargs.get("known_hash") else str(name)
        trap.passes(unit, "fetched, not read")
        found = await compute(self, function, *args, **kwargs)
        trap.passes(unit, "read, not stored")
        return found

    context.store, context.compute = trapped_store, trapped_compute
    tidy = _need(ingest.jobs, "tidy")

    def trapped_tidy(*args: Any, **kwargs: Any) -> Any:
        trap.passes("housekeeping", "before it")
        found = tidy(*args, **kwargs)
        trap.passes("housekeeping", "after it")
        return found

    ingest.jobs.tidy = trapped_tidy
    event.listen(Engine, "after_cursor_execute", functools.partial(_executed, trap))
    event.listen(Engine, "engine_connect", functools.partial(_connected, trap))


def _need(owner: Any, name: str) -> Any:
    if not hasattr(owner, name):
        raise SeamGoneError(f"{getattr(owner, '__name__', owner)} has no {name!r} any more")
    return getattr(owner, name)


def _unit_of(function: Any, kwargs: dict[str, Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", str(function))
    unit = UNITS.get(name, name)
    failed = type(kwargs.get("fetched")).__name__ == "Failure"
    return f"failed {unit}" if failed else unit


def _traced(trap: Trap, function: Callable[..., Any], unit: str) -> Callable[..., Any]:
    """The same function, which says where it is while its transaction lasts."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        _here.unit, _here.written = unit, False
        found = function(*args, **kwargs)
        trap.passes(unit, _STEPS[2])
        _here.commits = unit
        return found

    return run


def _refuse(*_args: Any, **_kwargs: Any) -> None:
    """What a database that is too busy looks like."""
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError  # noqa: PLC0415

    raise PoolTimeoutError("refused by the bench")


def _executed(trap: Trap, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
    unit = getattr(_here, "unit", None)
    word = statement.lstrip()[:6].upper()
    if unit and not _here.written and word in {"INSERT", "UPDATE", "DELETE"}:
        _here.written = True
        trap.passes(unit, _STEPS[1])


def _connected(trap: Trap, connection: Any) -> None:
    """Have the dialect tell of its commits; an engine has one dialect."""
    dialect = connection.dialect
    if getattr(dialect, "is_trapped", False):
        return
    commit = _need(dialect, "do_commit")

    def do_commit(dbapi_connection: Any) -> None:
        commit(dbapi_connection)
        unit, _here.unit = getattr(_here, "commits", None), None
        if unit:
            _here.commits = None
            trap.passes(unit, _STEPS[3])

    dialect.do_commit, dialect.is_trapped = do_commit, True
