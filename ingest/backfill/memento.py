"""A replayed capture as the page that it was, at its own time.

    CaptureRow -> reject_row | replay_url -> (fetch) -> read_memento -> FetchedPage | Rejection

An archive replays the bytes of a capture under `/web/{timestamp}id_/{url}`. It names the time in
Memento-Datetime (RFC 7089, section 2.1.1), the address in Link, and gives the headers of then with
the prefix `x-archive-orig-`. When it can't replay a capture it leads to the nearest one, or shows a
page of its own, sometimes with status 200. Its own pages have none of these headers. That tells
them, and not their words: an article may quote every one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urldefrag

from ingest.backfill.cdx import CaptureRow, parse_timestamp, plain_url
from ingest.backfill.mementobody import is_memento, read_encodings, restore_body
from ingest.errors import BadURLError
from ingest.inflate import decode_prefix
from ingest.model import FailureKind, FetchedPage, Rejection
from ingest.urls import url_key

_AS_CAPTURED = "id_"  # the modifier that asks for the bytes as they were
_REPLAYED = re.compile(r"(\d{1,14})([a-z]{2}_)?/(.+)", re.DOTALL)
_ORIGINAL_LINK = re.compile(r'<([^<>]{1,4096})>;\s{0,9}rel="original"')
_MAY_BE_HTML = frozenset(
    {"text/html", "application/xhtml+xml", "text/plain", "text/xml", "application/xml"}
    | {"application/octet-stream"}
)
_SAMPLE = 200_000  # bytes of a page in which an archive says what is wrong
_TITLE = re.compile(r"<title>([^<]{1,200})", re.IGNORECASE)
_NOTICES = tuple(  # on pages of the archive's own, in the order of looking
    (kind, reason, re.compile(pattern, re.IGNORECASE))
    for kind, reason, pattern in (
        (FailureKind.NOT_FOUND, "it was a redirect", r"an? HTTP 3\d\d response at crawl time"),
        (
            FailureKind.NOT_FOUND,
            "it is not in the archive",
            r"not archived that URL|have that page archived|NotInArchive|could not be found in",
        ),
        (
            FailureKind.HTTP_CLIENT,
            "the archive keeps it to itself",
            r"URL has been excluded|AccessControlException|due to robots\.txt",
        ),
        (FailureKind.RATE_LIMITED, "asked too fast", r"too many requests|limiting the number of"),
        (
            FailureKind.HTTP_SERVER,
            "the archive is away",
            r"temporarily offline|scheduled maintenance|service unavailable|bad gateway",
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAddress:
    """What the address of a replayed capture says."""

    url: str  # the captured one
    at: datetime | None
    as_captured: bool  # not rewritten for a browser


def reject_row(row: CaptureRow) -> Rejection | None:
    """Why a capture is not worth asking for, by its line in the index; None when it may be."""
    if row.is_revisit:
        return _reject("a revisit: the body is that of an earlier capture")
    if row.status not in {None, 200}:
        kind = FailureKind.GONE if row.status == 410 else FailureKind.NOT_FOUND
        return Rejection(kind=kind, reason=f"captured as HTTP {row.status}")
    media_type = (row.mime or "").partition(";")[0].strip().lower()
    if "/" in media_type and media_type not in _MAY_BE_HTML:
        return Rejection(kind=FailureKind.NOT_HTML, reason=f"captured as {media_type}")
    return None


def replay_url(replay: str, row: CaptureRow) -> str:
    """The address of a capture's bytes, under a base as in "https://web.archive.org/web".

    Without a fragment: archives find a page without it.
    """
    return f"{replay}/{row.timestamp}{_AS_CAPTURED}/{urldefrag(row.url).url}"


def read_replay_url(replay: str, url: str) -> ReplayAddress | None:
    """Take an address of a replayed capture apart; None when it is elsewhere."""
    base = f"{replay.partition('://')[2]}/"
    rest = url.partition("://")[2]
    found = _REPLAYED.fullmatch(rest.removeprefix(base)) if rest.startswith(base) else None
    if found is None:
        return None
    captured = found[3]
    if re.match(r"https?%3a", captured, re.IGNORECASE):
        captured = unquote(captured)
    return ReplayAddress(
        url=re.sub(r"^(https?):/+", r"\1://", captured),  # some servers join slashes
        at=parse_timestamp(found[1]),
        as_captured=found[2] == _AS_CAPTURED,
    )


def read_memento(
    page: FetchedPage, row: CaptureRow, *, replay: str, tolerance: timedelta, max_bytes: int
) -> FetchedPage | Rejection:
    """Read what an archive answered when it was asked for a capture.

    The page is the memento that was really served: `fetched_at` is its time, `requested_url` the
    address of the row, `final_url` the one it was captured under, the headers are those of then.
    The body stays under its content encoding. Rejected are pages of the archive's own, captures
    rewritten for browsers, those of another page, those farther from the row than `tolerance`, and
    bodies that were cut at the time. RATE_LIMITED and HTTP_SERVER are about the archive as it is
    now; all others are final. `max_bytes` bounds a body that has to be inflated here.
    """
    address = read_replay_url(replay, page.final_url)
    if address is None:
        return _reject(f"led out of the archive, to {page.final_url[:200]}")
    if not is_memento(page.headers):
        return find_notice(page) or _reject("a page of the archive's own")
    at = _served_at(page.headers) or address.at
    url = plain_url(_served_url(page.headers) or address.url)
    if not address.as_captured:
        reason = "rewritten by the archive"
    elif page.status != 200:
        reason = f"captured as HTTP {page.status}"
    elif not _is_same_page(url, row.url):
        reason = f"led to another page: {url[:200]}"
    elif at is None:
        reason = "the archive does not say when it was captured"
    elif abs(at - row.at) > tolerance:
        reason = f"the nearest capture is of {at:%Y-%m-%d %H:%M:%S}"
    else:
        return _restore(page, row, url=url, at=at, max_bytes=max_bytes)
    return _reject(reason)


def find_notice(page: FetchedPage) -> Rejection | None:
    """What a page of an archive's own says, in the words of the Internet Archive and of pywb."""
    encoding = ", ".join(read_encodings(page.headers.get("content-encoding")))
    body = decode_prefix(page.body, encoding, max_bytes=_SAMPLE)
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
    for kind, reason, pattern in _NOTICES:
        if pattern.search(text):
            return Rejection(kind=kind, reason=f"a page of the archive's own: {reason}")
    title = _TITLE.search(text)
    return _reject(f"a page of the archive's own: {title[1].strip()!r}") if title else None


def _reject(reason: str) -> Rejection:
    return Rejection(kind=FailureKind.NOT_FOUND, reason=reason)


def _served_at(headers: Mapping[str, str]) -> datetime | None:
    try:
        at = parsedate_to_datetime(headers.get("memento-datetime", ""))
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _served_url(headers: Mapping[str, str]) -> str | None:
    found = _ORIGINAL_LINK.search(headers.get("link", "")[:20_000])
    return found[1] if found else None


def _is_same_page(url: str, other: str) -> bool:
    try:
        return url_key(url) == url_key(other)
    except BadURLError:
        return url == other


def _restore(
    page: FetchedPage, row: CaptureRow, *, url: str, at: datetime, max_bytes: int
) -> FetchedPage | Rejection:
    restored = restore_body(page.body, page.headers, max_bytes=max_bytes)
    if isinstance(restored, Rejection):
        return restored
    body, headers = restored
    return replace(
        page,
        requested_url=row.url,
        final_url=url,
        redirects=(),
        permanent=False,
        headers=headers,
        body=body,
        fetched_at=at,
    )
