"""Reading feeds: RSS 0.9x to 2.0, RDF, Atom, and whatever else feedparser reads.

feedparser is handed bytes in a BytesIO and nothing else: given a string it opens local paths and
URLs. Its sanitising and link resolving are off (two thirds of its time); what is shown later is
escaped there, and links are resolved here.
"""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import feedparser

from ingest.dates import CONFIDENCE, from_struct_time, parse_date
from ingest.model import DatedBy, DateSource, Entry, FeedDocument, NotAFeed
from ingest.textclean import clean_line, clean_text
from ingest.urls import resolve

MAX_ENTRIES = 5000
_MAX_SUMMARY = 4000
_MAX_MARKUP = 100_000  # characters of a description that are looked at
_BAD_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]+)|([0-9]+));?")
_HTML_START = re.compile(rb"^\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_CUT_OFF = ("no element found", "unclosed token", "not well-formed")


def parse_feed(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    now: datetime,
    max_entries: int = MAX_ENTRIES,
) -> FeedDocument | NotAFeed:
    """Parse a feed's body; NotAFeed when it is none, whatever the server called it.

    Hostile input may take long: run it in a worker that can be killed.
    """
    if not body.strip():
        return NotAFeed(reason="the body is empty")
    if _HTML_START.match(body[:2000].lstrip(b"\xef\xbb\xbf")):
        return NotAFeed(reason="the body is an HTML page")
    parsed = _parse(body, url=url, content_type=content_type)
    version = parsed.get("version") or ""
    if not version:
        why = parsed.get("bozo_exception")
        return NotAFeed(reason=f"no feed format was recognised{f' ({why})' if why else ''}"[:300])
    bozo = _describe_bozo(parsed)
    raw = parsed.entries[:max_entries]
    if (
        bozo is not None
        and any(sign in bozo for sign in _CUT_OFF)
        and raw
        and not raw[-1].get("title")
    ):
        raw = raw[:-1]  # the body ends within it
    entries = [_read_entry(item, base=url, now=now) for item in raw]
    kept = tuple(item for item in entries if item is not None)
    feed = parsed.feed
    return FeedDocument(
        version=version,
        title=clean_line(_text(feed.get("title"))),
        language=_language(feed.get("language")),
        entries=kept,
        skipped=len(parsed.entries) - len(kept),
        bozo=bozo,
        previous_archive=_archive(feed, url),
    )


def _parse(body: bytes, *, url: str, content_type: str | None) -> Any:
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    options: dict[str, Any] = {
        "response_headers": headers,
        "sanitize_html": False,
        "resolve_relative_uris": False,
    }
    try:
        return feedparser.parse(BytesIO(body), **options)
    except Exception:  # noqa: BLE001 - a title of &#xD800; raises UnicodeEncodeError, a huge one OverflowError
        return feedparser.parse(BytesIO(_without_bad_references(body)), **options)


def _without_bad_references(body: bytes) -> bytes:
    """Replace character references to what is no character (XML 1.0, section 2.2)."""

    def replace(found: re.Match[bytes]) -> bytes:
        digits = found.group(1) or found.group(2)
        number = int(digits[:12], 16 if found.group(1) else 10)
        valid = number in {9, 10, 13} or 0x20 <= number < 0xD800 or 0xE000 <= number < 0x110000
        return found.group(0) if valid and len(digits) < 9 else b"\xef\xbf\xbd"

    return _BAD_REFERENCE.sub(replace, body)


def _describe_bozo(parsed: Any) -> str | None:
    problem = parsed.get("bozo_exception")
    if not parsed.get("bozo") or problem is None:
        return None
    name = type(problem).__name__
    if name in {"CharacterEncodingOverride", "NonXMLContentType"}:
        return None  # the server's label was wrong; the document is fine
    return clean_line(f"{name}: {problem}", limit=300)


def _read_entry(item: Any, *, base: str, now: datetime) -> Entry | None:
    link = _link(item, base)
    if link is None:
        return None
    guid = item.get("id")
    content = item.get("content") or []
    summary = _text(item.get("summary")) or (_text(content[0].get("value")) if content else "")
    modified = _date(item, "updated", now=now)
    return Entry(
        url=link,
        guid=clean_line(str(guid)) if guid else None,
        title=clean_line(plain_text(_text(item.get("title")))),
        summary=clean_line(plain_text(summary), limit=_MAX_SUMMARY),
        published=_date(item, "published", now=now) or modified,
        modified=modified.value if modified else None,
        author=clean_line(_text(item.get("author"))) or None,
    )


def _link(item: Any, base: str) -> str | None:
    """The entry's page: the publisher's own address where a feed service kept it."""
    links = [item.get("feedburner_origlink"), item.get("link")]
    links += [
        other.get("href") for other in item.get("links", []) if other.get("rel") == "alternate"
    ]
    guid = str(item.get("id") or "")
    if guid.startswith(("http://", "https://")):
        links.append(guid)
    for link in links:
        url = resolve(base, str(link)) if link and str(link).strip() else None
        if url is not None:
            return clean_text(url)
    return None


def _date(item: Any, name: str, *, now: datetime) -> DatedBy | None:
    try:
        value = item.get(f"{name}_parsed")
    except Exception:  # noqa: BLE001 - feedparser parses lazily and its date handlers raise anything
        value = None
    dated = from_struct_time(value, source=DateSource.FEED, now=now)
    raw = _text(item.get(name))
    # "2023-09-05" comes out as a midnight: say that only the day is known.
    plain = parse_date(raw, source=DateSource.FEED, now=now, confidence=CONFIDENCE[DateSource.FEED])
    return plain if plain is not None and (plain.day_only or dated is None) else dated


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _language(value: object) -> str | None:
    found = re.match(r"[A-Za-z]{2,3}(?=[-_]|$)", _text(value).strip())
    return found.group(0).lower() if found else None


def _archive(feed: Any, base: str) -> str | None:
    for link in feed.get("links", []):
        if link.get("rel") == "prev-archive" and link.get("href"):
            return resolve(base, str(link["href"]))
    return None


class _PlainText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in {"script", "style"}:
            self._hidden += 1
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"} and self._hidden:
            self._hidden -= 1
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain_text(markup: str) -> str:
    """Return the text of a piece of HTML, white space collapsed; plain text stays as it is."""
    if "<" not in markup and "&" not in markup:
        return " ".join(markup.split())
    parser = _PlainText()
    parser.feed(markup[:_MAX_MARKUP])
    parser.close()
    return " ".join("".join(parser.parts).split())
