"""Loading rows by the hundred thousand: executemany on SQLite, COPY on Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import Engine, Table

Row = dict[str, Any]
_CHUNK = 20_000


def load_table(engine: Engine, table: Table, rows: Iterable[Row]) -> int:
    """Insert all rows in transactions of 20,000; return how many."""
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return 0
    count = 0
    everything = chain([first], remaining)
    columns = list(first)
    json_columns = {c for c in columns if "JSON" in str(table.c[c].type).upper()}
    while chunk := list(islice(everything, _CHUNK)):
        _insert(engine, table, columns, json_columns, chunk)
        count += len(chunk)
    return count


def _insert(
    engine: Engine, table: Table, columns: list[str], json_columns: set[str], rows: list[Row]
) -> None:
    names = ", ".join(columns)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
            values = list(_values(rows, columns, json_columns, as_text=True))
            connection.exec_driver_sql(statement, values)
            return
        raw = connection.connection.driver_connection
        assert raw is not None
        with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for value in _values(rows, columns, json_columns, as_text=False):
                copy.write_row(value)


def _values(
    rows: list[Row], columns: list[str], json_columns: set[str], *, as_text: bool
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(
            json.dumps(row[name], ensure_ascii=False)
            if name in json_columns
            else row[name].strftime("%Y-%m-%d %H:%M:%S.%f")
            if as_text and isinstance(row[name], datetime)
            else row[name]
            for name in columns
        )
