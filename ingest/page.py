"""What a worker does with a fetched page: is it HTML, is it an article, or does something stand in
the way?"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from ingest.blocked import find_obstacle
from ingest.extract import extract_article
from ingest.model import Article, DatedBy, FailureKind, FetchedPage, Rejection

_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain")
_SIGNATURES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF")
_SAMPLE = 200_000


def read_page(
    page: FetchedPage, body: bytes, *, feed_date: DatedBy | None, now: datetime
) -> Article | Rejection:
    """Read a page whose body is decoded: an Article, or why it is none."""
    content_type = page.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if (media_type and media_type not in _HTML_TYPES) or body.startswith(_SIGNATURES):
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


def _charset(content_type: str) -> str | None:
    for part in content_type.split(";")[1:]:
        name, _equals, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return None


def _led_home(page: FetchedPage) -> bool:
    asked, got = urlsplit(page.requested_url), urlsplit(page.final_url)
    return len(asked.path) > 1 and got.path in ("", "/") and not got.query and bool(page.redirects)


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
