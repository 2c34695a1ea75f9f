"""A replayed capture as the page that it was, and captures that are no article."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.cdx import CaptureRow
from ingest.backfill.memento import (
    find_notice,
    read_memento,
    read_replay_url,
    reject_row,
    replay_url,
)
from ingest.backfill.mementobody import restore_body, restore_headers
from ingest.inflate import decode_body
from ingest.model import FailureKind, FetchedPage, Rejection
from tests.internetarchive import CRAWL_TIME_REDIRECT, EXCLUDED, NOT_ARCHIVED, TOO_FAST

patient = settings(deadline=None)  # for a machine that has other work
REPLAY = "https://web.archive.org/web"
URL = "https://www.example.org/news/a"
AT = datetime(2023, 9, 4, 10, 0, tzinfo=UTC)
HTML = b"<html><head><title>Talks</title></head><body><p>Talks were held.</p></body></html>" * 3
ORIGINAL = {
    "content-type": "text/html; charset=utf-8",
    "memento-datetime": "Mon, 04 Sep 2023 10:00:00 GMT",
    "x-archive-orig-etag": '"v1"',
    "x-archive-orig-server": "nginx",
    "x-archive-orig-set-cookie": "session=1",
    "x-archive-orig-connection": "close",
    "x-archive-src": "crawl.warc.gz",
}


def row(**changes) -> CaptureRow:
    values = {"key": "org,example)/news/a", "url": URL, "at": AT, "mime": "text/html"}
    return CaptureRow(**values | {"status": 200, "digest": "D", "length": 1} | changes)


def page(body=HTML, *, url=f"{REPLAY}/20230904100000id_/{URL}", status=200, **headers):
    """What the Fetcher gives; a header set to None is not there."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FetchedPage(
        requested_url=f"{REPLAY}/20230904100000id_/{URL}",
        final_url=url,
        redirects=(),
        permanent=False,
        status=status,
        headers={name: text for name, text in (ORIGINAL | named).items() if text is not None},
        body=body,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        elapsed_ms=12.0,
    )


def own_page(body: bytes, **headers) -> FetchedPage:
    """A page of the archive's own, sent with status 200."""
    nothing = dict.fromkeys(name.replace("-", "_") for name in ORIGINAL)
    return page(body, **nothing | {"content_type": "text/html"} | headers)


def read(fetched: FetchedPage, **changes):
    return read_memento(
        fetched, row(**changes), replay=REPLAY, tolerance=timedelta(hours=1), max_bytes=10_000
    )


def memento(fetched: FetchedPage, **changes) -> FetchedPage:
    outcome = read(fetched, **changes)
    assert isinstance(outcome, FetchedPage), outcome
    return outcome


def rejected(fetched: FetchedPage, **changes) -> Rejection:
    outcome = read(fetched, **changes)
    assert isinstance(outcome, Rejection), outcome
    return outcome


# ---------------------------------------------------------------- rows and addresses


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status": 301}, FailureKind.NOT_FOUND),
        ({"status": 404}, FailureKind.NOT_FOUND),
        ({"status": 410}, FailureKind.GONE),
        ({"status": 429}, FailureKind.NOT_FOUND),
        ({"status": 503}, FailureKind.NOT_FOUND),
        ({"mime": "warc/revisit", "status": None}, FailureKind.NOT_FOUND),
        ({"mime": "image/jpeg"}, FailureKind.NOT_HTML),
        ({"mime": "application/pdf"}, FailureKind.NOT_HTML),
    ],
)
def test_a_line_of_the_index_tells_what_is_no_article(changes, kind):
    rejection = reject_row(row(**changes))
    assert rejection is not None
    assert rejection.kind is kind
    assert not kind.temporary  # it will not be another capture later


@pytest.mark.parametrize("mime", ["text/html", "Text/HTML; charset=x", "text/plain", "unk", None])
def test_what_may_be_an_article_is_asked_for(mime):
    assert reject_row(row(mime=mime)) is None
    assert reject_row(row(mime=mime, status=None)) is None


def test_a_capture_is_asked_for_as_it_was():
    assert replay_url(REPLAY, row()) == f"{REPLAY}/20230904100000id_/{URL}"
    hashed = replay_url(REPLAY, row(url="https://example.org/a?b#top"))
    assert hashed == f"{REPLAY}/20230904100000id_/https://example.org/a?b"


