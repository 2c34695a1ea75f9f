"""Running SQL that somebody typed, so that it can read and nothing else.

A fence against mistakes. Against malice, give analysts a database user that may only SELECT, or a
copy of the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from ingest.errors import StorageError, UsageError
from storage.engine import read_connection
from storage.snapshotplace import snapshot_file, snapshot_schema

Row = tuple[Any, ...]

_ALLOWED_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_ALLOWED_PRAGMAS = frozenset(
    {
        "table_info", "table_xinfo", "table_list", "index_list", "index_info",
        "data_version",  # FTS5 asks for it
    }
)  # fmt: skip
_SQLITE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
    }
)
"""Codes that blame the file, not the query."""

_STEPS_BETWEEN_LOOKS = 10_000
"""SQLite's virtual machine instructions between two looks at the clock: well under 1 ms."""

_READING_ONLY = "only reading is possible here"


def read_only_query(
    engine: Engine, sql: str, *, timeout_seconds: float = 60.0, snapshot: str | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Run one statement; return the names of its columns, and its rows as they are read.

    In a named snapshot it finds the views as they were. The rows hold a connection until the last
    one is taken. Values are the driver's own: SQLite gives times and JSON as text and booleans as
    0 or 1. Raises UsageError when the statement writes, is wrong, is more than one or overruns its
    time; StorageError when the database fails.
    """
    run = _run_on_sqlite if engine.dialect.name == "sqlite" else _run_on_postgres
    found = run(engine, sql, timeout_seconds, snapshot)
    columns = next(found)
    return [str(name) for name in columns], found


def _overrun(timeout_seconds: float) -> str:
    return f"the query ran longer than {timeout_seconds:g} s"


# ---------------------------------------------------------------- SQLite


def _authorise(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = second != "load_extension"
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = first in _ALLOWED_PRAGMAS
    else:
        allowed = action in _ALLOWED_ACTIONS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _run_on_sqlite(
    engine: Engine, sql: str, timeout_seconds: float, snapshot: str | None
) -> Iterator[Row]:
    """Yield the columns' names, then the rows."""
    with fenced_file(engine, snapshot=snapshot, timeout_seconds=timeout_seconds) as connection:
        fence(connection)
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise UsageError(f"the statement gives no rows: {_READING_ONLY}")
        yield tuple(column[0] for column in cursor.description)
        yield from cursor


@contextmanager
def fenced_file(
    engine: Engine, *, snapshot: str | None = None, timeout_seconds: float | None = None
) -> Iterator[sqlite3.Connection]:
    """Open the database's file, or a snapshot of it, for reading; errors become ours.

    `fence` keeps what is executed from then on to reading. Without a timeout it may take for ever.
    """
    path = (
        Path(str(engine.url.database)).absolute()
        if snapshot is None
        else snapshot_file(engine, snapshot)
    )
    try:
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            if timeout_seconds is not None:
                deadline = time.monotonic() + timeout_seconds
                connection.set_progress_handler(
                    lambda: int(time.monotonic() > deadline), _STEPS_BETWEEN_LOOKS
                )
            yield connection
    except (sqlite3.Error, sqlite3.Warning) as error:  # Warning: more than one statement
        raise _sqlite_refusal(error, engine, timeout_seconds or 0.0) from error


def fence(connection: sqlite3.Connection, *, views: bool = False) -> None:
    """Let a connection read and do nothing else, `views` make a temporary view besides."""
    connection.set_authorizer(_authorise_views if views else _authorise)


def _authorise_views(action: int, first: str | None, second: str | None, *rest: object) -> int:
    makes_view = action in (
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_DROP_TEMP_VIEW,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
    )
    if makes_view and (rest[:1] == ("temp",) or first == "sqlite_temp_master"):
        return sqlite3.SQLITE_OK
    return _authorise(action, first, second, *rest)


def _sqlite_refusal(
    error: Exception, engine: Engine, timeout_seconds: float
) -> UsageError | StorageError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _SQLITE_FAULTS:
        return StorageError(f"{engine.url}: {error}")
    if code == sqlite3.SQLITE_INTERRUPT:
        return UsageError(_overrun(timeout_seconds))
    if str(error) == "not authorized":  # the code that comes with it differs between statements
        return UsageError(_READING_ONLY)
    return UsageError(f"the database does not take this query: {error}")


# ---------------------------------------------------------------- Postgres


def _run_on_postgres(
    engine: Engine, sql: str, timeout_seconds: float, snapshot: str | None
) -> Iterator[Row]:
    """Yield the columns' names, then the rows."""
    with fenced_session(engine, snapshot=snapshot, timeout_seconds=timeout_seconds) as connection:
        rows = stream_rows(connection, sql)
        yield tuple(name for name, _type in next(rows))
        yield from rows


@contextmanager
def fenced_session(
    engine: Engine, *, snapshot: str | None = None, timeout_seconds: float | None = None
) -> Iterator[Connection]:
    """Read from the database, or a snapshot in it; errors of `stream_rows` become ours.

    Without a timeout a statement may take for ever.
    """
    driver_error = engine.dialect.loaded_dbapi.Error
    with read_connection(engine) as connection:
        limit = round((timeout_seconds or 0) * 1000)
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        if snapshot is not None:
            connection.exec_driver_sql(f"SET LOCAL search_path TO {snapshot_schema(snapshot)}")
        try:
            yield connection
        except driver_error as error:
            connection.invalidate()  # a refused COPY leaves it in the middle of one
            raise _postgres_refusal(error, engine, timeout_seconds or 0.0) from error


def stream_rows(
    connection: Connection, sql: str, *, at_once: int = 1
) -> Generator[Row, None, None]:
    """Yield pairs of name and type of the columns, then the rows as the server sends them.

    In the extended protocol, which takes one statement only: else "SELECT 1; COMMIT; DROP …" would
    leave the read-only transaction. `at_once` rows come together where libpq can do that.
    """
    driver: Any = connection.connection.driver_connection
    dbapi: Any = connection.dialect.loaded_dbapi
    size = at_once if dbapi.capabilities.has_stream_chunked() else 1
    with driver.cursor() as cursor, closing(cursor.stream(sql, size=size)) as rows:
        first = next(rows, None)
        if first is None:
            rows.close()
            cursor.execute(sql, prepare=True)  # a stream without rows names no columns
        yield tuple((column.name, column.type_code) for column in cursor.description)
        if first is not None:
            yield first
            yield from rows


def _postgres_refusal(
    error: Exception, engine: Engine, timeout_seconds: float
) -> UsageError | StorageError:
    state, name = getattr(error, "sqlstate", None), type(error).__name__
    if state == "25006":
        return UsageError(_READING_ONLY)
    if state == "57014":
        return UsageError(_overrun(timeout_seconds))
    if name == "OperationalError" or str(state)[:2] in {"53", "57", "58"}:
        return StorageError(f"{engine.url.render_as_string(hide_password=True)}: {error}")
    if state is None:
        return UsageError(f"the statement gives no rows: {_READING_ONLY}")
    return UsageError(f"the database does not take this query: {error}")
