"""Sitemaps as sites write them: what is listed, under which dates, however broken they are."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.sitemaps import NestedSitemap, Sitemap, SitemapEntry, read_sitemap
from ingest.errors import BadURLError
from ingest.model import FailureKind, Rejection

NOW = datetime(2023, 9, 20, 12, tzinfo=UTC)
URL = "https://news.example/sitemap.xml"
NEWS = b"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="/sitemap.xsl"?>
<!-- made by a plugin <url><loc>https://news.example/not-listed</loc></url> -->
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url>
    <loc>https://news.example/2023/talks?a=1&amp;b=2</loc>
    <lastmod>2023-09-05T18:30:00+03:00</lastmod>
    <image:image><image:loc>https://img.example/1.jpg</image:loc>
      <image:title>A picture</image:title></image:image>
    <news:news>
      <news:publication><news:name>News &amp; More</news:name>
        <news:language>zh-cn</news:language></news:publication>
      <news:publication_date>2023-09-05T10:00:00Z</news:publication_date>
      <news:title><![CDATA[Talks at the "port" & more]]></news:title>
    </news:news>
  </url>
  <url>
    <image:image><image:loc>https://img.example/2.jpg</image:loc></image:image>
    <loc> <![CDATA[ https://news.example/second?a=1&b=2 ]]> </loc>
    <lastmod>2023-09-06</lastmod>
  </url>
</urlset>"""
INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <sitemap><loc>https://news.example/sitemap-2023-09.xml.gz</loc>
    <lastmod>2023-09-19T00:00:00+00:00</lastmod></sitemap>
  <sitemap><loc>/sitemap-2023-08.xml.gz</loc></sitemap>
