"""`backfill`: articles from before the monitor existed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli.state import State

if TYPE_CHECKING:
    from ingest.backfill.jsonl import BackfillSummary
    from ingest.config import Config

app = typer.Typer(help="Bring in articles from elsewhere.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Bring in articles from elsewhere."""


@app.command()
def jsonl(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSONL: url, title, text, published_at, …")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Store already extracted articles through the same path as the daemon.

    Example: storywatch backfill jsonl articles.jsonl
    """
    state: State = context.obj
    config = state.load()
    state.start_log(default="WARNING")
    summary = asyncio.run(_backfill(config, file))
    if as_json:
        typer.echo(json.dumps({"outcomes": summary.outcomes, "errors": summary.errors}))
    else:
        for outcome, count in summary.outcomes.most_common():
            typer.echo(f"{outcome}: {count}")
        for line in summary.errors:
            typer.echo(line, err=True)
    if summary.errors:
        raise typer.Exit(1)


async def _backfill(config: Config, file: Path) -> BackfillSummary:
    from ingest.backfill.jsonl import backfill_jsonl  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415

    console = Console(stderr=True)
    with (
        open_database(config) as engine,
        Progress(console=console, disable=not console.is_terminal) as progress,
    ):
        bar = progress.add_task("articles", total=None)
        async with open_context(engine, config) as work:
            return await backfill_jsonl(work, file, on_line=lambda: progress.advance(bar))
