"""`feeds`: which feeds are watched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ingest.cli.state import State
from ingest.errors import OperationError, UsageError, WorkerError
from ingest.model import Failure, FailureKind, FeedSource, Outlet, Rejection

if TYPE_CHECKING:
    from ingest.config import Config
    from ingest.feedsearch import FoundFeeds

app = typer.Typer(
    help="List, add, remove, import, export and discover feeds.", no_args_is_help=True
)


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the feeds with their outlet, country, language and state.

    A feed that moved is shown with the address it is polled at now, as in "-> https://…".
    """
    from ingest.runtime import open_database, prepare  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.feeds import list_feeds  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    with open_database(config) as engine:
        prepare(engine, config)
        with read_connection(engine) as connection:
            feeds = list_feeds(connection)
    table = Table("feed", "outlet", "country", "language", "state", "last error")
    for item in feeds:
        table.add_row(
            item.url if item.moved_to is None else f"{item.url}\n-> {item.moved_to}",
            item.outlet.name,
            item.outlet.country or "",
            item.outlet.language or "",
            item.state if item.gone_since is None else f"gone since {item.gone_since:%Y-%m-%d}",
            item.last_error or "",
        )
    Console().print(table)


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Address of the feed.")],
    outlet: Annotated[str | None, typer.Option(help="Name of the publisher.")] = None,
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2, as in DE.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1, as in de.")] = None,
) -> None:
    """Watch one more feed; it is polled at the next tick.

    Example: storywatch feeds add https://example.org/rss.xml --outlet Example --language en
    """
    source = make_source(url, outlet=outlet, country=country, language=language)
    added = _add_all(context.obj, [source])
    typer.echo(f"added {url}" if added else f"{url} is watched already")


@app.command()
def remove(
    context: typer.Context, url: Annotated[str, typer.Argument(help="Address of the feed.")]
) -> None:
    """Stop watching a feed; what it brought stays.

    Example: storywatch feeds remove https://example.org/rss.xml
    """
    from ingest.runtime import open_database, prepare, utc_now  # noqa: PLC0415
    from storage.engine import transaction  # noqa: PLC0415
    from storage.feeds import remove_feed  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    with open_database(config) as engine:
        prepare(engine, config)
        with transaction(engine) as connection:
            removed = remove_feed(connection, url, now=utc_now())
    if not removed:
        raise UsageError(f"{url}: no such feed; `storywatch feeds list` shows those watched")
    typer.echo(f"removed {url}")


@app.command("import")
def import_(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="An OPML file.")]
) -> None:
    """Add every feed of an OPML file.

    Example: storywatch feeds import subscriptions.opml
    """
    from ingest.opml import read_opml  # noqa: PLC0415

    sources = read_opml(read_bytes(file))
    added = _add_all(context.obj, list(sources))
    typer.echo(f"{file}: {len(sources)} feeds, {added} of them new")


@app.command()
def export(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; default standard output.")
    ] = None,
) -> None:
    """Write the feeds as OPML.

    Example: storywatch feeds export -o feeds.opml
    """
    from ingest.opml import write_opml  # noqa: PLC0415
    from ingest.runtime import open_database, prepare  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.feeds import list_feeds  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    with open_database(config) as engine:
        prepare(engine, config)
        with read_connection(engine) as connection:
            feeds = list_feeds(connection)
    sources = [FeedSource(url=item.url, outlet=item.outlet) for item in feeds]
    text = write_opml(sources, title="Storywatch")
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text, encoding="utf-8")


@app.command()
def discover(
    context: typer.Context, page: Annotated[str, typer.Argument(help="Address of a web page.")]
) -> None:
    """Print the feeds that a page links to, one a line; exit code 1 if there are none.

    Example: storywatch feeds discover https://example.org/
    """
    state: State = context.obj
    found = asyncio.run(_discover(state.load(), page))
    for url, problem in found.unread:
        typer.echo(f"{url}: {problem.kind}: {problem.reason}", err=True)
    if not found.links:
        raise OperationError(f"{page}: no feed is linked there and none answers at the usual paths")
    for url, title in found.links:
        typer.echo(f"{url}\t{title}" if title else url)


async def _discover(config: Config, page: str) -> FoundFeeds:
    from ingest.feedsearch import search_feeds  # noqa: PLC0415
    from ingest.fetch import Fetcher  # noqa: PLC0415
    from ingest.runtime import fetch_policy, make_processes, utc_now  # noqa: PLC0415

    workers = make_processes(config, count=1, warm=False)
    try:
        async with Fetcher(fetch_policy(config), now=utc_now) as fetcher:
            found = await search_feeds(
                page,
                fetcher=fetcher,
                workers=workers,
                max_decoded_bytes=config.fetch.max_decoded_bytes,
                now=utc_now,
            )
    finally:
        workers.shutdown(cancel_futures=True)
    if isinstance(found, Rejection) and found.kind is FailureKind.CRASHED:
        raise WorkerError(f"{page}: {found.reason}; `workers.page_seconds` gives it more time")
    if isinstance(found, Failure | Rejection):
        raise OperationError(f"{page}: {found.kind}: {found.reason}")
    return found


def make_source(
    url: str, *, outlet: str | None, country: str | None, language: str | None
) -> FeedSource:
    """A feed given on the command line.

    Raises BadURLError.
    """
    from ingest.urls import canonicalize, registered_domain  # noqa: PLC0415

    canonicalize(url)
    domain = registered_domain(url)
    return FeedSource(
        url=url,
        outlet=Outlet(domain=domain, name=outlet or domain, country=country, language=language),
    )


def _add_all(state: State, sources: list[FeedSource]) -> int:
    from ingest.runtime import open_database, prepare, utc_now  # noqa: PLC0415
    from storage.engine import transaction  # noqa: PLC0415
    from storage.feeds import add_feed  # noqa: PLC0415

    config = state.load()
    with open_database(config) as engine:
        prepare(engine, config)
        with transaction(engine) as connection:
            return sum(add_feed(connection, item, origin="user", now=utc_now()) for item in sources)


def read_bytes(file: Path) -> bytes:
    """A file named on the command line.

    Raises UsageError naming it.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give the path of a readable file") from error
