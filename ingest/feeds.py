"""Reading feeds: RSS 0.9x to 2.0, RDF, Atom, and whatever else feedparser reads.

feedparser is handed bytes in a BytesIO and nothing else: given a string it opens local paths and
URLs. Its sanitising and link resolving are off (two thirds of its time); what is shown later is
escaped there, and links are resolved here. Its entries are read with `dict.get`: their own `get`
gives `published` for a missing `updated`, and warns.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from html import unescape
from io import BytesIO
from typing import Any

import feedparser

from ingest.dates import from_struct_time, parse_date
from ingest.model import DatedBy, DateSource, Entry, FeedDocument, NotAFeed
from ingest.textclean import clean_line, clean_text
from ingest.urls import resolve

MAX_ENTRIES = 5000
_MAX_SUMMARY = 4000
_MAX_UNREAD = 100  # characters of a date that could not be read
_UPDATED_ONLY = 0.6  # confidence in a date of change, taken for that of publication
_MAX_MARKUP = 100_000  # characters of a description that are looked at
_MAX_TAG = 2000  # characters within which the quotes of a tag are paired
_BAD_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]+)|([0-9]+));?")
_HTML_START = re.compile(rb"^\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_ENTRY_TAG = re.compile(rb"<(/?)(?:\w{1,20}:)?(?:item|entry)[\s>]")
_ENTRY_END = re.compile(rb"</(?:\w{1,20}:)?(?:item|entry)\s*>")
_NO_OFFSET = re.compile(r":\d\d\s*[+-](?:1[5-9]|[2-9]\d):?\d\d\s*$")  # none is beyond 14 hours
_DAY_AROUND_THE_WORLD = timedelta(hours=14)
_TAG_START = re.compile(r"<(!--|[!?]|/?([a-zA-Z][a-zA-Z0-9]{0,20}))")
_TAG_END = re.compile(r"""(?:[^"'>]|"[^"]*+"|'[^']*+')*+>""")
_HIDDEN_END = re.compile(r"</(?:script|style)[^>]{0,100}>", re.IGNORECASE)
_HUGE_REFERENCE = re.compile(r"&#\d{9,};?")
_INLINE = re.compile(
    r"a|abbr|acronym|b|bdi|bdo|big|cite|code|em|font|i|mark|q|s|small|span|strike|strong"
    r"|su[bp]|tt|u|wbr"
)


def parse_feed(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    now: datetime,
    max_entries: int = MAX_ENTRIES,
) -> FeedDocument | NotAFeed:
    """Parse a feed's body; NotAFeed when it is none, whatever the server called it.

    Never raises. Hostile input may take long: run it in a worker that can be killed.
    """
    if not body.strip():
        return NotAFeed(reason="the body is empty")
    if _HTML_START.match(body[:2000].lstrip(b"\xef\xbb\xbf")):
        return NotAFeed(reason="the body is an HTML page")
    short, cut = _shorten(body, max_entries)
    parsed = _parse(short, url=url, content_type=content_type)
    if isinstance(parsed, NotAFeed):
        return parsed
    version = parsed.get("version") or ""
    bozo = _describe_bozo(parsed)
    if not version:
        reason = f"no feed format was recognised{f' ({bozo})' if bozo else ''}"
        return NotAFeed(reason=reason[:300])
    found = parsed.entries
    if bozo is not None and _ends_within_entry(body):
        found = found[:-1]
    entries = [_read_entry(item, base=url, now=now) for item in found[:max_entries]]
    kept = tuple(item for item in entries if item is not None)
    feed = parsed.feed
    return FeedDocument(
        version=version,
        title=clean_line(plain_text(_text(feed.get("title")))),
        language=_language(feed.get("language")),
        entries=kept,
        skipped=len(entries) - len(kept),
        bozo=bozo,
        previous_archive=_linked(feed, "prev-archive", base=url),
        next_page=_linked(feed, "next", base=url),
        cut=max(cut, len(found) - max_entries, 0),
    )


def _shorten(body: bytes, max_entries: int) -> tuple[bytes, int]:
    """The body without what lies between the last entry that counts and the end of the last one.

    With it comes how many entries that were.

    An entry costs half a millisecond: a hundred thousand would cost the worker its life, and us the
    feed. Newest first is the custom, so that the first ones count.
    """
    ends = [found.end() for found in _ENTRY_END.finditer(body)]
    cut = len(ends) - max_entries
    return (body, 0) if cut <= 0 else (body[: ends[max_entries - 1]] + body[ends[-1] :], cut)


def _parse(body: bytes, *, url: str, content_type: str | None) -> Any:
    """Parse; again without what makes feedparser raise, should it do so."""
    base = {"content-location": url}
    headers = base | {"content-type": content_type} if content_type else base
    problem = ""
    for attempt, said in ((body, headers), (_without_bad_references(body), base)):
        try:
            return feedparser.parse(
                BytesIO(attempt),
                response_headers=said,
                sanitize_html=False,
                resolve_relative_uris=False,
            )
        except Exception as error:  # noqa: BLE001 - it raises anything
            problem = f"{type(error).__name__}: {error}"
    return NotAFeed(reason=clean_line(f"the parser failed ({problem})", limit=300))


def _without_bad_references(body: bytes) -> bytes:
    """Replace character references to what is no character (XML 1.0, section 2.2)."""

    def respell(found: re.Match[bytes]) -> bytes:
        digits = found.group(1) or found.group(2)
        number = int(digits[:12], 16 if found.group(1) else 10)
        valid = number in {9, 10, 13} or 0x20 <= number < 0xD800 or 0xE000 <= number < 0x110000
        return found.group(0) if valid and len(digits) < 9 else b"\xef\xbf\xbd"

    return _BAD_REFERENCE.sub(respell, body)


def _ends_within_entry(body: bytes) -> bool:
    """Whether a body is cut off inside its last entry; in UTF-16 too, hence without its zeros."""
    tags = _ENTRY_TAG.findall(body.replace(b"\x00", b""))
    return bool(tags) and tags[-1] == b""


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
    published = _date(item, "published", now=now) or _date(item, "created", now=now)
    return Entry(
        url=link,
        guid=clean_line(str(guid)) if guid else None,
        title=clean_line(plain_text(_text(item.get("title")))),
        summary=clean_line(plain_text(summary), limit=_MAX_SUMMARY),
        published=published or _as_published(modified),
        modified=modified.value if modified else None,
        author=clean_line(plain_text(_text(item.get("author")))) or None,
        unread_date=_unread(item, published=published, modified=modified),
    )


def _unread(item: Any, *, published: DatedBy | None, modified: DatedBy | None) -> str | None:
    """A date as the entry has it, if none could be read from it: that of publication first."""
    stated = [_text(dict.get(item, name)) for name in ("published", "created")]
    for text, dated in (
        (stated[0] or stated[1], published),
        (_text(dict.get(item, "updated")), modified),
    ):
        if dated is None and text.strip():
            return clean_line(text, limit=_MAX_UNREAD)
    return None


def _as_published(modified: DatedBy | None) -> DatedBy | None:
    """The date of a change for want of that of publication: it is that of most articles."""
    return None if modified is None else replace(modified, confidence=_UPDATED_ONLY)


def _link(item: Any, base: str) -> str | None:
    """The entry's page: the publisher's own address where a feed service kept it."""
    links = [item.get("feedburner_origlink"), item.get("link")]
    links += [
        other.get("href") for other in item.get("links", []) if other.get("rel") == "alternate"
    ]
    if item.get("guidislink"):
        links.append(item.get("id"))
    for link in links:
        url = resolve(base, clean_text(str(link))) if link and str(link).strip() else None
        if url is not None:
            return url
    return None


def _date(item: Any, name: str, *, now: datetime) -> DatedBy | None:
    raw = _text(dict.get(item, name))
    dated = from_struct_time(
        dict.get(item, f"{name}_parsed"), source=DateSource.FEED, now=now
    ) or parse_date(raw, source=DateSource.FEED, now=now)
    if dated is None or not _is_stated(dated.value, raw):
        return None
    if ":" in raw or dated.value.time() != time():
        return dated
    return replace(
        dated, day_only=True
    )  # "2023-09-05" comes out as a midnight, "20230905T1000Z" too


def _is_stated(value: datetime, raw: str) -> bool:
    """Whether a date says the year it was read as: feedparser reads 2010 out of "10000-01-01"."""
    years = {(value + hours).year for hours in (-_DAY_AROUND_THE_WORLD, _DAY_AROUND_THE_WORLD)}
    spelled = "|".join(f"{year}|{year % 100:02}(?!\\d)" for year in years)
    return bool(re.search(rf"(?<!\d)(?:{spelled})", raw)) and not _NO_OFFSET.search(raw)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _language(value: object) -> str | None:
    found = re.match(r"[A-Za-z]{2,3}(?=[-_]|$)", _text(value).strip())
    return found.group(0).lower() if found else None


def _linked(feed: Any, relation: str, *, base: str) -> str | None:
    """The document that a feed links to under a relation (RFC 5005)."""
    for link in feed.get("links", []):
        if link.get("rel") == relation and link.get("href"):
            return resolve(base, clean_text(str(link["href"])))
    return None


def plain_text(markup: str) -> str:
    """Return the text of a piece of HTML, white space collapsed; plain text stays as it is.

    In time linear in its length, which `html.parser` before Python 3.11.14 is not: it takes 80 s
    for 100 kB of "<a " (CVE-2025-6069), and raises on "<![x[".
    """
    if "<" not in markup and "&" not in markup:
        return " ".join(markup.split())
    markup = markup[:_MAX_MARKUP]
    parts: list[str] = []
    position = 0
    while found := _TAG_START.search(markup, position):
        end = _end_of_tag(markup, found)
        if end is None:
            break  # a "<" that opens nothing
        parts.append(markup[position : found.start()])
        if not _INLINE.fullmatch((found[2] or "").lower()):
            parts.append(" ")
        position = end
    text = "".join((*parts, markup[position:]))
    return " ".join(unescape(_HUGE_REFERENCE.sub("\ufffd", text)).split())


def _end_of_tag(markup: str, tag: re.Match[str]) -> int | None:
    if tag[1] == "!--":
        end = markup.find("-->", tag.start() + 2)
        return end + 3 if end >= 0 else len(markup)
    if tag[1].lower() in {"script", "style"}:
        closing = _HIDDEN_END.search(markup, tag.end())
        return closing.end() if closing else len(markup)
    quoted = _TAG_END.match(markup, tag.end(), tag.end() + _MAX_TAG)
    if quoted:
        return quoted.end()
    end = markup.find(">", tag.end())  # its quotes don't pair
    return end + 1 if end >= 0 else None
