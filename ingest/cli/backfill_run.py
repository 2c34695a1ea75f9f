"""Running a source of a backfill for a command: what all of them are asked with, bar and report."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ingest.cli.state import State
from ingest.errors import StorageError, UsageError

if TYPE_CHECKING:
    from ingest.backfill.items import Source
    from ingest.backfill.run import Progress as Done
    from ingest.config import Config
    from ingest.context import Context

MakeSource = Callable[["Context", "Config", AsyncExitStack], Awaitable["Source"]]

_ON_STORY = ("new-version", "unchanged", "noise", "unsettled")
_DUPLICATES = ("known", "alias")
_ERRORS = ("failed", "error", "bad-url", "skipped: damaged")
_UNREAD = ("not loaded", "skipped: unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What all sources are asked with."""

    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many items of the source.")
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what there is; write nothing.")
    ] = False
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run stopped.")] = (
        False
    )
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew; what is known stays.")] = (
        False
    )
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that read pages.")] = None
    engine: Annotated[
        str | None, typer.Option(help="process, or dask: a cluster reads the pages.")
    ] = None
    scheduler: Annotated[
        str | None, typer.Option(help="Of the cluster, as in tcp://10.0.0.5:8786.")
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command have what all sources are asked with as its `options`.

    Typer reads a command's options from its signature, so they are put into it here, once.
    """
    hints = get_type_hints(Options, include_extras=True)
    shared = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=item.default,
            annotation=hints[item.name],
        )
        for item in fields(Options)
    ]
    own = inspect.signature(command, eval_str=True)
    kept = [item for name, item in own.parameters.items() if name != "options"]

    @functools.wraps(command)
    def run(*arguments: Any, **given: Any) -> None:  # noqa: ANN401 - the command's own
        options = Options(**{item.name: given.pop(item.name) for item in shared})
        command(*arguments, **given, options=options)

    parameters = [*kept, *shared]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run


def run_source(context: typer.Context, make_source: MakeSource, options: Options) -> None:
    """Run a source, print the report; exit code 1 when it was interrupted or had errors."""
    if options.resume and options.restart:
        raise UsageError("--resume and --restart exclude each other")
    state: State = context.obj
    config = state.load(
        {
            "workers.count": options.workers,
            "workers.engine": options.engine,
            "workers.scheduler": options.scheduler,
        }
    )
    state.start_log(default="WARNING")
    if options.dry_run:
        counts = asyncio.run(_preview(config, make_source, options))
        _print(counts, [], options, state="dry run")
        return
    done, complete = asyncio.run(_run(config, make_source, options))
    _print(done.counts, done.errors, options, state="done" if complete else "interrupted")
    if not complete:
        typer.echo("interrupted; --resume goes on here", err=True)
    if done.errors or not complete:
        raise typer.Exit(1)


async def _preview(config: Config, make_source: MakeSource, options: Options) -> Counter[str]:
    from ingest.backfill.preview import preview_backfill  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415

    with open_database(config) as engine:
        async with (
            open_context(engine, config) as work,
            AsyncExitStack() as stack,
        ):
            _stop_on_signals(work)
            source = await make_source(work, config, stack)
            return await preview_backfill(work, source, limit=options.limit)


async def _run(config: Config, make_source: MakeSource, options: Options) -> tuple[Done, bool]:
    from ingest.backfill.job import begin, end  # noqa: PLC0415
    from ingest.backfill.run import run_backfill  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415

    with open_database(config) as engine, _progress_bar(shown=not options.as_json) as bar:
        task = bar.add_task("", total=None, told="", rate="")

        def show(done: Done) -> None:
            count = sum(done.counts.values())
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(
                task,
                total=1.0 if done.share is not None else None,
                completed=done.share or 0.0,
                told=_tell_counts(done.counts),
                rate=f"{count / elapsed:.0f}/s" if elapsed > 1 else "",
            )

        async with (
            open_context(engine, config) as work,
            AsyncExitStack() as stack,
        ):
            _stop_on_signals(work)
            source = await make_source(work, config, stack)
            job = await begin(
                work,
                source,
                limit=options.limit,
                resume=options.resume,
                restart=options.restart,
            )
            complete = False
            try:
                done, complete = await run_backfill(
                    work,
                    source,
                    job,
                    in_hand=config.fetch.concurrency,
                    limit=options.limit,
                    on_progress=show,
                )
            finally:
                with suppress(StorageError):  # the checkpoint stands, and the lease ends by itself
                    await end(work, job, done=complete)
            return done, complete


def _stop_on_signals(work: Context) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.stopping.set)


def _progress_bar(*, shown: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.fields[told]}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (shown and console.is_terminal),
    )


def _tell_counts(counts: Counter[str]) -> str:
    """The figures in one line: found, on story, duplicates, discarded, errors."""
    story = sum(counts[name] for name in _ON_STORY)
    duplicates = sum(counts[name] for name in _DUPLICATES)
    errors = sum(
        count for name, count in counts.items() if name in _ERRORS or name.startswith(_UNREAD)
    )
    found = sum(count for name, count in counts.items() if not _is_no_page(name))
    discarded = found - story - duplicates - errors
    return (
        f"found {found}, on story {story}, duplicates {duplicates},"
        f" discarded {discarded}, errors {errors}"
    )


def _is_no_page(outcome: str) -> bool:
    """Whether what is counted are no pages: steps on their way, other records of archives."""
    return outcome == "queued" or outcome.startswith("skipped: record of type")


def _print(counts: Counter[str], errors: list[str], options: Options, *, state: str) -> None:
    if options.as_json:
        typer.echo(json.dumps({"state": state, "outcomes": counts, "errors": errors}))
        return
    if state != "dry run":
        typer.echo(_tell_counts(counts))
    for outcome, count in counts.most_common():
        typer.echo(f"{outcome}: {count}")
    for line in errors:
        typer.echo(line, err=True)
