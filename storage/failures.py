"""What a database's refusal means: a sentence for people, and whether trying again can help.

Told by code, never by the driver's Python class: "index row size exceeds" arrives as the same
OperationalError as a lost connection, and would be retried for ever.
SQLite: https://sqlite.org/rescode.html. Postgres: its manual, appendix A, "Error Codes".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ingest.errors import SchemaError, StorageError

_SQLITE_MEANINGS = {
    3: "no permission to use the database file",
    5: "the database is locked by another program",
    6: "the database is locked by another connection",
    8: "the database cannot be written: it was opened for reading, or the file is read-only",
    10: "the disk failed while the database was read or written",
    11: "the database file is damaged: restore it from a backup",
    13: "the disk is full",
    14: "the database file cannot be opened",
    18: "a value is too big for the database",
    19: "the row contradicts what is stored",
    26: "the file is not a SQLite database",
}
_SQLITE_TRANSIENT = frozenset({5, 6, 10, 13})
_SQLITE_BARRED = frozenset({3, 8, 11, 14, 26})
_SQLITE_COLLISIONS = frozenset({5, 6})

_REFUSED = "the database server refused the user name or the password"
_NO_DATABASE = "there is no such database on the server"
_UNKNOWN_HOST = "the name of the database server cannot be resolved"
_UNREACHABLE = "the database server cannot be reached"

_POSTGRES_MEANINGS = {  # the longest prefix that fits wins
    "08": _UNREACHABLE,
    "22": "a value does not fit where it belongs",
    "23": "the row contradicts what is stored",
    "25006": "the database cannot be written: it was opened for reading",
    "25P03": "the database server closed a transaction that stood idle",
    "28": _REFUSED,
    "3D000": _NO_DATABASE,
    "40": "the transaction collided with another one",
    "42501": "the database user may not do this",
    "53": "the database server is out of resources",
    "53100": "the disk of the database server is full",
    "54": "a value is too big for the database",
    "55P03": "the database is locked by another program",
    "57": "the database server is shutting down or starting up",
    "57014": "the database server stopped a statement that ran too long",
}
_TOO_LONG = "57014"
_POSTGRES_BARRED = ("25006", "28", "3D", "42501")
_POSTGRES_COLLISIONS = frozenset({"40001", "40P01"})
_POSTGRES_ENDINGS = ("08", "25P03", "57P01", "57P02", "57P03")  # of a session, by the server
_POSTGRES_TRANSIENT = ("08", "25P03", "40", "53", "55P03", "57")

_LIBPQ_WORDS = (  # a failed connection has no code, only libpq's sentence
    ("password authentication failed", _REFUSED),
    ("no password supplied", _REFUSED),
    ('role "', _REFUSED),
    ('database "', _NO_DATABASE),
    ("failed to resolve host", _UNKNOWN_HOST),
    ("could not translate host name", _UNKNOWN_HOST),
)
_LIBPQ_TRANSIENT = frozenset({_UNREACHABLE, _UNKNOWN_HOST})


def _sqlite_code(error: DBAPIError) -> int | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF  # the rest says which step failed


def _postgres_meaning(state: str) -> str | None:
    fitting = [prefix for prefix in _POSTGRES_MEANINGS if state.startswith(prefix)]
    return _POSTGRES_MEANINGS[max(fitting, key=len)] if fitting else None


def _libpq_meaning(error: DBAPIError) -> str | None:
    """What an error without a code means: the connection was refused, lost or came too late."""
    kinds = {kind.__name__ for kind in type(error.orig).__mro__}
    lost = "OperationalError" in kinds or error.connection_invalidated
    if not lost or not type(error.orig).__module__.startswith("psycopg"):
        return None
    text = str(error.orig)
    return next((meaning for words, meaning in _LIBPQ_WORDS if words in text), _UNREACHABLE)


def _meaning(error: DBAPIError) -> str | None:
    code, state = _sqlite_code(error), getattr(error.orig, "sqlstate", None)
    if code is not None:
        return _SQLITE_MEANINGS.get(code)
    return _postgres_meaning(state) if state is not None else _libpq_meaning(error)


def _missing_table(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in {"42P01", "42703"} or str(error.orig).startswith(
        ("no such table", "no such column")
    )


def _translate(error: DBAPIError, url: URL) -> StorageError:
    shown = url.render_as_string(hide_password=True)
    detail = " ".join(str(error.orig).split())
    if _missing_table(error):
        return SchemaError(f"{shown} lacks what this program needs ({detail}): migrate it")
    meaning = _meaning(error)
    return StorageError(f"{shown}: {meaning} ({detail})" if meaning else f"{shown}: {detail}")


def may_retry(error: StorageError) -> bool:
    """Whether the same work may succeed later: a lock, a full disk, a server that restarts.

    Bad values, constraints and wrong credentials are not among them.
    """
    cause = error.__cause__
    if isinstance(cause, PoolTimeoutError):
        return True
    if not isinstance(cause, DBAPIError):
        return False
    code, state = _sqlite_code(cause), getattr(cause.orig, "sqlstate", None)
    if code is not None:
        return code in _SQLITE_TRANSIENT
    if state is not None:
        return str(state).startswith(_POSTGRES_TRANSIENT)
    return _libpq_meaning(cause) in _LIBPQ_TRANSIENT


def concerns_all(error: StorageError) -> bool:
    """Whether any other work would meet the same: the server, the disk, the schema, our rights.

    Else it is about what was to be stored: a value, a row, a statement that ran too long.
    """
    if isinstance(error, SchemaError):
        return True
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return may_retry(error)
    code, state = _sqlite_code(cause), getattr(cause.orig, "sqlstate", None)
    if code is not None:
        return code in _SQLITE_TRANSIENT | _SQLITE_BARRED
    if state == _TOO_LONG:
        return False
    return state is None or str(state).startswith(_POSTGRES_TRANSIENT + _POSTGRES_BARRED)


def has_collided(error: StorageError) -> bool:
    """Whether the same work may succeed at once: it met another's transaction, or a lock.

    Serialisation failures and deadlocks on Postgres, "busy" and "locked" on SQLite.
    """
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return False
    code, state = _sqlite_code(cause), getattr(cause.orig, "sqlstate", None)
    return code in _SQLITE_COLLISIONS or state in _POSTGRES_COLLISIONS


def has_lost_connection(error: StorageError) -> bool:
    """Whether the server went away in the middle, or was not there; on SQLite never."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError) or _sqlite_code(cause) is not None:
        return False
    state = getattr(cause.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_POSTGRES_ENDINGS)
    return cause.connection_invalidated or _libpq_meaning(cause) == _UNREACHABLE


def postgres_code(error: StorageError) -> str | None:
    """The SQLSTATE that Postgres gave, if it gave one."""
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the driver raises inside into StorageError; the driver's error is its cause.

    What escapes the drivers as Python's own error, as for text that can't be encoded, is the
    database's refusal all the same; `storage.columns.storable` leaves little of it.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translate(error, url) from error
    except StatementError as error:
        if isinstance(error.orig, StorageError):  # a column's type refused the value
            raise error.orig from error
        raise
    except PoolTimeoutError as error:
        raise StorageError(f"too many connections are in use at once: {error}") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise StorageError(f"a value cannot be stored: {error}") from error


@contextmanager
def translated_driver(engine: Engine, url: URL | None = None) -> Iterator[None]:
    """Turn what a driver raises that is used without SQLAlchemy into StorageError.

    `url` is that of another database than the engine's.
    """
    try:
        yield
    except engine.dialect.loaded_dbapi.Error as error:
        raise _translate(DBAPIError(None, None, error), url or engine.url) from error
