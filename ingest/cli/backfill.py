"""`backfill`: articles from before the monitor existed, one command a source."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.backfill.days import read_days
from ingest.cli.backfill_run import Options, run_source, with_options
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.backfill.items import Source
    from ingest.config import Config
    from ingest.context import Context

app = typer.Typer(help="Bring in articles from elsewhere.", no_args_is_help=True)

Since = Annotated[datetime | None, typer.Option(help="The first day, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="The last day, UTC, all of it.")]


@app.callback()
def _group() -> None:
    """Bring in articles from elsewhere."""


@app.command()
@with_options
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
    options: Options,
) -> None:
    """Captures of a web archive, each as a look of its own time.

    Example: storywatch backfill wayback --known --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.opening import Asked, open_wayback  # noqa: PLC0415 - --help needs none
    from ingest.runtime import fetch_policy  # noqa: PLC0415

    if not (targets or known or versions_of):
        raise UsageError("name addresses, --versions-of an article, or --known")
    asked = Asked(
        targets=tuple(targets or ()),
        articles=tuple(versions_of or ()),
        known=known,
        archive=archive,
        days=read_days(since, until),
    )

    async def make(work: Context, config: Config, stack: AsyncExitStack) -> Source:
        return await open_wayback(work, stack, asked, policy=fetch_policy(config))

    run_source(context, make, options)


@app.command()
@with_options
def warc(
    context: typer.Context,
    *,
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="WARC and ARC files, folders of them, addresses, lists (*.paths.gz)."),
    ] = None,
    cc_news: Annotated[
        bool, typer.Option("--cc-news", help="Common Crawl's news crawl of those months.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(help="What the lines of a list are relative to.")
    ] = None,
    since: Since = None,
    until: Until = None,
    options: Options,
) -> None:
    """Pages of WARC files, each as a look of the time at which it was crawled.

    Example: storywatch backfill warc crawl/ https://example.org/news.warc.gz
    """
    from ingest.backfill.opening import open_warc  # noqa: PLC0415
    from ingest.runtime import fetch_policy  # noqa: PLC0415

    if not (paths or cc_news):
        raise UsageError("name files, folders, addresses or lists of them, or --cc-news")
    days = read_days(since, until)

    async def make(work: Context, config: Config, _stack: AsyncExitStack) -> Source:
        policy = fetch_policy(config)
        return open_warc(work, paths or (), base=base, cc_news=cc_news, days=days, policy=policy)

    run_source(context, make, options)


@app.command()
@with_options
def sitemap(
    context: typer.Context,
    *,
    site: Annotated[str, typer.Argument(help="A site, or a sitemap's own address.")],
    since: Since = None,
    until: Until = None,
    options: Options,
) -> None:
    """The articles that a site lists in its sitemaps, as they are today.

    Example: storywatch backfill sitemap https://example.org --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.source_sitemap import SitemapSource  # noqa: PLC0415

    days = read_days(since, until)

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return SitemapSource(context=work, url=site, days=days)

    run_source(context, make, options)


@app.command("feed-archive")
@with_options
def feed_archive(
    context: typer.Context,
    *,
    feed: Annotated[str, typer.Argument(help="A feed's address.")],
    since: Since = None,
    until: Until = None,
    options: Options,
) -> None:
    """What a feed listed once: its archive (RFC 5005), or a WordPress site's posts.

    Example: storywatch backfill feed-archive https://example.org/feed/ --since 2023-09-01
    """
    from ingest.backfill.source_feedarchive import FeedArchiveSource  # noqa: PLC0415

    days = read_days(since, until)

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return FeedArchiveSource(context=work, url=feed, days=days)

    run_source(context, make, options)


@app.command()
@with_options
def gdelt(
    context: typer.Context,
    *,
    query: Annotated[
        list[str] | None, typer.Option(help="In GDELT's words, instead of the stories' names.")
    ] = None,
    since: Since = None,
    until: Until = None,
    options: Options,
) -> None:
    """The addresses of articles that GDELT saw, by the English names of the stories.

    Example: storywatch backfill gdelt --since 2023-09-01 --until 2023-09-20
    """
    from ingest.backfill.opening import story_queries  # noqa: PLC0415
    from ingest.backfill.source_gdelt import GdeltSource  # noqa: PLC0415

    days = read_days(since, until)

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        queries = tuple(query) if query else story_queries(work)
        return GdeltSource(context=work, queries=queries, days=days)

    run_source(context, make, options)


@app.command()
@with_options
def urls(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(help="Lines, CSV, TSV or OPML; - is standard input.")],
    column: Annotated[
        str | None, typer.Option(help="The table's column of addresses, by name or number.")
    ] = None,
    options: Options,
) -> None:
    """The addresses of a list, as they are today.

    Example: storywatch backfill urls addresses.txt
    """
    from ingest.backfill.source_urls import UrlSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return UrlSource(context=work, file=file, column=column)

    run_source(context, make, options)


@app.command()
@with_options
def html(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(help="A folder of saved pages.")],
    options: Options,
) -> None:
    """Saved pages, each as a look of the time at which it was saved.

    Example: storywatch backfill html saved/
    """
    from ingest.backfill.source_html import SavedPageSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return SavedPageSource(context=work, folder=folder)

    run_source(context, make, options)


@app.command()
@with_options
def jsonl(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="JSONL: url, title, text, published_at, …")],
    options: Options,
) -> None:
    """Texts that are extracted already: ours, or of news-please, Fundus, newspaper, trafilatura.

    Example: storywatch backfill jsonl articles.jsonl
    """
    from ingest.backfill.source_jsonl import JsonSource  # noqa: PLC0415

    async def make(work: Context, _config: Config, _stack: AsyncExitStack) -> Source:
        return JsonSource(context=work, file=file)

    run_source(context, make, options)