@pytest.mark.parametrize(
    ("url", "captured"),
    [
        (f"{REPLAY}/20230904100000id_/http://e.org/a?b=1", "http://e.org/a?b=1"),
        ("http://web.archive.org/web/20230904100000id_/http://e.org/a", "http://e.org/a"),
        (f"{REPLAY}/20230904100000id_/http:/e.org/a", "http://e.org/a"),
        (f"{REPLAY}/20230904100000id_/http%3A%2F%2Fe.org%2Fa", "http://e.org/a"),
    ],
)
def test_the_address_of_a_capture_is_taken_apart(url, captured):
    address = read_replay_url(REPLAY, url)
    assert address is not None
    assert (address.url, address.at, address.as_captured) == (captured, AT, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a",
        "https://web.archive.org/web/",
        "https://web.archive.org/save/http://example.org/a",
        "https://web.archive.org/website/20230904100000id_/http://example.org/a",
        f"{REPLAY}/x/http://example.org/a",
    ],
)
def test_another_address_is_no_capture(url):
    assert read_replay_url(REPLAY, url) is None


@patient
@given(st.text())
def test_any_address_is_read_or_none(text):
    for url in (text, f"{REPLAY}/{text}", f"{REPLAY}/20230904100000id_/{text}"):
        address = read_replay_url(REPLAY, url)
        assert address is None or address.url


# ---------------------------------------------------------------- the page as it was


def test_a_memento_is_the_page_of_its_time():
    read_page = memento(page(x_archive_orig_last_modified="Mon, 04 Sep 2023 09:00:00 GMT"))
    assert (read_page.requested_url, read_page.final_url) == (URL, URL)
    assert read_page.fetched_at == AT
    assert (read_page.redirects, read_page.permanent, read_page.status) == ((), False, 200)
    assert read_page.headers == {
        "content-type": "text/html; charset=utf-8",
        "etag": '"v1"',
        "server": "nginx",
        "last-modified": "Mon, 04 Sep 2023 09:00:00 GMT",
    }
    assert read_page.body == HTML
    assert read_page.validators.etag == '"v1"'


def test_the_address_is_the_one_it_was_captured_under():
    link = '<http://example.org/news/a/>; rel="original", <https://x.test/>; rel="timegate"'
    assert memento(page(link=link)).final_url == "http://example.org/news/a/"
    host = '<http://st%C3%B6rung.test:80/a>; rel="original"'
    assert (
        memento(page(link=host), url="https://störung.test/a").final_url == "http://störung.test/a"
    )


def test_the_time_is_that_of_the_capture_really_served():
    read_page = memento(page(memento_datetime="Mon, 04 Sep 2023 10:30:00 GMT"))
    assert read_page.fetched_at == AT + timedelta(minutes=30)


def test_without_the_header_the_time_is_that_of_the_address():
    url = f"{REPLAY}/20230904101500id_/{URL}"
    for header in (None, "yesterday", "Mon, 99 Sep 99999 10:00:00 GMT"):
        read_page = memento(page(url=url, memento_datetime=header))
        assert read_page.fetched_at == AT + timedelta(minutes=15)


def test_without_any_time_it_is_no_memento():
    reason = rejected(page(url=f"{REPLAY}/2023id_/{URL}", memento_datetime=None)).reason
    assert reason == "the archive does not say when it was captured"


@pytest.mark.parametrize(
    ("fetched", "reason"),
    [
        (page(url="https://www.example.org/news/a"), "led out of the archive"),
        (page(url=f"{REPLAY}/20230904100000/{URL}"), "rewritten"),
        (page(url=f"{REPLAY}/20230904100000if_/{URL}"), "rewritten"),
        (page(status=203), "captured as HTTP 203"),
        (page(url=f"{REPLAY}/20230904100000id_/https://example.org/"), "another page"),
        (page(link='<https://example.org/login>; rel="original"'), "another page"),
        (page(memento_datetime="Mon, 04 Sep 2023 11:00:01 GMT"), "nearest capture is of 2023-09"),
        (page(memento_datetime="Sun, 04 Sep 2022 10:00:00 GMT"), "nearest capture is of 2022-09"),
    ],
)
def test_what_is_not_this_capture_is_rejected(fetched, reason):
    rejection = rejected(fetched)
    assert reason in rejection.reason
    assert not rejection.kind.temporary


