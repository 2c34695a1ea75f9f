"""Reading ARC files, the archives before WARC."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.arcfile import is_arc, read_arc
from ingest.backfill.warcrecord import PageFilter, SpanTally

PAGE = b"<html><title>Strike</title><p>The harbour is closed.</p></html>"
WANTED = PageFilter(screen=None, max_body_bytes=100_000)


def record(body: bytes, *, url="http://example.org/1", date="20230905100000", length=None):
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    line = f"{url} 192.0.2.1 {date} text/html {len(block) if length is None else length}\n"
    return line.encode() + block + b"\n"


def described(version: int = 1) -> bytes:
    block = (
        f"{version} 0 archive\nURL IP-address Archive-date Content-type Archive-length\n".encode()
    )
    more = "200 - - 0 a.arc " if version == 2 else ""
    return (
        f"filedesc://a.arc 0.0.0.0 20230905100000 text/plain {more}{len(block)}\n".encode()
        + block
        + b"\n"
    )


def read(archive: bytes):
    tally = SpanTally()
    return list(read_arc(BytesIO(archive), wanted=WANTED, tally=tally)), tally


def packed(*records: bytes, compressed: bool) -> bytes:
    return b"".join(map(gzip.compress, records)) if compressed else b"".join(records)


@pytest.mark.parametrize("compressed", [True, False])
def test_the_pages_of_an_arc_are_read(compressed):
    archive = packed(described(), record(PAGE), record(PAGE * 1000), compressed=compressed)
    assert is_arc(archive[:1024])
    (first, second), tally = read(archive)
    assert first.body == PAGE
    assert first.requested_url == "http://example.org/1"
    assert first.fetched_at == datetime(2023, 9, 5, 10, tzinfo=UTC)
    assert second.body == PAGE * 1000
    assert (tally.records, tally.kept) == (3, 2)
    assert tally.skipped == {"filedesc": 1}


def test_a_line_of_version_2_is_read():
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE
    line = b"http://example.org/1 192.0.2.1 20230905100000 text/html 200 - - 99 a.arc %d\n"
    pages, _ = read(described(version=2) + line % len(block) + block + b"\n")
    assert [page.body for page in pages] == [PAGE]


@pytest.mark.parametrize("compressed", [True, False])
def test_what_is_too_large_or_undated_is_passed_over(compressed):
    large = record(bytes(500_000), url="http://example.org/2")
    odd = record(PAGE, date="yesterday")
    pages, tally = read(packed(described(), large, odd, record(PAGE), compressed=compressed))
    assert len(pages) == 1
    assert tally.skipped == {"filedesc": 1, "too-large": 1, "incomplete-header": 1}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(record(PAGE)[:-20], id="cut"),
        pytest.param(record(PAGE, length=10**17), id="with an endless length"),
        pytest.param(record(PAGE, length="x"), id="with no length"),
        pytest.param(b"garbage\n", id="garbage"),
        pytest.param(b"a" * 100_000, id="an endless line"),
    ],
)
def test_damage_ends_the_reading_and_is_told(last, compressed):
    pages, tally = read(packed(described(), record(PAGE), last, compressed=compressed))
    assert [page.body for page in pages] == [PAGE]
    assert len(tally.damages) == 1


@given(st.binary(max_size=500))
@settings(deadline=None)
def test_any_bytes_are_read_without_an_error(content):
    for archive in (content, gzip.compress(content), described() + content):
        is_arc(archive)
        read(archive)
