"""What a site lists of itself: sitemaps of every kind.

bytes ─inflate─> XML of sitemaps.org, with Google's news extension, or a list of sitemaps
              ├> lines of addresses
              └> a feed, read by ingest.feeds

Formats: https://www.sitemaps.org/protocol.html and
https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from urllib.parse import urlsplit

from ingest.backfill.leads import language_code
from ingest.backfill.sitemapbytes import (
    MAX_FIELD,
    declared_codec,
    find_items,
    inflate,
    narrow,
    read_fields,
    without_comments,
)
from ingest.dates import parse_date
from ingest.errors import BadURLError
from ingest.feeds import parse_feed
from ingest.model import DatedBy, DateSource, FailureKind, NotAFeed, Rejection
from ingest.textclean import clean_line, clean_text
from ingest.urls import registered_domain, resolve

MAX_URLS = 50_000
"""Addresses of one sitemap, by the protocol."""

MAX_BYTES = 50 * 2**20
"""Bytes of one sitemap once inflated, by the protocol."""

_CHANGED = 0.6  # confidence in a date of change: many systems give that of the last build
_ROOT = re.compile(rb"<((?:[\w.-]{1,40}:)?)([A-Za-z][\w.-]{0,40})")
_ROOTS = frozenset({b"urlset", b"sitemapindex"})
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
    plain, damage = inflate(body, max_bytes=max_bytes)
    body = without_comments(narrow(plain))
    root = _ROOT.search(body[:MAX_FIELD])
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


def _read_xml(body: bytes, found: _Found, *, prefix: bytes | None, now: datetime) -> None:
    codec = declared_codec(body)
    items = find_items(body, prefix=prefix)
    for item in items:
        if found.full:
            found.cut = 1 + sum(1 for _ in items)
            return
        fields = read_fields(item, codec=codec)
        _add_item(found, fields, is_sitemap=item.is_sitemap, now=now)


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
        link = line[:MAX_FIELD].decode("utf-8", "replace").strip()
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
