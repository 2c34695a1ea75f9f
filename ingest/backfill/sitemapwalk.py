"""Which sitemaps of a site to read, and which of their pages to fetch, for a range of days.

robots.txt ─announced_sitemaps─> addresses ─start_walk─> SitemapWalk ─next_sitemap─> an address
    to read ─read_sitemap─> Sitemap ─choose_sitemaps─> those that may hold the days ─walk_on─>
    SitemapWalk, and so on; the pages ─wanted─> those to fetch

A site may make sitemaps without end, one for every day of every year. So a walk has a budget and a
depth, and goes nowhere twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ingest.backfill.sitemaps import NestedSitemap, SitemapEntry
from ingest.dates import bound_published, from_url
from ingest.errors import UsageError
from ingest.model import DatedBy
from ingest.textclean import clean_text
from ingest.urls import resolve

_NEVER = datetime.max.replace(tzinfo=UTC)
_ZONES = timedelta(hours=14)  # how far a site's days may lie from those of UTC
_FIRST_YEAR = 1990
_MAX_ANNOUNCED = 200
_MAX_ROBOTS = 500 * 2**10  # bytes: RFC 9309, section 2.5
_ANNOUNCEMENT = re.compile(r"\s{0,20}site-?map\s{0,20}:\s{0,20}(\S{1,4096})", re.IGNORECASE)
_USUAL = (
    "/sitemap.xml",
    "/sitemap_index.xml",
    "/sitemap-index.xml",
    "/news-sitemap.xml",
    "/sitemap-news.xml",
    "/wp-sitemap.xml",
)
_YEAR = r"(?<!\d)(?P<y>(?:19|20)\d\d)"
_NAMED = (
    re.compile(_YEAR + r"[-_/.]?(?P<m>0[1-9]|1[0-2])(?:[-_/.]?(?P<d>0[1-9]|[12]\d|3[01]))?(?!\d)"),
    re.compile(
        _YEAR + r"[-_/.]?(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
        r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?(?![a-z])",
        re.IGNORECASE,
    ),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_PATH = re.compile(r"/(?P<y>(?:19|20)\d\d)/(?P<m>0[1-9]|1[0-2])(?=/)")
_NUMBER = re.compile(r"\d{1,9}")
_PARAMETERS = {"yyyy": "y", "year": "y", "y": "y", "mm": "m", "month": "m", "dd": "d", "day": "d"}

Period = tuple[datetime, datetime]
Shapes = dict[tuple[str, str], set[int]]
"""By what stands around a number in addresses: all the numbers that stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapBudget:
    """How far a walk through the sitemaps of one site may go."""

    sitemaps: int = 500
    depth: int = 3  # lists of lists


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapWalk:
    """What is to be read of a site and what was; the next one comes first."""

    waiting: tuple[tuple[str, int], ...]  # address and depth
    seen: tuple[str, ...]  # marks of all that ever waited
    read: int = 0
    left_out: int = 0  # what the budget had no room for


# ---------------------------------------------------------------- where sitemaps are


def announced_sitemaps(body: bytes, *, url: str) -> tuple[str, ...]:
    """Return the sitemaps that a robots.txt names, each once and in its order.

    `url` is the address of the robots.txt. They may lie on another host, by the protocol's section
    "Sitemaps & Cross Submits" (https://www.sitemaps.org/protocol.html); hand that site to
    `read_sitemap` as `site` then. The lines belong to no group of rules (RFC 9309, section 2.2.4).
    """
    found: dict[str, None] = {}
    for line in body[:_MAX_ROBOTS].decode("utf-8-sig", "replace").splitlines():
        match = _ANNOUNCEMENT.match(line)
        link = resolve(url, clean_text(match[1])) if match else None
        if link is not None and len(found) < _MAX_ANNOUNCED:
            found.setdefault(link)
    return tuple(found)


def usual_sitemaps(url: str) -> tuple[str, ...]:
    """Return the addresses where sites keep their sitemaps if robots.txt names none."""
    guesses = (resolve(url, path) for path in _USUAL)
    return tuple(guess for guess in guesses if guess is not None)


# ---------------------------------------------------------------- what may hold the days


def wanted(entry: SitemapEntry, *, since: datetime, until: datetime, now: datetime) -> bool:
    """Whether a page may have been published in the range, before it is fetched.

    The date of publication decides, then the day or month in the address, then the date of change:
    what was changed before the range can't be of it, what was changed later may be older. What has
    no date is wanted. A day may lie fourteen hours from that of UTC.
    """
    dated = entry.published or from_url(entry.url, now=now)
    if dated is not None:
        return _overlap(_bounds(dated), since=since, until=until)
    found = _MONTH_PATH.search(urlsplit(entry.url).path)
    if found is not None and (month := _period(found.groupdict())):
        return _overlap(month, since=since, until=until)
    return entry.lastmod is None or _bounds(entry.lastmod)[1] >= since


def choose_sitemaps(
    nested: Sequence[NestedSitemap], *, since: datetime, until: datetime
) -> tuple[NestedSitemap, ...]:
    """Return the sitemaps of an index that may hold pages of the range, the likeliest first.

    Left out is what was last changed before the range, and what names another day, month or year.
    First come those that name the time, then the others in the order of their last change, since
    that of a full one is the date of its last page.
    """
    shapes = _shapes(nested)
    chosen = []
    for item in nested:
        period = _named_period(item.url, shapes)
        if period is not None and not _overlap(period, since=since, until=until):
            continue
        if item.lastmod is not None and _bounds(item.lastmod)[1] < since:
            continue
        changed = item.lastmod.value if item.lastmod else _NEVER
        chosen.append((period is None, changed, item))
    chosen.sort(key=lambda ranked: ranked[:2])
    return tuple(item for _, _, item in chosen)


