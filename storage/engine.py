"""Opening a database, writing to it in transactions, reading it from a snapshot.

    with transaction(engine) as connection: ...      begins, commits; rolls back on an exception
    with read_connection(engine) as connection: ...  one consistent snapshot; writing is refused

Never wait for the network inside either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError

from ingest.errors import ConfigError
from storage.columns import SQLITE_TYPES, storable, to_json
from storage.failures import translated
from storage.silence import connect_watched

_BUSY_TIMEOUT_MS = 10_000
_WAL_KEEP_BYTES = 64 * 2**20

_READ_ONLY = "storywatch_read_only"
"""Execution option that tells the BEGIN event what kind of transaction is wanted."""

_EXECUTION = {"preserve_rowcount": True}
"""Else an INSERT on Postgres tells -1 for the rows it added: its id was read back instead."""

_EXPECTED = "expected sqlite:///path/to/file.db or postgresql://user@host/database"

_POSTGRES_SETTINGS = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "TimeZone": "UTC",
}

_POSTGRES_CONNECT = {
    "connect_timeout": 5,  # seconds
    "application_name": "storywatch",
    # a server that went away without a word is noticed within about a minute
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}


def open_engine(url: str, *, silence_seconds: float = 30.0, reading: bool = False) -> Engine:
    """Make ready to use a database; nothing connects yet.

    SQLite: the parent folder is created; WAL, foreign keys on, 10 s of patience with a lock, and
    synchronous=FULL: in WAL mode NORMAL loses the last commits when the power fails, and an
    article acknowledged is an article kept (https://sqlite.org/pragma.html#pragma_synchronous).
    Postgres: psycopg 3, UTC, timeouts on connecting, statements, locks and idle transactions;
    parameters in the URL win over these. A server that says nothing for `silence_seconds` is asked
    whether it lives. Parameters of every statement are cleaned. To be used for `reading` only, an
    SQLite file stays in the mode that it is in, to the byte. Raises ConfigError.
    """
    parsed = _parse(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = (
        _open_sqlite(parsed, wal=not reading) if sqlite else _open_postgres(parsed, silence_seconds)
    )
    event.listen(engine, "before_cursor_execute", _clean_parameters, retval=True)
    return engine


def _parse(url: str) -> URL:
    if url.startswith("postgres://"):  # what hosting services hand out
        url = "postgresql" + url.removeprefix("postgres")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # the text may hold a password: it is not repeated here
        raise ConfigError(f"the database URL cannot be read: {_EXPECTED}") from error
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return parsed.set(drivername="sqlite")
    raise ConfigError(f"no database driver for {parsed.drivername!r}: {_EXPECTED}")


def _clean_parameters(
    _connection: Connection,
    _cursor: object,
    statement: str,
    parameters: Any,  # noqa: ANN401 - whatever the driver takes
    _context: object,
    _executemany: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> tuple[str, Any]:
    """The one gate that every statement goes through, whoever wrote it."""
    return statement, storable(parameters)


# ---------------------------------------------------------------- SQLite


def _open_sqlite(url: URL, *, wal: bool) -> Engine:
    path = _sqlite_path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the database's folder {path.parent} cannot be made: {error}") from error
    engine = create_engine(
        url.set(database=str(path)),
        execution_options=_EXECUTION,
        json_serializer=to_json,
        connect_args={
            "isolation_level": None,  # the driver must not begin on its own: the event below does
            "timeout": _BUSY_TIMEOUT_MS / 1000,
        },
    )
    engine.dialect.colspecs = {**engine.dialect.colspecs, **SQLITE_TYPES}
    event.listen(engine, "connect", partial(_set_pragmas, wal))
    event.listen(engine, "begin", _begin)
    return engine


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise ConfigError(f"a SQLite database needs a file: {_EXPECTED}")
    if url.query or url.database.startswith("file:"):
        raise ConfigError(f"a SQLite URL takes no options: {_EXPECTED}")
    return Path(url.database).expanduser()


def _set_pragmas(
    wal: bool,  # noqa: FBT001 - SQLAlchemy's signature has the rest
    dbapi_connection: DBAPIConnection,
    _record: object,
) -> None:
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    if wal:
        _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA journal_size_limit={_WAL_KEEP_BYTES}")
    cursor.close()


def _use_wal(cursor: DBAPICursor) -> None:
    """Leave the file in WAL mode, whoever made it so.

    Two programs may open a new file at once. The mode is changed from a read lock upwards, where
    SQLite does not wait, whatever the busy timeout (https://sqlite.org/rescode.html#busy).
    """
    give_up = monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode")
            if cursor.fetchone() != ("wal",):
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # extended codes above
            if not busy or monotonic() > give_up:
                raise
            sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    """Begin for real: the driver alone would run a SELECT outside any transaction.

    A writer takes the lock at once: a transaction that reads first and then writes is refused
    without any waiting when another wrote in between (https://sqlite.org/isolation.html).
    """
    reading = bool(connection.get_execution_options().get(_READ_ONLY))
    connection.exec_driver_sql(f"PRAGMA query_only={int(reading)}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


# ---------------------------------------------------------------- Postgres


def _open_postgres(url: URL, silence_seconds: float) -> Engine:
    given = dict(url.query)
    settings = " ".join(f"-c {name}={value}" for name, value in _POSTGRES_SETTINGS.items())
    arguments: dict[str, Any] = {
        name: value for name, value in _POSTGRES_CONNECT.items() if name not in given
    }
    arguments["options"] = f"{settings} {given.get('options', '')}".strip()  # the last one wins
    engine = create_engine(
        url,
        execution_options=_EXECUTION,
        pool_pre_ping=True,  # a restarted server must not fail the first statement after it
        json_serializer=to_json,
        connect_args=arguments,
    )
    event.listen(engine, "do_connect", partial(_connect, silence_seconds))
    return engine


def _connect(
    silence_seconds: float,
    _dialect: Dialect,
    _record: object,
    _arguments: object,
    parameters: dict[str, Any],
) -> DBAPIConnection:
    connection: Any = connect_watched(parameters, silence_seconds=silence_seconds)
    return connection  # type: ignore[no-any-return]


# ---------------------------------------------------------------- transactions


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Write: begin, commit at the end, roll back on any exception.

    Raises StorageError for what the database refuses; `storage.failures.may_retry` says whether
    the whole unit of work may be repeated.
    """
    with translated(engine.url), engine.begin() as connection:
        yield connection


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """Read from one snapshot of the database, beside any writer; writing raises StorageError."""
    with translated(engine.url), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            reader = connection.execution_options(**{_READ_ONLY: True})
        else:
            reader = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with reader.begin():
            yield reader
