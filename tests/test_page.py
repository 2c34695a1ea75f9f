"""What becomes of a fetched page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.model import Article, FailureKind, FetchedPage, Rejection
from ingest.page import read_page, warm_up

NOW = datetime(2023, 9, 20, tzinfo=UTC)
URL = "https://news.example.org/2023/09/05/harbour"
SENTENCE = "The harbour of Port Alder was closed on Tuesday after the crane drivers walked out. "
HTML = (
    "<!DOCTYPE html><html><head><title>Harbour</title></head><body><article><h1>Harbour closed</h1>"
    f"<p>{SENTENCE * 6}</p><p>{SENTENCE.replace('Tuesday', 'Monday') * 6}</p>"
    "</article></body></html>"
).encode()


def fetched(*, requested=URL, final=URL, content_type="text/html; charset=utf-8"):
    return FetchedPage(
        requested_url=requested,
        final_url=final,
        redirects=() if requested == final else (requested,),
        permanent=False,
        status=200,
        headers={"content-type": content_type} if content_type is not None else {},
        body=b"",
        fetched_at=NOW,
        elapsed_ms=1.0,
    )


def read(body=HTML, **options):
    return read_page(fetched(**options), body, feed_date=None, now=NOW)


def kind(content):
    assert isinstance(content, Rejection)
    return content.kind


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "TEXT/HTML; Charset=UTF-8",
        "application/xhtml+xml",
        "text/plain",
        "application/octet-stream",
        "",
        None,
    ],
)
def test_html_is_read_under_any_type_that_servers_give_it(content_type):
    assert isinstance(read(content_type=content_type), Article)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/pdf", b"%PDF-1.7", id="a PDF"),
        pytest.param("text/html", b"%PDF-1.7 <html><p>x", id="a PDF called HTML"),
        pytest.param("image/png", b"\x89PNG", id="an image"),
        pytest.param("application/json", b'{"a": 1}', id="JSON"),
        pytest.param(None, b'{"html": "<b>"}', id="JSON without a type"),
        pytest.param("text/plain", b"Just words, no markup at all. " * 40, id="plain text"),
        pytest.param("text/xml", b"<?xml version='1.0'?><rss><channel/></rss>", id="a feed"),
        pytest.param("video/mp4", HTML, id="a page called a film"),
    ],
)
def test_what_is_no_html_is_rejected(content_type, body):
    assert kind(read(body, content_type=content_type)) is FailureKind.NOT_HTML


def test_the_charset_of_the_header_is_used():
    body = HTML.decode().replace("Alder", "Älder").encode("iso-8859-1")
    content = read(body, content_type='text/html; charset="ISO-8859-1"')
    assert isinstance(content, Article)
    assert "Port Älder" in content.text


@pytest.mark.parametrize(
    "final",
    [
        "https://news.example.org/",
        "https://news.example.org",
        "https://news.example.org/en/",
        "https://news.example.org/index.html",
    ],
)
def test_an_article_that_leads_to_the_home_page_is_gone(final):
    assert kind(read(final=final)) is FailureKind.SOFT_404


@pytest.mark.parametrize(
    "final", ["https://news.example.org/2023/harbour-7", "https://news.example.org/?p=1234"]
)
def test_an_article_that_moved_is_an_article(final):
    content = read(final=final)
    assert isinstance(content, Article)
    assert content.url == final


def test_an_empty_page_is_rejected_as_empty():
    body = b"<html><body><div id='app'></div></body></html>"
    assert kind(read(body)) is FailureKind.EMPTY


def test_an_empty_page_that_says_what_stands_in_the_way_is_blocked():
    body = b"<html><body><noscript>Please enable JavaScript to view this site.</noscript></body>"
    assert kind(read(body)) is FailureKind.BLOCKED


def test_warming_up_reads_a_page_without_a_word():
    assert warm_up() is None
