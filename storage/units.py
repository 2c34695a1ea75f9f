"""Units of work: a function in one transaction, repeated whole where that can help.

A unit is stored once or not at all, also when the connection is lost while COMMIT is under way:
each notes its transaction's number, and the server is asked what became of it ("Transaction ID and
Snapshot Information Functions" in the manual of Postgres). A blind repeat would append an
observation twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine, Row, text

from ingest.errors import StorageError
from storage.engine import transaction
from storage.epoch import refuse_unless, require_epoch
from storage.failures import has_collided, has_lost_connection, may_retry, postgres_code

T = TypeVar("T")

_BEGIN = text(
    "SELECT CAST(pg_current_xact_id() AS text) AS xid, pg_backend_pid() AS pid,"
    " pg_postmaster_start_time() AS started_at"
)
_BEGIN_FENCED = text(
    "SELECT CAST(pg_current_xact_id() AS text) AS xid, pg_backend_pid() AS pid,"
    " pg_postmaster_start_time() AS started_at, epoch, holder"
    " FROM daemon_epoch WHERE id = 1 FOR SHARE"  # a take-over waits until this unit has ended
)
_FATE = text(
    "SELECT pg_xact_status(CAST(:xid AS xid8)) AS status,"
    " pg_postmaster_start_time() AS started_at,"
    " (SELECT CAST(CAST(xmax AS text) AS bigint) FROM daemon_epoch WHERE id = 1) AS last_locked_by"
)
_END = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_xid = CAST(CAST(:xid AS xid8) AS xid)"
)
_UNKNOWN_NUMBER = "22023"  # of a transaction that the server never assigned, as far as it knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a unit of work is insisted on; seconds."""

    collisions: int = 4  # with other transactions, before it is given up
    first_wait: float = 0.05  # after a collision, then ever longer
    growth: float = 3.0
    outage: float = 10.0  # how long a server that went away is waited for
    between_looks: float = 0.25  # whether it is back


class Fate(Enum):
    """What became of a transaction whose connection was lost."""

    COMMITTED = auto()
    ABORTED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What a transaction on Postgres is known by afterwards."""

    xid: str
    pid: int
    started_at: datetime  # the server
    fenced: bool


class _Attempt(Generic[T]):
    """One transaction; what is known of it when it failed."""

    def __init__(self, engine: Engine, epoch: int | None) -> None:
        self.engine, self.epoch = engine, epoch
        self.mark: _Mark | None = None
        self.committing = False
        self.result: T

    def run(self, work: Callable[[Connection], T]) -> T:
        with transaction(self.engine) as connection:
            self.mark = _begin(connection, self.epoch)
            self.result = work(connection)
            self.committing = True  # what fails from here on failed in COMMIT
        return self.result


def run_unit(
    engine: Engine,
    work: Callable[[Connection], T],
    *,
    epoch: int | None = None,
    patience: Patience = Patience(),
    chance: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
    undo: Callable[[], None] = lambda: None,
) -> T:
    """Run a function in one transaction, and repeat it whole when that can help.

    After a collision with another transaction a few times, after jittered waits; after a lost
    connection once the server answers again, unless it says that the work was committed. `undo`
    takes back what a transaction that came to nothing left in memory. Raises LockLostError when
    the epoch is no longer this one, StorageError for all else that the database refuses; nothing
    is written then, but where a lost server does not come back during COMMIT nobody can tell.
    """
    collisions = 0
    deadline: float | None = None
    while True:
        attempt: _Attempt[T] = _Attempt(engine, epoch)
        try:
            return attempt.run(work)
        except StorageError as error:
            if has_lost_connection(error):
                deadline = deadline or time.monotonic() + patience.outage
                fate = _learn_fate(attempt, deadline, patience=patience, sleep=sleep)
                if fate is Fate.COMMITTED:
                    return attempt.result
                undo()
                if fate is Fate.UNKNOWN:
                    raise
                continue
            undo()
            if not has_collided(error) or collisions == patience.collisions:
                raise
            sleep(patience.first_wait * patience.growth**collisions * (0.5 + chance()))
            collisions += 1
        except BaseException:
            undo()
            raise


def _begin(connection: Connection, epoch: int | None) -> _Mark | None:
    """Refuse a stale daemon, and note how the transaction is known; one question for both."""
    if connection.dialect.name != "postgresql":
        if epoch is not None:
            require_epoch(connection, epoch)  # BEGIN IMMEDIATE: nobody can take over meanwhile
        return None
    row = connection.execute(_BEGIN if epoch is None else _BEGIN_FENCED).one_or_none()
    if epoch is not None:
        refuse_unless(epoch, row)
    assert row is not None
    return _Mark(xid=row.xid, pid=row.pid, started_at=row.started_at, fenced=epoch is not None)


def _learn_fate(
    attempt: _Attempt[T],
    deadline: float,
    *,
    patience: Patience,
    sleep: Callable[[float], None],
) -> Fate:
    """Wait for the server until the deadline, and ask it what became of the transaction."""
    while True:
        fate: Fate | None = None
        try:
            with transaction(attempt.engine) as connection:
                fate = _ask_fate(connection, attempt.mark)
        except StorageError as error:
            if postgres_code(error) == _UNKNOWN_NUMBER:
                return Fate.ABORTED  # a crash took even its number
            if not may_retry(error):
                return Fate.UNKNOWN
        if fate is not None:
            # What never asked for COMMIT was not committed, whoever has its number now.
            return fate if attempt.committing else Fate.ABORTED
        if time.monotonic() >= deadline:
            return Fate.UNKNOWN
        sleep(patience.between_looks)


def _ask_fate(connection: Connection, mark: _Mark | None) -> Fate | None:
    """None when the server has not noticed yet that the connection is lost."""
    if mark is None:  # it had not begun
        connection.execute(text("SELECT 1"))
        return Fate.ABORTED
    row = connection.execute(_FATE, {"xid": mark.xid}).one()
    if row.status == "aborted":
        return Fate.ABORTED
    if row.status == "committed":
        return Fate.COMMITTED if _is_ours(row, mark) else Fate.UNKNOWN
    if row.status is None:
        return Fate.UNKNOWN  # so long ago that it is forgotten
    # The session would hold its locks until it notices, for up to a minute.
    connection.execute(_END, {"pid": mark.pid, "xid": mark.xid})
    return None


def _is_ours(row: Row[tuple[str, datetime, int | None]], mark: _Mark) -> bool:
    """Whether the number still means our transaction.

    A server that crashes before it wrote anything of a transaction gives its number away again.
    What locked the row of the epoch last had written that; without an epoch, a server that was
    not started anew is taken to have kept its numbers.
    """
    if mark.fenced:
        return bool(row.last_locked_by == int(mark.xid) % 2**32)
    return bool(row.started_at == mark.started_at)
