"""`search`: words and phrases in what was published, in any language."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.cli.sql import Format, harmless
from ingest.cli.state import State
from ingest.log import mask
from ingest.model import Relation

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.search import Hit, Search
    from storage.search_query import Node

_WIDTH = 140


def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help='Words, "a phrase", one OR another, -without, begin*, (groups).')
    ],
    *,
    language: Annotated[str | None, typer.Option(help="Of the text: ISO 639-1.")] = None,
    outlet: Annotated[str | None, typer.Option(help="Domain of the publisher.")] = None,
    story: Annotated[str | None, typer.Option(help="Slug of the story.")] = None,
    relation: Annotated[
        Relation | None, typer.Option(help="To the story's seed; the analyst's, if there is one.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of publication, else of the first look"),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, which is included.")
    ] = None,
    ever: Annotated[
        bool, typer.Option("--ever", help="Search versions that were replaced as well.")
    ] = False,
    stem: Annotated[
        bool,
        typer.Option("--stem", help="Find all forms of a word. On Postgres, with --language."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many hits at most.")] = 20,
    as_sql: Annotated[
        bool, typer.Option("--sql", help="Print the statement instead of running it.")
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Search headlines and texts, the best hits first; case and accents make no difference.

    Example: storywatch search 'Kim "arms talks" -missile' --language en
    """
    from ingest.backfill.days import read_days  # noqa: PLC0415 - --help needs none of it
    from ingest.runtime import open_views  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.search import Search, find_hits  # noqa: PLC0415
    from storage.search_query import parse_query  # noqa: PLC0415

    days = read_days(since, until)
    asked = Search(
        query=parse_query(query),
        language=language,
        outlet=outlet,
        story=story,
        relation=None if relation is None else relation.value,
        since=days.since,
        until=days.until,
        ever=ever,
        stem=stem,
    )
    state: State = context.obj
    with open_views(state.load()) as engine:
        if as_sql:
            typer.echo(_statement(engine, asked, limit))
            return
        with read_connection(engine) as connection:
            found = find_hits(connection, asked, limit=limit)
    _PRINTERS[format_](found.hits, asked.query)
    if found.has_more:
        typer.echo(f"there are more than {limit} hits; --limit shows them", err=True)
    elif not found.hits:
        typer.echo("nothing was found", err=True)


def _statement(engine: Engine, asked: Search, limit: int) -> str:
    """The SELECT with its values in it, for people who go on in SQL."""
    from storage.search import search_statement  # noqa: PLC0415

    statement = search_statement(engine.dialect.name, asked).limit(limit)
    return str(statement.compile(engine, compile_kwargs={"literal_binds": True}))


# ---------------------------------------------------------------- printing


def _print_table(hits: Sequence[Hit], query: Node) -> None:
    from storage.snippet import snippet  # noqa: PLC0415

    if not hits:
        return
    table = Table("date", "outlet", "language", "relation", "text", "article", "version")
    for hit in hits:
        told = Text(mask(hit.title), style="bold")
        told.append("\n")
        for part in snippet(hit.text, query):
            told.append(mask(part.text), style="bold red" if part.is_found else "not bold")
        table.add_row(
            f"{_date(hit):%Y-%m-%d %H:%M}",
            Text(mask(hit.outlet)),
            hit.language or "",
            _relations(hit),
            told,
            str(hit.article_id),
            f"{hit.seq}" if hit.is_current else f"{hit.seq}, replaced",
        )
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _print_csv(hits: Sequence[Hit], query: Node) -> None:
    rows = [_fields(hit, query) | {"relations": _relations(hit)} for hit in hits]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([harmless(value) for value in row.values()] for row in rows)


def _print_json(hits: Sequence[Hit], query: Node) -> None:
    for hit in hits:
        typer.echo(json.dumps(_fields(hit, query), ensure_ascii=False, default=str))


def _fields(hit: Hit, query: Node) -> dict[str, Any]:
    from storage.snippet import snippet  # noqa: PLC0415

    return {
        "date": _date(hit).isoformat(),
        "outlet": hit.outlet,
        "domain": hit.domain,
        "language": hit.language,
        "relations": dict(hit.relations),
        "title": hit.title,
        "snippet": "".join(
            f"[{part.text}]" if part.is_found else part.text for part in snippet(hit.text, query)
        ),
        "article_id": hit.article_id,
        "seq": hit.seq,
        "is_current": hit.is_current,
        "first_observed_at": hit.first_observed_at.isoformat(),
        "last_observed_at": hit.last_observed_at.isoformat(),
        "url": hit.url,
    }


def _date(hit: Hit) -> datetime:
    return (hit.published_at or hit.first_observed_at).astimezone(UTC)


def _relations(hit: Hit) -> str:
    """The relation to the seed; of an article of several stories, to each."""
    if len(hit.relations) == 1:
        return hit.relations[0][1]
    return ", ".join(f"{story}: {relation}" for story, relation in hit.relations)


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
