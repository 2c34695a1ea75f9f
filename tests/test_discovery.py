"""Finding the feeds of a page."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.discovery import find_feed_links, guess_feed_urls

PAGE = "https://news.example/world/"
_MARKUP = st.lists(
    st.sampled_from(
        [
            *(
                "<a ",
                "<link ",
                "<base ",
                "<!--",
                "-->",
                "<![x[",
                "<script>",
                "</script>",
                ">",
                "<",
                "'",
            ),
            *(
                '"',
                "href=",
                "href='feed'",
                "rel=alternate ",
                "type=text/xml ",
                "&#99999999999;",
                "\x00",
            ),
        ]
    )
).map("".join)


def test_announced_feeds_come_with_absolute_urls_and_titles():
    html = b"""<head><link rel="alternate" type="application/rss+xml" href="/rss.xml" title="All">
    <LINK REL="ALTERNATE home" TYPE="application/atom+xml; charset=utf-8" HREF='atom?a=1&amp;b=2'/>
    <link rel="alternate" hreflang="de" href="/de"></head>"""
    assert find_feed_links(html, base_url=PAGE) == (
        ("https://news.example/rss.xml", "All"),
        ("https://news.example/world/atom?a=1&b=2", ""),
    )


@pytest.mark.parametrize(
    "href",
    ["https://x.example/news.rss", "/rss", "/world/feed/", "/a.xml?x=1", "?feed=rss2", "/ATOM"],
)
def test_links_that_look_like_feeds_count_when_none_is_announced(href):
    html = f'<a href="/about">x</a><a class=b href="{href}">RSS</a>'.encode()
    assert len(find_feed_links(html, base_url=PAGE)) == 1


@pytest.mark.parametrize("href", ["/feedback", "/thermorss", "/atomic-talks", "/a.xmlx", "/press"])
def test_words_that_merely_contain_feed_do_not_count(href):
    assert find_feed_links(f'<a href="{href}">x</a>'.encode(), base_url=PAGE) == ()


def test_links_are_not_offered_beside_announced_feeds():
    html = b'<a href="/rss">x</a><link rel=alternate type=application/rss+xml href=/real.xml>'
    assert find_feed_links(html, base_url=PAGE) == (("https://news.example/real.xml", ""),)


def test_a_base_element_is_honoured():
    html = b'<base href="/other/"><link rel=alternate type=text/xml href=f.xml>'
    assert find_feed_links(html, base_url=PAGE) == (("https://news.example/other/f.xml", ""),)


@pytest.mark.parametrize(
    "hidden", ["<!-- {} -->", "<script>'{}'</script>", "<template>{}</template>"]
)
def test_what_a_reader_does_not_see_does_not_count(hidden):
    link = "<link rel=alternate type=application/rss+xml href=/old.xml>"
    html = hidden.format(link) + "<a href=/rss>x</a>"
    assert find_feed_links(html.encode(), base_url=PAGE) == (("https://news.example/rss", ""),)


def test_script_links_are_not_followed():
    html = b'<link rel=alternate type=application/rss+xml href="javascript:alert(1)">'
    assert find_feed_links(html, base_url=PAGE) == ()


def test_the_same_feed_is_named_once_and_no_page_names_thousands():
    html = b"".join(
        b"<a href=/feed?n=%d></a><a href=/feed?n=0></a>" % number for number in range(999)
    )
    found = find_feed_links(html, base_url=PAGE)
    assert len(set(found)) == len(found) == 200


def test_guesses_stay_on_the_site():
    assert all(url.startswith("https://news.example/") for url in guess_feed_urls(PAGE))
    assert "https://news.example/feed" in guess_feed_urls(PAGE)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), _MARKUP.map(str.encode)))
def test_any_bytes_after_a_feed_leave_it_found(rest):
    html = b"<link rel=alternate type=text/xml href=/first>" + rest
    assert find_feed_links(html, base_url=PAGE)[0][0].endswith("/first")


@pytest.mark.parametrize(
    "piece", ["<a ", "<a/", "<a b='", "<!--", "<", "<script>", "<script></script "]
)
def test_unclosed_markup_is_read_in_linear_time(piece):
    html = (piece * (60_000 // len(piece))).encode()
    start = process_time()
    assert find_feed_links(html, base_url=PAGE) == ()
    assert process_time() - start < 5  # html.parser takes half a minute for the worst of these
