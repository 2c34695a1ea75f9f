"""What a site lists of itself: sitemaps of every kind.

bytes ─inflate─> XML of sitemaps.org, with Google's news extension, or a list of sitemaps
              ├> lines of addresses
              └> a feed, read by ingest.feeds

Formats: https://www.sitemaps.org/protocol.html and
https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap.

XML is read by patterns and in linear time. A sitemap is flat, and many are not well-formed: a bare
"&" in an address, a warning of PHP before it, a connection cut. A parser stops there; this reads on
at the next entry. It knows no DTD, so no entity can multiply, and expat before 2.6 takes quadratic
time for one long token (CVE-2023-52425).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from io import BytesIO
from urllib.parse import urlsplit

from ingest.backfill.leads import language_code
from ingest.dates import parse_date
from ingest.errors import BadURLError
from ingest.feeds import parse_feed
from ingest.htmltext import known_codec
from ingest.inflate import decode_body, decode_prefix
from ingest.model import DatedBy, DateSource, FailureKind, NotAFeed, Rejection
from ingest.textclean import clean_line, clean_text
from ingest.urls import registered_domain, resolve

MAX_URLS = 50_000
"""Addresses of one sitemap, by the protocol."""

MAX_BYTES = 50 * 2**20
"""Bytes of one sitemap once inflated, by the protocol."""

_CHANGED = 0.6  # confidence in a date of change: many systems give that of the last build
_MAX_ITEM = 500_000  # bytes of a page with all its images
_MAX_FIELD = 10_000  # bytes
_GZIP = b"\x1f\x8b"
_WIDE = (
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""")
_ROOT = re.compile(rb"<((?:[\w.-]{1,40}:)?)([A-Za-z][\w.-]{0,40})")
_ROOTS = frozenset({b"urlset", b"sitemapindex"})
# No "<" within a tag, not even quoted: that bounds each try by the next tag.
_ITEM = re.compile(rb"<((?:[\w.-]{1,40}:)?)(url|sitemap)(?:\s[^<>]*)?>", re.IGNORECASE)
_FIELD = re.compile(
    rb"<(/?)((?:[\w.-]{1,40}:)?)(loc|lastmod|news|publication_date|title|language)(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_CDATA = b"<![CDATA["
# With its semicolon only: "&copy=1" is a parameter of an address that was not escaped.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SITEMAP_PATH = re.compile(r".*\.xml(?:\.gz)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntry:
    """A page of a site, and what its sitemap says of it."""

    url: str
    lastmod: DatedBy | None = None
    published: DatedBy | None = None
    title: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedSitemap:
    """A sitemap that another one lists."""

    url: str
    lastmod: DatedBy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemap:
    """A parsed sitemap; each address once."""

    entries: tuple[SitemapEntry, ...] = ()
    nested: tuple[NestedSitemap, ...] = ()
    skipped: int = 0  # without a usable address, or listed twice
    foreign: int = 0  # on another site, which the protocol does not allow
    cut: int = 0  # beyond the limit, not read
    damage: str | None = None  # why the end may be missing


def read_sitemap(
    body: bytes,
    *,
    url: str,
    now: datetime,
    site: str | None = None,
    max_urls: int = MAX_URLS,
    max_bytes: int = MAX_BYTES,
) -> Sitemap | Rejection:
    """Read a sitemap whose content encoding is undone already; a sitemap that is a gzip file too.

    `url` is where it was found. Kept are the pages of its own registered domain and of that of
    `site`, which announced it in robots.txt. What is cut, damaged or too long is read as far as it
    goes. Rejected with NOT_A_FEED is what is no sitemap; raises BadURLError for an unusable `url`.
    Takes about three seconds for 50,000 addresses, hostile feeds longer: run it where it can be
    killed.
    """
    plain, damage = _plain(body, max_bytes=max_bytes)
    body = _without_comments(_narrow(plain))
    root = _ROOT.search(body[:_MAX_FIELD])
    prefix, name = (root[1], root[2].lower()) if root else (b"", b"")
    found = _Found(base=url, domains=_domains(url, site), max_urls=max_urls)
    if name in {b"rss", b"rdf", b"feed"}:
        _read_feed(body, found, now=now)
    elif name:
        _read_xml(body, found, prefix=prefix if name in _ROOTS else None, now=now)
    else:
        _read_lines(body[: body.rfind(b"\n")] if damage else body, found, now=now)
    if found.pages or found.nested or (name in _ROOTS and not damage):
        return found.sitemap(damage.reason if damage else None)
    first = f"its first element is {name[:40].decode('latin-1')!r}" if name else "no address in it"
    return damage or Rejection(kind=FailureKind.NOT_A_FEED, reason=f"no sitemap: {first}")


def _plain(body: bytes, *, max_bytes: int) -> tuple[bytes, Rejection | None]:
    """The content as far as it can be had, and what is wrong with the rest."""
    encoding = "gzip" if body.startswith(_GZIP) else ""
    whole = decode_body(body, encoding, max_bytes=max_bytes)
    if isinstance(whole, bytes):
        return whole, None
    start = decode_prefix(body, encoding, max_bytes=max_bytes)
    return (start if isinstance(start, bytes) else b""), whole


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found so far."""

    base: str
    domains: frozenset[str]
    max_urls: int
    pages: dict[str, SitemapEntry] = field(default_factory=dict)
    nested: dict[str, NestedSitemap] = field(default_factory=dict)
    hosts: dict[str, bool | None] = field(default_factory=dict)
    skipped: int = 0
    foreign: int = 0
    cut: int = 0

    def resolve(self, link: str) -> str | None:
        """An address of the site that was not there before; counts what is none."""
        url = resolve(self.base, clean_text(link)) if link.strip() else None
        own = self._is_own(url) if url is not None else None
        if url is None or own is None or url in self.pages or url in self.nested:
            self.skipped += 1
            return None
        if not own:
            self.foreign += 1
            return None
        return url

    def _is_own(self, url: str) -> bool | None:
        host = urlsplit(url).netloc
        if host not in self.hosts:
            try:
                self.hosts[host] = registered_domain(url) in self.domains
            except BadURLError:
                self.hosts[host] = None
        return self.hosts[host]

    @property
    def full(self) -> bool:
        return len(self.pages) + len(self.nested) + self.skipped + self.foreign >= self.max_urls

    def sitemap(self, damage: str | None) -> Sitemap:
        return Sitemap(
            entries=tuple(self.pages.values()),
            nested=tuple(self.nested.values()),
            skipped=self.skipped,
            foreign=self.foreign,
            cut=self.cut,
            damage=damage,
        )


def _domains(*urls: str | None) -> frozenset[str]:
    return frozenset(registered_domain(url) for url in urls if url is not None)


def _narrow(body: bytes) -> bytes:
    """UTF-16 as UTF-8; every other encoding has the tags as they are in ASCII."""
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            return body.decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()


def _without_comments(body: bytes) -> bytes:
    """What a comment holds is not listed; one without an end is none."""
    if b"<!--" not in body:
        return body
    parts, position = [], 0
    while (start := body.find(b"<!--", position)) >= 0:
        end = body.find(b"-->", start)
        if end < 0:
            break
        parts.append(body[position:start])
        position = end + 3
    return b"".join([*parts, body[position:]])


def _read_xml(body: bytes, found: _Found, *, prefix: bytes | None, now: datetime) -> None:
    """Add what stands from one "url" or "sitemap" to the next; of this prefix, if it is known."""
    declared = _DECLARED.search(body[:_MAX_FIELD])
    codec = known_codec(declared[1].decode("ascii")) if declared else None
    if codec is None or codec.startswith(("utf-16", "utf-32")):  # its tags were found in ASCII
        codec = "utf-8"
    items = (item for item in _ITEM.finditer(body) if prefix is None or item[1] == prefix)
    item = next(items, None)
    while item is not None:
        if found.full:
            found.cut = 1 + sum(1 for _ in items)
            return
        following = next(items, None)
        end = following.start() if following else len(body)
        block = body[item.end() : min(end, item.end() + _MAX_ITEM)]
        fields = _read_fields(block, prefix=item[1], codec=codec)
        _add_item(found, fields, is_sitemap=item[2].lower() == b"sitemap", now=now)
        item = following


def _read_fields(block: bytes, *, prefix: bytes, codec: str) -> dict[str, str]:
    """The first of each field: of the page itself under its own prefix, of news within "news".

    So the addresses and titles of images and videos are left aside, whatever they are called.
    """
    fields: dict[str, str] = {}
    in_news = False
    for tag in _FIELD.finditer(block):
        closes, own, name = tag[1], tag[2] == prefix, tag[3].lower().decode()
        if name == "news":
            in_news = not closes
        elif closes or name in fields:
            continue
        elif in_news if name not in {"loc", "lastmod"} else own and not in_news:
            fields[name] = _read_value(block[tag.end() : tag.end() + _MAX_FIELD], codec)
    return fields


def _read_value(rest: bytes, codec: str) -> str:
    """The text after a tag; nothing when its end is missing, for half an address is a wrong one."""
    rest = rest.lstrip()
    quoted = rest.startswith(_CDATA)
    value, end, _ = rest[len(_CDATA) :].partition(b"]]>") if quoted else rest.partition(b"<")
    text = value.decode(codec, "replace").strip() if end else ""
    if quoted or "&" not in text:
        return text
    return _REFERENCE.sub(lambda reference: unescape(reference[0]), text)


def _add_item(found: _Found, fields: dict[str, str], *, is_sitemap: bool, now: datetime) -> None:
    url = found.resolve(fields.get("loc", ""))
    if url is None:
        return
    lastmod = parse_date(
        fields.get("lastmod", ""), source=DateSource.FEED, now=now, confidence=_CHANGED
    )
    # Some list their sitemaps as if they were pages. No article ends in ".xml".
    if is_sitemap or _SITEMAP_PATH.fullmatch(urlsplit(url).path):
        found.nested[url] = NestedSitemap(url=url, lastmod=lastmod)
        return
    found.pages[url] = SitemapEntry(
        url=url,
        lastmod=lastmod,
        published=parse_date(fields.get("publication_date", ""), source=DateSource.FEED, now=now),
        title=clean_line(fields.get("title", "")),
        language=language_code(fields.get("language")),
    )


def _read_lines(body: bytes, found: _Found, *, now: datetime) -> None:
    for line in BytesIO(body):
        link = line[:_MAX_FIELD].decode("utf-8", "replace").strip()
        if not link:
            continue
        if found.full:
            found.cut += 1
        elif not link.lower().startswith(("http://", "https://")):
            found.skipped += 1
        else:
            _add_item(found, {"loc": link}, is_sitemap=False, now=now)


def _read_feed(body: bytes, found: _Found, *, now: datetime) -> None:
    document = parse_feed(body, url=found.base, content_type=None, now=now)
    if isinstance(document, NotAFeed):
        return
    found.skipped, found.cut = document.skipped, document.cut
    for number, entry in enumerate(document.entries):
        if found.full:
            found.cut += len(document.entries) - number
            return
        url = found.resolve(entry.url)
        if url is not None:
            found.pages[url] = SitemapEntry(
                url=url,
                lastmod=_changed(entry.modified),
                published=entry.published,
                title=entry.title,
                language=document.language,
            )


def _changed(moment: datetime | None) -> DatedBy | None:
    if moment is None:
        return None
    return DatedBy(value=moment, source=DateSource.FEED, confidence=_CHANGED)
