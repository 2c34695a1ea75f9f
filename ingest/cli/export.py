"""`export`: rows for other programs, and the evidence on an article or a relation."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ingest.cli.state import State
from ingest.errors import UsageError

_DEFAULT = "rows"


class _RowsUnlessNamed(TyperGroup):
    """`export articles` is `export rows articles`, whatever order options come in."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own click
        """Put the name of the command in front, unless one or help is asked for."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RowsUnlessNamed,
    help="Write a view or a query to a file, or all evidence on an article. `export VIEW` is short"
    " for `export rows VIEW`.",
    no_args_is_help=True,
)


class Format(StrEnum):
    """Of the file; the same words as `ingest.export.rows.Format`, which --help need not load."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


@app.command()
def rows(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="VIEW|SQL", help="A view, or one SELECT.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="Default: by the file's name, else csv.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; default: standard output.")
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="Name of a snapshot: the views as they were then.")
    ] = None,
    safe_csv: Annotated[
        bool,
        typer.Option("--safe-csv", help="Put an apostrophe before what looks like a formula."),
    ] = False,
) -> None:
    """Write the rows of a view or a query, typed and row by row, with what they are.

    Example: storywatch export articles -o articles.parquet
    """
    import ingest  # noqa: PLC0415 - --help needs none of it
    from ingest.export import rows as export  # noqa: PLC0415
    from ingest.export.query import read_query  # noqa: PLC0415
    from ingest.runtime import open_views, utc_now  # noqa: PLC0415

    state: State = context.obj
    chosen = export.Format((format_ or _by_name(output)).value)
    if safe_csv and chosen is not export.Format.CSV:
        raise UsageError("--safe-csv is for --format csv")
    if chosen is export.Format.PARQUET:
        export.require_parquet()
        if output is None and sys.stdout.isatty():
            raise UsageError("Parquet is nothing for a terminal: give a file with -o")
    query = read_query(what)
    with open_views(state.load()) as engine:
        count = export.export_rows(
            engine,
            query,
            format_=chosen,
            output=sys.stdout.buffer if output is None else output,
            snapshot=snapshot,
            safe=safe_csv,
            program_version=ingest.__version__,
            now=utc_now,
        )
    if output is not None:
        typer.echo(f"{count} rows written to {output}")


def _by_name(output: Path | None) -> Format:
    if output is None:
        return Format.CSV
    try:
        return Format(output.suffix.removeprefix(".").lower())
    except ValueError:
        raise UsageError(
            f"{output}: its name does not end in .parquet, .csv or .jsonl: give --format"
        ) from None


@app.command()
def evidence(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="ARTICLE|RELATION",
            help="Article id or one of its URLs, or relation: and an edge_id, as in relation:123.",
        ),
    ],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="OTHER", help="A second article, or seed, or seed:STORY: what relates the two."
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="ZIP file to write.")],
) -> None:
    """Put all that is stored on an article or a relation into one ZIP file, with hashes.

    Pages as WARC, every text, word for word what changed, verdicts with their reasons, and each
    look. Example: storywatch export evidence 3 -o evidence.zip
    """
    import ingest  # noqa: PLC0415
    from ingest.cli.subject import find_subject  # noqa: PLC0415
    from ingest.evidence.bundle import write_evidence  # noqa: PLC0415
    from ingest.runtime import open_database  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.provenance import provenance  # noqa: PLC0415
    from storage.wholefile import whole_file  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine:
        made_by = provenance(engine, program_version=ingest.__version__)
        with read_connection(engine) as connection:
            found = find_subject(connection, subject, other)
            with whole_file(output) as draft, draft.open("wb") as stream:
                write_evidence(
                    connection,
                    stream,
                    subject=found.name,
                    article_ids=found.article_ids,
                    verdicts=found.verdicts,
                    made_by=made_by,
                )
    typer.echo(f"evidence on {found.name} written to {output}")
