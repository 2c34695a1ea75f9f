"""Where a saved page came from and when, by what stands beside it and within it.

Sidecars are JSON (url, fetched_at, status, headers), Internet shortcuts of Windows and web location
files of macOS, of which only the address is looked for. MHTML is RFC 2557, read by the standard
library. Comments are those of Chrome ("saved from url=(0023)https://…", after Internet Explorer's
Mark of the Web), SingleFile (github.com/gildas-lormeau/SingleFile) and HTTrack (httrack.com).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from html import unescape
from urllib.parse import unquote, urlsplit

from ingest.dates import parse_date
from ingest.errors import BadURLError
from ingest.model import DateSource
from ingest.textclean import clean_line
from ingest.urls import is_http_url, registered_domain

_MAX_HEADERS = 100
_MAX_NESTED = 8  # browsers write one or two
_ADDRESSES = ("url", "requested_url", "source_url", "original_url", "source", "uri")
_TIMES = ("fetched_at", "saved_at", "retrieved_at", "crawled_at", "downloaded_at", "timestamp")
_ADDRESS = re.compile(rb"https?://[!-;=?-~]{1,4096}")  # ends at white space, "<" and ">"
_NESTED = re.compile(rb"^content-type:[ \t]{0,9}multipart/", re.IGNORECASE | re.MULTILINE)
_SAVED_FROM = re.compile(r"<!--\s{0,9}saved from url=\(\d{1,9}\)(\S{1,4096})", re.IGNORECASE)
_SINGLE_FILE = re.compile(
    r"<!--\s{0,9}Page saved with SingleFile\s{1,9}url:\s{0,9}(\S{1,4096})"
    r"(?:\s{1,9}saved date:\s{0,9}([^\n<>]{1,100}))?"
)
_HTTRACK = re.compile(
    r"<!-- Mirrored from (\S{1,4096}) by HTTrack Website Copier/[^<>]{1,60}?\], ([^<>]{1,60}?) -->"
)
_BROWSER_DATE = re.compile(
    r"\w{3} (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})"  # ECMAScript's Date.toString
)
# No "<" within a tag, not even quoted: that bounds each try by the next tag.
_TAG = re.compile(r"""<(link|meta)\b((?:[^"'<>]|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![^\s"'/])([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
_SUFFIX = re.compile(r"\.(?:x?html?|xht)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What one source says of a page; nothing of it is checked."""

    by: str  # the source, for people
    url: str | None = None
    at: datetime | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The page of an MHTML file, without its images."""

    html: bytes
    content_type: str
    origin: Origin


def read_sidecar(body: bytes, *, name: str, now: datetime) -> Origin:
    """Read what lies beside a page; without an address or a time when there is none in it."""
    if not name.lower().endswith(".json"):
        found = _ADDRESS.search(body.replace(b"\0", b""))  # UTF-16 too
        return Origin(by=name, url=found[0].decode("ascii") if found else None)
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Origin(by=name)
    if not isinstance(data, dict):
        return Origin(by=name)
    headers = _headers(data.get("headers"))
    times = (_time(data.get(key), now=now) for key in _TIMES)
    stated = _time(headers.get("date"), now=now) or _time(headers.get("last-modified"), now=now)
    status = data.get("status")
    return Origin(
        by=name,
        url=next((value for key in _ADDRESSES if _is_address(value := data.get(key))), None),
        at=next(filter(None, times), None) or stated,
        status=status if isinstance(status, int) and 100 <= status < 600 else 200,
        headers=headers,
    )


def _is_address(value: object) -> bool:
    return isinstance(value, str) and is_http_url(value)


def _headers(value: object) -> dict[str, str]:
    """Headers but for those of how a body was sent, which is over."""
    if not isinstance(value, dict):
        return {}
    pairs = list(value.items())[:_MAX_HEADERS]
    return {
        str(name).lower(): clean_line(text)
        for name, text in pairs
        if isinstance(text, str)
        and str(name).lower() not in {"content-encoding", "transfer-encoding", "content-length"}
    }


def _time(value: object, *, now: datetime) -> datetime | None:
    """A moment as a date or as seconds since 1970; None for one in the future."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = datetime.fromtimestamp(value, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            return None
    dated = parse_date(value, source=DateSource.GIVEN, now=now) if isinstance(value, str) else None
    return min(dated.value, now) if dated else None


def unpack_mhtml(body: bytes, *, now: datetime) -> Unpacked | None:
    """Return the first HTML part of an MHTML file; None when there is none.

    Takes half a second for 30 MB, and a minute for what is made to cost time: run it where it can
    be killed.
    """
    if len(_NESTED.findall(body)) > _MAX_NESTED:  # each level looks at every line
        return None
    try:
        message = message_from_bytes(body)
        page = next(
            (part for part in message.walk() if part.get_content_type() == "text/html"), None
        )
        if page is None:
            return None
        html = page.get_payload(decode=True)
        charset = page.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # the parser's own mistakes on what is no message
    if not isinstance(html, bytes) or not html.strip():
        return None
    places = (_header(message, "Snapshot-Content-Location"), _header(page, "Content-Location"))
    return Unpacked(
        html=html,
        content_type=f"text/html; charset={charset}" if charset else "text/html",
        origin=Origin(
            by="MHTML",
            url=next((place for place in places if is_http_url(place)), None),
            at=_time(_header(message, "Date"), now=now),
        ),
    )


def _header(part: Message, name: str) -> str:
    return clean_line(str(part.get(name, "")), limit=4096)


def find_origins(html: str, *, now: datetime) -> Iterator[Origin]:
    """Yield what a page says of where it was saved, then of where it belongs."""
    if single := _SINGLE_FILE.search(html):
        date = _BROWSER_DATE.match(single[2] or "")
        stated = f"{date[2]} {date[1]} {date[3]} {date[4]} {date[5]}" if date else ""
        yield Origin(by="SingleFile", url=single[1], at=_time(stated, now=now))
    if saved := _SAVED_FROM.search(html):
        yield Origin(by="the browser's comment", url=saved[1].removesuffix("-->"))
    if mirrored := _HTTRACK.search(html):
        url = mirrored[1] if is_http_url(mirrored[1]) else f"https://{mirrored[1]}"
        yield Origin(by="HTTrack", url=url, at=_time(mirrored[2], now=now))
    tags = [(tag[1].lower(), _attributes(tag[2])) for tag in _TAG.finditer(html)]
    yield from _places(tags)
    for moment in _metas(tags, "last-modified"):
        yield Origin(by="its last-modified", at=_time(moment, now=now))


def _places(tags: list[tuple[str, dict[str, str]]]) -> list[Origin]:
    """The page's canonical link and og:url; the second first where they name different sites.

    Papers of one house, and buyers of a report, name the first of them as canonical.
    """
    links = {
        item.get("href", "")
        for name, item in tags
        if name == "link" and "canonical" in item.get("rel", "").lower().split()
    }
    # Of two that differ neither is to be trusted.
    canonical = _not_home(links.pop()) if len(links) == 1 else None
    shared = next(filter(None, map(_not_home, _metas(tags, "og:url"))), None)
    places = [Origin(by="its canonical link", url=canonical), Origin(by="og:url", url=shared)]
    return places[::-1] if canonical and shared and not _same_site(canonical, shared) else places


def _metas(tags: list[tuple[str, dict[str, str]]], key: str) -> Iterator[str]:
    for name, item in tags:
        stated = item.get("property") or item.get("http-equiv") or item.get("name", "")
        if name == "meta" and stated.lower() == key:
            yield item.get("content", "")


def _same_site(first: str, second: str) -> bool:
    try:
        return registered_domain(first) == registered_domain(second)
    except BadURLError:
        return True


def _attributes(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        values.setdefault(name.lower(), unescape(double or single or bare).strip())
    return values


def _not_home(url: str) -> str | None:
    """The address, if it is one and not that of a home page, which is a mistake of the site."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if is_http_url(url) and (parts.path.strip("/") or parts.query) else None


def read_name(name: str) -> Origin | None:
    """Read an address that is quoted as the name of a file, as in "https%3A%2F%2Fa.example%2F1".

    One ".html" at its end is taken for that of the file.
    """
    url = unquote(_SUFFIX.sub("", name))
    return Origin(by="its name", url=url) if is_http_url(url) else None
