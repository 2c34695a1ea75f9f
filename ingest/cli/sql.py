"""`sql`: ask the database, read-only."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ingest.cli.state import State
from ingest.log import mask


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One SELECT statement.")],
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    snapshot: Annotated[
        str | None, typer.Option(help="Name of a snapshot: the views as they were then.")
    ] = None,
) -> None:
    """Run a query on the configured database; nothing can be written.

    Example: storywatch sql "SELECT outlet, title, relation FROM seed_relations"
    """
    from ingest.runtime import open_views  # noqa: PLC0415
    from storage.readonly import read_only_query  # noqa: PLC0415
    from storage.snapshots import find_snapshot  # noqa: PLC0415

    state: State = context.obj
    with open_views(state.load()) as engine:
        if snapshot is not None:
            find_snapshot(engine, snapshot)
        columns, rows = read_only_query(engine, query, snapshot=snapshot)
    _PRINTERS[format_](columns, [list(row) for row in rows])


def _print_table(columns: list[str], rows: list[list[Any]]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return "" if value is None else mask(str(value)).replace("[", "\\[")


def _print_csv(columns: list[str], rows: list[list[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(value) for value in row] for row in rows)


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    from ingest.export.lines import harmless as as_text  # noqa: PLC0415

    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, datetime) else as_text(value)


def _print_json(columns: list[str], rows: list[list[Any]]) -> None:
    for row in rows:
        line = dict(zip(columns, row, strict=True))
        typer.echo(json.dumps(line, ensure_ascii=False, default=str))


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
