"""What the columns of a query on SQLite hold, where any value may stand in any column.

SQLite tells the declared type of a column that stands in a table and comes through views and
subqueries as it is (https://sqlite.org/c3ref/column_decltype.html); of `MAX(published_at)` or
`CASE … END` it knows nothing. Then the values tell.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from storage.kinds import Kind
from storage.readonly import fence

_DECLARED = {
    "BIGINT": Kind.INTEGER,
    "BLOB": Kind.BYTES,
    "BOOLEAN": Kind.BOOLEAN,
    "DATETIME": Kind.TIME,
    "FLOAT": Kind.NUMBER,
    "INTEGER": Kind.INTEGER,
    "JSON": Kind.JSON,
    "REAL": Kind.NUMBER,
    "TEXT": Kind.TEXT,
}
"""Not INT, NUM and BLOB, which SQLite from 3.41 on says of expressions, whatever they give."""

_STORED_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
"""How `storage.columns.UTCDateTime` stands in the file; `datetime('now')` is text and stays so."""

_PROBE = "storywatch_columns"


def declared_kinds(connection: sqlite3.Connection, sql: str) -> dict[str, Kind]:
    """The kinds of those columns of a SELECT that a table declares, by their names.

    Nothing of the query is run; of what is no SELECT there are none. Leaves the connection fenced.
    """
    fence(connection, views=True)
    declared = []
    with suppress(sqlite3.Error, sqlite3.Warning):  # running it will tell what is wrong with it
        connection.execute(f"CREATE TEMP VIEW {_PROBE} AS {sql}")
        declared = connection.execute(f"PRAGMA table_info({_PROBE})").fetchall()
        connection.execute(f"DROP VIEW temp.{_PROBE}")
    fence(connection)
    kinds = {str(row[1]): _DECLARED.get(str(row[2]).upper()) for row in declared}
    return {name: kind for name, kind in kinds.items() if kind not in (None, Kind.BYTES)}


class KindsSeen:
    """What the values of some columns can be, row after row."""

    def __init__(self, names: Sequence[str], usual: Mapping[str, Kind]) -> None:
        """`usual` are kinds of names: they hold for columns whose values allow them."""
        self._usual = [usual.get(name) for name in names]
        self._seen: list[set[Kind]] = [set() for _ in names]
        self._fits = [True for _ in names]

    def add(self, values: Sequence[Any]) -> None:
        """Take a row's values of these columns into account."""
        for number, value in enumerate(values):
            if value is None:
                continue
            self._seen[number].add(_kind_of(value))
            usual = self._usual[number]
            if usual is not None and self._fits[number]:
                self._fits[number] = _allows(value, usual)

    def kinds(self) -> list[Kind]:
        """What the columns hold, by all that was seen; text where nothing but nulls was."""
        return [
            usual if usual is not None and fits else _common(seen)
            for usual, fits, seen in zip(self._usual, self._fits, self._seen, strict=True)
        ]


def _kind_of(value: Any) -> Kind:  # noqa: ANN401 - any value of SQLite
    if isinstance(value, int):
        return Kind.INTEGER
    if isinstance(value, float):
        return Kind.NUMBER
    if isinstance(value, bytes):
        return Kind.BYTES
    return Kind.TIME if _STORED_TIME.fullmatch(value) else Kind.TEXT


def _allows(value: Any, kind: Kind) -> bool:  # noqa: ANN401 - any value of SQLite
    if kind is Kind.BOOLEAN:
        return value in (0, 1)
    if kind is Kind.JSON:
        return isinstance(value, str) and value[:1] in ("[", "{")
    seen = _kind_of(value)
    return seen is kind or (kind is Kind.NUMBER and seen is Kind.INTEGER) or kind is Kind.TEXT


def _common(seen: set[Kind]) -> Kind:
    if seen == {Kind.INTEGER, Kind.NUMBER}:
        return Kind.NUMBER
    return next(iter(seen)) if len(seen) == 1 else Kind.TEXT
