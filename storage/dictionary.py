"""The data dictionary: Markdown made from the comments of the views and tables.

python -m storage.dictionary > docs/schema.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy import Column, Table

from storage import schema
from storage.columns import type_name
from storage.diagram import table_diagram, view_diagram
from storage.views import VIEWS

_INTRODUCTION = """\
# Data dictionary

Made by `make schema` from the comments in `storage/`; a test keeps it up to date.

Write queries against the **views**: they are [the contract](contract.md), a column may be added to
one but is never renamed or removed. The **tables** below them are internal and change with
migrations.

Types read the same on SQLite and Postgres. A *time* is UTC (`timestamptz` on Postgres, text as
`2023-09-05 12:00:00.000000` on SQLite), a *boolean* is 0 or 1 on SQLite, *JSON* is text there and
`jsonb` on Postgres.
"""

_VIEWS = """\
How they are joined: the view at the one end has a row for each, the other any number of rows with
it in the column that stands at the line. An article of two stories has two rows in `articles`.
"""

_TABLES = """\
Their keys, and what refers to what.
"""


def describe_schema() -> str:
    """The whole dictionary as Markdown: the views, then the tables in the order of the flow."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## Views\n",
            _VIEWS,
            view_diagram(VIEWS.values()),
            *map(_describe_view, VIEWS.values()),
            "## Tables\n",
            _TABLES,
            table_diagram(schema.metadata),
            *map(_describe_table, schema.metadata.tables.values()),
        ]
    )


def _describe_view(view: Table) -> str:
    rows = (
        f"| `{column.name}` | {type_name(column)} | {_cell(column)} |" for column in view.columns
    )
    return _section(view, "| column | type | meaning |", "|---|---|---|", *rows)


def _describe_table(table: Table) -> str:
    rows = (
        f"| `{column.name}` | {type_name(column)} | {'yes' if column.nullable else ''} |"
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


def _cell(column: Column[object]) -> str:
    return (column.comment or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(describe_schema())
