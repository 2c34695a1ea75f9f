"""One record of a WARC file: whether it is a page that is wanted, and the page.

header ─refuse_header─> Skip, unread, or ─> block ─look_at_block─> Look: a page or a Skip
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from ingest.backfill.archived import ArchivedResponse, may_be_html, read_response
from ingest.backfill.screen import Screen
from ingest.inflate import decode_body
from ingest.model import FetchedPage, Rejection

LONGEST_HEADER = 2**18
"""Bytes of a record besides the body of its response."""

_DIGESTS = frozenset({"sha1", "sha256", "md5"})
_WHOLE_DATE = "0000-01-01"


class Skip(StrEnum):
    """Why a record gave no page; other types of records stand under their own names."""

    OFF_STORY = "off-story"  # by the screen
    NOT_200 = "not-200"
    NOT_HTML = "not-html"
    NOT_HTTP = "not-http"  # another scheme, or no HTTP inside
    OUTSIDE = "outside-dates"
    NOT_INFLATED = "not-inflated"
    TOO_LARGE = "too-large"
    CUT = "cut-by-crawler"  # WARC-Truncated, or a segment of a record
    INCOMPLETE = "incomplete-header"  # no address or no date
    WRONG_DIGEST = "wrong-digest"
    DAMAGED = "damaged"  # what can't be read, or is not as long as it says
    GIVEN_UP = "given-up"  # a span with too much damage


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """Which pages are wanted."""

    screen: Screen | None
    max_body_bytes: int  # inflated
    since: datetime | None = None
    until: datetime | None = None  # the first moment that is too late

    @property
    def most_bytes(self) -> int:
        """Of a record."""
        return self.max_body_bytes + LONGEST_HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHeader:
    """What a record says of itself."""

    place: int  # where it, or its gzip member, begins in the file
    length: int  # bytes of its block
    kind: str  # WARC-Type
    address: str | None
    date: datetime | None
    is_cut: bool
    digest: str | None  # of the block


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One record, and what became of it."""

    header: RecordHeader
    skip: str | None = None
    page: FetchedPage | None = None
    content_bytes: int | None = None  # of what the screen saw


@dataclass(slots=True, kw_only=True)
class SpanTally:
    """What was read of a span."""

    records: int = 0
    pages: int = 0  # of HTML, with status 200, in time: those the screen saw
    kept: int = 0
    archived_bytes: int = 0  # of the records' blocks
    content_bytes: int = 0  # of the pages, inflated
    skipped: Counter[str] = field(default_factory=Counter)
    damages: list[tuple[int, str]] = field(default_factory=list)  # where, and what
    kept_at: int | None = None  # place of the last page that was kept
    unfinished: int | None = None
    """Where the first record begins that the bytes at hand do not have in full."""

    def count(self, look: Look) -> None:
        """Count a record."""
        self.records += 1
        self.archived_bytes += look.header.length
        if look.content_bytes is not None:
            self.pages += 1
            self.content_bytes += look.content_bytes
        if look.skip is not None:
            self.skipped[look.skip] += 1
        if look.page is not None:
            self.kept += 1
            self.kept_at = look.header.place

    def note_damage(self, place: int, what: str) -> None:
        """Count what can't be read, with its place in the file."""
        self.skipped[Skip.DAMAGED] += 1
        self.damages.append((place, what[:200]))


def read_address(stated: str | None) -> str | None:
    """WARC-Target-URI, which Wget writes in angle brackets."""
    return (stated or "").strip().removeprefix("<").removesuffix(">") or None


@lru_cache(maxsize=256)  # a crawler writes many records in a second
def read_date(stated: str | None) -> datetime | None:
    """WARC-Date, of which WARC 1.1 allows any precision (W3C-DTF); without a zone it is UTC."""
    text = (stated or "").strip()
    if len(text) in {4, 7}:
        text += _WHOLE_DATE[len(text) :]
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)


def refuse_header(header: RecordHeader, wanted: PageFilter) -> str | None:
    """Why the header alone says that a record is not wanted; None: it must be read."""
    if header.kind != "response":
        return header.kind
    if header.is_cut:
        return Skip.CUT
    if header.address is None or header.date is None:
        return Skip.INCOMPLETE
    if not header.address.lower().startswith(("http://", "https://")):
        return Skip.NOT_HTTP
    is_early = wanted.since is not None and header.date < wanted.since
    is_late = wanted.until is not None and header.date >= wanted.until
    return Skip.OUTSIDE if is_early or is_late else None


def look_at_block(header: RecordHeader, block: bytes, wanted: PageFilter) -> Look:
    """Read the block of a record that was not refused."""
    response = read_response(block)
    if response is None:
        return Look(header=header, skip=Skip.NOT_HTTP)
    if response.status != 200:
        return Look(header=header, skip=Skip.NOT_200)
    encoding = response.headers.get("content-encoding", "")
    content = decode_body(response.body, encoding, max_bytes=wanted.max_body_bytes)
    if isinstance(content, Rejection):
        return Look(header=header, skip=Skip.NOT_INFLATED)
    if not may_be_html(response, content):
        return Look(header=header, skip=Skip.NOT_HTML)
    skip = None
    if wanted.screen and not wanted.screen.may_concern(content, charset=response.charset):
        skip = Skip.OFF_STORY
    elif not _has_digest(block, header.digest):
        skip = Skip.WRONG_DIGEST
    return Look(
        header=header,
        skip=skip,
        page=None if skip else _make_page(header, response),
        content_bytes=len(content),
    )


def _has_digest(block: bytes, stated: str | None) -> bool:
    """Whether a block has its digest, as far as it is one that can be made here."""
    name, _colon, value = (stated or "").strip().lower().partition(":")
    if name not in _DIGESTS or not value:
        return True
    digest = hashlib.new(name, block, usedforsecurity=False)
    return value in {
        digest.hexdigest(),
        base64.b32encode(digest.digest()).decode("ascii").lower(),
    }


def _make_page(header: RecordHeader, response: ArchivedResponse) -> FetchedPage:
    assert header.address is not None
    assert header.date is not None
    return FetchedPage(
        requested_url=header.address,
        final_url=header.address,
        redirects=(),
        permanent=False,
        status=response.status,
        headers=response.headers,
        body=response.body,
        fetched_at=header.date,
        elapsed_ms=0.0,
    )
