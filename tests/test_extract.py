"""Extraction of whole pages, written by hand for this file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.extract import MAX_HTML, extract_article, extractor_version, parse_html
from ingest.model import Article, DatedBy, DateSource, FailureKind, Rejection

NOW = datetime(2023, 9, 20, tzinfo=UTC)
URL = "https://news.example.org/2023/09/05/harbour"
BODY = (
    "The harbour of Port Alder was closed on Tuesday after the crane drivers walked out. ",
    "Their union said that the strike would last until the shifts are shortened again. ",
    "The mayor called both sides to the town hall and promised to listen before deciding. ",
    "Ships that were due on Wednesday have been sent to other harbours along the coast. ",
)
PARAGRAPHS = "".join(f"<p>{sentence * 2}</p>" for sentence in BODY)


def page(*, head="", body=PARAGRAPHS, lang="en", heading="Harbour closed by a strike"):
    return (
        f"<!DOCTYPE html><html lang='{lang}'><head><meta charset='utf-8'>{head}</head><body>"
        "<nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav>"
        f"<article><h1>{heading}</h1>{body}</article>"
        "<footer><p>All rights reserved</p></footer></body></html>"
    ).encode()


def extract(html, *, url=URL, charset="utf-8", feed_date=None):
    return extract_article(html, url=url, charset=charset, feed_date=feed_date, now=NOW)


def article(html, **options):
    content = extract(html, **options)
    assert isinstance(content, Article)
    return content


def json_ld(text):
    return f"<script type='application/ld+json'>{text}</script>"


def test_the_text_is_the_article_without_navigation_footer_and_headline():
    text = article(page()).text
    assert text.startswith("The harbour of Port Alder")
    assert text.rstrip().endswith("along the coast.")
    assert "Sport" not in text
    assert "rights reserved" not in text
    assert "closed by a strike" not in text


def test_a_new_headline_over_the_same_text_leaves_the_text_equal():
    one, other = article(page()), article(page(heading="Strike closes the harbour"))
    assert one.title != other.title
    assert one.text == other.text


def test_an_article_carries_the_extractor_and_its_version_with_our_rules():
    found = article(page())
    assert found.extractor == "trafilatura"
    assert found.extractor_version == extractor_version()
    assert found.extractor_version.count("+") == 1


def test_reading_a_page_twice_gives_the_same_article():
    assert extract(page()) == extract(page())


def test_comments_under_the_article_are_not_its_text():
    html = page(
        body=PARAGRAPHS
        + "<div id='comments'><p>I was there and saw it all, said a reader.</p></div>"
    )
    assert "said a reader" not in article(html).text


def test_control_characters_in_the_markup_do_not_lose_the_page():
    # lxml refuses them when text is moved about, and trafilatura then gives up.
    html = page().replace(b"mayor", b"ma\x07yor \x01&#8; and &#x1f;").replace(b"Ships", b"Ships\0")
    text = article(html).text
    assert "The mayor" in text
    assert not set(text) & set("\x00\x01\x07\x08\x1f")


def test_a_page_whose_paragraphs_are_divs_is_read_too():
    html = page(body="".join(f"<div>{sentence * 3}</div>" for sentence in BODY))
    assert "Ships that were due" in article(html).text


@pytest.mark.parametrize(
    ("codec", "charset", "declared"),
    [
        pytest.param("utf-8", "utf-8", "", id="as the header says"),
        pytest.param("windows-1251", "windows-1251", "", id="a Cyrillic code page in the header"),
        pytest.param(
            "windows-1251", None, "<meta charset='windows-1251'>", id="as the meta element says"
        ),
        pytest.param("utf-8", "zlib_codec", "", id="a header naming a codec that is no text's"),
        pytest.param("utf-8", "bogus-8", "", id="a header naming no codec at all"),
        pytest.param("utf-8-sig", "windows-1252", "", id="the byte order mark over the header"),
        pytest.param("utf-16", None, "", id="a byte order mark of UTF-16"),
    ],
)
def test_characters_are_read(codec, charset, declared):
    russian = "Порт был закрыт во вторник, потому что крановщики вышли на забастовку. " * 6
    html = (
        f"<html><head>{declared}<title>Порт</title></head><body><article><p>{russian}</p>"
        f"<p>{russian}</p></article></body></html>"
    )
    assert "крановщики вышли" in article(html.encode(codec), charset=charset).text


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        pytest.param(b"", FailureKind.NOT_HTML, id="nothing"),
        pytest.param(b"   \n ", FailureKind.NOT_HTML, id="white space"),
        pytest.param(b"<html></html>", FailureKind.NOT_HTML, id="no elements"),
        pytest.param(page(body="<p>Short.</p>"), FailureKind.EMPTY, id="a headline alone"),
        pytest.param(b"<" * 5000, FailureKind.EMPTY, id="nothing but brackets"),
        pytest.param(
            b"<p>" + b"x" * MAX_HTML, FailureKind.TOO_LARGE, id="more HTML than is extracted"
        ),
    ],
)
def test_a_page_without_an_article_is_rejected(html, kind):
    content = extract(html)
    assert isinstance(content, Rejection)
    assert content.kind is kind
    assert content.reason


def test_the_date_of_the_json_ld_is_trusted_over_all_others():
    html = page(
        head=json_ld('{"@type": "NewsArticle", "datePublished": "2023-09-04T08:00:00+02:00"}')
        + "<meta property='article:published_time' content='2023-09-03T10:00:00Z'>"
    )
    published = article(html).published
    assert published == DatedBy(
        value=datetime(2023, 9, 4, 6, tzinfo=UTC), source=DateSource.JSON_LD, confidence=0.95
    )


def test_the_feeds_date_is_taken_when_the_page_has_none():
    feed_date = DatedBy(
        value=datetime(2023, 9, 5, 7, 30, tzinfo=UTC), source=DateSource.FEED, confidence=0.8
    )
    assert article(page(), feed_date=feed_date).published == feed_date


def test_the_day_in_the_address_is_taken_when_there_is_nothing_better():
    published = article(page()).published
    assert published is not None
    assert (published.value.date().isoformat(), published.source) == ("2023-09-05", DateSource.URL)
    assert published.day_only


@pytest.mark.parametrize(
    "line",
    [
        "<time datetime='2023-09-06T10:00:00Z'>this morning</time>",
        "<span class='article-date'>6. September 2023, 10:15 Uhr</span>",
        "<div class='byline'>By A. Quill</div><div>6 September 2023</div>",
    ],
)
def test_a_date_that_only_readers_see_is_taken_last_and_trusted_least(line):
    published = article(
        page(body=line + PARAGRAPHS), url="https://news.example.org/harbour"
    ).published
    assert published is not None
    assert published.value.date().isoformat() == "2023-09-06"
    assert published.source is DateSource.TEXT
    assert published.confidence <= 0.5


def test_without_any_date_none_is_made_up():
    assert article(page(), url="https://news.example.org/harbour").published is None


def test_a_date_from_the_future_is_not_believed():
    html = page(head=json_ld('{"@type": "NewsArticle", "datePublished": "2420-09-04T08:00:00Z"}'))
    assert article(html, url="https://news.example.org/harbour").published is None


def test_when_a_page_was_modified_is_read():
    html = page(head="<meta property='article:modified_time' content='2023-09-06T11:00:00Z'>")
    modified = article(html).modified
    assert modified is not None
    assert modified.value == datetime(2023, 9, 6, 11, tzinfo=UTC)


def test_the_text_decides_the_language_over_the_template():
    assert article(page(lang="fr")).language == "en"


def test_a_short_text_is_in_the_language_its_page_says():
    found = article(page(lang="de-AT", body=f"<p>{BODY[0]}</p>"))
    assert len(found.text) < 200
    assert found.language == "de"


def test_authors_in_an_element_each_are_all_named():
    html = page(
        head="<meta name='author' content='Ada Quill'><meta name='author' content='Ben Marsh'>"
    )
    assert article(html).byline == "Ada Quill, Ben Marsh"


def test_a_byline_that_only_readers_see_is_read():
    html = page(body="<p><a rel='author' href='/ada'>By Ada Quill</a></p>" + PARAGRAPHS)
    assert article(html).byline == "Ada Quill"


def test_the_canonical_link_names_the_article():
    html = page(head="<link rel='canonical' href='/2023/09/05/harbour-strike'>")
    found = article(html, url=URL + "?utm_source=x")
    assert found.canonical_url == "https://news.example.org/2023/09/05/harbour-strike"


def test_of_two_canonical_links_neither_is_believed():
    html = page(head="<link rel='canonical' href='/a-1'><link rel='canonical' href='/b-2'>")
    assert article(html).canonical_url == URL


def test_without_a_canonical_link_the_open_graph_address_is_taken():
    html = page(head="<meta property='og:url' content='https://news.example.org/harbour-7'>")
    assert article(html).canonical_url == "https://news.example.org/harbour-7"


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(json_ld("[" * 100_000), id="nested lists"),
        pytest.param(json_ld('{"@graph":' * 20_000), id="nested graphs"),
        pytest.param(json_ld('{"@type": "NewsArticle", "headline": '), id="cut in the middle"),
        pytest.param(json_ld('{"@type": ["NewsArticle"], "author": [[[]]]}'), id="odd types"),
        pytest.param(json_ld('{"@type": "NewsArticle", "headline": ["a"]}'), id="no string"),
        pytest.param(
            f"<meta property='article:published_time' content='{'1,' * 20_000}'>", id="a long date"
        ),
    ],
)
def test_hostile_metadata_costs_neither_text_nor_title(bomb):
    found = article(page(head=bomb))
    assert found.title == "Harbour closed by a strike"
    assert "crane drivers" in found.text


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_give_an_article_or_a_rejection(junk):
    content = extract(b"<html><body><p>" + junk + b"</p></body></html>", charset=None)
    assert isinstance(content, Article | Rejection)


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=300))
def test_any_text_in_a_paragraph_is_stored_clean(junk):
    html = page(body=f"<p>{BODY[0]}{junk}</p>" + PARAGRAPHS)
    content = extract(html.decode().encode("utf-8", "surrogatepass"))
    assert isinstance(content, Article)
    assert "\0" not in content.text
    content.text.encode("utf-8")  # no lone surrogate


def test_parsing_gives_the_document_element():
    tree = parse_html(b"<p>text</p>", charset=None)
    assert tree is not None
    assert tree.tag == "html"