# ---------------------------------------------------------------- pages of the archive's own


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (CRAWL_TIME_REDIRECT, FailureKind.NOT_FOUND, "redirect"),
        (NOT_ARCHIVED, FailureKind.NOT_FOUND, "not in the archive"),
        (EXCLUDED, FailureKind.HTTP_CLIENT, "keeps it to itself"),
        (b"Page cannot be displayed due to robots.txt.", FailureKind.HTTP_CLIENT, "itself"),
        (TOO_FAST, FailureKind.RATE_LIMITED, "too fast"),
        (b"<title>Internet Archive: Scheduled Maintenance", FailureKind.HTTP_SERVER, "away"),
        (b"<title>Wayback Machine</title><p>Something new", FailureKind.NOT_FOUND, "Wayback"),
        (b"\xff\x00", FailureKind.NOT_FOUND, "the archive's own"),
        (HTML, FailureKind.NOT_FOUND, "the archive's own: 'Talks'"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_page_of_the_archives_own_is_told_with_what_it_says(body, kind, reason, compressed):
    fetched = own_page(body)
    if compressed:
        fetched = own_page(gzip.compress(body), content_encoding="gzip")
    rejection = rejected(fetched)
    assert rejection.kind is kind
    assert reason in rejection.reason


@pytest.mark.parametrize("notice", [CRAWL_TIME_REDIRECT, NOT_ARCHIVED, EXCLUDED, TOO_FAST])
def test_an_article_may_quote_the_archive(notice):
    article = HTML.replace(b"</body>", notice + b"</body>")
    assert memento(page(article)).body == article


@patient
@given(st.binary(), st.sampled_from(["", "gzip", "br", ", gzip", "gzip, gzip"]))
def test_any_page_of_the_archives_own_is_read(body, encoding):
    fetched = page(body, content_encoding=encoding)
    assert isinstance(find_notice(fetched), Rejection | None)


# ---------------------------------------------------------------- bodies


def inflated(read_page: FetchedPage) -> bytes | Rejection:
    encoding = read_page.headers.get("content-encoding", "")
    return decode_body(read_page.body, encoding, max_bytes=100_000)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(HTML, {}, id="plain"),
        pytest.param(HTML, {"content_encoding": "gzip"}, id="called gzip, and is not"),
        pytest.param(gzip.compress(HTML), {"content_encoding": "gzip"}, id="compressed"),
        pytest.param(gzip.compress(HTML), {"content_encoding": ", gzip"}, id="two headers"),
        pytest.param(gzip.compress(HTML), {}, id="compressed, and not called so"),
        pytest.param(
            gzip.compress(HTML), {"x_archive_orig_content_encoding": "gzip"}, id="compressed then"
        ),
        pytest.param(
            HTML, {"x_archive_orig_content_encoding": "gzip"}, id="compressed then, plain now"
        ),
        pytest.param(
            HTML, {"x_archive_orig_content_encoding": "br"}, id="in brotli then, plain now"
        ),
        pytest.param(
            gzip.compress(gzip.compress(HTML)), {"content_encoding": "gzip"}, id="compressed twice"
        ),
        pytest.param(
            gzip.compress(gzip.compress(HTML)),
            {"content_encoding": "gzip, gzip"},
            id="compressed twice, and called so",
        ),
    ],
)
def test_a_body_is_found_under_any_encoding(body, headers):
    assert inflated(memento(page(body, **headers))) == HTML


@pytest.mark.parametrize(
    "headers",
    [{"content_encoding": "br"}, {"x_archive_orig_content_encoding": "br"}],
)
def test_an_encoding_that_we_do_not_know_is_left_to_be_refused(headers):
    outcome = inflated(memento(page(b"\x8b\x03\x80", **headers)))
    assert isinstance(outcome, Rejection)
    assert outcome.kind is FailureKind.BAD_ENCODING


def test_a_body_that_is_compressed_twice_is_bounded():
    bomb = gzip.compress(gzip.compress(bytes(10**7), 0))
    assert rejected(page(bomb, content_encoding="gzip")).kind is FailureKind.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (HTML, {"x_archive_orig_content_length": "300"}),
        (
            gzip.compress(HTML, mtime=0),
            {"content_encoding": "gzip", "x_archive_orig_content_length": "300"},
        ),
        (b"<html><body><p>Talks were", {}),
    ],
)
def test_a_page_that_was_cut_when_it_was_captured_is_rejected(body, headers):
    assert rejected(page(body, **headers)).kind is FailureKind.TRUNCATED


@pytest.mark.parametrize(
    "headers",
    [
        {"x_archive_orig_content_length": str(len(HTML))},
        {"x_archive_orig_content_length": "-1"},
        {"x_archive_orig_content_length": "9" * 5000, "x_archive_orig_content_encoding": "gzip"},
        {"x_archive_orig_content_length": "300", "x_archive_orig_transfer_encoding": "chunked"},
    ],
)
def test_a_length_that_says_nothing_is_no_cut(headers):
    assert memento(page(HTML, **headers)).body == HTML


def test_headers_without_the_prefix_are_of_the_archive():
    headers = {"content-type": "text/html", "server": "pywb", "x-archive-orig-date": "then"}
    assert restore_headers(headers) == {"content-type": "text/html", "date": "then"}


prefix = st.sampled_from(["", "x-archive-orig-"])
name = st.sampled_from(["content-encoding", "content-length", "content-type", "etag"])
names = st.builds(str.__add__, prefix, name)
values = st.text() | st.sampled_from(["gzip", "br", "gzip, gzip", "12", "99999"])
bodies = st.binary() | st.binary().map(gzip.compress)


@patient
@given(
    bodies | bodies.map(gzip.compress) | bodies.map(lambda b: b[:-3]),
    st.dictionaries(names, values),
)
def test_any_body_is_restored_or_rejected(body, headers):
    outcome = restore_body(body, headers, max_bytes=1000)
    assert isinstance(outcome, tuple | Rejection)
