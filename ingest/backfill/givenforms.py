"""Articles as other extractors write them, in the names that we give their fields.

news-please: known by `maintext` (github.com/fhamborg/news-please, newsplease/NewsArticle.py)
Fundus: `body` of `summary` and `sections`, or `plaintext` (github.com/flairNLP/fundus,
    docs/3_the_article_class.md and src/fundus/parser/data.py)
newspaper3k, newspaper4k: `publish_date` or `canonical_link` beside `text`
    (github.com/AndyTheFactory/newspaper4k, Article.to_json and settings.article_json_fields)
trafilatura: `hostname`, `source` or `raw_text` beside `text` (trafilatura.readthedocs.io, the
    output format "json")

What has `published_at` is ours. The dates of others are guesses: one that can't be read is left
out, and the article kept. Fundus writes no address unless it is asked to, as in
`{**article.to_json(), "url": article.html.requested_url}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ingest.statements import read_byline
from ingest.urls import is_http_url

Record = Mapping[str, Any]

_MAX_PARTS = 10_000  # sections and paragraphs of one article
_NONE = frozenset({"", "none", "null"})  # news-please writes a missing date as "None"


def translate(record: Record) -> dict[str, Any] | None:
    """Return url, title, text, published_at, modified_at, language, author and site_name.

    None when the record has the form of no other extractor. A field that is missing is None.
    """
    if "published_at" in record:
        return None
    for is_form, read in _FORMS:
        if is_form(record):
            fields = read(record)
            return {name: fields.get(name) for name in _FIELDS}
    return None


_FIELDS = (
    "url",
    "title",
    "text",
    "published_at",
    "modified_at",
    "language",
    "author",
    "site_name",
)


def _is_news_please(record: Record) -> bool:
    return "maintext" in record


def _read_news_please(record: Record) -> dict[str, Any]:
    return {
        "url": _address(record, "url"),
        "title": _text(record, "title", "title_page", "title_rss"),
        "text": _text(record, "maintext"),
        "published_at": _text(record, "date_publish"),
        "modified_at": _text(record, "date_modify"),
        "language": _text(record, "language"),
        "author": _names(record.get("authors")),
        "site_name": _text(record, "source_domain"),
    }


def _is_fundus(record: Record) -> bool:
    body = record.get("body")
    return "plaintext" in record or (
        isinstance(body, dict) and not {"summary", "sections"}.isdisjoint(body)
    )


def _read_fundus(record: Record) -> dict[str, Any]:
    html = record.get("html")
    page = html if isinstance(html, dict) else {}
    source = page.get("source_info")
    body = record.get("body")
    return {
        "url": _address(record, "url", "requested_url", "responded_url")
        or _address(page, "requested_url", "responded_url"),
        "title": _text(record, "title"),
        "text": _text(record, "plaintext")
        or "\n".join(_paragraphs(body if isinstance(body, dict) else {})),
        "published_at": _text(record, "publishing_date"),
        "language": _text(record, "lang", "language"),
        "author": _names(record.get("authors")),
        "site_name": _text(record, "publisher")
        or (_text(source, "publisher") if isinstance(source, dict) else None),
    }


def _paragraphs(body: Record) -> list[str]:
    """The summary, and the headline and paragraphs of each section, in their order."""
    sections = body.get("sections")
    parts = [body.get("summary")]
    for section in sections[:_MAX_PARTS] if isinstance(sections, list) else []:
        if isinstance(section, dict):
            parts += [section.get("headline"), section.get("paragraphs")]
    return [
        text
        for part in parts
        if isinstance(part, list)
        for text in part[:_MAX_PARTS]
        if isinstance(text, str) and text.strip()
    ]


def _is_newspaper(record: Record) -> bool:
    return "text" in record and not {"publish_date", "canonical_link"}.isdisjoint(record)


def _read_newspaper(record: Record) -> dict[str, Any]:
    # "source_url" is the home page of the outlet.
    return {
        "url": _address(record, "url", "canonical_link"),
        "title": _text(record, "title"),
        "text": _text(record, "text"),
        "published_at": _text(record, "publish_date"),
        "language": _text(record, "meta_lang", "language"),
        "author": _names(record.get("authors")),
        "site_name": _text(record, "meta_site_name"),
    }


def _is_trafilatura(record: Record) -> bool:
    return "text" in record and not {
        "hostname",
        "source-hostname",
        "sitename",
        "raw_text",
        "source",
    }.isdisjoint(record)


def _read_trafilatura(record: Record) -> dict[str, Any]:
    author = _text(record, "author")
    return {
        "url": _address(record, "url", "source"),
        "title": _text(record, "title"),
        "text": _text(record, "text", "raw_text"),
        "published_at": _text(record, "date"),
        "language": _text(record, "language"),
        "author": read_byline(author.split(";")) if author else None,
        "site_name": _text(record, "sitename", "source-hostname", "hostname"),
    }


def _text(record: Record, *names: str) -> str | None:
    """The first of these fields that says something."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip().lower() not in _NONE:
            return value
    return None


def _address(record: Record, *names: str) -> str | None:
    values = (_text(record, name) for name in names)
    return next((value for value in values if value and is_http_url(value.strip())), None)


def _names(value: object) -> str | None:
    names: Iterable[object] = value if isinstance(value, list) else [value]
    return read_byline(name for name in names if isinstance(name, str))


_FORMS: tuple[tuple[Callable[[Record], bool], Callable[[Record], dict[str, Any]]], ...] = (
    (_is_news_please, _read_news_please),
    (_is_fundus, _read_fundus),
    (_is_newspaper, _read_newspaper),
    (_is_trafilatura, _read_trafilatura),
)
