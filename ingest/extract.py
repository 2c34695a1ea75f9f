"""From HTML to an article: text by trafilatura, metadata by what the page says of itself.

The tree is parsed once. Extraction is adaptive: the fast mode first, and the default mode when the
fast one found less than three tenths of the text that stands in paragraphs; a page with next to no
paragraphs goes to the default mode at once. About one page in seven takes it, which keeps the
quality of the default at five sixths of its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import lxml.html
from htmldate import find_date
from lxml.etree import LIBXML_VERSION, LxmlError
from trafilatura import bare_extraction

from ingest.canonical import choose_canonical
from ingest.dates import choose_published, find_day, from_url, parse_date
from ingest.htmltext import decode_html
from ingest.language import count_words, detect_language
from ingest.model import Article, DatedBy, DateSource, FailureKind, Rejection
from ingest.statements import Json, find_articles, read_byline, read_statements
from ingest.textclean import clean_line, clean_text, without_headline

EXTRACTOR = "trafilatura"
_OUR_RULES = "2"  # part of the extractor's version: our own rules move texts as well
MAX_HTML = 3 * 2**20
"""Bytes of HTML that are extracted; trafilatura takes two seconds a megabyte."""

_SURE_LANGUAGE = 200  # characters from which detection is surer than what a template says
_SAMPLE = 5000  # characters in which letters are counted
_MAX_LINES = 20
_NEAR_TITLE = 60  # pieces of text after the headline
# lxml refuses control characters when trafilatura moves text about, and the whole page is lost.
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
_CONTROL_REFERENCE = re.compile(
    rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
_NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")  # U+FFFE and U+FFFF
_DATE_LINES = (
    "//time | //*[self::span or self::div or self::p or self::li or self::td or self::small]"
    "[contains(@class, 'date') or contains(@class, 'Date') or contains(@id, 'date')"
    " or contains(@class, 'publish') or contains(@class, 'time') or contains(@class, 'datum')"
    " or contains(@class, 'fecha') or contains(@class, 'posted')]"
)
_NAME_LINES = (
    "//*[@itemprop='author' or @rel='author'"
    " or contains(@class, 'byline') or contains(@class, 'author-name')"
    " or contains(@class, 'author__name') or contains(@class, 'article-author')"
    " or @class='author' or @class='authors']"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionLimits:
    """When a text is enough; characters, but for the share."""

    least_text: int = 80  # a headline alone is no article
    least_paragraphs: int = 600  # with less in paragraphs the fast mode mistakes menus for text
    enough_share: float = 0.3  # of the text in paragraphs


def extract_article(
    html: bytes,
    *,
    url: str,
    charset: str | None,
    feed_date: DatedBy | None,
    now: datetime,
    limits: ExtractionLimits = ExtractionLimits(),
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
    said = read_statements(
        list(_read_json_ld(tree)),
        metas := _read_metas(tree),
        headings=_texts(tree, "h1"),
        page_title=next(iter(_texts(tree, "title")), ""),
        now=now,
    )
    published = choose_published([*said.published, feed_date, from_url(url, now=now)])
    text = clean_text(_extract_text(tree, limits=limits))
    text = without_headline(text, said.headline)
    letters = sum(character.isalpha() for character in text[:_SAMPLE])
    if len(text) < limits.least_text or letters < limits.least_text // 2:
        return Rejection(
            kind=FailureKind.EMPTY,
            reason=f"only {len(text)} characters of text were found, {letters} of them letters",
        )
    return Article(
        url=url,
        canonical_url=choose_canonical(_stated_canonical(tree, metas), url=url),
        title=said.headline,
        byline=said.byline or read_byline(_names_near_title(tree)),
        site_name=said.site_name,
        published=published or next(filter(None, _visible_dates(tree, now=now)), None),
        modified=choose_published(said.modified),
        language=_choose_language(tree, text),
        text=text,
        words=count_words(text),
        extractor=EXTRACTOR,
        extractor_version=extractor_version(),
    )


@lru_cache(maxsize=1)  # reading the installed metadata takes a millisecond
def extractor_version() -> str:
    """The version that stands in every version row: the library's and that of our rules."""
    return f"{version('trafilatura')}+{_OUR_RULES}"