</sitemapindex>"""


def read(body: bytes, **options) -> Sitemap:
    sitemap = read_sitemap(body, **({"url": URL, "now": NOW} | options))
    assert isinstance(sitemap, Sitemap), sitemap
    return sitemap


def addresses(sitemap: Sitemap) -> list[str]:
    return [entry.url.removeprefix("https://news.example") for entry in sitemap.entries]


def listing(*locations: str, around: str = "urlset") -> bytes:
    items = "".join(f"<url><loc>{location}</loc></url>\n" for location in locations)
    return f"<{around}>{items}</{around}>".encode()


def test_a_page_comes_with_its_dates_title_and_language():
    first, second = read(NEWS).entries
    assert first.url == "https://news.example/2023/talks?a=1&b=2"
    assert first.published is not None
    assert first.lastmod is not None
    assert first.published.value == datetime(2023, 9, 5, 10, tzinfo=UTC)
    assert first.lastmod.value == datetime(2023, 9, 5, 15, 30, tzinfo=UTC)
    assert (first.title, first.language) == ('Talks at the "port" & more', "zh")
    assert second.url == "https://news.example/second?a=1&b=2"
    assert second.lastmod is not None
    assert second.lastmod.day_only
    assert (second.published, second.title, second.language) == (None, "", None)


def test_an_index_lists_sitemaps_with_their_dates():
    sitemap = read(INDEX)
    assert sitemap.entries == ()
    first, second = sitemap.nested
    assert first.url == "https://news.example/sitemap-2023-09.xml.gz"
    assert first.lastmod is not None
    assert first.lastmod.value == datetime(2023, 9, 19, tzinfo=UTC)
    assert second == NestedSitemap(url="https://news.example/sitemap-2023-08.xml.gz")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(listing("https://news.example/1"), id="without a namespace"),
        pytest.param(b"\xef\xbb\xbf \n" + listing("https://news.example/1"), id="after a mark"),
        pytest.param(listing("/1"), id="relative"),
        pytest.param(listing("//news.example/1"), id="without a scheme"),
        pytest.param(listing("\n  https://news.example/1\n"), id="with white space"),
        pytest.param(gzip.compress(listing("https://news.example/1")), id="gzip"),
        pytest.param(listing("https://news.example/1").decode().encode("utf-16"), id="UTF-16"),
        pytest.param(
            b"<s:urlset xmlns:s='x'><s:url><s:loc>https://news.example/1</s:loc></s:url></s:urlset>",
            id="under a prefix",
        ),
        pytest.param(
            b"<URLSET><URL><LOC>https://news.example/1</LOC></URL></URLSET>", id="in capitals"
        ),
        pytest.param(
            b"<b>Warning</b>: mysql in <b>x.php</b>\n" + listing("https://news.example/1"),
            id="after a warning of PHP",
        ),
        pytest.param(
            listing("https://news.example/1", "https://news.example/2")[:-24], id="cut off"
        ),
        pytest.param(b"https://news.example/1\r\n\r\n", id="a list of lines"),
        pytest.param(b"\xef\xbb\xbfhttps://news.example/1", id="a line after a mark"),
        pytest.param(
            b"<rss version='2.0'><channel><title>t</title><image><url>https://news.example/i</url>"
            b"</image><item><link>https://news.example/1</link></item></channel></rss>",
            id="a feed",
        ),
    ],
)
def test_one_page_is_listed_in_many_ways(body):
    assert addresses(read(body)) == ["/1"]


def test_what_is_broken_in_one_entry_leaves_the_others():
    body = (
        b"<urlset><url><loc>https://news.example/?a=1&copy=2&b=&#38;</loc></url>"
        b"<url><loc>https://news.example/1</url><url><loc></loc></url>"
        b"<url><lastmod>2023-09-05</lastmod></url><url><loc>mailto:a@news.example</loc></url>"
        b"<url><loc>https://news.example/2&Acirc;</loc><lastmod>yesterday</lastmod>"
        b"<url><loc>https://[</loc></url><url/><url><loc>https://news.example/3</loc></ul>"
        b"<url><loc>https://news.example/1</loc></url><url><loc>https://news.exa"
    )
    sitemap = read(body)
    assert addresses(sitemap)[:4] == ["/?a=1&copy=2&b=&", "/1", "/2Â", "/3"]
    assert sitemap.skipped >= 5


def test_a_feed_gives_dates_and_titles_as_well():
    body = b"""<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'><title>t</title><entry>
      <title>Gespr&#228;che</title><link href='/1'/><published>2023-09-05T10:00:00Z</published>
      <updated>2023-09-06T10:00:00Z</updated></entry></feed>"""
    (entry,) = read(body).entries
    assert (entry.title, entry.language) == ("Gespräche", "de")
    assert entry.published is not None
    assert entry.lastmod is not None
    assert (entry.published.value.day, entry.lastmod.value.day) == (5, 6)


def test_titles_are_read_in_the_encoding_that_is_declared():
    body = NEWS.replace(b"UTF-8", b"windows-1251").replace(
        b"Talks at", "Переговоры".encode("cp1251")
    )
    assert read(body).entries[0].title.startswith("Переговоры")


def test_pages_of_other_sites_are_counted_and_left_out():
    body = listing("/1", "https://example.net/2", "https://m.example.org/3")
    sitemap = read(body, url="https://www.example.org/sitemap.xml")
    assert [entry.url for entry in sitemap.entries] == [
        "https://www.example.org/1",
        "https://m.example.org/3",
    ]
    assert sitemap.foreign == 1


def test_a_sitemap_on_another_host_lists_the_site_that_announced_it():
    body = listing("https://news.example/1", "https://other.example/2", "https://cdn.example/3")
    sitemap = read(body, url="https://cdn.example/s.xml", site="https://news.example/robots.txt")
    assert [entry.url for entry in sitemap.entries] == [
        "https://news.example/1",
        "https://cdn.example/3",
    ]


def test_sitemaps_that_are_listed_as_pages_are_sitemaps():
    sitemap = read(listing("https://news.example/1", "https://news.example/sitemap-2.xml.gz"))
    assert addresses(sitemap) == ["/1"]
    assert sitemap.nested == (NestedSitemap(url="https://news.example/sitemap-2.xml.gz"),)


def test_beyond_the_limit_entries_are_counted_and_not_read():
    body = listing(*(f"https://news.example/{number}" for number in range(10)))
    sitemap = read(body, max_urls=3)
    assert addresses(sitemap) == ["/0", "/1", "/2"]
    assert sitemap.cut == 7
    lines = "".join(f"https://news.example/{number}\n" for number in range(10)).encode()
    assert read(lines, max_urls=3).cut == 7


def test_too_many_bytes_are_read_as_far_as_the_limit():
    body = listing(*(f"https://news.example/{number}" for number in range(1000)))
    for sent in (body, gzip.compress(body)):
        sitemap = read(sent, max_bytes=1000)
        assert 10 < len(sitemap.entries) < 30
        assert "1000 bytes" in (sitemap.damage or "")


def test_a_gzip_file_that_was_cut_is_read_as_far_as_it_goes():
    numbers = [f"https://news.example/{number * 7919 % 10_007}" for number in range(1000)]
    sitemap = read(gzip.compress(listing(*numbers))[:-200])
    assert 500 < len(sitemap.entries) < 1000
    assert "cut" in (sitemap.damage or "")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"", FailureKind.NOT_A_FEED, id="nothing"),
        pytest.param(
            b"<!DOCTYPE html><html><body>Not found</body></html>",
            FailureKind.NOT_A_FEED,
            id="a page",
        ),
        pytest.param(b"User-agent: *\nDisallow: /", FailureKind.NOT_A_FEED, id="robots.txt"),
        pytest.param(b"%PDF-1.4 \x00\xff", FailureKind.NOT_A_FEED, id="another file"),
        pytest.param(
            b"<Error><Code>AccessDenied</Code></Error>", FailureKind.NOT_A_FEED, id="an error"
        ),
        pytest.param(gzip.compress(b"<urlset/>")[:9], FailureKind.TRUNCATED, id="a beginning"),
    ],
)
def test_what_is_no_sitemap_is_refused_with_a_reason(body, kind):
    refused = read_sitemap(body, url=URL, now=NOW)
    assert isinstance(refused, Rejection)
    assert refused.kind is kind


def test_an_empty_sitemap_is_one():
    assert read(b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>") == Sitemap()


def test_entities_are_not_expanded():
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f"""<!DOCTYPE urlset [<!ENTITY l0 "lol"><!ENTITY f SYSTEM "file:///etc/passwd">{lol}]>
      <urlset><url><loc>https://news.example/&l9;</loc></url>
      <url><loc>https://news.example/&f;</loc></url></urlset>""".encode()
    assert addresses(read(body)) == ["/&l9", "/&f"]


