"""`run`, `poll` and `status`: watching, once or for good."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.cli.state import State

_LARGE_BLOCK_BYTES = 256 * 1024  # bodies, models; far above what Python asks for otherwise

if TYPE_CHECKING:
    from ingest.config import Config
    from ingest.passes import PassSummary


def run(context: typer.Context) -> None:
    """Watch for good: poll feeds, look again at articles, until SIGTERM or Ctrl-C."""
    state: State = context.obj
    config = state.load()
    state.start_log(default="INFO")
    asyncio.run(_run(config))


async def _run(config: Config) -> None:
    from ingest.daemon import Ticks, run_daemon  # noqa: PLC0415 - imports cost --help half a second
    from ingest.heap import give_back_large_blocks  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415
    from ingest.selfcheck import found_versions, require_sound  # noqa: PLC0415
    from storage.lock import hold_daemon_lock  # noqa: PLC0415

    require_sound(found_versions())
    give_back_large_blocks(from_bytes=_LARGE_BLOCK_BYTES)
    with open_database(config) as engine, hold_daemon_lock(engine) as lock:
        async with open_context(engine, config) as work:
            ticks = Ticks(
                tick_seconds=config.schedule.tick_seconds,
                drain_seconds=config.schedule.drain_seconds,
            )
            await run_daemon(work, lock=lock, ticks=ticks)


def poll(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="All feeds and articles, due or not.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Do one pass over all that is due; exit code 1 if every feed failed.

    Example: storywatch poll --all
    """
    state: State = context.obj
    config = state.load()
    state.start_log(default="WARNING")
    summary = asyncio.run(_poll(config, everything=everything, show_progress=not as_json))
    if as_json:
        typer.echo(json.dumps(summary.counts()))
    else:
        _print_summary(summary)
    if summary.every_feed_failed:
        raise typer.Exit(1)


async def _poll(config: Config, *, everything: bool, show_progress: bool) -> PassSummary:
    from ingest.passes import Report, run_pass  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415
    from ingest.selfcheck import found_versions, require_sound  # noqa: PLC0415

    require_sound(found_versions())
    console = Console(stderr=True)
    with (
        open_database(config) as engine,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not (show_progress and console.is_terminal),
        ) as progress,
    ):
        bars = {
            "feed": progress.add_task("feeds", total=len(config.feeds)),
            "candidate": progress.add_task("pages", total=0),
            "article": progress.add_task("articles", total=0),
        }

        def show(kind: str, report: Report) -> None:
            bar = bars[kind]
            if kind != "feed":
                progress.update(bar, total=(progress.tasks[bar].completed or 0) + 1)
            elif (queued := getattr(report, "queued", 0)) > 0:
                pages = progress.tasks[bars["candidate"]]
                progress.update(bars["candidate"], total=(pages.total or 0) + queued)
            progress.advance(bar)

        async with open_context(engine, config) as work:
            return await run_pass(work, everything=everything, on_report=show)


def _print_summary(summary: PassSummary) -> None:
    for name, outcomes in (
        ("feeds", summary.feeds),
        ("pages", summary.candidates),
        ("articles looked at again", summary.articles),
    ):
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        typer.echo(f"{name}: {told or 'none due'}")
    typer.echo(f"queued: {summary.queued}, discarded at the entry: {summary.discarded}")


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what the database holds, what waits and how the last runs ended."""
    from ingest.runtime import open_database, utc_now  # noqa: PLC0415
    from storage.status import read_status  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    with open_database(config) as engine:
        figures = read_status(engine, utc_now())
    if as_json:
        typer.echo(json.dumps(figures, default=_plain, ensure_ascii=False))
        return
    for name, value in figures.items():
        typer.echo(f"{name}: {_readable(value)}")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return "\n  " + "\n  ".join(_readable(item) for item in value) if value else "none"
    return str(value) if value is not None else "never"
