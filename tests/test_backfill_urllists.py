"""Lists of addresses as people have them: lines, tables, subscriptions, in any encoding."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.inputs import DAMAGED, BadLine, numbered_lines, open_text
from ingest.backfill.leads import Lead, language_code
from ingest.backfill.urllists import LONGEST_LINE, read_url_list
from ingest.errors import UsageError
from ingest.model import FeedSource

NOW = datetime(2023, 9, 20, tzinfo=UTC)


def read(body: bytes, **options) -> list[Lead | FeedSource | BadLine]:
    return list(read_url_list(io.BytesIO(body), now=NOW, **options))


def told(body: bytes, **options) -> list[str]:
    """What a list holds, short: addresses after the host, and the numbers of bad lines."""
    return [
        str(item.line) if isinstance(item, BadLine) else item.url.removeprefix("https://a.example")
        for item in read(body, **options)
    ]


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"https://a.example/1\nhttps://a.example/2", ["/1", "/2"], id="lines"),
        pytest.param(b"https://a.example/1\r\n\r\nhttps://a.example/2", ["/1", "/2"], id="CRLF"),
        pytest.param(b"https://a.example/1\rhttps://a.example/2", ["/1", "/2"], id="CR"),
        pytest.param(b"\xef\xbb\xbfhttps://a.example/1", ["/1"], id="a byte order mark"),
        pytest.param(b"# mine\n  https://a.example/1  # good\n#x", ["/1"], id="comments"),
        pytest.param(b"<https://a.example/1>\n'https://a.example/2'", ["/1", "/2"], id="quoted"),
        pytest.param(b"https://a.example/1,2;3|4", ["/1,2;3|4"], id="commas belong to addresses"),
        pytest.param("https://a.example/é".encode("cp1252"), ["/é"], id="Windows-1252"),
        pytest.param("https://a.example/я".encode("utf-16"), ["/я"], id="UTF-16"),
        pytest.param("https://a.example/я".encode("utf-16-be"), ["/я"], id="UTF-16 without a mark"),
        pytest.param("https://a.example/я".encode("utf-32"), ["/я"], id="UTF-32"),
        pytest.param(gzip.compress(b"https://a.example/1"), ["/1"], id="gzip"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n\n# nothing\n", [], id="only comments"),
    ],
)
def test_each_line_is_an_address(body, expected):
    assert told(body) == expected


def test_bad_lines_are_told_by_number_and_the_others_go_on():
    body = b"https://a.example/1\nftp://a.example/\nwww.a.example\nhttps://a.example/ x\nhttps://a.example/5"
    items = read(body)
    assert [item.line for item in items if isinstance(item, BadLine)] == [2, 3, 4]
    assert isinstance(items[-1], Lead)
    assert "ftp" in items[1].reason


def test_a_line_without_end_is_told_and_not_held():
    body = b"https://a.example/" + b"x" * (3 * LONGEST_LINE) + b"\nhttps://a.example/2\n"
    assert told(body) == ["1", "/2"]


def test_an_encoding_can_be_named():
    body = "https://a.example/я".encode("cp1251")
    assert told(body, encoding="windows-1251") == ["/я"]
    with pytest.raises(UsageError, match="rot13"):
        told(body, encoding="rot13")


def test_one_wrong_byte_does_not_garble_a_list_in_utf8():
    body = "https://a.example/я\nhttps://a.example/é\n".encode() + b"https://a.example/\xe9\n"
    assert told(body) == ["/я", "/é", "3"]


def test_a_gzip_file_that_was_cut_is_read_as_far_as_it_goes():
    lines = "".join(f"https://a.example/{n * 7919 % 10_007}\n" for n in range(2000))
    items = read(gzip.compress(lines.encode())[:-500])
    assert 1000 < len(items) < 2000
    assert isinstance(items[-1], BadLine)
    assert "damaged" in items[-1].reason


def test_a_pipe_that_gives_its_bytes_one_by_one_is_read_as_well():
    class Slow(io.RawIOBase):
        def __init__(self, body: bytes) -> None:
            self.rest = body

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            buffer[:1], self.rest = self.rest[:1], self.rest[1:]
            return len(buffer[:1]) if self.rest or buffer[:1] else 0

        def read(self, size: int = -1) -> bytes:
            first, self.rest = self.rest[:1], self.rest[1:]
            return first

    for body in (
        b"https://a.example/1\nhttps://a.example/2",
        gzip.compress(b"https://a.example/1"),
    ):
        assert all(
            isinstance(item, Lead)
            for item in read_url_list(Slow(body), now=NOW)  # type: ignore[arg-type]
        )


# ---------------------------------------------------------------- tables

MEDIA_CLOUD = b"\r\n".join(
    [
        b"id,indexed_date,language,media_name,media_url,publish_date,title,url",
        b'6f1d,2023-09-06 02:11:12,ru,a.example,,2023-09-05,"Talks, ""at last""",https://a.example/1',
        b"6f1e,2023-09-06 02:11:13,,a.example,a.example,,,https://a.example/2",
    ]
)


def test_a_table_of_media_cloud_gives_addresses_with_dates_titles_and_languages():
    first, second = read(MEDIA_CLOUD)
    assert isinstance(first, Lead)
    assert first.published is not None
    assert (first.url, first.title, first.language) == (
        "https://a.example/1",
        'Talks, "at last"',
        "ru",
    )
    assert first.published.value == datetime(2023, 9, 5, tzinfo=UTC)
    assert second == Lead(url="https://a.example/2")


