"""`rejudge`: verdicts by the rule in force for what is stored already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.cli.state import State
from ingest.errors import UsageError


def rejudge(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option(help="Only versions first seen on this day (UTC) or later.")
    ] = None,
) -> None:
    """Judge stored versions by the rule in force; earlier verdicts are kept beside the new ones.

    Killed, it goes on where it was when it is started again.

    Example: storywatch rejudge --since 2023-09-01
    """
    from ingest.context import Limits  # noqa: PLC0415 - imports cost --help half a second
    from ingest.rejudge import count_waiting  # noqa: PLC0415
    from ingest.rejudge import rejudge as run_rejudge  # noqa: PLC0415
    from ingest.runtime import open_database, prepare, utc_now  # noqa: PLC0415

    state: State = context.obj
    first_day = _read_day(since)
    config = state.load()
    state.start_log(default="WARNING")
    console = Console(stderr=True)
    with open_database(config) as engine:
        stories, preparation = prepare(engine, config)
        setups = {
            stored.id: (stored.seed_id, setup)
            for stored, setup in zip(preparation.stored, stories, strict=True)
        }
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        ) as progress:
            # each version passes twice: its features, then its verdicts
            total = 2 * count_waiting(engine, since=first_day)
            bar = progress.add_task("versions", total=total)
            summary = run_rejudge(
                engine,
                stories=setups,
                since=first_day,
                limit=Limits().similar_limit,
                now=utc_now,
                on_version=lambda: progress.advance(bar),
            )
    typer.echo(f"judged {summary.versions} versions: {summary.edges} relations between them")


def _read_day(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        return datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"--since {since}: not a day; write it as 2023-09-01") from error
