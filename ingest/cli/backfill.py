"""`backfill`: articles from before the monitor existed, one command a source."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

app = typer.Typer(help="Bring in articles from elsewhere.", no_args_is_help=True)

MakeSource = Callable[["Context", "Config", AsyncExitStack], Awaitable["Source"]]

Since = Annotated[datetime | None, typer.Option(help="The first day, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="The last day, UTC, all of it.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Stop after so many items of the source.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what there is; write nothing.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where the last run stopped.")]
Restart = Annotated[bool, typer.Option("--restart", help="Begin anew; what is known stays.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes that read pages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@app.callback()
def _group() -> None:
    """Bring in articles from elsewhere."""


@dataclass(frozen=True, slots=True)
class _Options:
    """What all sources are asked with."""

    limit: int | None
    dry_run: bool
    resume: bool
    restart: bool
    workers: int | None
    as_json: bool


@app.command()
def wayback(
    context: typer.Context,
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(help='Addresses; "https://example.org/news/*" and "*.example.org" too.'),
    ] = None,
    known: Annotated[bool, typer.Option("--known", help="The articles that are stored.")] = False,
    versions_of: Annotated[
        list[str] | None, typer.Option(help="An article by any of its addresses, in all variants.")
    ] = None,
    archive: Annotated[
        str | None, typer.Option(help="A pywb collection instead of the Internet Archive.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Captures of a web archive, each as a look of its own time.

    Example: storywatch backfill wayback --known --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.opening import Asked, open_wayback  # noqa: PLC0415 - --help needs none
    from ingest.runtime import fetch_policy  # noqa: PLC0415

    if not (targets or known or versions_of):
        raise UsageError("name addresses, --versions-of an article, or --known")

    async def make(work: Context, config: Config, stack: AsyncExitStack) -> Source:
        start, end = _range(since, until, work)
        asked = Asked(
            targets=tuple(targets or ()),
            articles=tuple(versions_of or ()),
            known=known,
            archive=archive,
            since=start if since else None,
            until=end if until else None,
        )
        return await open_wayback(work, stack, asked, policy=fetch_policy(config))

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command()
def sitemap(
    context: typer.Context,
    *,
    site: Annotated[str, typer.Argument(help="A site, or a sitemap's own address.")],
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """The articles that a site lists in its sitemaps, as they are today.

    Example: storywatch backfill sitemap https://example.org --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.source_sitemap import SitemapSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        start, end = _range(since, until, work)
        return SitemapSource(context=work, url=site, since=start, until=end)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command("feed-archive")
def feed_archive(
    context: typer.Context,
    *,
    feed: Annotated[str, typer.Argument(help="A feed's address.")],
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """What a feed listed once: its archive (RFC 5005), or a WordPress site's posts.

    Example: storywatch backfill feed-archive https://example.org/feed/ --since 2023-09-01
    """
    from ingest.backfill.source_feedarchive import FeedArchiveSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        start, end = _range(since, until, work)
        return FeedArchiveSource(context=work, url=feed, since=start, until=end)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command()
def gdelt(
    context: typer.Context,
    *,
    query: Annotated[
        list[str] | None, typer.Option(help="In GDELT's words, instead of the stories' names.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """The addresses of articles that GDELT saw, by the English names of the stories.

    Example: storywatch backfill gdelt --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.opening import story_queries  # noqa: PLC0415
    from ingest.backfill.source_gdelt import GdeltSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        start, end = _range(since, until, work)
        queries = tuple(query) if query else story_queries(work)
        return GdeltSource(context=work, queries=queries, since=start, until=end)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command()
def urls(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(help="Lines, CSV, TSV or OPML; - is standard input.")],
    column: Annotated[
        str | None, typer.Option(help="The table's column of addresses, by name or number.")
    ] = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """The addresses of a list, as they are today.

    Example: storywatch backfill urls addresses.txt
    """
    from ingest.backfill.source_urls import UrlSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return UrlSource(context=work, file=file, column=column)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command()
def html(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(help="A folder of saved pages.")],
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Saved pages, each as a look of the time at which it was saved.

    Example: storywatch backfill html saved/
    """
    from ingest.backfill.source_html import SavedPageSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return SavedPageSource(context=work, folder=folder)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


@app.command()
def jsonl(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="JSONL: url, title, text, published_at, …")],
    limit: Limit = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    restart: Restart = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Texts that are extracted already: ours, or of news-please, Fundus, newspaper, trafilatura.

    Example: storywatch backfill jsonl articles.jsonl
    """
    from ingest.backfill.source_jsonl import JsonSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return JsonSource(context=work, file=file)

    _command(context, make, _Options(limit, dry_run, resume, restart, workers, as_json))


def _range(
    since: datetime | None, until: datetime | None, work: Context
) -> tuple[datetime, datetime]:
    """The wanted days, whole and in UTC; from 1990 to now where an end is not told."""
    start = datetime(1990, 1, 1, tzinfo=UTC) if since is None else since.replace(tzinfo=UTC)
    end = work.now() if until is None else until.replace(tzinfo=UTC)
    if until is not None and until.time() == datetime.min.time():
        end += timedelta(days=1, microseconds=-1)
    if end < start:
        raise UsageError(f"--until {end:%Y-%m-%d} lies before --since {start:%Y-%m-%d}")
    return start, end


def _command(context: typer.Context, make_source: MakeSource, options: _Options) -> None:
    """Run a source, print the report; exit code 1 when it was interrupted or had errors."""
    if options.resume and options.restart:
        raise UsageError("--resume and --restart exclude each other")
    state: State = context.obj
    config = state.load()
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


async def _preview(config: Config, make_source: MakeSource, options: _Options) -> Counter[str]:
    from ingest.backfill.preview import preview_backfill  # noqa: PLC0415
    from ingest.runtime import open_context, open_database  # noqa: PLC0415

    with open_database(config) as engine:
        async with (
            open_context(engine, config, workers=options.workers) as work,
            AsyncExitStack() as stack,
        ):
            _stop_on_signals(work)
            source = await make_source(work, config, stack)
            return await preview_backfill(work, source, limit=options.limit)


async def _run(config: Config, make_source: MakeSource, options: _Options) -> tuple[Done, bool]:
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
                told=tell_counts(done.counts),
                rate=f"{count / elapsed:.0f}/s" if elapsed > 1 else "",
            )

        async with (
            open_context(engine, config, workers=options.workers) as work,
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


_ON_STORY = ("new-version", "unchanged", "noise", "unsettled")
_DUPLICATES = ("known", "alias")
_ERRORS = ("failed", "error", "bad-url")


def tell_counts(counts: Counter[str]) -> str:
    """The figures in one line: found, on story, duplicates, discarded, errors."""
    story = sum(counts[name] for name in _ON_STORY)
    duplicates = sum(counts[name] for name in _DUPLICATES)
    errors = sum(
        count for name, count in counts.items() if name in _ERRORS or name.startswith("not loaded")
    )
    found = sum(count for name, count in counts.items() if name != "queued")
    discarded = found - story - duplicates - errors
    return (
        f"found {found}, on story {story}, duplicates {duplicates},"
        f" discarded {discarded}, errors {errors}"
    )


def _print(counts: Counter[str], errors: list[str], options: _Options, *, state: str) -> None:
    if options.as_json:
        typer.echo(json.dumps({"state": state, "outcomes": counts, "errors": errors}))
        return
    if state != "dry run":
        typer.echo(tell_counts(counts))
    for outcome, count in counts.most_common():
        typer.echo(f"{outcome}: {count}")
    for line in errors:
        typer.echo(line, err=True)