def parse_html(html: bytes, *, charset: str | None) -> Any | None:
    """Parse a page into an lxml tree; None for what is no HTML."""
    text = _without_controls(decode_html(html, charset=charset).encode("utf-8", "replace"))
    parser = lxml.html.HTMLParser(
        encoding="utf-8",
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = lxml.html.document_fromstring(text, parser=parser)
    except (LxmlError, ValueError):
        return None
    return tree if len(tree) else None


def _without_controls(text: bytes) -> bytes:
    # In UTF-8 bytes this is twenty times as fast as in characters.
    text = _CONTROL_REFERENCE.sub(b"", text.translate(None, _CONTROL))
    for mark in _NONCHARACTERS:
        text = text.replace(mark, b"")
    return text


def _extract_text(tree: Any, *, limits: ExtractionLimits) -> str:
    paragraphs = sum(len(item.text_content()) for item in tree.iter("p"))
    if paragraphs >= limits.least_paragraphs:
        text = _run(tree, fast=True)
        if len(text) >= max(limits.enough_share * paragraphs, limits.least_text):
            return text
        return _run(tree, fast=False) or text
    return _run(tree, fast=False)


def _run(tree: Any, *, fast: bool) -> str:
    # Works on a copy of the tree. deduplicate is stateful and lowers F1, target_language drops
    # pages: both stay off.
    document = bare_extraction(
        tree, fast=fast, include_comments=False, with_metadata=False, deduplicate=False
    )
    if document is None:
        return ""
    text = document["text"] if isinstance(document, dict) else document.text
    return text or ""


def _stated_canonical(tree: Any, metas: dict[str, str]) -> str | None:
    links = {
        item.get("href")
        for item in tree.iter("link")
        if "canonical" in (item.get("rel") or "").lower().split()
    }
    if links:  # two that differ: neither is to be trusted
        return links.pop() if len(links) == 1 else None
    return metas.get("og:url")


def _choose_language(tree: Any, text: str) -> str | None:
    if len(text) >= _SURE_LANGUAGE and (detected := detect_language(text)):
        return detected
    stated = re.match(r"[A-Za-z]{2}(?![A-Za-z])", (tree.get("lang") or "").strip())
    return stated.group(0).lower() if stated else detect_language(text)


def _texts(tree: Any, tag: str) -> list[str]:
    return [item.text_content() for item in tree.iter(tag)][:_MAX_LINES]


def _read_metas(tree: Any) -> dict[str, str]:
    metas: dict[str, str] = {}
    for item in tree.iter("meta"):
        name = item.get("property") or item.get("name") or item.get("itemprop")
        content = item.get("content")
        key = (name or "").strip().lower()
        if key == "author" and key in metas and content:  # an element each
            metas[key] += f", {content.strip()}"
        elif key and content:
            metas.setdefault(key, content.strip())
    for item in tree.xpath("//*[@itemprop='datePublished' or @itemprop='dateModified']"):
        moment = item.get("datetime") or item.get("content")
        if moment:
            metas.setdefault(item.get("itemprop").lower(), moment.strip())
    return metas


def _read_json_ld(tree: Any) -> Iterator[Json]:
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json":
            yield from find_articles(script.text or "")


def _names_near_title(tree: Any) -> Iterator[str]:
    for item in tree.xpath(_NAME_LINES)[:_MAX_LINES]:
        yield item.get("content") or item.text_content()


def _visible_dates(tree: Any, *, now: datetime) -> Iterator[DatedBy | None]:
    """The days a reader sees; only asked when neither markup, feed nor address has a date."""
    for item in tree.xpath(_DATE_LINES)[:_MAX_LINES]:
        yield parse_date(item.get("datetime") or "", source=DateSource.TEXT, now=now)
        yield find_day(clean_line(item.text_content()), now=now)
    guess = find_date(tree, extensive_search=False, original_date=True)
    yield parse_date(guess or "", source=DateSource.TEXT, now=now)
    for line in tree.xpath("(//h1)[1]/following::text()")[:_NEAR_TITLE]:
        yield find_day(clean_line(line), now=now)


def libxml2_version() -> str:
    """The version of the C library that reads pages."""
    return ".".join(map(str, LIBXML_VERSION))
