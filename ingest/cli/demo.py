"""`demo`: the main job on a small newsroom, in under a minute."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ingest.cli.state import State


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the database is left.")] = Path("demo"),
    seconds: Annotated[float, typer.Option(help="Give up after this long.")] = 55.0,
) -> None:
    """Watch a living newsroom on 127.0.0.1 with the real daemon; exit code 0 if all was found.

    Example: storywatch demo --folder /tmp/storywatch-demo
    """
    from ingest.config import load_config  # noqa: PLC0415 - --help needs none of it
    from ingest.demo.report import print_report  # noqa: PLC0415
    from ingest.demo.run import clear_folder, make_newsroom, run_demo  # noqa: PLC0415

    state: State = context.obj
    # Only the story comes from the configuration; the environment must not lead elsewhere.
    config = load_config(state.config_file, environ={}, overrides={})
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    clear_folder(folder)

    async def perform() -> bool:
        newsroom = make_newsroom(config)
        async with newsroom:
            with console.status("the newsroom opens"):
                run = await run_demo(
                    folder,
                    config,
                    seconds=seconds,
                    newsroom=newsroom,
                    on_act=lambda act, acts: console.log(f"act {act + 1} of {acts}"),
                )
            return print_report(console, run, newsroom)

    if not asyncio.run(perform()):
        raise typer.Exit(1)
