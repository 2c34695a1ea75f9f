"""Which feeds a web page leads to (RSS autodiscovery, rssboard.org/rss-autodiscovery).

Tags are found by patterns and in linear time: `html.parser` before Python 3.11.14 takes quadratic
time on unclosed tags (CVE-2025-6069), for two megabytes of them hours, and raises on "<![x[".
"""

from __future__ import annotations

import re
from html import unescape

from ingest.urls import resolve

_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/xml",
        "text/xml",
    }
)
_PATHS = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feeds/rss", "?feed=rss2")
_MAX_BYTES = 2 * 2**20
_MAX_LINKS = 200
_START = re.compile(r"<(?:(!--)|(script|style|template)\b|(base|link|a)(?=[\s/]))", re.IGNORECASE)
_ENDS = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "template")
}
# No "<" within a tag, not even quoted: that bounds each try by the next tag.
_TAG = re.compile(r"""((?:[^"'<>]|"[^"<]*+"|'[^'<]*+')*+)>""")
_ATTRIBUTE = re.compile(
    r"""(?<![^\s"'/])([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
# A word of the path that says feed; "feedback" and "thermosrss" don't.
_LOOKS_LIKE_FEED = re.compile(
    r"(?<![a-z])(?:rss(?:2|20|_?feeds?)?|feeds?|atom)(?![a-z])|\.(?:rdf|xml)(?=$|[?#])",
    re.IGNORECASE,
)


def find_feed_links(html: bytes, *, base_url: str) -> tuple[tuple[str, str], ...]:
    """Return (url, title) of the feeds a page announces; else of links that look like one."""
    tags = _read_tags(html[:_MAX_BYTES].decode("utf-8", "replace"))
    bases = [values.get("href", "") for name, values in tags if name == "base"]
    base = (resolve(base_url, bases[0]) if bases and bases[0] else None) or base_url
    announced = [values for name, values in tags if name == "link" and _announces(values)]
    linked = [
        values
        for name, values in tags
        if name == "a" and _LOOKS_LIKE_FEED.search(values.get("href", ""))
    ]
    found: dict[str, str] = {}
    for values in announced or linked:
        href = values.get("href", "").strip()
        url = resolve(base, href) if href else None
        if url is not None and len(found) < _MAX_LINKS:
            found.setdefault(url, " ".join(values.get("title", "").split()))
    return tuple(found.items())


def _announces(values: dict[str, str]) -> bool:
    kind = values.get("type", "").lower().partition(";")[0].strip()
    return "alternate" in values.get("rel", "").lower().split() and kind in _TYPES


def _read_tags(page: str) -> list[tuple[str, dict[str, str]]]:
    """The base, link and a elements with their attributes; not from comments and scripts."""
    tags = []
    position = 0
    while found := _START.search(page, position):
        position = found.end()
        if found[1]:
            position = _after(page.find("-->", position - 2), len(page))
        elif found[2]:
            closing = _ENDS[found[2].lower()].search(page, position)
            position = closing.end() if closing else len(page)
        elif tag := _TAG.match(page, position):
            tags.append((found[3].lower(), _read_attributes(tag[1])))
            position = tag.end()
    return tags


def _after(index: int, end: int) -> int:
    return index if index >= 0 else end


def _read_attributes(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        values.setdefault(name.lower(), unescape(double or single or bare))
    return values


def guess_feed_urls(page_url: str) -> tuple[str, ...]:
    """Return the addresses where sites usually keep a feed."""
    guesses = (resolve(page_url, f"/{path}") for path in _PATHS)
    return tuple(url for url in guesses if url is not None)
