"""Files of extracted articles: ours and those of other programs, in lines, arrays and documents."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.givenlines import NO_URL, GivenRecord, read_given_article, read_records
from ingest.backfill.inputs import BadLine
from ingest.model import Article

NOW = datetime(2023, 9, 20, tzinfo=UTC)
TEXT = "Die beiden trafen sich am Hafen.\nSie sprachen lange über Waffen und über Getreide."
URL = "https://news.example/2023/09/05/talks"
OURS = {"url": URL, "title": "Treffen", "text": TEXT, "published_at": "2023-09-05T10:00:00Z"}

NEWS_PLEASE = {
    "authors": ["Anna Berg", "By Jan Koch"],
    "date_download": "2023-09-06 01:00:00",
    "date_modify": "2023-09-05 12:00:00",
    "date_publish": "2023-09-05 10:00:00",
    "description": "Kurz.",
    "filename": "https%3A%2F%2Fnews.example%2F2023.json",
    "image_url": None,
    "language": "de",
    "localpath": None,
    "maintext": TEXT,
    "source_domain": "news.example",
    "text": "Menü Start " + TEXT,
    "title": "Treffen",
    "title_page": "Treffen | News",
    "title_rss": None,
    "url": URL,
}
FUNDUS = {
    "title": "Treffen",
    "authors": ["Anna Berg", "Jan Koch"],
    "publishing_date": "2023-09-05 12:00:00+02:00",
    "topics": ["Hafen"],
    "free_access": True,
    "body": {
        "summary": ["Die beiden trafen sich am Hafen."],
        "sections": [
            {"headline": [], "paragraphs": ["Sie sprachen lange über Waffen und über Getreide."]}
        ],
    },
    "html": {
        "requested_url": URL,
        "responded_url": URL + "?x",
        "content": "<html></html>",
        "crawl_date": "2023-09-06 01:00:00",
        "source_info": {"publisher": "News", "type": "RSSFeed", "url": "https://news.example/rss"},
    },
    "lang": "de",
}
NEWSPAPER = {
    "url": URL,
    "read_more_link": None,
    "language": "en",
    "title": "Treffen",
    "top_image": "https://news.example/1.jpg",
    "images": [],
    "movies": [],
    "keywords": [],
    "tags": [],
    "authors": ["Anna Berg", "Jan Koch"],
    "publish_date": "2023-09-05T10:00:00+00:00",
    "summary": "",
    "meta_description": "Kurz.",
    "meta_lang": "de",
    "meta_site_name": "News",
    "canonical_link": URL + "/canonical",
    "text": TEXT,
}
TRAFILATURA = {
    "title": "Treffen",
    "author": "Anna Berg; Jan Koch",
    "hostname": "news.example",
    "date": "2023-09-05",
    "fingerprint": "17924dc7edf584f2",
    "id": None,
    "license": None,
    "comments": "",
    "raw_text": TEXT.replace("\n", " "),
    "text": TEXT,
    "language": "de",
    "image": None,
    "pagetype": "article",
    "filedate": "2023-09-06",
    "source": URL,
    "source-hostname": "News",
    "excerpt": "Kurz.",
    "categories": "",
    "tags": "",
}


def article(record: dict[str, Any]) -> Article:
    read = read_given_article(record, now=NOW)
    assert isinstance(read, Article), read
    return read


@pytest.mark.parametrize(
    ("record", "site"),
    [
        pytest.param(NEWS_PLEASE, "news.example", id="news-please"),
        pytest.param(FUNDUS, "News", id="Fundus"),
        pytest.param(NEWSPAPER, "News", id="newspaper4k"),
        pytest.param(TRAFILATURA, "News", id="trafilatura"),
        pytest.param(OURS | {"author": "Anna Berg, Jan Koch"}, None, id="our own"),
    ],
)
def test_an_article_is_read_from_every_form(record, site):
    read = article(record)
    assert (read.url, read.title, read.text) == (URL, "Treffen", TEXT)
    assert (read.byline, read.language, read.site_name) == ("Anna Berg, Jan Koch", "de", site)
    assert read.published is not None
    assert read.published.value.date().isoformat() == "2023-09-05"
    assert read.published.day_only is (record is TRAFILATURA)
    assert read.published.day_only or read.published.value.hour == 10
    assert read.extractor == "given"


def test_news_please_says_when_an_article_was_changed_and_writes_none_as_a_word():
    assert article(NEWS_PLEASE).modified is not None
    bare = article(NEWS_PLEASE | {"date_publish": "None", "date_modify": "None", "language": None})
    assert (bare.published, bare.modified, bare.language) == (None, None, "de")


def test_newspaper3k_gives_the_home_page_of_the_outlet_as_its_source():
    old = {"url": "", "source_url": "https://news.example", "publish_date": None, "text": TEXT}
    assert article(old).url == NO_URL
    assert article(old | {"canonical_link": URL}).url == URL


def test_fundus_writes_the_address_or_the_text_only_when_asked_to():
    plain = {"title": "Treffen", "plaintext": TEXT, "publishing_date": "None"}
    assert article(plain).url == NO_URL
    assert article(plain | {"requested_url": URL}).url == URL
    assert article({"title": "x", "body": FUNDUS["body"], "url": URL}).text == TEXT


def test_what_has_our_date_is_ours_whatever_else_it_has():
    read = article(OURS | {"source": "Reuters", "hostname": "x", "author": "Anna Berg"})
    assert read.published is not None
    assert read.byline == "Anna Berg"


def test_a_date_that_cannot_be_read_costs_others_the_date_and_us_the_article():
    assert article(NEWSPAPER | {"publish_date": "gestern"}).published is None
    refused = read_given_article(OURS | {"published_at": "gestern"}, now=NOW)
    assert isinstance(refused, str)
    assert "gestern" in refused


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "text is missing"),
        ({"text": " \n"}, "text is missing"),
        ({"text": 5}, "text must be a string"),
        ({"text": TEXT, "url": ["x"]}, "url must be a string"),
        ({"text": TEXT, "url": "ftp://x/"}, "not an http"),
        ({"maintext": None, "url": URL}, "text is missing"),
        ({"body": {"summary": 3, "sections": [4, {"paragraphs": [5]}]}}, "text is missing"),
    ],
)
def test_what_is_no_article_is_told_with_a_reason(record, reason):
    refused = read_given_article(record, now=NOW)
    assert isinstance(refused, str)
    assert reason in refused


def test_what_no_database_can_hold_is_cleaned():
    read = article(OURS | {"text": "a\x00b\ud800", "author": "A\x00 \n B", "title": "t\x00"})
    assert (read.text, read.byline, read.title) == ("ab\ufffd", "A B", "t")


# ---------------------------------------------------------------- files


def read(body: bytes, **options) -> list[GivenRecord | BadLine]:
    return list(read_records(io.BytesIO(body), **options))


def told(body: bytes, **options) -> list[tuple[int, Any]]:
    """What a file holds, short: lines with the value of "a", or the reason."""
    return [
        (item.line, item.reason if isinstance(item, BadLine) else item.fields.get("a"))
        for item in read(body, **options)
    ]


RECORDS = [{"a": 1, "b": 'so {"it" is} \\'}, {"a": 2}, {"a": 3, "c": [{}, {"d": "}"}]}]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        pytest.param("\n".join(map(json.dumps, RECORDS)), (1, 2, 3), id="lines"),
        pytest.param("\r\n\r\n".join(map(json.dumps, RECORDS)), (1, 3, 5), id="lines apart"),
        pytest.param(json.dumps(RECORDS), (1, 1, 1), id="an array on one line"),
        pytest.param(json.dumps(RECORDS, indent=2), (2, 6, 9), id="an array over many"),
        pytest.param(
            "\n".join(json.dumps(r, indent=1) for r in RECORDS), (1, 5, 8), id="documents"
        ),
        pytest.param(
            "[" + ",\n".join(map(json.dumps, RECORDS)) + "]", (1, 2, 3), id="array of lines"
        ),
    ],
)
def test_objects_are_found_however_they_are_laid_out(body, lines):
    expected = list(zip(lines, (1, 2, 3), strict=True))
    for sent in (body.encode(), b"\xef\xbb\xbf" + body.encode(), body.encode("utf-16")):
        assert told(sent) == expected
        assert told(gzip.compress(sent)) == expected


def test_one_document_a_file_is_read():
    assert told(json.dumps({"a": 1, "t": "x\ny"}, indent=4).encode()) == [(1, 1)]
    assert told(b'{"a": 1}') == [(1, 1)]


def test_bad_lines_are_told_by_number_and_the_others_go_on():
    found = told(b'{"a": 1}\n{"a": \n[2]\n"x"\n\n{"a": "\xff"}\n' + b"[" * 9000 + b'\n{"a": 8}\n')
    assert [line for line, _ in found] == [1, 2, 3, 4, 6, 7, 8]
    reasons = [str(value) for _, value in found]
    assert reasons[1].startswith("not JSON")
    assert reasons[2:4] == ["not a JSON object"] * 2
    assert "UTF-8" in reasons[4]
    assert (found[0][1], found[-1][1]) == (1, 8)


def test_a_first_line_that_is_broken_does_not_make_a_document_of_lines():
    assert [line for line, _ in told(b'{"a": \n{"a": 2}\n{"a": 3}')] == [1, 2, 3]


def test_objects_that_are_too_long_are_told_and_not_held():
    long = json.dumps({"a": "x" * 1000})
    for body in (f'{long}\n{{"a": 2}}\n', f'[{long},\n{{"a": 2}}]'):
        assert told(body.encode(), longest=100) == [(1, "more than 100 characters"), (2, 2)]


def test_an_object_that_is_too_long_for_several_reads_leaves_the_next_one_whole():
    body = '[{"a": "' + "x{" * 100_000 + '"},\n{"a": 2}]'
    assert told(body.encode(), longest=1000) == [(1, "more than 1000 characters"), (2, 2)]
    assert [line for line, _ in told(body.encode())] == [1, 2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[1, 2]", "no JSON object is in it"),
        (b'[{"a": 1', "the object has no end"),
        (gzip.compress(b'{"a": 1}\n', mtime=0)[:-6], "damaged"),
    ],
)
def test_what_holds_no_object_or_is_cut_is_told(body, reason):
    assert reason in str(told(body)[-1][1])


def test_a_file_of_brackets_costs_little():
    start = process_time()
    for body in (b"{}" * 200_000, b"[" * 1_000_000, b'{"a":' * 100_000, b'[{"' * 100_000):
        assert len(told(body)) <= 200_000
    assert process_time() - start < 15


PIECES = [
    *('{"a": 1}', '{"url": "', "https://n.example/1", '"', "}", "{", "[", "]", ",", "\n", "\\"),
    *('"text": "t"', ":", "\x00", "é", "1e999", "NaN", '"\\ud800"', "maintext"),
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join).map(str.encode)
    | st.binary(max_size=80),
    st.booleans(),
)
def test_any_bytes_give_records_or_reasons(body, is_gzip):
    for item in read(gzip.compress(body)[: len(body) + 15] if is_gzip else body, longest=60):
        assert item.line >= 1
        if isinstance(item, GivenRecord):
            assert isinstance(read_given_article(item.fields, now=NOW), Article | str)


NAMES = sorted({*OURS, *NEWS_PLEASE, *FUNDUS, *NEWSPAPER, *TRAFILATURA, "summary", "sections"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from([TEXT, URL, "2023-09-05", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
def test_any_object_gives_an_article_or_a_reason(record):
    assert isinstance(read_given_article(record, now=NOW), Article | str)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), min_size=1),
    st.sampled_from([None, 0, 3]),
)
def test_every_array_comes_out_as_it_went_in(records, indent):
    body = json.dumps(records, indent=indent).encode()
    assert [item.fields for item in read(body) if isinstance(item, GivenRecord)] == records
