"""Finding the feeds of a page over HTTP, with pages that were made to keep the parser busy."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from ingest.compute import WorkerPool, outcome_in_worker
from ingest.feedsearch import FoundFeeds, search_feeds
from ingest.fetch import Fetcher
from ingest.model import Failure, FailureKind, Rejection
from tests import hostile
from tests.commands import call
from tests.loopback import NOW, Reply, answer, quick, serve
from tests.running import write_config
from tests.site import Answer

RSS = b"<rss version='2.0'><channel><title>News</title></channel></rss>"
BUSY = (
    b"<rss version='2.0'><channel><x "
    + b" ".join(b"a%d='1'" % number for number in range(100_000))
    + b"/></channel></rss>"
)
"""The parser compares each attribute with all others: minutes."""


@pytest.fixture(scope="module")
def workers():
    pool = WorkerPool(workers=1, task_seconds=2, memory_mib=1024, recycle_after=100)
    yield pool
    pool.shutdown(cancel_futures=True)


def search(workers, routes: dict[str, Reply], path: str = "/"):
    """What is found at a path of a site, the site's address taken off."""

    async def go():
        async with serve(routes) as site, Fetcher(quick(), now=lambda: NOW) as fetcher:
            found = await search_feeds(
                site.base + path,
                fetcher=fetcher, workers=workers, max_decoded_bytes=2**24, now=lambda: NOW,
            )  # fmt: skip
            if not isinstance(found, FoundFeeds):
                return found
            cut = len(site.base)
            return FoundFeeds(
                links=tuple((url[cut:], title) for url, title in found.links),
                unread=tuple((url[cut:], problem) for url, problem in found.unread),
            )

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("routes", "links"),
    [
        pytest.param({"/": answer(RSS)}, [("/", "News")], id="the page is a feed"),
        pytest.param(
            {"/": answer(b'<link rel=alternate type="text/xml" title=All href="/all">')},
            [("/all", "All")],
            id="the page links to one",
        ),
        pytest.param(
            {"/": answer(b"<p>nothing</p>"), "/feed": answer(RSS), "/rss": answer(b"<p>no")},
            [("/feed", "News")],
            id="one stands at a usual path",
        ),
        pytest.param({"/": answer(b"<p>nothing</p>")}, [], id="there is none"),
    ],
)
def test_the_feeds_of_a_page_are_found(workers, routes, links):
    assert search(workers, routes) == FoundFeeds(links=tuple(links))


def test_a_page_that_is_not_there_is_a_failure(workers):
    found = search(workers, {})
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.NOT_FOUND


def test_a_page_that_keeps_the_parser_busy_costs_its_worker_and_no_more_than_its_time(workers):
    assert search(workers, {"/": answer(RSS)}).links  # the worker has started
    start = monotonic()
    found = search(workers, {"/": answer(BUSY)})
    assert monotonic() - start < 15
    assert isinstance(found, Rejection)
    assert found.kind is FailureKind.CRASHED
    assert "overran its time" in found.reason


def test_a_page_that_kills_its_worker_is_an_outcome_and_the_next_one_is_read(workers):
    died = asyncio.run(outcome_in_worker(workers, hostile.die))
    assert isinstance(died, Rejection)
    assert died.kind is FailureKind.CRASHED
    assert "the worker died" in died.reason
    assert search(workers, {"/": answer(RSS)}).links


def test_a_usual_path_that_keeps_the_parser_busy_is_told_and_the_next_one_is_read(workers):
    routes = {"/": answer(b"<p>no link</p>"), "/feed": answer(BUSY), "/rss.xml": answer(RSS)}
    found = search(workers, routes)
    assert found.links == (("/rss.xml", "News"),)
    [(path, problem)] = found.unread
    assert (path, problem.kind) == ("/feed", FailureKind.CRASHED)


def test_the_command_says_that_the_worker_overran_and_ends_with_1(tmp_path, site):
    config = write_config(
        tmp_path, feeds=[], database_url=f"sqlite:///{tmp_path / 'x.db'}",
    )  # fmt: skip
    config.write_text(config.read_text().replace("count = 1", "count = 1\npage_seconds = 2"))
    site.answers["/busy"] = Answer(BUSY, 200, {"Content-Type": "application/xml"})
    done = call("feeds", "discover", site.url + "/busy", config=config)
    assert done.returncode == 1
    assert "the worker overran its time and was killed" in done.stderr
    assert "workers.page_seconds" in done.stderr
    assert "Traceback" not in done.stderr