@pytest.mark.parametrize(
    ("body", "column", "expected"),
    [
        pytest.param(b"Title;Link\nA;https://a.example/1\n", None, ["/1"], id="semicolons"),
        pytest.param(b"title\tURL\nA\thttps://a.example/1\n", None, ["/1"], id="tabs"),
        pytest.param(b"url\nhttps://a.example/1\n", None, ["/1"], id="one column"),
        pytest.param(b"sep=;\nurl;b\nhttps://a.example/1;2\n", None, ["/1"], id="Excel's own line"),
        pytest.param(b"A\thttps://a.example/1\n", "2", ["/1"], id="no names, but a number"),
        pytest.param(b"https://a.example/1\tA\nhttps://a.example/2", None, ["/1", "/2"], id="tab"),
        pytest.param(
            b"url,Page Address\nhttps://b.example/,https://a.example/1\n", "page address", ["/1"],
            id="a column that is named",
        ),
        pytest.param(
            b'url,title\nhttps://a.example/1,"two\nlines"\n\nno,x\nhttps://a.example/2\n', None,
            ["/1", "5", "/2"], id="cells of several lines are counted",
        ),
        pytest.param(b'\xef\xbb\xbf"url","t"\n"https://a.example/1","x"', None, ["/1"], id="mark"),
    ],
)  # fmt: skip
def test_the_column_of_addresses_is_found(body, column, expected):
    assert told(body, column=column) == expected


@pytest.mark.parametrize("column", ["link", "7", "0"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(column):
    with pytest.raises(UsageError, match="the columns are a, b"):
        read(b"a,b\n1,2\n", column=column)


def test_a_quotation_mark_without_an_end_costs_no_more_than_what_it_swallows():
    rows = b"https://a.example/x\n" * 10_000
    found = told(b'url\nhttps://a.example/1\n"open\n' + rows + b"https://a.example/last\n")
    assert found[:2] == ["/1", "3"]
    assert found[-1] == "/last"


# ---------------------------------------------------------------- OPML


def test_opml_gives_feeds():
    body = b"""<?xml version="1.0" encoding="UTF-8"?><!-- mine --><opml version="2.0"><body>
      <outline type="rss" text="A" xmlUrl="https://a.example/rss"/></body></opml>"""
    for sent in (body, body.decode().replace("UTF-8", "UTF-16").encode("utf-16")):
        (source,) = read(sent)
        assert isinstance(source, FeedSource)
        assert (source.url, source.outlet.name) == ("https://a.example/rss", "A")


def test_opml_without_feeds_is_refused():
    with pytest.raises(UsageError, match="OPML"):
        read(b"<opml><body/></opml>")


# ---------------------------------------------------------------- whatever else

PIECES = [
    *("https://a.example/1", "url", "title", ",", "\t", ";", '"', "\n", "\r\n", "#", "\x00", "é"),
    *("<opml", ">", "2023-09-05", "sep=;", " ", "\ufeff", "http://[", "x" * 50),
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join).map(str.encode)
    | st.binary(max_size=80),
    st.booleans(),
    st.sampled_from([None, "url", "2"]),
)
def test_any_bytes_give_addresses_or_our_own_errors(body, is_gzip, column):
    body = gzip.compress(body)[: len(body) + 15] if is_gzip else body
    try:
        items = read(body, column=column)
    except UsageError as error:
        assert str(error)
        return
    for item in items:
        assert isinstance(item, Lead | FeedSource | BadLine)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab é\x00я", max_size=12), max_size=12), st.integers(1, 8))
def test_lines_keep_their_numbers_whatever_their_length(lines, longest):
    _head, text = open_text(io.BytesIO("\n".join(lines).encode()), encoding="utf-8")
    found = list(numbered_lines(text, longest=longest))
    expected = [None if len(line) > longest else line for line in lines]
    while expected and expected[-1] == "":  # the last line of a file has no line after it
        expected.pop()
    while found and found[-1][1] == "":
        found.pop()
    assert [line for _number, line in found] == expected
    assert [number for number, _line in found] == list(range(1, len(expected) + 1))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(0, 18))
def test_gzip_comes_out_as_it_went_in_or_says_that_it_is_damaged(members, cut):
    body = b"".join(map(gzip.compress, members))
    _head, text = open_text(io.BytesIO(body[: len(body) - cut]), encoding="iso-8859-15")
    plain = b"".join(members).decode("iso-8859-15")
    plain = plain.replace("\r\n", "\n").replace("\r", "\n")
    parts = []
    try:
        while part := text.read(50):
            parts.append(part)
        assert cut > 0 or "".join(parts) == plain
    except DAMAGED:
        assert cut > 0
    assert plain.startswith("".join(parts).removesuffix("\n"))


def test_what_follows_a_gzip_file_is_ignored_and_a_file_on_disk_is_read(tmp_path: Path):
    file = tmp_path / "urls.gz"
    file.write_bytes(gzip.compress(b"https://a.example/1\n") + b"\x00" * 100)
    with file.open("rb") as stream:
        assert [item.url for item in read_url_list(stream, now=NOW)] == ["https://a.example/1"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de", "de"), (" EN-us", "en"), ("zh_Hant", "zh"), ("German", None), ("", None), (3, None)],
)
def test_a_language_is_the_first_part_of_its_tag(tag, code):
    assert language_code(tag) == code
