"""The newsroom's pages and feeds as markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a page and its feed entry show."""

    url: str
    title: str
    text: str
    author: str
    language: str
    outlet: str
    published: datetime


_WALL = {
    "de": (
        "Bevor Sie fortfahren",
        "Wir und unsere Partner verwenden Cookies, um Inhalte zu messen.",
        "Bitte stimmen Sie der Verwendung von Cookies zu.",
        "Alle akzeptieren",
        "Alle ablehnen",
    ),
    "fr": (
        "Votre vie privée",
        "Nous utilisons des cookies pour mesurer l'audience de notre site.",
        "Votre accord est nécessaire pour lire la suite.",
        "Tout accepter",
        "Tout refuser",
    ),
}


def render_page(item: Item) -> str:
    """An article as sites publish it: navigation, metadata, text, related links, footer."""
    paragraphs = "".join(f"<p>{escape(part)}</p>\n" for part in item.text.split("\n\n"))
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": item.title,
        "datePublished": item.published.isoformat(),
        "author": {"@type": "Person", "name": item.author},
        "publisher": {"@type": "Organization", "name": item.outlet},
    }
    linked_data = json.dumps(data, ensure_ascii=False)
    return (
        f'<!doctype html>\n<html lang="{item.language}"><head><meta charset="utf-8">\n'
        f"<title>{escape(item.title)} | {escape(item.outlet)}</title>\n"
        f'<link rel="canonical" href={quoteattr(item.url)}>\n'
        f'<meta property="og:title" content={quoteattr(item.title)}>\n'
        f'<meta property="og:site_name" content={quoteattr(item.outlet)}>\n'
        f'<meta name="author" content={quoteattr(item.author)}>\n'
        f'<script type="application/ld+json">{linked_data}</script></head>\n'
        '<body><header><nav><a href="/">Home</a> <a href="/world">World</a></nav></header>\n'
        f"<main><article><h1>{escape(item.title)}</h1>\n{paragraphs}</article>\n"
        '<aside><ul><li><a href="/a">A</a></li><li><a href="/b">B</a></li></ul></aside></main>\n'
        f"<footer>© {escape(item.outlet)}</footer></body></html>\n"
    )


def render_wall(language: str) -> str:
    """A consent wall, with status 200 and nothing of the article."""
    title, first, second, accept, refuse = _WALL.get(language, _WALL["de"])
    return (
        f'<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<main><h1>{title}</h1><p>{first}</p><p>{second}</p>"
        f"<button>{accept}</button><button>{refuse}</button></main></body></html>"
    )


def render_soft_404() -> str:
    """A page that says that there is none, with status 200."""
    return (
        '<html lang="zh"><head><meta charset="utf-8"><title>页面不存在</title></head><body>'
        "<main><h1>页面不存在</h1><p>抱歉，您访问的页面不存在或已被删除。</p>"
        '<p><a href="/">返回首页</a></p></main></body></html>'
    )


def render_feed(kind: str, title: str, items: Sequence[Item]) -> bytes:
    """A feed as rss (2.0), atom (1.0) or rdf (RSS 1.0)."""
    renderers = {"rss": _rss, "atom": _atom, "rdf": _rdf}
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + renderers[kind](title, items)).encode()


def _summary(item: Item) -> str:
    return escape(item.text.split("\n\n")[0])


def _rss(title: str, items: Sequence[Item]) -> str:
    entries = "".join(
        f"<item><title>{escape(item.title)}</title><link>{escape(item.url)}?utm_source=rss</link>"
        f'<guid isPermaLink="false">{escape(item.url)}</guid>'
        f"<description>{_summary(item)}</description>"
        f"<pubDate>{format_datetime(item.published)}</pubDate></item>\n"
        for item in items
    )
    return f'<rss version="2.0"><channel><title>{escape(title)}</title>\n{entries}</channel></rss>'


def _atom(title: str, items: Sequence[Item]) -> str:
    entries = "".join(
        f"<entry><title>{escape(item.title)}</title><id>{escape(item.url)}</id>"
        f"<link href={quoteattr(item.url)}/><summary>{_summary(item)}</summary>"
        f"<published>{item.published.isoformat()}</published></entry>\n"
        for item in items
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(title)}</title>\n{entries}</feed>'


def _rdf(title: str, items: Sequence[Item]) -> str:
    entries = "".join(
        f"<item rdf:about={quoteattr(item.url)}><title>{escape(item.title)}</title>"
        f"<link>{escape(item.url)}/amp</link><description>{_summary(item)}</description>"
        f"<dc:date>{item.published.isoformat()}</dc:date></item>\n"
        for item in items
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>{escape(title)}</title></channel>\n{entries}</rdf:RDF>"
    )