def test_an_unusable_address_of_the_sitemap_itself_is_the_callers_mistake():
    with pytest.raises(BadURLError):
        read_sitemap(NEWS, url="http://[", now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"<url>" * 400_000,
        b"<urlset><url><loc>" + b"<loc>" * 400_000,
        b"<urlset>" + b"<url " * 400_000,
        b"<!--" * 400_000,
        b"<a:" * 400_000,
        b"<urlset>" + b"<url><loc><![CDATA[" * 100_000,
        b"<urlset><url><loc>" + b"&#" * 1_000_000,
        b"http://\n" * 400_000,
        gzip.compress(bytes(60_000_000), mtime=0),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_made_to_cost_time_costs_little(body):
    start = process_time()
    read_sitemap(body, url=URL, now=NOW)
    assert process_time() - start < 4


PIECES = [
    *("<urlset>", "<sitemapindex>", "<url>", "<sitemap>", "<loc>", "</loc>", "</url>", "<lastmod>"),
    *("https://news.example/", "//[", "\x00", "&amp;", "&", "<![CDATA[", "]]>", "<!--", "-->"),
    *("<news:news>", "<news:title>", "</news:news>", "2023-09-05", "é", "<rss>", "<n:", ">", "\n"),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join).map(str.encode))
def test_pieces_in_any_order_give_a_sitemap_or_a_refusal(body):
    _is_bounded(read_sitemap(body, url=URL, now=NOW))


@settings(deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_give_a_sitemap_or_a_refusal(body, is_gzip):
    start = gzip.compress(body) if is_gzip else body
    _is_bounded(read_sitemap(start, url=URL, now=NOW))


def _is_bounded(result: Sitemap | Rejection) -> None:
    if isinstance(result, Rejection):
        assert result.reason
        return
    for entry in (*result.entries, *result.nested):
        assert isinstance(entry, SitemapEntry | NestedSitemap)
        assert entry.url.lower().startswith(("http://", "https://"))
        assert len(entry.url) <= 4096
