"""The data dictionary: Markdown made from the comments of the views and tables.

python -m storage.dictionary > docs/schema.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy import Column, Table

from storage import schema
from storage.views import VIEWS

_INTRODUCTION = """\
# Data dictionary

Made by `make schema` from the comments in `storage/`; a test keeps it up to date.

Write queries against the **views**: they are the contract, a column may be added to one but is
never renamed or removed. The **tables** below them are internal and change with migrations.

Types read the same on SQLite and Postgres. A *time* is UTC (`timestamptz` on Postgres, text as
`2023-09-05 12:00:00.000000` on SQLite), a *boolean* is 0 or 1 on SQLite, *JSON* is text there and
`jsonb` on Postgres.
"""

_TYPES = {
    "BigInteger": "integer",
    "Boolean": "boolean",
    "Float": "number",
    "Integer": "integer",
    "JSON": "JSON",
    "LargeBinary": "bytes",
    "TSVECTOR": "search terms",
    "Text": "text",
    "UTCDateTime": "time",
}


def describe_schema() -> str:
    """The whole dictionary as Markdown: the views, then the tables in the order of the flow."""
    parts = [_INTRODUCTION, "## Views\n", *map(_describe_view, VIEWS.values()), "## Tables\n"]
    return "\n".join([*parts, *map(_describe_table, schema.metadata.tables.values())])


def _describe_view(view: Table) -> str:
    rows = (f"| `{column.name}` | {_type(column)} | {_cell(column)} |" for column in view.columns)
    return _section(view, "| column | type | meaning |", "|---|---|---|", *rows)


def _describe_table(table: Table) -> str:
    rows = (
        f"| `{column.name}` | {_type(column)} | {'yes' if column.nullable else ''} |"
        f" {'; '.join(_meaning(column))} |"
        for column in table.columns
    )
    return _section(table, "| column | type | null | meaning |", "|---|---|---|---|", *rows)


def _section(table: Table, *lines: str) -> str:
    return "\n".join([f"### {table.name}\n", f"{table.comment}\n", *lines, ""])


def _meaning(column: Column[object]) -> Iterator[str]:
    if column.primary_key:
        yield "key"
    for reference in column.foreign_keys:
        yield f"refers to `{reference.target_fullname}`"
    if column.unique:
        yield "unique"
    if column.comment:
        yield _cell(column)


def _type(column: Column[object]) -> str:
    return _TYPES[type(column.type).__name__]


def _cell(column: Column[object]) -> str:
    return (column.comment or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(describe_schema())
