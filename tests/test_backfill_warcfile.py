"""Reading WARC files by spans: every page once, damage skipped and told, memory bounded."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
import zlib
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ingest.backfill.screen import compile_screen
from ingest.backfill.warcfile import read_paths, read_span
from ingest.backfill.warcrecord import PageFilter, SpanTally
from ingest.backfill.warcspan import Layout, Span, read_layout, split_warc
from ingest.model import Rejection
from ingest.story import NameGroup, StoryRule

STORY = StoryRule(
    slug="harbour",
    title="The strike in Port Silver",
    groups=(
        NameGroup(key="place", names=(("en", ("Port Silver",)),)),
        NameGroup(key="event", names=(("en", ("dockers*", "strike*")),)),
    ),
)
ON_STORY = b"<html><title>Strike</title><p>The dockers of Port Silver are on strike.</p></html>"
OFF_STORY = b"<html><title>Weather</title><p>It will rain in the mountains.</p></html>"
ALL = PageFilter(screen=None, max_body_bytes=1_000_000)
DATE = "2023-09-05T10:00:00Z"


def record(
    block: bytes,
    *,
    kind: str = "response",
    url: str | None = "http://example.org/1",
    date: str | None = DATE,
    length: str | None = None,
    more: str = "",
) -> bytes:
    """A record written by hand."""
    lines = [f"WARC-Type: {kind}"]
    lines += [f"WARC-Target-URI: {url}"] if url else []
    lines += [f"WARC-Date: {date}"] if date else []
    lines += [more] if more else []
    lines += [f"Content-Length: {len(block) if length is None else length}"]
    return ("WARC/1.0\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + block + b"\r\n\r\n"


def response(body: bytes = ON_STORY, *, status: int = 200, headers: str = "") -> bytes:
    """The block of a response record."""
    head = f"HTTP/1.1 {status} Fine\r\nContent-Type: text/html; charset=utf-8\r\n{headers}\r\n"
    return head.encode() + body


def page(number: int, body: bytes = ON_STORY) -> bytes:
    return record(response(body), url=f"http://example.org/{number}")


def padded(number: int, size: int = 2000) -> bytes:
    """A page that hardly compresses, so that spans can cut through it."""
    noise = b"".join(
        zlib.crc32(b"%d %d" % (number, at)).to_bytes(4, "big") for at in range(size // 4)
    )
    return page(number, ON_STORY + noise.hex().encode())


def read(archive: bytes, span: Span | None = None, *, wanted=ALL, base=0, size_bytes=None):
    """(URLs of the pages, tally, pages) of a span, by default of all."""
    tally = SpanTally()
    pages = list(
        read_span(
            BytesIO(archive),
            span or Span(start=0, stop=len(archive)),
            wanted=wanted,
            tally=tally,
            base=base,
            size_bytes=size_bytes,
        )
    )
    return [page.requested_url.rpartition("/")[2] for page in pages], tally, pages


def zipped(*records: bytes) -> bytes:
    return b"".join(map(gzip.compress, records))


# The other library leaves its temporary files to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("version", ["WARC/1.0", "WARC/1.1"])
def test_pages_come_as_another_library_wrote_them(compressed, version):
    out = BytesIO()
    writer = WARCWriter(out, gzip=compressed, warc_version=version)
    writer.write_record(writer.create_warcinfo_record("news.warc", {"software": "test"}))
    headers = StatusAndHeaders(
        "200 OK", [("Content-Type", "text/html"), ("ETag", '"5"')], protocol="HTTP/1.1"
    )
    answer = writer.create_warc_record(
        "http://example.org/1", "response", payload=BytesIO(ON_STORY), http_headers=headers
    )
    asked = writer.create_warc_record(
        "http://example.org/1",
        "request",
        http_headers=StatusAndHeaders("GET /1 HTTP/1.1", [("Host", "example.org")]),
    )
    writer.write_request_response_pair(asked, answer)
    urls, tally, pages = read(out.getvalue())
    assert urls == ["1"]
    assert pages[0].body == ON_STORY
    assert pages[0].headers == {"content-type": "text/html", "etag": '"5"'}
    assert (pages[0].status, pages[0].final_url) == (200, "http://example.org/1")
    assert pages[0].fetched_at.tzinfo is UTC
    assert tally.records == 3
    assert tally.skipped == {"warcinfo": 1, "request": 1}
    assert (tally.pages, tally.kept, tally.content_bytes) == (1, 1, len(ON_STORY))


def test_what_the_screen_refuses_is_counted_and_not_given():
    wanted = PageFilter(screen=compile_screen([STORY]), max_body_bytes=1_000_000)
    urls, tally, _ = read(zipped(page(1), page(2, OFF_STORY), page(3)), wanted=wanted)
    assert urls == ["1", "3"]
    assert (tally.pages, tally.kept) == (3, 2)
    assert tally.skipped == {"off-story": 1}


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        pytest.param(record(b"x", kind="revisit"), "revisit", id="a revisit"),
        pytest.param(record(b"x", kind="resource"), "resource", id="a resource"),
        pytest.param(record(b"x", kind="metadata"), "metadata", id="metadata"),
        pytest.param(record(b"x", kind="invented"), "unknown", id="a type of tomorrow"),
        pytest.param(record(response(status=404)), "not-200", id="a page that was not there"),
        pytest.param(
            record(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"),
            "not-html",
            id="an image",
        ),
        pytest.param(
            record(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"),
            "not-html",
            id="plain text",
        ),
        pytest.param(record(b"no http at all"), "not-http", id="no HTTP in it"),
        pytest.param(record(b""), "not-http", id="nothing in it"),
        pytest.param(record(response(), url="ftp://example.org/1"), "not-http", id="by FTP"),
        pytest.param(record(response(), url=None), "incomplete-header", id="no address"),
        pytest.param(record(response(), date=None), "incomplete-header", id="no date"),
        pytest.param(record(response(), date="yesterday"), "incomplete-header", id="a bad date"),
        pytest.param(
            record(response(), more="WARC-Truncated: length"), "cut-by-crawler", id="truncated"
        ),
        pytest.param(
            record(response(), more="WARC-Segment-Number: 1"), "cut-by-crawler", id="a segment"
        ),
        pytest.param(
            record(response(headers="Content-Encoding: br\r\n")), "not-inflated", id="brotli"
        ),
        pytest.param(
            record(response(gzip.compress(bytes(9_000_000)), headers="Content-Encoding: gzip\r\n")),
            "not-inflated",
            id="a bomb",
        ),
        pytest.param(
            record(response(), more="WARC-Block-Digest: sha1:" + "A" * 32),
            "wrong-digest",
            id="another digest",
        ),
        pytest.param(
            record(response(b"9\r\ncut", headers="Transfer-Encoding: chunked\r\n")),
            "not-http",
            id="chunks that are cut",
        ),
    ],
)
@pytest.mark.parametrize("compressed", [True, False])
def test_what_is_no_page_is_counted_by_reason(one, reason, compressed):
    records = (page(1), one, page(3))
    urls, tally, _ = read(zipped(*records) if compressed else b"".join(records))
    assert urls == ["1", "3"]
    assert tally.skipped == {reason: 1}
    assert tally.records == 3
    assert tally.damages == []


def test_a_digest_that_is_right_lets_the_page_pass():
    block = response()
    digest = hashlib.sha256(block).hexdigest()
    assert read(record(block, more=f"WARC-Block-Digest: sha256:{digest}"))[0] == ["1"]
    assert read(record(block, more="WARC-Block-Digest: quantum:42"))[0] == ["1"]


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        pytest.param(response(), {}, id="as it is"),
        pytest.param(
            response(
                b"30\r\n"
                + ON_STORY[:48]
                + b"\r\n%x;a=b\r\n" % (len(ON_STORY) - 48)
                + ON_STORY[48:]
                + b"\r\n0\r\n\r\n",
                headers="Transfer-Encoding: chunked\r\n",
            ),
            {"transfer-encoding": "chunked"},
            id="chunks are undone",
        ),
        pytest.param(
            response(headers="Transfer-Encoding: chunked\r\n"),
            {"transfer-encoding": "chunked"},
            id="chunks that the crawler undid",
        ),
        pytest.param(
            response(headers="Content-Encoding: gzip\r\n"), {}, id="gzip that the crawler undid"
        ),
        pytest.param(
            response(headers="X-Note: one\r\n two\r\nX-Note: three\r\n"),
            {"x-note": "one two, three"},
            id="folded and repeated headers",
        ),
        pytest.param(
            response().replace(b"\r\n", b"\n"), {}, id="lines that end with a line feed only"
        ),
    ],
)
def test_bodies_come_out_whatever_the_crawler_did_to_them(block, headers):
    _, _, [found] = read(zipped(record(block)))
    assert found.body == ON_STORY
    assert found.headers == {"content-type": "text/html; charset=utf-8", **headers}


def test_a_body_stays_gzipped_as_it_was_archived():
    body = gzip.compress(ON_STORY)
    wanted = PageFilter(screen=compile_screen([STORY]), max_body_bytes=1000)
    block = response(body, headers="Content-Encoding: gzip\r\n")
    _, tally, [found] = read(zipped(record(block)), wanted=wanted)
    assert found.body == body
    assert found.headers["content-encoding"] == "gzip"
    assert tally.content_bytes == len(ON_STORY)


@pytest.mark.parametrize(
    ("stated", "date"),
    [
        ("2023-09-05T10:00:00Z", datetime(2023, 9, 5, 10, tzinfo=UTC)),
        ("2023-09-05T10:00:00.123456789Z", datetime(2023, 9, 5, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2023-09-05T12:00:00+02:00", datetime(2023, 9, 5, 10, tzinfo=UTC)),
        ("2023-09-05", datetime(2023, 9, 5, tzinfo=UTC)),
        ("2023-09", datetime(2023, 9, 1, tzinfo=UTC)),
        ("2023", datetime(2023, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_of_any_precision_are_read(stated, date):
    _, _, [found] = read(record(response(), date=stated))
    assert found.fetched_at == date


def test_pages_outside_the_dates_are_left_out():
    wanted = PageFilter(
        screen=None,
        max_body_bytes=1000,
        since=datetime(2023, 9, 5, tzinfo=UTC),
        until=datetime(2023, 9, 6, tzinfo=UTC),
    )
    days = ["2023-09-04T23:59:59Z", "2023-09-05T00:00:00Z", "2023-09-06T00:00:00Z"]
    archive = zipped(
        *(record(response(), date=day, url=f"http://a.org/{n}") for n, day in enumerate(days))
    )
    urls, tally, _ = read(archive, wanted=wanted)
    assert urls == ["1"]
    assert tally.skipped == {"outside-dates": 2}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("span_bytes", [40, 999, 2500, 10_000_000])
def test_spans_together_give_each_page_once(compressed, span_bytes):
    records = [padded(number) for number in range(6)]
    archive = zipped(*records) if compressed else b"".join(records)
    spans = split_warc(len(archive), span_bytes=span_bytes, layout=read_layout(archive))
    assert (spans[0].start, spans[-1].stop) == (0, len(archive))
    assert all(a.stop == b.start for a, b in pairwise(spans))
    found = [read(archive, span) for span in spans]
    assert [url for urls, _, _ in found for url in urls] == list("012345")
    assert sum(tally.records for _, tally, _ in found) == 6
    assert not any(tally.damages for _, tally, _ in found)


def test_an_empty_file_is_one_span_without_pages():
    assert split_warc(0, span_bytes=10) == (Span(start=0, stop=0),)
    assert read(b"")[0] == []


@pytest.mark.parametrize("span_bytes", [0, -1])
def test_a_span_of_nothing_is_refused(span_bytes):
    with pytest.raises(ValueError, match="at least a byte"):
        split_warc(10, span_bytes=span_bytes)


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(gzip.compress(b"".join(padded(n) for n in range(6))), id="one gzip stream"),
        pytest.param(
            zipped(
                *(
                    b"".join(padded(n) for n in range(6))[at : at + 700]
                    for at in range(0, 30_000, 700)
                )
            ),
            id="members without regard to records",
        ),
        pytest.param(b"".join(zstandard.compress(padded(n)) for n in range(6)), id="zstandard"),
    ],
)
def test_a_file_that_cannot_be_entered_midway_is_one_span(archive):
    layout = read_layout(archive)
    assert layout is Layout.WHOLE
    assert len(split_warc(len(archive), span_bytes=500, layout=layout)) == 1
    assert read(archive)[0] == list("012345")
    assert read(archive, Span(start=0, stop=10))[0] == list("012345")
    assert read(archive, Span(start=500, stop=len(archive)))[0] == []


def damaged(member: bytes) -> bytes:
    """The same with some bytes turned over in its middle."""
    at = len(member) // 2
    return member[:at] + bytes(255 - byte for byte in member[at : at + 9]) + member[at + 9 :]


@pytest.mark.parametrize(
    ("second", "damages"),
    [
        pytest.param(damaged(gzip.compress(padded(2))), 1, id="a damaged member"),
        pytest.param(gzip.compress(padded(2))[:-8] + bytes(8), 1, id="a wrong checksum"),
        pytest.param(gzip.compress(padded(2))[:500], 1, id="a member that is cut"),
        pytest.param(b"garbage" * 20, 1, id="garbage"),
        pytest.param(
            gzip.compress(record(response(), length="100000")), 1, id="a length that is too large"
        ),
        pytest.param(gzip.compress(record(response(), length="50")), 1, id="one that is too small"),
        pytest.param(gzip.compress(record(response(), length="-5")), 1, id="one below zero"),
        pytest.param(
            gzip.compress(record(response(), length="many")), 1, id="one that is no number"
        ),
        pytest.param(gzip.compress(b"WARC/1.0\r\nWARC-Type: response\r\n\r\n"), 1, id="no length"),
        pytest.param(gzip.compress(b"WARC/1.0\r\nX: " + b"a" * 400_000), 1, id="an endless header"),
        pytest.param(gzip.compress(b"not a record"), 1, id="something else in the member"),
        pytest.param(b"\x1f\x8b\x08", 1, id="a lone magic"),
        pytest.param(gzip.compress(b""), 1, id="an empty member"),
    ],
)
def test_damage_is_told_with_its_place_and_reading_goes_on(second, damages):
    first = gzip.compress(padded(1))
    urls, tally, _ = read(first + second + zipped(padded(3), padded(4)))
    assert urls == ["1", "3", "4"]
    assert [place for place, _ in tally.damages] == [len(first)] * damages
    assert tally.skipped["damaged"] == damages


@pytest.mark.parametrize("length", ["100000", "50", "-5", "many", str(10**15), str(10**30)])
def test_a_false_length_of_a_record_that_is_not_compressed_costs_that_record_only(length):
    archive = page(1) + record(response(), length=length) + page(3) + page(4)
    urls, tally, _ = read(archive)
    assert urls == ["1", "3", "4"]
    assert tally.skipped["damaged"] + tally.skipped["too-large"] == 1


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_that_is_cut_gives_all_but_its_last_page(compressed):
    records = [padded(number) for number in range(3)]
    archive = zipped(*records) if compressed else b"".join(records)
    urls, tally, _ = read(archive[:-700])
    assert urls == ["0", "1"]
    assert len(tally.damages) == 1


def test_a_record_above_the_limit_is_skipped_and_takes_no_memory():
    wanted = PageFilter(screen=None, max_body_bytes=100_000)
    large = gzip.compress(record(response(bytes(30_000_000))))
    archive = zipped(page(1)) + large + zipped(page(3))
    tracemalloc.start()
    urls, tally, _ = read(archive, wanted=wanted)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert urls == ["1", "3"]
    assert tally.skipped == {"too-large": 1}
    assert peak < 5_000_000


def test_a_part_fetched_by_range_gives_the_same_as_the_whole():
    records = [gzip.compress(padded(number)) for number in range(5)]
    archive = b"".join(records)
    starts = [sum(map(len, records[:number])) for number in range(6)]
    span = Span(start=starts[1] + 1, stop=starts[3] + 1)
    urls, tally, _ = read(
        archive[span.start : starts[4]], span, base=span.start, size_bytes=len(archive)
    )
    assert urls == ["2", "3"]
    assert tally.unfinished is None
    assert read(archive, span)[0] == urls


@pytest.mark.parametrize("missing", [30, 300, 900])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_part_that_ends_too_early_says_where_to_go_on(missing, compressed):
    records = [padded(number) for number in range(5)]
    records = [gzip.compress(one) for one in records] if compressed else records
    archive = b"".join(records)
    starts = [sum(map(len, records[:number])) for number in range(6)]
    span = Span(start=starts[1], stop=starts[3] + 1)
    part = archive[span.start : starts[4] - missing]
    urls, tally, _ = read(part, span, base=span.start, size_bytes=len(archive))
    assert urls == ["1", "2"]
    assert tally.unfinished == starts[3]
    assert tally.damages == []
    rest = Span(start=tally.unfinished, stop=span.stop)
    more = archive[rest.start : starts[4]]
    assert read(more, rest, base=rest.start, size_bytes=len(archive))[0] == ["3"]


def test_a_part_that_ends_before_its_span_says_so():
    records = [gzip.compress(padded(number)) for number in range(3)]
    archive = b"".join(records)
    span = Span(start=0, stop=len(archive))
    urls, tally, _ = read(archive[: len(records[0])], span, size_bytes=len(archive))
    assert urls == ["0"]
    assert tally.unfinished == len(records[0])


def test_a_part_that_begins_behind_its_span_is_refused():
    with pytest.raises(ValueError, match="before its bytes"):
        read(b"", Span(start=3, stop=9), base=4, size_bytes=100)


@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.binary(max_size=40), st.integers(0, 60)), max_size=4
    ),
    st.booleans(),
    st.integers(50, 5000),
)
@settings(deadline=None, max_examples=150)
def test_whatever_is_done_to_a_file_its_spans_give_what_the_whole_gives(edits, compressed, size):
    records = [padded(number, size=400) for number in range(4)]
    archive = bytearray(zipped(*records) if compressed else b"".join(records))
    for place, inserted, removed in edits:
        at = place % (len(archive) + 1)
        archive[at : at + removed] = inserted
    whole = bytes(archive)
    urls, tally, _ = read(whole)
    spans = split_warc(len(whole), span_bytes=size, layout=read_layout(whole))
    found = [read(whole, span) for span in spans]
    assert [url for pages, _, _ in found for url in pages] == urls
    assert sum(one.records for _, one, _ in found) == tally.records


@given(st.binary(max_size=600))
@settings(deadline=None)
def test_any_bytes_are_read_without_an_error(content):
    read(content)
    read(gzip.compress(content))
    read(page(1) + content + page(2))
    read(record(b"HTTP/1.1 200 OK\r\n" + content))
    read(record(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + content))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_paths_of_a_listing_are_its_lines(pack):
    listing = (
        b"crawl-data/CC-NEWS/2023/09/a.warc.gz\r\n\n crawl-data/b.warc.gz \nno path\n\xff\x00\n"
    )
    assert read_paths(pack(listing)) == (
        "crawl-data/CC-NEWS/2023/09/a.warc.gz",
        "crawl-data/b.warc.gz",
    )


def test_a_listing_that_is_cut_is_rejected():
    assert isinstance(read_paths(gzip.compress(b"a.warc.gz\n" * 999)[:-9]), Rejection)
