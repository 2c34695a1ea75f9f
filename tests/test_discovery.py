"""Finding the feeds of a page."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.discovery import find_feed_links, guess_feed_urls

PAGE = "https://news.example/world/"


def test_announced_feeds_come_with_absolute_urls_and_titles():
    html = b"""<head><link rel="alternate" type="application/rss+xml" href="/rss.xml" title="All">
    <link rel="ALTERNATE" type="application/atom+xml; charset=utf-8" href="atom">
    <link rel="alternate" hreflang="de" href="/de"></head>"""
    assert find_feed_links(html, base_url=PAGE) == (
        ("https://news.example/rss.xml", "All"),
        ("https://news.example/world/atom", ""),
    )


def test_links_that_look_like_feeds_count_when_none_is_announced():
    html = b'<a href="/about">x</a><a href="https://feeds.example/news.rss">RSS</a>'
    assert find_feed_links(html, base_url=PAGE) == (("https://feeds.example/news.rss", ""),)


def test_a_base_element_is_honoured():
    html = b'<base href="/other/"><link rel=alternate type=text/xml href=f.xml>'
    assert find_feed_links(html, base_url=PAGE) == (("https://news.example/other/f.xml", ""),)


def test_script_links_are_not_followed():
    html = b'<link rel=alternate type=application/rss+xml href="javascript:alert(1)">'
    assert find_feed_links(html, base_url=PAGE) == ()


def test_guesses_stay_on_the_site():
    assert all(url.startswith("https://news.example/") for url in guess_feed_urls(PAGE))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_tuple(body):
    assert isinstance(find_feed_links(b"<a href=feed" + body, base_url=PAGE), tuple)
