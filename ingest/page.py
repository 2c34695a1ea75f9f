"""What a worker does with a fetched page: is it HTML, is it an article, or does something stand in
the way?"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ingest.blocked import find_obstacle
from ingest.extract import extract_article
from ingest.model import Article, DatedBy, FailureKind, FetchedPage, Rejection

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# Servers give these to pages as well: what the body looks like decides.
_VAGUE_TYPES = frozenset(
    {"", "text/plain", "application/xml", "text/xml", "application/octet-stream"}
)
_SIGNATURES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|main|div|p)[\s>]", re.IGNORECASE)
_HOME = re.compile(r"/?|/(?:[a-z]{2}(?:[-_][A-Za-z]{2})?|index\.\w{3,5}|home)/?")  # or a language's
_BEGINNING = 4096  # bytes in which HTML shows itself
_SAMPLE = 200_000


def read_page(
    page: FetchedPage, body: bytes, *, feed_date: DatedBy | None, now: datetime
) -> Article | Rejection:
    """Read a page whose body is inflated: an Article, or why it is none.

    Rejections: NOT_HTML by content type or by the look of the body, SOFT_404 when an article's
    address led to the home page or the page says so, BLOCKED by what stands in the way, and those
    of `extract_article`.
    """
    content_type = page.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if not _is_html(media_type, body):
        return Rejection(
            kind=FailureKind.NOT_HTML, reason=f"content type {media_type or 'unknown'!r}"
        )
    if _led_home(page):
        return Rejection(
            kind=FailureKind.SOFT_404, reason=f"redirected to the home page {page.final_url}"
        )
    content = extract_article(
        body, url=page.final_url, charset=_charset(content_type), feed_date=feed_date, now=now
    )
    obstacle = find_obstacle(
        title=content.title if isinstance(content, Article) else "",
        text=content.text if isinstance(content, Article) else "",
        markup=body[:_SAMPLE].decode("utf-8", "replace"),
    )
    return obstacle or content


def _is_html(media_type: str, body: bytes) -> bool:
    if body.startswith(_SIGNATURES):
        return False
    if media_type in _VAGUE_TYPES:
        return bool(_HTML.search(body[:_BEGINNING].replace(b"\0", b"")))  # it may be UTF-16
    return media_type in _HTML_TYPES


def _charset(content_type: str) -> str | None:
    for part in content_type.split(";")[1:]:
        name, _equals, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return None


def _led_home(page: FetchedPage) -> bool:
    asked, got = urlsplit(page.requested_url), urlsplit(page.final_url)
    asked_home = _HOME.fullmatch(asked.path) and not asked.query
    if not page.redirects or got.query or asked_home:
        return False
    return _HOME.fullmatch(got.path) is not None


def warm_up() -> None:
    """Load what the first page would otherwise wait for; run once in each worker."""
    html = (
        b"<html><body><article><h1>Warm</h1><p>"
        + b"The first page of a worker pays for loading the models; this one pays instead. " * 5
        + b"</p></article></body></html>"
    )
    extract_article(
        html,
        url="https://warm.invalid/2020/01/02/up",
        charset="utf-8",
        feed_date=None,
        now=datetime.now(UTC),
    )
