"""Finding the feeds of a web page: what it is, what it links to, what answers at the usual paths.

URL -> fetch -> find_feeds (worker) -> links ─none─> usual paths -> fetch -> read_feed (worker)
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from ingest.compute import outcome_in_worker
from ingest.discovery import guess_feed_urls
from ingest.fetch import Fetcher
from ingest.model import Failure, FeedDocument, FetchedPage, NotModified, Rejection
from ingest.work import FeedReading, find_feeds, read_feed


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeeds:
    """The feeds of a page, and the usual paths where something stood that could not be read."""

    links: tuple[tuple[str, str], ...]  # (URL, title)
    unread: tuple[tuple[str, Rejection], ...] = ()


async def search_feeds(
    url: str,
    *,
    fetcher: Fetcher,
    workers: Executor,
    max_decoded_bytes: int,
    now: Callable[[], datetime],
) -> FoundFeeds | Failure | Rejection:
    """Look for the feeds of a page; bodies are parsed in workers, as those of polled feeds are.

    A Failure when the page can't be fetched, a Rejection when it can't be read: CRASHED when a
    worker died on it or overran its time.
    """
    page = await fetcher.fetch(url)
    if isinstance(page, Failure):
        return page
    assert not isinstance(page, NotModified)  # nothing was asked that could be answered so
    links = await outcome_in_worker(
        workers, find_feeds, page, max_bytes=max_decoded_bytes, now=now()
    )
    if isinstance(links, Rejection):
        return links
    if links:
        return FoundFeeds(links=links)
    guessed: list[tuple[str, str]] = []
    unread: list[tuple[str, Rejection]] = []
    for guess in guess_feed_urls(page.final_url):
        answer = await fetcher.fetch(guess)
        if not isinstance(answer, FetchedPage):
            continue
        reading: FeedReading | Rejection = await outcome_in_worker(
            workers, read_feed, answer, known_hash=None, max_bytes=max_decoded_bytes, now=now()
        )
        document = reading.document if isinstance(reading, FeedReading) else reading
        if isinstance(document, FeedDocument):
            guessed.append((guess, document.title))
        elif isinstance(document, Rejection):
            unread.append((guess, document))
    return FoundFeeds(links=tuple(guessed), unread=tuple(unread))
