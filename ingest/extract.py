"""From HTML to an article: text by trafilatura, metadata by what the page says of itself.

The tree is parsed once. Extraction is adaptive: the fast mode first, and the default mode when the
fast one found less than three tenths of the text that stands in paragraphs (about one page in
twenty), which keeps the quality of the default at three quarters of its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import lxml.html
from lxml.etree import LxmlError
from trafilatura import bare_extraction
from trafilatura.metadata import extract_metadata

from ingest.dates import choose_published, from_url, parse_date
from ingest.errors import BadURLError
from ingest.htmltext import decode_html
from ingest.language import detect_language
from ingest.model import Article, DatedBy, DateSource, FailureKind, Rejection
from ingest.textclean import clean_line, clean_text
from ingest.urls import canonicalize, registered_domain, resolve

EXTRACTOR = "trafilatura"
_OUR_RULES = "1"  # part of the extractor's version: our own rules move texts as well
MAX_HTML = 3 * 2**20
"""Bytes of HTML that are extracted; trafilatura takes two seconds a megabyte."""

_MIN_TEXT = 80  # characters; a headline alone is no article
_ENOUGH = 0.3
_MAX_JSON = 500_000
_ARTICLE_TYPES = re.compile(r"Article|BlogPosting|Report|LiveBlog|NewsItem")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What a page says of itself in its markup."""

    headline: str | None
    canonical: str | None
    language: str | None
    published: tuple[DatedBy, ...]
    modified: tuple[DatedBy, ...]


def extract_article(
    html: bytes, *, url: str, charset: str | None, feed_date: DatedBy | None, now: datetime
) -> Article | Rejection:
    """Extract the article of a page.

    Rejections: TOO_LARGE over MAX_HTML bytes, NOT_HTML for what has no elements, EMPTY for too
    little text. Takes 20 to 40 ms a page; hostile pages take minutes, so run it where it can be
    killed.
    """
    if len(html) > MAX_HTML:
        return Rejection(
            kind=FailureKind.TOO_LARGE, reason=f"the page has {len(html)} bytes of HTML"
        )
    tree = parse_html(html, charset=charset)
    if tree is None:
        return Rejection(kind=FailureKind.NOT_HTML, reason="no HTML elements were found")
    said = read_statements(tree, now=now)
    document = extract_metadata(tree, default_url=url, extensive=False)
    title = clean_line(said.headline or document.title or "")
    text = without_headline(clean_text(_extract_text(tree, html, charset=charset)), title)
    if len(text) < _MIN_TEXT:
        return Rejection(
            kind=FailureKind.EMPTY, reason=f"only {len(text)} characters of text were found"
        )
    guessed = parse_date(document.date or "", source=DateSource.TEXT, now=now)
    return Article(
        url=url,
        canonical_url=choose_canonical(said.canonical, url=url),
        title=title,
        byline=clean_line(document.author, limit=300) if document.author else None,
        site_name=clean_line(document.sitename, limit=200) if document.sitename else None,
        published=choose_published([*said.published, feed_date, from_url(url, now=now), guessed]),
        modified=choose_published(said.modified),
        language=detect_language(text)
        if len(text) >= 200
        else said.language or detect_language(text),
        text=text,
        words=count_words(text),
        extractor=EXTRACTOR,
        extractor_version=extractor_version(),
    )


def extractor_version() -> str:
    """The version that stands in every version row: the library's and that of our rules."""
    return f"{version('trafilatura')}+{_OUR_RULES}"


def parse_html(html: bytes, *, charset: str | None) -> Any | None:
    """Parse a page into an lxml tree; None for what is no HTML."""
    text = decode_html(html, charset=charset)
    parser = lxml.html.HTMLParser(
        encoding="utf-8",
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError):
        return None
    return tree if len(tree) else None


def _extract_text(tree: Any, html: bytes, *, charset: str | None) -> str:
    paragraphs = sum(len(item.text_content()) for item in tree.iter("p"))
    text = _run(tree, fast=True)
    if len(text) >= _ENOUGH * paragraphs and len(text) >= _MIN_TEXT:
        return text
    again = parse_html(html, charset=charset)  # the first run may have cut the tree
    slow = _run(again, fast=False) if again is not None else ""
    return slow if len(slow) > len(text) else text


def _run(tree: Any, *, fast: bool) -> str:
    # deduplicate is stateful and lowers F1, target_language drops pages: both stay off.
    document = bare_extraction(
        tree, fast=fast, include_comments=False, with_metadata=False, deduplicate=False
    )
    if document is None:
        return ""
    text = document["text"] if isinstance(document, dict) else document.text
    return text or ""


