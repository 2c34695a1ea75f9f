"""What a database's refusal means: a sentence for people, and whether trying again can help.

Told by code, never by the driver's Python class: "index row size exceeds" arrives as the same
OperationalError as a lost connection, and would be retried for ever.
SQLite: https://sqlite.org/rescode.html. Postgres: its manual, appendix A, "Error Codes".
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from ingest.errors import StorageError

_SQLITE_MEANINGS = {
    3: "no permission to use the database file",
    5: "the database is locked by another program",
    6: "the database is locked by another connection of this program",
    8: "the database file is read-only",
    10: "the disk failed while the database was read or written",
    11: "the database file is damaged: restore it from a backup",
    13: "the disk is full",
    14: "the database file cannot be opened",
    18: "a value is too big for the database",
    19: "the row contradicts what is stored",
    26: "the file is not a SQLite database",
}

_SQLITE_TRANSIENT = frozenset({5, 6, 10, 13})

_POSTGRES_MEANINGS = {
    "08": "the connection to the database server failed",
    "23": "the row contradicts what is stored",
    "25006": "the database server accepts no writes",
    "25P03": "the database server closed a transaction that stood idle",
    "28": "the database server refused the user name or the password",
    "3D000": "there is no such database on the server",
    "40": "the transaction collided with another one",
    "42501": "the database user may not do this",
    "53100": "the database server's disk is full",
    "53": "the database server is out of resources",
    "54": "a value is too big for the database",
    "55P03": "the database is locked by another program",
    "57014": "the database server stopped a statement that ran too long",
    "57": "the database server is shutting down or starting up",
}

_POSTGRES_TRANSIENT = ("08", "25006", "25P03", "40", "53", "55P03", "57")

_CONNECT_MEANINGS = (
    ("password authentication failed", _POSTGRES_MEANINGS["28"]),
    ("no password supplied", _POSTGRES_MEANINGS["28"]),
    ('database "', _POSTGRES_MEANINGS["3D000"]),
    ("could not translate host name", "the database server's name cannot be resolved"),
    ("failed to resolve host", "the database server's name cannot be resolved"),
)
"""libpq gives no code when the connection fails; these are its words in English."""

_CREDENTIALS_OR_NAME = {_POSTGRES_MEANINGS["28"], _POSTGRES_MEANINGS["3D000"]}


def _sqlite_code(error: DBAPIError) -> int | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF  # the extended codes say which step failed


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_postgres(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("psycopg")


def _connect_meaning(error: DBAPIError) -> str | None:
    """Meaning of a Postgres error without a code: the connection failed or was lost."""
    if not _is_postgres(error) or _sqlstate(error) is not None:
        return None
    if not isinstance(error.orig, error.dialect_operational_error):
        return None
    text = str(error.orig)
    for words, meaning in _CONNECT_MEANINGS:
        if words in text:
            return meaning
    return "the database server cannot be reached"
