"""What worker processes do with a fetched body: pure functions of values that can be pickled.

FetchedPage -> inflate -> feeds.parse_feed -> FeedReading
FetchedPage -> inflate -> discovery.find_feed_links, for `feeds discover`
FetchedPage -> page.read_page -> Article -> assess -> PageReading, with the body compressed
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import zstandard

from ingest.assess import Assessment, StorySetup, assess_article, names_a_story
from ingest.changes import content_hash
from ingest.discovery import find_feed_links
from ingest.feeds import parse_feed
from ingest.inflate import decode_body
from ingest.model import Article, DatedBy, FeedDocument, FetchedPage, NotAFeed, Rejection
from ingest.page import read_page
from ingest.page import warm_up as warm_up_extraction
from ingest.verdict.encoder import shared_encoder
from storage.bodies import StoredBody


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReading:
    """A polled feed: its body's hash, and its entries unless the body is the one we know."""

    body_hash: str
    size: int
    document: FeedDocument | NotAFeed | Rejection | None  # None: same body as last time


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """A read page: the article or why there is none, what it means, and the body to keep."""

    content: Article | Rejection
    assessment: Assessment | None  # None when there is no article, or one we know
    raw_sha256: str | None
    raw_zstd: bytes | None
    raw_size: int


def read_feed(
    page: FetchedPage, *, known_hash: str | None, max_bytes: int, now: datetime
) -> FeedReading:
    """Inflate and parse a feed; an unchanged body is not parsed again."""
    body = decode_body(page.body, page.headers.get("content-encoding", ""), max_bytes=max_bytes)
    if isinstance(body, Rejection):
        return FeedReading(body_hash="", size=len(page.body), document=body)
    digest = sha256(body).hexdigest()
    if digest == known_hash:
        return FeedReading(body_hash=digest, size=len(body), document=None)
    document = parse_feed(
        body, url=page.final_url, content_type=page.headers.get("content-type"), now=now
    )
    return FeedReading(body_hash=digest, size=len(body), document=document)


def find_feeds(
    page: FetchedPage, *, max_bytes: int, now: datetime
) -> tuple[tuple[str, str], ...] | Rejection:
    """(URL, title) of the feed that a page is, or of those that it links to."""
    body = decode_body(page.body, page.headers.get("content-encoding", ""), max_bytes=max_bytes)
    if isinstance(body, Rejection):
        return body
    own = parse_feed(body, url=page.final_url, content_type=None, now=now)
    if isinstance(own, FeedDocument):
        return ((page.requested_url, own.title),)
    return find_feed_links(body, base_url=page.final_url)


def read_article(
    page: FetchedPage,
    *,
    feed_date: DatedBy | None,
    stories: tuple[StorySetup, ...],
    max_bytes: int,
    keep_raw: bool,
    known_hash: str | None = None,
    spare_model: bool = False,
) -> PageReading:
    """Extract an article and judge it against every story.

    What has the content of `known_hash` was judged before, and its body is kept. `spare_model` is
    as in `assess_given`.
    """
    body = decode_body(page.body, page.headers.get("content-encoding", ""), max_bytes=max_bytes)
    if isinstance(body, Rejection):
        return PageReading(
            content=body, assessment=None, raw_sha256=None, raw_zstd=None, raw_size=0
        )
    content = read_page(page, body, feed_date=feed_date, now=page.fetched_at)
    is_known = isinstance(content, Article) and known_hash == content_hash(
        content.title, content.text
    )
    keep_raw = keep_raw and not is_known
    return PageReading(
        content=content,
        assessment=assess_given(content, stories, spare_model=spare_model)
        if isinstance(content, Article) and not is_known
        else None,
        raw_sha256=sha256(body).hexdigest() if keep_raw else None,
        raw_zstd=zstandard.compress(body, 3) if keep_raw else None,
        raw_size=len(body),
    )


def reread_body(
    body: StoredBody,
    *,
    known_hash: str,
    stories: tuple[StorySetup, ...],
    max_bytes: int,
) -> PageReading:
    """Extract an article from a stored body, as if the page were fetched once more."""
    page = FetchedPage(
        requested_url=body.requested_url,
        final_url=body.final_url or body.requested_url,
        redirects=(),
        permanent=False,
        status=body.status,
        headers={k: v for k, v in body.headers.items() if k != "content-encoding"},
        body=zstandard.decompress(body.compressed, max_output_size=max_bytes),
        fetched_at=body.observed_at,
        elapsed_ms=0.0,
    )
    return read_article(
        page,
        feed_date=None,
        stories=stories,
        max_bytes=max_bytes,
        keep_raw=False,
        known_hash=known_hash,
    )


def assess_given(
    article: Article, stories: tuple[StorySetup, ...], *, spare_model: bool = False
) -> Assessment:
    """Judge an article against every story, with this worker's encoder.

    With `spare_model` a text that does not name the sides of any story is judged without: what it
    would say of a copy of the seed is worth two thirds of the time that such a page takes.
    """
    spared = spare_model and not names_a_story(article, stories)
    return assess_article(article, stories, encoder=None if spared else shared_encoder())


def warm_up() -> None:
    """Load what the first page would otherwise wait for; run once in each worker."""
    warm_up_extraction()
    encoder = shared_encoder()
    if encoder is not None:
        encoder.encode(["The model is read at its first sentence."], language="en")
