"""`reextract`: stored pages, read again after an upgrade of the extractor."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.cli.state import State


def reextract(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read stored pages again that another version of the extractor read.

    A text that comes out otherwise is a new version with a change of the kind `reextracted`; it is
    no edit of the article. Killed, it goes on where it was when it is started again.

    Example: storywatch reextract
    """
    from ingest.reextract import Renewal, count_outdated, renew_all  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    state.start_log(default="WARNING")
    console = Console(stderr=True)

    async def run() -> dict[Renewal, int]:
        with open_database(config) as engine:
            async with open_context(engine, config) as opened:
                with Progress(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TimeRemainingColumn(),
                    console=console,
                    disable=not console.is_terminal,
                ) as progress:
                    bar = progress.add_task("articles", total=await count_outdated(opened))
                    return await renew_all(opened, on_article=lambda _: progress.advance(bar))

    counts = asyncio.run(run())
    figures = {renewal.value: counts.get(renewal, 0) for renewal in Renewal}
    if as_json:
        typer.echo(json.dumps(figures))
        return
    typer.echo(
        f"read {sum(figures.values())} articles again: {figures['changed']} with another text,"
        f" {figures['same']} with the same, {figures['no-body']} without a kept page,"
        f" {figures['unreadable']} unreadable"
    )
