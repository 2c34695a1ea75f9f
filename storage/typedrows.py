"""The rows of a query as typed values, read bit by bit, for exports and hashes.

    one SELECT ─fence─> the driver's rows ─kinds─> rows of Python values

Postgres says what each column holds; of SQLite's, `storage.sqlitekinds` finds it out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Engine

from ingest.errors import UsageError
from storage.kinds import Kind, ResultColumn, conversion, kinds_by_name
from storage.readonly import Row, fenced_file, fenced_session, stream_rows
from storage.sqlitekinds import KindsSeen, declared_kinds

_ROWS_AT_ONCE = 100
_FIRST_ROWS = 2000  # kept while kinds are looked for; a longer result is gone through twice

_KINDS_OF_POSTGRES = {
    "bool": Kind.BOOLEAN,
    "bytea": Kind.BYTES,
    "date": Kind.DATE,
    "float4": Kind.NUMBER,
    "float8": Kind.NUMBER,
    "int2": Kind.INTEGER,
    "int4": Kind.INTEGER,
    "int8": Kind.INTEGER,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "numeric": Kind.NUMBER,
    "oid": Kind.INTEGER,
    "timestamp": Kind.WALL_TIME,
    "timestamptz": Kind.TIME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRows:
    """A result: its columns, and its rows, to be taken once."""

    columns: tuple[ResultColumn, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def open_rows(
    engine: Engine,
    sql: str,
    *,
    kinds: Mapping[str, Kind],
    snapshot: str | None = None,
    timeout_seconds: float | None = None,
) -> Iterator[TypedRows]:
    """Run one SELECT in one read transaction; a bounded number of its rows is in memory.

    `kinds` are those of columns that are known for sure; on Postgres none need be. Raises
    UsageError when the statement writes, is wrong, gives no rows or two columns of one name;
    StorageError when the database fails.
    """
    if engine.dialect.name == "sqlite":
        with fenced_file(engine, snapshot=snapshot, timeout_seconds=timeout_seconds) as file:
            file.execute("BEGIN")  # one moment for what is gone through twice
            yield typed_by_sqlite(file, sql, kinds=kinds)
    else:
        with (
            fenced_session(engine, snapshot=snapshot, timeout_seconds=timeout_seconds) as session,
            typed_by_postgres(session, sql) as found,
        ):
            yield found


def _distinct(columns: Iterable[ResultColumn]) -> tuple[ResultColumn, ...]:
    found: dict[str, ResultColumn] = {}
    for column in columns:
        if column.name in found:
            raise UsageError(
                f"two columns of the query are named {column.name!r}: name one otherwise, with AS"
            )
        found[column.name] = column
    return tuple(found.values())


def _typed(columns: Sequence[ResultColumn], rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    conversions = [conversion(column.kind) for column in columns]
    for number, row in enumerate(rows, start=1):
        try:
            yield tuple(convert(value) for convert, value in zip(conversions, row, strict=True))
        except ValueError as error:
            raise UsageError(f"row {number} does not fit: {error}; use CAST") from error


# ---------------------------------------------------------------- Postgres


@contextmanager
def typed_by_postgres(connection: Connection, sql: str) -> Iterator[TypedRows]:
    """The rows of a SELECT on a connection to Postgres, which does nothing else meanwhile.

    Rows that are left unread at the end are given up: else the connection would wait for its own
    stream when it is rolled back.
    """
    dbapi: Any = connection.dialect.loaded_dbapi
    with closing(stream_rows(connection, sql, at_once=_ROWS_AT_ONCE)) as rows:
        columns = _distinct(
            ResultColumn(name=name, kind=_kind_of_postgres(dbapi.adapters.types.get(oid), oid))
            for name, oid in next(rows)
        )
        yield TypedRows(columns=columns, rows=_typed(columns, rows))


def _kind_of_postgres(known: Any, oid: int) -> Kind:  # noqa: ANN401 - psycopg's TypeInfo
    if known is None:
        return Kind.TEXT
    if known.array_oid == oid:
        return Kind.JSON
    return _KINDS_OF_POSTGRES.get(known.name, Kind.TEXT)


# ---------------------------------------------------------------- SQLite


def typed_by_sqlite(
    connection: sqlite3.Connection, sql: str, *, kinds: Mapping[str, Kind]
) -> TypedRows:
    """The rows of a SELECT on a connection to SQLite, which is fenced from then on.

    Columns that neither `kinds` nor a table declares are told by their values: by the first rows
    if these are all, else by all of them, for which the query is run once more.
    """
    known = {**declared_kinds(connection, sql), **kinds}
    cursor = connection.execute(sql)
    if cursor.description is None:
        raise UsageError("the statement gives no rows: only reading is possible here")
    names = [str(column[0]) for column in cursor.description]
    unknown = [number for number, name in enumerate(names) if name not in known]
    seen = KindsSeen([names[number] for number in unknown], kinds_by_name())
    rows: Iterator[Row] = cursor
    if unknown:
        first = list(islice(cursor, _FIRST_ROWS))
        for row in chain(first, cursor):
            seen.add([row[number] for number in unknown])
        rows = iter(first) if len(first) < _FIRST_ROWS else connection.execute(sql)
    known |= dict(zip((names[number] for number in unknown), seen.kinds(), strict=True))
    columns = _distinct(ResultColumn(name=name, kind=known[name]) for name in names)
    return TypedRows(columns=columns, rows=_typed(columns, rows))
