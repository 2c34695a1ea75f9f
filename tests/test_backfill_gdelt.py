"""Asking GDELT: queries it takes, answers it gives, and windows that it answers whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.gdelt import (
    RECORDS,
    ArticleList,
    Window,
    build_queries,
    query_url,
    read_articles,
)
from ingest.backfill.gdeltwindows import (
    SHORTEST,
    GdeltSearch,
    next_window,
    search_as_json,
    search_from_json,
    search_on,
    split_window,
    start_search,
)
from ingest.errors import UsageError
from ingest.model import FailureKind, Rejection

NOW = datetime(2023, 9, 20, tzinfo=UTC)
SINCE, UNTIL = datetime(2023, 9, 1, tzinfo=UTC), datetime(2023, 9, 8, tzinfo=UTC)
URL = "https://api.gdeltproject.org/api/v2/doc/doc"
ARTICLE = {
    "url": "https://news.example/talks",
    "url_mobile": "",
    "title": "Gespräche am Hafen",
    "seendate": "20230905T101500Z",
    "socialimage": "https://news.example/1.jpg",
    "domain": "news.example",
    "language": "German",
    "sourcecountry": "Germany",
}


def read(body: bytes) -> ArticleList:
    answer = read_articles(body, url=URL, now=NOW)
    assert isinstance(answer, ArticleList), answer
    return answer


# ---------------------------------------------------------------- queries


@pytest.mark.parametrize(
    ("groups", "query"),
    [
        pytest.param([["Putin"]], "Putin", id="one word stands without quotation marks"),
        pytest.param([["Kim Jong Un"]], '"Kim Jong Un"', id="several have them"),
        pytest.param([["Un-likely"]], '"Un-likely"', id="a hyphen needs them"),
        pytest.param([["Putin", "Russia"]], "(Putin OR Russia)", id="alternatives are bracketed"),
        pytest.param([["Kim*", "Kim"], ["a", "Putin"]], "Kim Putin", id="what it refuses is left"),
        pytest.param([['a" OR (domain:x) b']], '"a OR domain x b"', id="no operators slip in"),
    ],
)
def test_queries_are_such_as_gdelt_takes(groups, query):
    assert build_queries(groups) == (query,)


def test_a_query_that_would_be_too_long_is_shared_out():
    names = [[f"first name {number}" for number in range(30)], ["Putin", "Russia"]]
    queries = build_queries(names, language="deu")
    assert len(queries) > 1
    assert all(len(query) <= 250 and query.endswith(" sourcelang:deu") for query in queries)
    for name in names[0]:
        assert sum(f'"{name}"' in query for query in queries) == 1
    assert all("(Putin OR Russia)" in query for query in queries)


@pytest.mark.parametrize("groups", [[], [[]], [["Putin"], ["a"]], [["x" * 300]]])
def test_groups_that_gdelt_cannot_look_for_are_refused(groups):
    with pytest.raises(UsageError, match="GDELT"):
        build_queries(groups)


def test_the_address_has_the_window_in_utc():
    start = datetime.fromisoformat("2023-09-05T02:00:00+02:00")
    url = query_url('"Kim Jong Un" Putin', Window(start=start, end=UNTIL))
    assert {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()} == {
        "query": '"Kim Jong Un" Putin',
        "mode": "artlist",
        "format": "json",
        "sort": "dateasc",
        "maxrecords": "250",
        "startdatetime": "20230905000000",
        "enddatetime": "20230908000000",
    }


# ---------------------------------------------------------------- answers


def test_an_article_is_read_with_when_it_was_seen_and_no_date_of_publication():
    (lead,) = read(json.dumps({"articles": [ARTICLE]}).encode()).leads
    assert (lead.url, lead.title, lead.language) == (ARTICLE["url"], ARTICLE["title"], "de")
    assert lead.known_by == datetime(2023, 9, 5, 10, 15, tzinfo=UTC)
    assert lead.published is None


def test_escapes_that_json_does_not_know_are_mended():
    body = (
        rb"""{"articles": [{"url": "https://n.example/1", "title": "It\'s \x \\ \u00e9 \"so\""},"""
        b"""{"url": "https://n.example/2", "title": "tab\there\\\tand there"}]}"""
    )
    answer = read(body)
    assert [lead.title for lead in answer.leads] == ['It\'s x \\ é "so"', "tab here and there"]
    assert not answer.repaired


def test_of_an_answer_that_is_broken_every_whole_article_is_kept():
    body = json.dumps({"articles": [ARTICLE | {"url": f"https://n.example/{n}"} for n in range(9)]})
    cut = body[: len(body) // 2].replace('"language": "German"', '"language": "Ger"man"', 1)
    answer = read(cut.encode())
    assert answer.repaired
    assert [lead.url for lead in answer.leads] == [f"https://n.example/{n}" for n in (1, 2, 3)]


def test_no_articles_are_an_answer_too():
    assert read(b"{}") == ArticleList(leads=(), listed=0)
    assert read(b'\xef\xbb\xbf{"articles": []}\n') == ArticleList(leads=(), listed=0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"Your query was too short or too long.\n", FailureKind.HTTP_CLIENT),
        (b"Queries containing OR'd terms must be surrounded by ().", FailureKind.HTTP_CLIENT),
        (
            b"Please limit requests to one every 5 seconds or contact kalev at gdelt.",
            FailureKind.RATE_LIMITED,
        ),
        (b"<html><h1>502 Bad Gateway</h1></html>", FailureKind.HTTP_SERVER),
        (b"", FailureKind.TRUNCATED),
        (b'{"articles": [{"url": "https://news', FailureKind.TRUNCATED),
        (b'{"articles": 3}', FailureKind.TRUNCATED),
        (b"[]", FailureKind.HTTP_CLIENT),
    ],
)
def test_refusals_come_as_text_and_are_told_apart(body, kind):
    refused = read_articles(body, url=URL, now=NOW)
    assert isinstance(refused, Rejection)
    assert refused.kind is kind


PIECES = [
    *('{"articles": [', "]}", '{"url": "https://n.example/1"', ', "title": "', '"', "}", ",", "{"),
    *('"seendate": "20230905T101500Z"', "\\", "\\u12", "\x00", "é", '"url": 3', "[", "null"),
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join).map(str.encode)
    | st.binary(max_size=60)
)
def test_any_answer_gives_articles_or_a_refusal(body):
    answer = read_articles(body, url=URL, now=NOW)
    assert isinstance(answer, ArticleList | Rejection)


# ---------------------------------------------------------------- windows


def test_a_full_window_is_halved_down_to_a_quarter_of_an_hour():
    window = Window(start=SINCE, end=SINCE + timedelta(hours=1))
    first, second = split_window(window) or pytest.fail("it was not split")
    assert (first.end - first.start, second.end - second.start) == (timedelta(minutes=30),) * 2
    quarter, _ = split_window(first) or pytest.fail("it was not split")
    assert quarter.end - quarter.start == SHORTEST
    assert split_window(quarter) is None


def run(search: GdeltSearch, listed, *, most: int = 100_000) -> tuple[list[Window], GdeltSearch]:
    windows = []
    while (window := next_window(search)) is not None and len(windows) < most:
        windows.append(window)
        search = search_on(search, window, listed=listed(window))
        search = search_from_json(json.loads(json.dumps(search_as_json(search))))
    return windows, search


def test_quiet_days_take_one_call_each():
    windows, search = run(start_search(since=SINCE, until=UNTIL), lambda window: RECORDS - 1)
    assert len(windows) == 7
    assert search.overfull == ()


def test_a_day_with_a_burst_is_asked_in_parts_and_the_others_whole():
    burst = SINCE + timedelta(days=2, hours=10, minutes=20)

    def listed(window: Window) -> int:
        full = window.start <= burst < window.end and window.end - window.start > SHORTEST
        return RECORDS if full else 10

    windows, search = run(start_search(since=SINCE, until=UNTIL), listed)
    assert 7 < len(windows) < 25
    assert search.overfull == ()


def test_a_quarter_of_an_hour_that_is_full_is_told_and_left():
    search = start_search(since=SINCE, until=SINCE + timedelta(hours=1))
    windows, search = run(search, lambda window: RECORDS)
    assert len(windows) == 7
    assert len(search.overfull) == 4


@settings(deadline=None)
@given(st.integers(1, 60 * 24 * 4), st.integers(0, 10_000))
def test_the_windows_that_were_not_full_cover_the_range(minutes, rate):
    until = SINCE + timedelta(minutes=minutes)
    answered: list[Window] = []

    def listed(window: Window) -> int:
        count = int((window.end - window.start).total_seconds() * rate / 86_400)
        if count < RECORDS or split_window(window) is None:
            answered.append(window)
        return min(count, RECORDS)

    run(start_search(since=SINCE, until=until), listed)
    reached = SINCE
    for window in answered:
        assert window.start <= reached
        assert window.end - window.start >= SHORTEST
        reached = max(reached, window.end)
    assert reached == until


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"halves": [], "position": "today", "until": "2023-09-08T00:00:00", "overfull": []},
        {"halves": [1], "position": "2023-09-08", "until": "2023-09-08", "overfull": []},
        {"halves": [], "position": 3, "until": "2023-09-08", "overfull": []},
    ],
)
def test_what_was_not_kept_by_us_is_refused(kept):
    with pytest.raises(UsageError, match="anew"):
        search_from_json(kept)
