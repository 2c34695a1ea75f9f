"""Feeds as publishers write them: each file of tests/feeds beside what must be read from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.feeds import parse_feed, plain_text
from ingest.model import DatedBy, DateSource, Entry, FeedDocument

FOLDER = Path(__file__).parent / "feeds"
NOW = datetime(2023, 9, 6, 12, tzinfo=UTC)
URL = "https://feeds.example/news"


def read(body: bytes, *, content_type: str | None = "application/xml", **options) -> FeedDocument:
    document = parse_feed(body, url=URL, content_type=content_type, now=NOW, **options)
    assert isinstance(document, FeedDocument)
    return document


def rss(*items: str, head: str = "") -> bytes:
    joined = "".join(f"<item>{item}</item>" for item in items)
    return f"{head}<rss version='2.0'><channel><title>t</title>{joined}</channel></rss>".encode()


def item(number: int = 1, rest: str = "") -> str:
    return f"<title>Title {number}</title><link>https://news.example/{number}</link>{rest}"


def _as_json(entry: Entry) -> dict[str, str | None]:
    return {
        "url": entry.url,
        "guid": entry.guid,
        "title": entry.title,
        "summary": entry.summary,
        "published": _date_as_json(entry.published),
        "modified": entry.modified.isoformat() if entry.modified else None,
        "author": entry.author,
    }


def _date_as_json(dated: DatedBy | None) -> str | None:
    if dated is None:
        return None
    return dated.value.date().isoformat() if dated.day_only else dated.value.isoformat()


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.xml")))
def test_a_feed_is_read_as_written_beside_it(name):
    document = read((FOLDER / f"{name}.xml").read_bytes())
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert [_as_json(entry) for entry in document.entries] == expected.pop("entries")
    assert (document.bozo is not None) == expected.pop("bozo")
    assert {name: getattr(document, name) for name in expected} == expected


def _published(text: str) -> DatedBy | None:
    return read(rss(item(rest=f"<pubDate>{text}</pubDate>"))).entries[0].published


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 05 Sep 2023 10:00:00 GMT",
        "Tue, 5 Sep 23 10:00:00 GMT",
        "Tue, 05 Sep 2023 19:00:00 +0900",
        "2023-09-05T06:00:00-04:00",
    ],
)
def test_common_spellings_of_a_time_are_read_to_the_minute(text):
    dated = _published(text)
    assert dated is not None
    assert dated.value == datetime(2023, 9, 5, 10, tzinfo=UTC)
    assert dated.source is DateSource.FEED
    assert not dated.day_only


@pytest.mark.parametrize("text", ["2023-09-05", "05 Sep 2023", "20230905", "20230905T100000Z"])
def test_a_date_whose_time_is_not_read_says_that_only_the_day_is_known(text):
    dated = _published(text)
    assert dated is not None
    assert dated.day_only
    assert dated.value == datetime(2023, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("an hour ago", id="words"),
        pytest.param("0000-01-01T00:00:00Z", id="year 0"),
        pytest.param("-0001-01-01", id="year -1, which is read as 2000"),
        pytest.param("10000-01-01", id="year 10000, which is read as 2010"),
        pytest.param("2420-01-01T00:00:00Z", id="a far year"),
        pytest.param("Fri, 01 Jan 1971 00:00:00 GMT", id="before the web"),
        pytest.param("Tue, 05 Sep 2023 25:61:00 GMT", id="no such hour"),
        pytest.param("Tue, 05 Sep 2023 10:00:00 +9999", id="no such offset"),
        pytest.param("9" * 5000, id="5,000 digits"),
        pytest.param("٥ سبتمبر ٢٠٢٣", id="Arabic digits"),
        pytest.param("Fri, 08 Sep 2023 13:00:00 GMT", id="more than two days ahead"),
    ],
)
def test_a_date_that_cannot_be_is_no_date(text):
    assert _published(text) is None


def test_a_clock_that_runs_ahead_is_forgiven():
    dated = _published((NOW + timedelta(hours=12)).isoformat())
    assert dated is not None
    assert dated.value == NOW + timedelta(hours=12)


def test_entries_of_one_guid_stay_apart():
    guid = "<guid isPermaLink='false'>same</guid>"
    entries = read(rss(*(item(number, guid) for number in range(3)))).entries
    assert len({entry.url for entry in entries}) == 3
    assert {entry.guid for entry in entries} == {"same"}


def test_the_first_entries_are_kept_up_to_the_limit():
    document = read(rss(*map(item, range(20))), max_entries=5)
    assert [entry.title for entry in document.entries] == [f"Title {n}" for n in range(5)]
    assert document.skipped == 0


def test_a_wrong_label_is_no_fault_of_the_feed():
    assert read(rss(item()), content_type="text/html; charset=utf-8").bozo is None


@pytest.mark.parametrize("content_type", [None, "", "text/xml; charset=bogus-8", "text/xml;;=\x00"])
def test_any_content_type_will_do(content_type):
    assert read(rss(item()), content_type=content_type).entries[0].title == "Title 1"


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "euc-kr", "windows-1251", "koi8-r"])
def test_encodings_are_honoured(codec):
    text = "Путин" if codec in {"windows-1251", "koi8-r"} else "김정은"
    label = codec.removesuffix("-sig")
    head = f"<?xml version='1.0' encoding='{label}'?>"
    body = rss(item(rest=f"<description>{text}</description>"), head=head).decode().encode(codec)
    assert read(body, content_type=None).entries[0].summary == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        pytest.param("plain  text\n here", "plain text here", id="white space"),
        pytest.param("<p>One.</p><p>Two.</p>", "One. Two.", id="paragraphs part words"),
        pytest.param("<b>N</b>ordland", "Nordland", id="emphasis doesn't"),
        pytest.param("a<br/>b", "a b", id="a line break does"),
        pytest.param("AT&amp;T &lt;3 &#x2013; &uuml;", "AT&T <3 – ü", id="references"),
        pytest.param("3 < 4, 5 > 4 & I <3 you", "3 < 4, 5 > 4 & I <3 you", id="no markup at all"),
        pytest.param("Profits <b 5", "Profits <b 5", id="a tag that never ends"),
        pytest.param("x<script>a<b>c</script>y<STYLE>p{}</style >z", "x y z", id="scripts, styles"),
        pytest.param("x<script>never ends", "x", id="a script that never ends"),
        pytest.param("x<!-- <p>no</p> -->y<!-- never ends", "x y", id="comments"),
        pytest.param("<a title=\"x > y\" href='z'>link</a>", "link", id="quoted angle brackets"),
        pytest.param("<a title='it\"s'>x</a>", "x", id="quotes in quotes"),
        pytest.param("<a title='odd>x</a>", "x", id="a quote that never ends"),
        pytest.param("<![x[ y ]>z", "z", id="a declaration"),
        pytest.param("a&#99999999999;b", "a\ufffdb", id="a reference beyond Unicode"),
    ],
)
def test_markup_becomes_text(markup, text):
    assert plain_text(markup) == text


def test_a_long_description_is_cut():
    (entry,) = read(rss(item(rest=f"<description>{'word ' * 9000}</description>"))).entries
    assert 3900 <= len(entry.summary) <= 4000