def _bounds(dated: DatedBy) -> Period:
    bounds = bound_published(dated, known_by=_NEVER)
    return bounds.earliest or dated.value, bounds.latest


def _overlap(period: Period, *, since: datetime, until: datetime) -> bool:
    return period[1] >= since and period[0] <= until


def _named_period(url: str, shapes: Shapes) -> Period | None:
    """The day, month or year that an address names, as "sitemap-2023-09.xml" or "?yyyy=2023&mm=09".

    Numbers are believed only where their siblings in the same place can be months or years as well:
    "sitemap-2023.xml" may be the 2023rd, and "sitemap-2023-01.xml" the first part of a year.
    """
    named = {
        _PARAMETERS[key.lower()]: value
        for key, value in parse_qsl(url.partition("?")[2])
        if key.lower() in _PARAMETERS
    }
    if {"y", "m"} <= named.keys():
        return _period(named)
    path = max(url.find("/", len("https://")), 0)
    for pattern in _NAMED:
        found = pattern.search(url, path)
        if found is not None and _are_months(found, shapes):
            return _period(found.groupdict())
    return _named_year(url, shapes)


def _are_months(found: re.Match[str], shapes: Shapes) -> bool:
    """Whether all that stands where an address has its month can be one."""
    if "name" in found.groupdict() or found["d"]:
        return True
    start = found.start("y") if found.end("y") == found.start("m") else found.start("m")
    siblings = shapes[found.string[:start], found.string[found.end("m") :]]
    return all(1 <= number % 100 <= 12 for number in siblings)


def _period(named: Mapping[str, str | None]) -> Period | None:
    """From when to when a year, a month and a day last, or a year and a month, in any zone."""
    name = (named.get("name") or "").lower()
    try:
        year = int(named.get("y") or 0)
        month = _MONTHS.index(name) + 1 if name else int(named.get("m") or 0)
        start = datetime(year, month, int(named.get("d") or 1), tzinfo=UTC)
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        end = start + timedelta(days=1) if named.get("d") else following
        return start - _ZONES, end + _ZONES
    except (ValueError, OverflowError):
        return None


def _shapes(nested: Sequence[NestedSitemap]) -> Shapes:
    shapes: Shapes = defaultdict(set)
    for item in nested:
        for number in _NUMBER.finditer(item.url):
            shapes[item.url[: number.start()], item.url[number.end() :]].add(int(number[0]))
    return shapes


def _named_year(url: str, shapes: Shapes) -> Period | None:
    for number in _NUMBER.finditer(url):
        siblings = shapes[url[: number.start()], url[number.end() :]]
        if len(siblings) > 1 and all(_FIRST_YEAR <= year < 2100 for year in siblings):
            start = datetime(int(number[0]), 1, 1, tzinfo=UTC)
            return start - _ZONES, start.replace(year=start.year + 1) + _ZONES
    return None


# ---------------------------------------------------------------- the walk


def start_walk(urls: Iterable[str], *, budget: SitemapBudget) -> SitemapWalk:
    """Begin with the sitemaps that a site announces."""
    return _add(SitemapWalk(waiting=(), seen=()), urls, depth=0, budget=budget)


def next_sitemap(walk: SitemapWalk) -> str | None:
    """Return the address to read next; None when the walk is over."""
    return walk.waiting[0][0] if walk.waiting else None


def walk_on(
    walk: SitemapWalk, nested: Sequence[NestedSitemap], *, budget: SitemapBudget
) -> SitemapWalk:
    """Return the walk after its next sitemap was read, or could not be, with those it lists."""
    depth = walk.waiting[0][1] + 1
    walk = replace(walk, waiting=walk.waiting[1:], read=walk.read + 1)
    return _add(walk, (item.url for item in nested), depth=depth, budget=budget)


def _add(
    walk: SitemapWalk, urls: Iterable[str], *, depth: int, budget: SitemapBudget
) -> SitemapWalk:
    seen = dict.fromkeys(walk.seen)
    waiting = list(walk.waiting)
    left_out = walk.left_out
    for url in urls:
        mark = _mark(url)
        if mark in seen:
            continue
        if depth >= budget.depth or walk.read + len(waiting) >= budget.sitemaps:
            left_out += 1
            continue
        seen[mark] = None
        waiting.append((url, depth))
    return replace(walk, waiting=tuple(waiting), seen=tuple(seen), left_out=left_out)


def _mark(url: str) -> str:
    address = url.partition("#")[0].partition("://")[2]
    return blake2b(address.encode("utf-8", "replace"), digest_size=8).hexdigest()


def walk_as_json(walk: SitemapWalk) -> dict[str, Any]:
    """Return the walk as values that JSON can hold."""
    return asdict(walk)


def walk_from_json(values: Mapping[str, Any]) -> SitemapWalk:
    """Return the walk that was kept; raises UsageError for anything else."""
    try:
        return SitemapWalk(
            waiting=tuple((str(url), int(depth)) for url, depth in values["waiting"]),
            seen=tuple(map(str, values["seen"])),
            read=int(values["read"]),
            left_out=int(values["left_out"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"no walk through sitemaps: {error!r}; start it anew") from error
