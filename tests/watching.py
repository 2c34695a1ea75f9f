"""The real pipeline over a server on loopback that answers with any bytes at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ingest.context import Context
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from tests.loopback import Loopback, Reply, serve
from tests.running import ACCEPT_ALL, read_config, write_config

if TYPE_CHECKING:
    from tests.conftest import Clock

FEED = "/rss"


class Watch:
    """A pipeline that watches the feed of a site: one step is a pass over all that it has."""

    def __init__(self, context: Context, engine: Engine, site: Loopback) -> None:
        self.context, self.engine, self.site = context, engine, site

    async def step(self, *, everything: bool = True) -> None:
        """Poll the feed and look at the pages; only at what is due unless `everything`."""
        await run_pass(self.context, everything=everything)


def watch(
    folder: Path,
    database_url: str,
    routes: dict[str, Reply],
    script: Callable[[Watch], Awaitable[None]],
    *,
    clock: Clock,
) -> Loopback:
    """Run a script, which may change the routes, against a pipeline; return what the site saw."""

    async def go() -> Loopback:
        async with serve(routes) as site:
            feeds = [site.base + FEED]
            written = write_config(folder, feeds=feeds, database_url=database_url, story=ACCEPT_ALL)
            config = read_config(written)
            with open_database(config) as engine:
                async with open_context(engine, config, now=clock) as context:
                    await script(Watch(context, engine, site))
            return site

    return asyncio.run(go())
