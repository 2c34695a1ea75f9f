"""What a page says of itself: JSON-LD and meta elements, read as plain dictionaries.

Follows schema.org's Article and its kinds, Open Graph, Dublin Core, and what the larger content
systems use besides. None of it is trusted further than `ingest.extract` says.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.dates import parse_date
from ingest.model import DatedBy, DateSource
from ingest.textclean import clean_line

Json = dict[str, Any]

_MAX_JSON = 500_000  # characters of one script
_MAX_NODES = 2000
_MAX_NAMES = 10
_LONGEST_NAME = 120  # characters; several authors may stand in one string
_ARTICLE_TYPES = re.compile(r"Article|BlogPosting|Report|LiveBlog|NewsItem")
_NESTING = ("@graph", "mainEntity", "mainEntityOfPage")
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>|;)\s*$")
_SEPARATOR = re.compile(r"\s*(?:\s[|·•–—:-]|[|»])\s*")
_ADDRESS = re.compile(r"https?://|www\.|@", re.IGNORECASE)
_BY = re.compile(r"^(?:by|von|par|por|di|door|autor)\s*:?\s+", re.IGNORECASE)
_CUT_HEADLINE = 100  # characters
_LEAST_HEADING = 15  # characters; a shorter heading is a section's or the site's name

_TITLES = ("og:title", "twitter:title", "dc.title", "headline", "parsely-title", "title")
_AUTHORS = (
    "author",
    "byl",
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "article:author",
    "twitter:misc:written by",
)
_SITES = ("og:site_name", "application-name", "dc.publisher", "publisher")
_PUBLISHED = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_date",
    "publication_date",
    "published_at",
    "date",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "dcterms.date",
    "dcterms.created",
    "dc.date.created",
    "article.published",
    "article.created",
    "citation_publication_date",
    "last-published",
    "cxenseparse:recs:publishtime",
)
_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "lastmod",
    "last-modified",
    "dcterms.modified",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What a page says of itself; every field may be missing, none is checked against the text."""

    headline: str
    byline: str | None
    site_name: str | None
    published: tuple[DatedBy, ...]
    modified: tuple[DatedBy, ...]


def read_statements(
    objects: Sequence[Json],
    metas: Mapping[str, str],
    *,
    headings: Sequence[str],
    page_title: str,
    now: datetime,
) -> Statements:
    """Read article objects of JSON-LD, meta elements by lower-case name, and first headings."""
    site = _site_name(objects, metas)
    stated = [
        *_strings(objects, ("headline",)),
        *(metas[name] for name in _TITLES if name in metas),
    ]
    return Statements(
        headline=choose_headline(stated, headings=headings, page_title=page_title, site=site),
        byline=_byline(objects, metas, site=site),
        site_name=site,
        published=_dates(objects, metas, ("datePublished", "dateCreated"), _PUBLISHED, now=now),
        modified=_dates(objects, metas, ("dateModified",), _MODIFIED, now=now),
    )


def choose_headline(
    stated: Iterable[str], *, headings: Sequence[str], page_title: str, site: str | None
) -> str:
    """Return the article's headline: as stated, else the only heading, else the page's title.

    The heading decides where a stated headline was cut short or has the site's name after it.
    """
    plain = [clean_line(heading) for heading in headings]
    plain = [heading for heading in plain if heading]
    for candidate in stated:
        headline = clean_line(html.unescape(candidate))
        if headline and headline != site:
            return _fit_heading(_without_site(headline, site), plain)
    if len(plain) == 1:
        return plain[0]
    return _fit_heading(_without_site(clean_line(page_title), site), plain)


def _fit_heading(headline: str, headings: Sequence[str]) -> str:
    cut = headline.rstrip(".… ")
    # JSON-LD headlines are cut at 110 characters by many systems, as Google once asked.
    shortened = cut != headline or len(headline) >= _CUT_HEADLINE
    for heading in headings:
        if len(heading) < _LEAST_HEADING:
            continue
        goes_on = shortened and len(cut) >= _LEAST_HEADING and heading.startswith(cut)
        stops = headline.startswith(heading) and _SEPARATOR.match(headline, len(heading))
        if goes_on or stops:
            return heading
    return headline


def _without_site(headline: str, site: str | None) -> str:
    if not site or not headline.casefold().endswith(site.casefold()):
        return headline
    rest = headline[: -len(site)]
    shorter = re.sub(r"\s*[|·•–—»:-]\s*$", "", rest)
    return shorter if shorter != rest and shorter else headline


def find_articles(script: str) -> Iterator[Json]:
    """Yield the article objects of one JSON-LD script; nothing when it is broken or a bomb."""
    if len(script) > _MAX_JSON:
        return
    try:
        data = json.loads(_WRAPPING.sub("", _WRAPPING.sub("", script)), strict=False)
    except (ValueError, RecursionError):
        return
    pending, seen = [data], 0
    while pending and seen < _MAX_NODES:
        item = pending.pop(0)
        seen += 1
        if isinstance(item, list):
            pending.extend(item[:_MAX_NODES])
        elif isinstance(item, dict):
            if _ARTICLE_TYPES.search(str(item.get("@type", ""))[:200]):
                yield item
            pending.extend(item.get(key) for key in _NESTING)


def _strings(objects: Iterable[Json], keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        yield from (item[key] for item in objects if isinstance(item.get(key), str))


def _names(value: object) -> Iterator[str]:
    """The names in what JSON-LD gives for a person or an organisation, in its many forms."""
    for item in value[:_MAX_NAMES] if isinstance(value, list) else [value]:
        name = item.get("name") if isinstance(item, dict) else item
        for part in name[:_MAX_NAMES] if isinstance(name, list) else [name]:
            if isinstance(part, str):
                yield part


def _byline(objects: Sequence[Json], metas: Mapping[str, str], *, site: str | None) -> str | None:
    stated = [list(_names(item.get("author"))) for item in objects]
    stated += [[metas[name]] for name in _AUTHORS if name in metas]
    bylines = (read_byline(names) for names in stated)
    # The outlet as author says nothing, but is better than nothing.
    known = [byline for byline in bylines if byline]
    return next((byline for byline in known if byline != site), known[0] if known else None)


def read_byline(names: Iterable[str]) -> str | None:
    """Join the names of authors, each once, without what leads up to them or is no name."""
    clean = [_BY.sub("", clean_line(html.unescape(name)), count=1) for name in names]
    known = [name for name in clean if 2 < len(name) <= _LONGEST_NAME and not _ADDRESS.search(name)]
    return clean_line(", ".join(dict.fromkeys(known)), limit=300) or None


def _site_name(objects: Sequence[Json], metas: Mapping[str, str]) -> str | None:
    stated = [metas[name] for name in _SITES[:1] if name in metas]
    stated += [name for item in objects for name in _names(item.get("publisher"))]
    stated += [metas[name] for name in _SITES[1:] if name in metas]
    clean = (clean_line(html.unescape(name), limit=200) for name in stated)
    return next((name for name in clean if name and not _ADDRESS.match(name)), None)


def _dates(
    objects: Sequence[Json],
    metas: Mapping[str, str],
    keys: Sequence[str],
    names: Sequence[str],
    *,
    now: datetime,
) -> tuple[DatedBy, ...]:
    found = [
        parse_date(text, source=DateSource.JSON_LD, now=now) for text in _strings(objects, keys)
    ]
    found += [
        parse_date(metas[name], source=DateSource.META, now=now) for name in names if name in metas
    ]
    return tuple(item for item in found if item is not None)
