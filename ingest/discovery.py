"""Which feeds a web page leads to (RSS autodiscovery, rssboard.org/rss-autodiscovery)."""

from __future__ import annotations

from html.parser import HTMLParser

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
_WORDS = ("rss", "feed", "atom", ".rdf", ".xml")
_PATHS = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feeds/rss", "?feed=rss2")
_MAX_BYTES = 2 * 2**20


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.announced: list[tuple[str, str]] = []  # <link rel="alternate">
        self.linked: list[tuple[str, str]] = []  # <a href> that look like feeds
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        href = values.get("href", "").strip()
        if tag == "base" and self.base is None:
            self.base = href
        elif tag == "link" and "alternate" in values.get("rel", "").lower().split():
            if values.get("type", "").lower().partition(";")[0].strip() in _TYPES and href:
                self.announced.append((href, values.get("title", "").strip()))
        elif tag == "a" and any(word in href.lower() for word in _WORDS):
            self.linked.append((href, values.get("title", "").strip()))


def find_feed_links(html: bytes, *, base_url: str) -> tuple[tuple[str, str], ...]:
    """Return (url, title) of the feeds a page announces; else of links that look like one."""
    parser = _Links()
    parser.feed(html[:_MAX_BYTES].decode("utf-8", "replace"))
    parser.close()
    base = (resolve(base_url, parser.base) if parser.base else None) or base_url
    found: dict[str, str] = {}
    for href, title in parser.announced or parser.linked:
        url = resolve(base, href)
        if url is not None:
            found.setdefault(url, title)
    return tuple(found.items())


def guess_feed_urls(page_url: str) -> tuple[str, ...]:
    """Return the addresses where sites usually keep a feed."""
    guesses = (resolve(page_url, f"/{path}") for path in _PATHS)
    return tuple(url for url in guesses if url is not None)
