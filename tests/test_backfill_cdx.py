"""The index of a web archive: asking, reading answers, going on after any interruption."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.cdx import (
    CaptureRow,
    CdxPage,
    Dialect,
    format_timestamp,
    parse_cdx,
    parse_timestamp,
)
from ingest.backfill.cdxcursor import Cursor, ask, follow, read_cursor, start_cursor
from ingest.backfill.cdxquery import CdxQuery, Match, article_queries, cdx_url, target_query
from ingest.errors import BadURLError, UsageError
from ingest.model import FailureKind, Rejection

NOW = datetime(2023, 9, 20, tzinfo=UTC)
patient = settings(deadline=None)  # for a machine that has other work
NAMES = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
A = ["org,example)/a", "20230904100000", "https://www.example.org/a", "text/html", "200", "D1", "9"]
B = ["org,example)/a", "20230905100000", "http://example.org:80/a", "text/html", "200", "D2", "9"]


def wayback(*rows, key=None):
    items = [NAMES, *rows] + ([[], [key]] if key is not None else [])
    return ("[" + ",\n ".join(map(json.dumps, items)) + "]\n").encode()


def pywb(*rows):
    names = ["urlkey", "timestamp", "url", "mime", "status", "digest", "length"]
    lines = [json.dumps(dict(zip(names, row, strict=False))) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def parsed(body, dialect=Dialect.WAYBACK) -> CdxPage:
    page = parse_cdx(body, dialect)
    assert isinstance(page, CdxPage), page
    return page


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("body", "dialect"), [(wayback(A, B), Dialect.WAYBACK), (pywb(A, B), Dialect.PYWB)]
)
def test_rows_are_read_in_both_dialects(body, dialect):
    page = parsed(body, dialect)
    assert (page.bad_lines, page.resume_key) == (0, None)
    assert page.rows[0] == CaptureRow(
        key="org,example)/a",
        url="https://www.example.org/a",
        at=datetime(2023, 9, 4, 10, tzinfo=UTC),
        mime="text/html",
        status=200,
        digest="D1",
        length=9,
    )
    assert page.rows[1].url == "http://example.org/a"  # without the port of http


def test_the_key_to_go_on_with_comes_after_an_empty_row():
    page = parsed(wayback(A, B, key="org%2Cexample%29%2Fa+20230905100000%21"))
    assert len(page.rows) == 2
    assert page.resume_key == "org%2Cexample%29%2Fa+20230905100000%21"


def test_columns_are_found_by_name():
    order = [2, 1, 0, 6, 5, 4, 3]
    items = [[row[place] for place in order] for row in (NAMES, A)]
    assert parsed(json.dumps(items).encode()).rows == parsed(wayback(A)).rows


def test_a_host_in_letters_of_any_script_is_read():
    (row,) = parsed(wayback([*A[:2], "https://st%C3%B6rung.example/a%20b", *A[3:]])).rows
    assert row.url == "https://störung.example/a%20b"


def test_a_revisit_has_no_status():
    (row,) = parsed(wayback([*A[:3], "warc/revisit", "-", "D1", "-"])).rows
    assert row.is_revisit
    assert (row.status, row.length) == (None, None)


def test_what_pywb_leaves_out_is_not_known():
    line = b'{"urlkey": "org,example)/a", "timestamp": "20230904100000", "url": "http://e.org/a"}'
    (row,) = parsed(line, Dialect.PYWB).rows
    assert (row.mime, row.status, row.digest, row.length) == (None, None, None, None)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param([*A[:1], "20231304100000", *A[2:]], id="a thirteenth month"),
        pytest.param([*A[:1], "2023", *A[2:]], id="a short time"),
        pytest.param([*A[:1], "00010101000000", *A[2:]], id="before the Web"),
        pytest.param([*A[:2], "mailto:a@example.org", *A[3:]], id="no address of the web"),
        pytest.param([*A[:2], "http://", *A[3:]], id="no host"),
        pytest.param([*A[:2], "http://[::1/a", *A[3:]], id="half an address"),
        pytest.param([*A[:2], "http://e.org/" + "a" * 5000, *A[3:]], id="an endless address"),
        pytest.param([*A[:2], "http://e.org/\ud800", *A[3:]], id="half a character"),
        pytest.param([*A[:2], "http://e.org/a\nb", *A[3:]], id="two lines"),
        pytest.param([*A[:2], 7, *A[3:]], id="a number for an address"),
        pytest.param(A[:4], id="too few columns"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_bad_line_is_counted_and_the_others_are_read(bad, dialect):
    made = wayback if dialect is Dialect.WAYBACK else pywb
    if dialect is Dialect.PYWB and len(bad) < len(A):
        bad = bad[:2]
    page = parsed(made(A, bad, B), dialect)
    assert [row.digest for row in page.rows] == ["D1", "D2"]
    assert page.bad_lines == 1
    assert page.lines == 3


def test_a_line_that_is_no_json_is_counted_and_the_others_are_read():
    body = wayback(A, A, B).replace(b"text/html", b'text/"html', 1)
    page = parsed(body)
    assert (len(page.rows), page.bad_lines) == (2, 1)


def test_nothing_found_is_no_row():
    assert parsed(b"[]\n") == CdxPage(rows=(), bad_lines=0)
    assert parsed(b"", Dialect.PYWB) == CdxPage(rows=(), bad_lines=0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "org.archive.wayback.exception.AdministrativeAccessControlException: Blocked Site",
            FailureKind.HTTP_CLIENT,
        ),
        ("RobotAccessControlException: Blocked By Robots", FailureKind.HTTP_CLIENT),
        ("<html><title>429 Too Many Requests</title></html>", FailureKind.RATE_LIMITED),
        ("<html><title>Internet Archive: Temporarily Offline</title>", FailureKind.HTTP_SERVER),
        ('{"message": "Invalid match_type: wrong"}', FailureKind.HTTP_SERVER),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_an_error_text_with_status_200_is_a_rejection(text, kind, dialect):
    rejection = parse_cdx(text.encode(), dialect)
    assert isinstance(rejection, Rejection)
    assert rejection.kind is kind
    assert len(rejection.reason) < 300


def test_an_answer_of_no_byte_is_not_taken_for_an_empty_list():
    rejection = parse_cdx(b"", Dialect.WAYBACK)
    assert isinstance(rejection, Rejection)
    assert rejection.kind is FailureKind.NOT_FOUND


def test_a_list_without_its_end_is_cut():
    rejection = parse_cdx(wayback(A, B, key="k")[:-8], Dialect.WAYBACK)
    assert isinstance(rejection, Rejection)
    assert rejection.kind is FailureKind.TRUNCATED


@pytest.mark.parametrize("dialect", Dialect)
def test_a_deep_answer_breaks_nothing(dialect):
    assert isinstance(parse_cdx(b"[" * 100_000 + b"]" * 100_000, dialect), CdxPage | Rejection)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
odd_rows = st.lists(json_values | st.sampled_from(A + B), min_size=7, max_size=7)


@patient
@given(st.binary() | st.lists(odd_rows | json_values).map(lambda v: json.dumps(v).encode()))
def test_whatever_the_answer_is_it_is_read_or_rejected(body):
    for dialect in Dialect:
        assert isinstance(parse_cdx(body, dialect), CdxPage | Rejection)


@patient
@given(st.lists(odd_rows | st.just(A) | st.just(B)))
def test_each_line_is_a_row_or_counted(rows):
    page = parse_cdx(json.dumps([NAMES, *rows]).encode(), Dialect.WAYBACK)
    assert isinstance(page, CdxPage)
    assert page.lines == len(rows)
    assert len(page.rows) >= sum(row in (A, B) for row in rows)


times = st.integers(0, 10**11).map(
    lambda seconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@patient
@given(times)
def test_times_are_written_as_they_are_read(at):
    assert parse_timestamp(format_timestamp(at)) == at


@patient
@given(st.text() | st.from_regex(r"\A\d{14}\Z") | st.integers() | st.none())
def test_a_time_is_read_or_none(text):
    assert isinstance(parse_timestamp(text), datetime | None)


# ---------------------------------------------------------------- questions


def parameters(query, dialect, **more) -> list[tuple[str, str]]:
    url = cdx_url("https://archive.test/cdx", query, dialect=dialect, limit=5, **more)
    return parse_qsl(urlsplit(url).query, strict_parsing=True)


QUERY = CdxQuery(
    url="https://example.org/a?b=1&c=ü",
    since=datetime(2023, 9, 1, tzinfo=UTC),
    until=datetime(2023, 9, 5, 12, 30, tzinfo=UTC),
    mimes=("text/html", "application/xhtml+xml"),
)


def test_the_internet_archive_is_asked_in_its_dialect():
    asked = parameters(QUERY, Dialect.WAYBACK, resume_key="org%2Cexample")
    assert dict(asked) | {"filter": ""} == {
        "url": "https://example.org/a?b=1&c=ü",
        "matchType": "exact",
        "output": "json",
        "fl": ",".join(NAMES),
        "from": "20230901000000",
        "to": "20230905123000",
        "filter": "",
        "limit": "5",
        "showResumeKey": "true",
        "collapse": "digest",
        "resumeKey": "org%2Cexample",
    }
    filters = [value for name, value in asked if name == "filter"]
    assert filters == ["statuscode:200", r"mimetype:(?:text/html|application/xhtml\+xml)"]


def test_pywb_is_asked_in_its_dialect():
    asked = parameters(QUERY, Dialect.PYWB)
    filters = [value for name, value in asked if name == "filter"]
    assert filters == ["=status:200", r"~mime:(?:text/html|application/xhtml\+xml)"]
    assert not {"collapse", "showResumeKey", "resumeKey"} & dict(asked).keys()


def test_neighbours_of_several_addresses_are_not_collapsed_by_the_archive():
    asked = parameters(CdxQuery(url="https://example.org/", match=Match.PREFIX), Dialect.WAYBACK)
    assert "collapse" not in dict(asked)


@pytest.mark.parametrize(
    ("text", "url", "match"),
    [
        ("https://example.org/a", "https://example.org/a", Match.EXACT),
        ("example.org/a", "http://example.org/a", Match.EXACT),
        ("https://example.org/news/*", "https://example.org/news/", Match.PREFIX),
        ("*.example.org", "http://example.org", Match.DOMAIN),
    ],
)
def test_a_person_names_an_address_its_beginning_or_a_domain(text, url, match):
    query = target_query(text)
    assert (query.url, query.match) == (url, match)
    assert bool(query.mimes) == (match is not Match.EXACT)


@pytest.mark.parametrize(
    "text", ["", "*", "*.", "ftp://example.org/*", "mailto://x", "http://[::1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadURLError):
        target_query(text)


@pytest.mark.parametrize(
    ("urls", "asked"),
    [
        (
            ["http://www.example.org/a/", "https://example.org/a", "https://www.example.org/a"],
            ["http://www.example.org/a/"],
        ),
        (
            ["https://m.example.org/a?utm_source=x"],
            ["https://m.example.org/a?utm_source=x", "https://example.org/a"],
        ),
        (["https://example.org/a?c=1&b=2"], ["https://example.org/a?c=1&b=2"]),
        (["https://example.org/ü#top"], ["https://example.org/ü#top"]),
        (
            ["https://example.org/a", "https://example.org/b"],
            ["https://example.org/a", "https://example.org/b"],
        ),
    ],
)
def test_an_article_is_asked_for_by_as_few_addresses_as_will_do(urls, asked):
    queries = article_queries(urls, since=NOW)
    assert [query.url for query in queries] == asked
    assert {(query.match, query.since) for query in queries} == {(Match.EXACT, NOW)}


# ---------------------------------------------------------------- going on


def made_row(key: int, seconds: int, digest: int) -> CaptureRow:
    return CaptureRow(
        key=f"org,example)/{key}",
        url=f"https://example.org/{key}",
        at=datetime(2023, 9, 1, tzinfo=UTC) + timedelta(seconds=seconds),
        mime="text/html",
        status=200,
        digest=f"D{digest}",
        length=1,
    )


def serve(held: list[CaptureRow], url: str, dialect: Dialect) -> CdxPage:
    """What an archive that holds these captures answers."""
    asked = dict(parse_qsl(urlsplit(url).query))
    rows = [
        row
        for row in held
        if asked.get("from", "") <= row.timestamp <= asked.get("to", "9")
        and asked.get("resumeKey", "") <= f"{row.key} {row.timestamp}"
    ]
    limit = int(asked.get("limit", 10**9))
    key = None
    if dialect is Dialect.WAYBACK and len(rows) > limit:
        key = f"{rows[limit - 1].key} {rows[limit - 1].timestamp}!"
    return CdxPage(rows=tuple(rows[:limit]), bad_lines=0, resume_key=key)


def listed(held, query, dialect, *, limit, killed_after=()) -> list[CaptureRow]:
    """All captures, by a program that is killed after so many of them each time."""
    kills = list(killed_after)
    cursor = start_cursor(query, dialect=dialect, now=NOW)
    rows: list[CaptureRow] = []
    since_start = 0
    for _request in range(1_000):  # a quiet time is passed with great strides
        if cursor.done:
            return rows
        url = ask("https://archive.test/cdx", query, cursor, dialect=dialect, limit=limit)
        found, following = follow(query, cursor, serve(held, url, dialect), limit=limit)
        for row, after in found:
            rows.append(row)
            since_start += 1
            if kills and since_start == kills[0]:
                kills.pop(0)
                since_start = 0
                following = read_cursor(json.loads(json.dumps(after.as_dict())))
                break
        cursor = following
    raise AssertionError("no end")


def new_rows(held: list[CaptureRow]) -> set[tuple[str, str]]:
    """The captures whose body is not that of the one before, at one address."""
    found, last = set(), None
    for row in held:
        if last is None or (row.key, row.digest) != (last.key, last.digest):
            found.add((row.key, row.timestamp))
        last = row
    return found


captures = st.lists(
    st.builds(made_row, st.integers(0, 3), st.integers(0, 60) | st.integers(0, 10**6),
              st.integers(0, 3)),
    max_size=40, unique_by=lambda row: (row.key, row.timestamp),
).map(lambda rows: sorted(rows, key=lambda row: (row.key, row.timestamp)))  # fmt: skip


@patient
@given(captures, st.sampled_from(Dialect), st.integers(1, 7), st.lists(st.integers(1, 9)))
def test_a_killed_listing_goes_on_and_loses_nothing(held, dialect, limit, kills):
    query = CdxQuery(url="https://example.org/", match=Match.PREFIX)
    rows = listed(held, query, dialect, limit=limit, killed_after=kills)
    given_ = {(row.key, row.timestamp) for row in rows}
    assert new_rows(held) <= given_ <= {(row.key, row.timestamp) for row in held}


@patient
@given(captures, st.sampled_from(Dialect), st.integers(1, 7), st.lists(st.integers(1, 9)))
def test_captures_of_one_address_come_once_and_in_order(held, dialect, limit, kills):
    held = [row for row in held if row.key.endswith("/0")]
    query = CdxQuery(url="https://example.org/0")
    rows = listed(held, query, dialect, limit=limit, killed_after=kills)
    assert [(row.key, row.timestamp) for row in rows] == sorted(new_rows(held))


def test_two_captures_of_one_second_are_one():
    twins = (made_row(0, 5, 1), made_row(0, 5, 2), made_row(0, 6, 3))
    found, _ = follow(
        CdxQuery(url="x"), Cursor(), CdxPage(rows=twins, bad_lines=0), limit=10
    )  # fmt: skip
    assert [row.digest for row, _after in found] == ["D1", "D3"]


def test_a_text_that_comes_back_is_listed_again():
    rows = tuple(made_row(0, second, digest) for second, digest in ((1, 1), (2, 1), (3, 2), (4, 1)))
    found, _ = follow(CdxQuery(url="x"), Cursor(), CdxPage(rows=rows, bad_lines=0), limit=10)
    assert [row.digest for row, _after in found] == ["D1", "D2", "D1"]


def test_a_full_second_is_asked_for_whole():
    second = datetime(2023, 9, 1, tzinfo=UTC)
    query = CdxQuery(url="https://example.org/", match=Match.PREFIX, since=second, until=second)
    cursor = start_cursor(query, dialect=Dialect.PYWB, now=NOW)
    url = ask("https://archive.test/cdx", query, cursor, dialect=Dialect.PYWB, limit=2)
    assert "limit" not in dict(parse_qsl(urlsplit(url).query))
    page = CdxPage(rows=tuple(made_row(key, 0, 1) for key in range(5)), bad_lines=0)
    found, after = follow(query, cursor, page, limit=2)
    assert len(found) == 5
    assert after.done


def test_a_time_that_ends_before_it_begins_holds_nothing():
    query = CdxQuery(url="x", since=NOW, until=NOW - timedelta(days=1))
    assert start_cursor(query, dialect=Dialect.PYWB, now=NOW).done


def test_a_query_without_an_end_ends_now():
    cursor = start_cursor(CdxQuery(url="x"), dialect=Dialect.PYWB, now=NOW)
    assert cursor.window is not None
    assert cursor.window.end == NOW


@patient
@given(json_values | st.fixed_dictionaries(
    {"resume_key": json_values, "window": json_values, "last": json_values, "done": json_values}
))  # fmt: skip
def test_what_is_no_cursor_is_refused(data):
    try:
        cursor = read_cursor(data)
    except UsageError:
        return
    assert read_cursor(json.loads(json.dumps(cursor.as_dict()))) == cursor
