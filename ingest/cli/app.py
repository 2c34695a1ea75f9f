"""The commands and the options all of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import ingest
from ingest.cli import (
    backfill,
    config,
    db,
    demo,
    export,
    feeds,
    history,
    reextract,
    rejudge,
    search,
    snapshot,
    sql,
    texts,
    verdict,
    watch,
    worker,
)

app = typer.Typer(
    name="storywatch",
    help="Watch the world's press for one story and keep every version of every article.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"storywatch {ingest.__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Configuration file. Default: STORYWATCH_CONFIG, ./config.toml, the shipped one.",
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", help="Database, over STORYWATCH_DATABASE_URL and the file."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "",
    log_json: Annotated[bool, typer.Option(help="Log one JSON object a line.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback has printed it by now
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Watch the world's press for one story and keep every version of every article."""
    from ingest.cli.state import State  # noqa: PLC0415

    context.obj = State(
        config_file=config_file, database_url=database_url, log_level=log_level, log_json=log_json
    )


app.command()(watch.run)
app.command()(watch.poll)
app.command()(watch.status)
app.add_typer(feeds.app, name="feeds")
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.command()(rejudge.rejudge)
app.command()(reextract.reextract)
app.add_typer(verdict.app, name="verdict")
app.command()(texts.extract)
app.command()(texts.compare)
app.command()(texts.judge)
app.add_typer(backfill.app, name="backfill")
app.command()(worker.worker)
app.command()(history.history)
app.command()(history.diff)
app.command()(search.search)
app.command()(sql.sql)
app.add_typer(export.app, name="export")
app.add_typer(snapshot.app, name="snapshot")
app.command()(demo.demo)
