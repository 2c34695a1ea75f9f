"""One daemon a database: a lock that ends with whoever holds it, however that ends."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ingest.errors import AlreadyRunningError, StorageError
from storage.dialect import AdvisoryLock
from storage.failures import translated

_NAME_PREFIX = "storywatch daemon, "

_HOLDER = text("""
    SELECT activity.application_name FROM pg_locks AS lock
    JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
    WHERE lock.locktype = 'advisory' AND lock.granted
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND lock.classid = 0 AND lock.objid = :key AND lock.objsubid = 1
""")

_OWN = text("""
    SELECT EXISTS (
        SELECT 1 FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
          AND classid = 0 AND objid = :key AND objsubid = 1
    )
""")


class DaemonLock(Protocol):
    """The lock while it is held."""

    def still_held(self) -> bool:
        """Whether it is; ask before each round of work, for a lost one is held by another."""


@contextmanager
def hold_daemon_lock(engine: Engine) -> Iterator[DaemonLock]:
    """Hold the database's daemon lock, not waiting for it.

    SQLite: flock on `<file>.lock`, which the kernel lifts when the process ends, even by
    SIGKILL; the file stays behind, and means nothing. Postgres: a session's advisory lock on a
    connection of its own, lifted when that ends; a pooler that shares sessions would break it.
    Raises AlreadyRunningError, naming process and host where they are known, and StorageError.
    """
    if engine.dialect.name == "sqlite":
        with _hold_file(Path(f"{engine.url.database}.lock")) as held:
            yield held
    else:
        with _hold_session(engine) as session:
            yield session


def process_name() -> str:
    """Who this is, for the holder of a lock to be told from others."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def is_gone(name: str) -> bool:
    """Whether a process of that name has ended for sure: one of this host that there is no more."""
    words = name.split()
    if len(words) != 4 or words[3] != socket.gethostname() or not words[1].isdecimal():
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _refuse(engine_name: str, holder: str) -> AlreadyRunningError:
    who = holder.removeprefix(_NAME_PREFIX).strip() or "a process that left no name"
    return AlreadyRunningError(f"{engine_name} is in use by another daemon: {who}")


# ---------------------------------------------------------------- SQLite


class _FileLock:
    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def still_held(self) -> bool:
        """False when the file was removed: another daemon would lock a new one."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))


@contextmanager
def _hold_file(path: Path) -> Iterator[DaemonLock]:
    descriptor = _open_lock_file(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 500, 0).decode(errors="replace")
            raise _refuse(str(path.with_suffix("")), holder) from error
        _write_name(descriptor)
        yield _FileLock(path, descriptor)
    finally:
        os.close(descriptor)


def _write_name(descriptor: int) -> None:
    with suppress(OSError):  # a full disk: the lock holds without a name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, process_name().encode(), 0)


def _open_lock_file(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"the lock file {path} cannot be opened: {error}") from error


# ---------------------------------------------------------------- Postgres


class _SessionLock:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def still_held(self) -> bool:
        """False when the connection was lost, and the lock with it."""
        try:
            return bool(
                self._connection.execute(_OWN, {"key": int(AdvisoryLock.DAEMON)}).scalar_one()
            )
        except SQLAlchemyError:
            return False


@contextmanager
def _hold_session(engine: Engine) -> Iterator[DaemonLock]:
    shown = engine.url.render_as_string(hide_password=True)
    with translated(engine.url):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated(engine.url):
            connection.detach()  # never to be lent to others: closing it ends the session
            taken = connection.execute(
                text("SELECT pg_try_advisory_lock(:key)"), {"key": int(AdvisoryLock.DAEMON)}
            ).scalar_one()
            if not taken:
                holder = connection.execute(_HOLDER, {"key": int(AdvisoryLock.DAEMON)}).scalar()
                raise _refuse(shown, str(holder or ""))
            connection.execute(
                text("SELECT set_config('application_name', :name, false)"),
                {"name": (_NAME_PREFIX + process_name())[:63]},  # Postgres keeps no more
            )
        yield _SessionLock(connection)
    finally:
        connection.close()
