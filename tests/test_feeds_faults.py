"""Feeds that are broken, hostile, or none at all."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.feeds import parse_feed, plain_text
from ingest.model import FeedDocument, NotAFeed
from ingest.urls import is_http_url
from tests.test_feeds import NOW, URL, item, read, rss

_LEVELS = "".join(f"<!ENTITY l{number} '{f'&l{number - 1};' * 10}'>" for number in range(1, 10))
MULTIPLYING = f"<!DOCTYPE rss [<!ENTITY l0 'lol'>{_LEVELS}]>"
PIECES = [
    *(
        "<rss version='2.0'>",
        "<channel>",
        "<item>",
        "</item>",
        "</channel></rss>",
        "<title>",
        "</title>",
    ),
    *("<link>https://news.example/1</link>", "<link>javascript:a</link>", "<link>http://[</link>"),
    *("<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "</entry>", "<link href='/a'/>"),
    *(
        "<guid>",
        "</guid>",
        "<pubDate>2023-09-05</pubDate>",
        "<pubDate>99999-1-1</pubDate>",
        "&#xD800;",
    ),
    *(
        "&#99999999999;",
        "\x00",
        "é",
        "&",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE a [",
        "<description>&lt;![x[",
    ),
    *("<?xml version='1.0' encoding='punycode'?>", "<html>", "<author>", "xml:base='http://['"),
]


def parse(body: bytes, content_type: str | None = None) -> FeedDocument | NotAFeed:
    return parse_feed(body, url=URL, content_type=content_type, now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n\t", id="white space"),
        pytest.param(b"<!DOCTYPE html><html><p>Not found</p></html>", id="a page"),
        pytest.param(b"\xef\xbb\xbf \n<HTML><body>x", id="a page after a byte order mark"),
        pytest.param(b"<!-- x --><html><p>Not found</p></html>", id="a page after a comment"),
        pytest.param(
            b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", id="XHTML"
        ),
        pytest.param(b'{"version": "https://jsonfeed.org/version/1"}', id="JSON"),
        pytest.param(bytes(range(256)) * 4, id="binary"),
        pytest.param(gzip.compress(rss(item())), id="a feed still compressed"),
        pytest.param(b"/etc/passwd", id="the name of a file"),
        pytest.param(b"http://127.0.0.1:9/feed", id="the address of a feed"),
        pytest.param(b"<note><to>x</to></note>", id="other XML"),
    ],
)
def test_what_is_no_feed_is_told_from_an_empty_one(body):
    answer = parse(body, "application/rss+xml")
    assert isinstance(answer, NotAFeed)
    assert answer.reason
    assert isinstance(parse(rss()), FeedDocument)


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#xDFFF;", "&#99999999999;", "&#x110000;", "&#0;"]
)
def test_a_reference_to_no_character_costs_the_character_only(reference):
    body = rss(f"<title>a{reference}b</title><link>https://news.example/1</link>", item(2))
    first, second = read(body).entries
    assert first.title.replace("\ufffd", "").replace(reference, "") == "ab"
    first.title.encode()  # raises when a lone surrogate is left
    assert second.title == "Title 2"


def test_control_characters_do_not_reach_the_database():
    body = rss("<title>a\x00b\x0bc</title><link>https://news.example/1</link><guid>g\x00</guid>")
    (entry,) = read(body).entries
    assert not any(
        character < " " for text in (entry.title, entry.guid) for character in text or ""
    )


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("cut", ["<title>Title 3", "<title>", "<link>https://news.exa", "</link>"])
def test_a_feed_cut_off_inside_an_entry_keeps_the_complete_ones(cut, codec):
    head = f"<?xml version='1.0' encoding='{codec}'?>"
    whole = rss(item(1), item(2), item(3), head=head).decode()
    document = read(whole[: whole.rindex(cut) + len(cut)].encode(codec), content_type=None)
    assert [entry.title for entry in document.entries] == ["Title 1", "Title 2"]
    assert document.bozo is not None


def test_a_feed_cut_off_between_entries_loses_none():
    body = rss(item(1), item(2)).removesuffix(b"</channel></rss>")
    assert [entry.title for entry in read(body).entries] == ["Title 1", "Title 2"]


def test_entities_that_multiply_are_not_expanded():
    body = rss("<title>&l9;</title><link>https://news.example/1</link>", head=MULTIPLYING)
    start = process_time()
    answer = parse(body)
    assert process_time() - start < 10
    titles = [entry.title for entry in answer.entries] if isinstance(answer, FeedDocument) else []
    assert not any("lol" in title for title in titles)


def test_external_entities_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    head = f"<!DOCTYPE rss [<!ENTITY e SYSTEM '{secret.as_uri()}'>]>"
    answer = parse(rss(item(rest="<description>&e;</description>"), head=head))
    assert "hunter2" not in repr(answer)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "mailto:a@x.example", ""]
)
def test_links_that_are_no_page_are_skipped_and_counted(link):
    document = read(rss(f"<title>x</title><link>{link}</link>", item(2)))
    assert [entry.title for entry in document.entries] == ["Title 2"]
    assert document.skipped == 1


def test_scripts_leave_no_trace_in_title_and_summary():
    html = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;svg onload=alert(2)&gt;Text"
    body = rss(
        f"<title>{html}</title><link>https://news.example/1</link><description>{html}</description>"
    )
    (entry,) = read(body).entries
    assert (entry.title, entry.summary) == ("Text", "Text")


@pytest.mark.parametrize(
    "codec",
    ["bogus-8", "zlib_codec", "idna", "utf-7", "rot13", "hex", "punycode", "undefined", "base64"],
)
def test_a_label_that_is_no_encoding_raises_nothing(codec):
    body = rss(item(), head=f"<?xml version='1.0' encoding='{codec}'?>")
    answer = parse(body, f"text/xml; charset={codec}")
    assert isinstance(answer, NotAFeed) or answer.entries[0].title == "Title 1"


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<a/",
        "<a b='",
        "<a b='>",
        "<!--",
        "<",
        "</",
        "<?",
        "<![CDATA[",
        "<script>",
        "&",
        "&#9",
    ],
)
def test_hostile_markup_becomes_text_in_linear_time(piece):
    start = process_time()
    plain_text(piece * (60_000 // len(piece)))
    assert process_time() - start < 5  # html.parser takes half a minute for the worst of these


@settings(deadline=None)
@given(st.text())
def test_plain_text_of_any_text_is_one_line(text):
    assert plain_text(text) == " ".join(plain_text(text).split())


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
)
@example(b"<rss version='2.0'><channel><item><title>&#xD800;</title>")
def test_no_bytes_raise_and_what_is_read_can_be_stored(body):
    answer = parse(body if isinstance(body, bytes) else b"<rss><channel>" + body.encode())
    assert isinstance(answer, FeedDocument | NotAFeed)
    entries = answer.entries if isinstance(answer, FeedDocument) else ()
    for entry in entries:
        assert is_http_url(entry.url)
        texts = (entry.url, entry.title, entry.summary, entry.guid or "", entry.author or "")
        assert not any("\x00" in text for text in texts)
        assert all(text.encode() is not None for text in texts)
        assert entry.published is None or entry.published.value >= datetime(1990, 1, 1, tzinfo=UTC)