def without_headline(text: str, title: str) -> str:
    """Cut the headline off the start of the text: a changed headline is no changed text."""
    first, _newline, rest = text.partition("\n")
    return rest.lstrip() if title and first.strip() == title else text


def count_words(text: str) -> int:
    """Count words; two characters of an unspaced script (Chinese, Japanese, Thai) count as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + unspaced // 2 if unspaced else len(text.split())


def choose_canonical(stated: str | None, *, url: str) -> str:
    """Return the page's canonical URL, its own word for it if that is believable.

    Another site, or the home page for an article, is a mistake that would merge all its articles.
    """
    own = canonicalize(url)
    if not stated:
        return own
    link = resolve(url, stated)
    if link is None:
        return own
    try:
        candidate = canonicalize(link)
        same_site = registered_domain(candidate) == registered_domain(own)
    except BadURLError:
        return own
    if not same_site or (urlsplit(candidate).path == "/" and urlsplit(own).path != "/"):
        return own
    return candidate


def read_statements(tree: Any, *, now: datetime) -> Statements:
    """Read JSON-LD, meta and link elements (schema.org Article, Open Graph)."""
    metas = _read_metas(tree)
    objects = list(_read_json_ld(tree))
    headline = next((o["headline"] for o in objects if isinstance(o.get("headline"), str)), None)
    heading = [item.text_content().strip() for item in tree.iter("h1")]
    if headline is None:
        headline = metas.get("og:title") or (heading[0] if len(heading) == 1 else None)
    headline = _without_site(clean_line(headline), heading) if headline else None
    links = [
        item.get("href")
        for item in tree.iter("link")
        if "canonical" in (item.get("rel") or "").lower().split()
    ]
    language = re.match(r"[A-Za-z]{2}(?![A-Za-z])", (tree.get("lang") or "").strip())
    return Statements(
        headline=headline or None,
        canonical=links[0] if len(set(links)) == 1 else metas.get("og:url") if not links else None,
        language=language.group(0).lower() if language else None,
        published=_dates(objects, metas, ("datePublished", "dateCreated"), _PUBLISHED, now=now),
        modified=_dates(objects, metas, ("dateModified",), _MODIFIED, now=now),
    )


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
    "date",
    "dc.date.issued",
    "dc.date",
    "dcterms.created",
    "article.published",
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


def _without_site(headline: str, headings: list[str]) -> str:
    """Cut a site's name off a headline when the page's heading shows where it ends."""
    for heading in headings:
        plain = " ".join(heading.split())
        if plain and len(plain) >= 15 and headline.startswith(plain):
            return plain
    return headline


def _dates(
    objects: list[dict[str, Any]],
    metas: dict[str, str],
    keys: tuple[str, ...],
    names: tuple[str, ...],
    *,
    now: datetime,
) -> tuple[DatedBy, ...]:
    found = [
        parse_date(item[key], source=DateSource.JSON_LD, now=now)
        for key in keys
        for item in objects
        if isinstance(item.get(key), str)
    ]
    found += [
        parse_date(metas[name], source=DateSource.META, now=now) for name in names if name in metas
    ]
    return tuple(item for item in found if item is not None)


def _read_metas(tree: Any) -> dict[str, str]:
    metas: dict[str, str] = {}
    for item in tree.iter("meta"):
        name = item.get("property") or item.get("name") or item.get("itemprop")
        content = item.get("content")
        if name and content:
            metas.setdefault(name.strip().lower(), content.strip())
    for item in tree.xpath("//*[@itemprop='datePublished' or @itemprop='dateModified']"):
        moment = item.get("datetime") or item.get("content")
        if moment:
            metas.setdefault(item.get("itemprop").lower(), moment.strip())
    return metas


def _read_json_ld(tree: Any) -> Iterator[dict[str, Any]]:
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() != "application/ld+json":
            continue
        content = script.text or ""
        if len(content) > _MAX_JSON:
            continue
        try:
            data = json.loads(content, strict=False)
        except (ValueError, RecursionError):
            continue
        yield from _find_articles(data)


def _find_articles(data: Any) -> Iterator[dict[str, Any]]:
    pending, seen = [data], 0
    while pending and seen < 2000:
        item = pending.pop(0)
        seen += 1
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            if _ARTICLE_TYPES.search(str(item.get("@type", ""))[:200]):
                yield item
            pending.extend(item.get(key) for key in ("@graph", "mainEntity", "mainEntityOfPage"))
