"""Running SQL that somebody typed, so that it can read and nothing else.

A fence against mistakes. Against malice, give analysts a database user that may only SELECT, or a
copy of the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from ingest.errors import StorageError, UsageError
from storage.engine import read_connection

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
    engine: Engine, sql: str, *, timeout_seconds: float = 60.0
) -> tuple[list[str], Iterator[Row]]:
    """Run one statement; return the names of its columns, and its rows as they are read.

    The rows hold a connection until the last one is taken. Values are the driver's own: SQLite
    gives times and JSON as text and booleans as 0 or 1. Raises UsageError when the statement
    writes, is wrong, is more than one or overruns its time; StorageError when the database fails.
    """
    run = _run_on_sqlite if engine.dialect.name == "sqlite" else _run_on_postgres
    found = run(engine, sql, timeout_seconds)
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


def _run_on_sqlite(engine: Engine, sql: str, timeout_seconds: float) -> Iterator[Row]:
    """Yield the columns' names, then the rows."""
    path = Path(str(engine.url.database)).absolute()
    deadline = time.monotonic() + timeout_seconds
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.set_authorizer(_authorise)
            connection.set_progress_handler(
                lambda: int(time.monotonic() > deadline), _STEPS_BETWEEN_LOOKS
            )
            cursor = connection.execute(sql)
            if cursor.description is None:
                raise UsageError(f"the statement gives no rows: {_READING_ONLY}")
            yield tuple(column[0] for column in cursor.description)
            yield from cursor
    except (sqlite3.Error, sqlite3.Warning) as error:  # Warning: more than one statement
        raise _sqlite_refusal(error, engine, timeout_seconds) from error


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


def _run_on_postgres(engine: Engine, sql: str, timeout_seconds: float) -> Iterator[Row]:
    """Yield the columns' names, then the rows."""
    driver_error = engine.dialect.loaded_dbapi.Error
    with read_connection(engine) as connection:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(timeout_seconds * 1000)}")
        driver: Any = connection.connection.driver_connection
        try:
            yield from _stream(driver, sql)
        except driver_error as error:
            connection.invalidate()  # a refused COPY leaves it in the middle of one
            raise _postgres_refusal(error, engine, timeout_seconds) from error


def _stream(driver: Any, sql: str) -> Iterator[Row]:  # noqa: ANN401 - psycopg's, by way of SQLAlchemy
    """Read row by row in the extended protocol, which takes one statement only.

    Else "SELECT 1; COMMIT; DROP …" would leave the read-only transaction.
    """
    with driver.cursor() as cursor, closing(cursor.stream(sql)) as rows:
        first = next(rows, None)
        if first is None:
            rows.close()
            cursor.execute(sql, prepare=True)  # a stream without rows names no columns
        yield tuple(column.name for column in cursor.description)
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
