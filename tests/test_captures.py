"""Captures of archives take their places in the history of an article, whatever their order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ingest.changes import content_hash
from ingest.model import (
    Article,
    Candidate,
    FailureKind,
    FetchedPage,
    ObservationSource,
    Outcome,
    Rejection,
)
from ingest.noting import read_unread
from ingest.runtime import load_stories, open_context, open_database
from ingest.settle_capture import settle_capture
from ingest.settle_check import settle_check
from ingest.urls import canonicalize
from ingest.work import PageReading, assess_given
from storage.articles import get_article
from storage.engine import read_connection, transaction
from storage.schema import figure, quotation_use, sayings_read
from tests.running import ACCEPT_ALL, TALKS, read_config, rows, run_once, write_config

START = datetime(2023, 9, 5, 8, tzinfo=UTC)
URL = "https://nordland.example/talks"
CONTENTS = {
    "a": ("Nordland verhandelt", TALKS),
    "b": ("Nordland verhandelt", TALKS.replace("152 Lokomotiven", "170 Lokomotiven")),
    "c": ("Nordland verhandelt weiter", TALKS.replace("am Montag", "am Dienstag")),
    "d": (
        "Nordland einigt sich",
        TALKS.replace("„Wir", "Wir") + "\n\nAm Abend wurden die Verträge unterschrieben.",
    ),
}
HISTORY = """
    SELECT seq, title, text, first_observed_at, last_observed_at FROM version
    WHERE article_id = {article_id} ORDER BY seq
"""
CHANGES = """
    SELECT f.seq, t.seq, change.kind FROM change
    JOIN version f ON f.id = change.from_version_id
    JOIN version t ON t.id = change.to_version_id
    WHERE change.article_id = 1 ORDER BY f.seq
"""


@cache
def stories(file):
    return load_stories(read_config(file))


def read(file, name, url):
    """What a worker reads in a page with one of the contents."""
    title, text = CONTENTS[name]
    article = Article(
        url=url,
        canonical_url=canonicalize(url),
        title=title,
        byline=None,
        site_name=None,
        published=None,
        modified=None,
        language="de",
        text=text,
        words=len(text.split()),
        extractor="test",
        extractor_version="1",
    )
    return PageReading(
        content=article,
        assessment=assess_given(article, stories(file)),
        raw_sha256=None,
        raw_zstd=None,
        raw_size=0,
    )


def page_at(hours, url):
    return FetchedPage(
        requested_url=url,
        final_url=url,
        redirects=(),
        permanent=False,
        status=200,
        headers={},
        body=b"",
        fetched_at=START + timedelta(hours=hours),
        elapsed_ms=0.0,
    )


def candidate_of(url):
    return Candidate(
        url=url,
        canonical_url=canonicalize(url),
        title="",
        summary="",
        published=None,
        language=None,
        feed_id=None,
    )


@pytest.fixture
def file(tmp_path, url):
    return write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL)


def settle(file, captures, url=URL):
    """Settle captures, (hour, content or problem) each; return the outcomes."""

    async def go():
        config = read_config(file)
        outcomes = []
        with open_database(config) as engine:
            async with open_context(engine, config) as context:
                for hour, name in captures:
                    reading = name if isinstance(name, Rejection) else read(file, name, url)
                    report = await context.store(
                        settle_capture,
                        context,
                        candidate_of(url),
                        page=page_at(hour, url),
                        reading=reading,
                        source=ObservationSource.WAYBACK,
                    )
                    outcomes.append(report and report[0])
        return outcomes

    return asyncio.run(go())


def history(engine, article_id=1):
    """The runs as (content, first hour, last hour), in the order of their numbers."""
    names = {content_hash(*content): name for name, content in CONTENTS.items()}
    found = rows(engine, HISTORY.format(article_id=article_id))
    assert [seq for seq, *_ in found] == list(range(1, len(found) + 1))
    return [
        (names[content_hash(title, text)], _hours(first), _hours(last))
        for _, title, text, first, last in found
    ]


def _hours(moment):
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round((at - START).total_seconds() / 3600)


IN_ORDER = [
    pytest.param("a1 b2 c3", [("a", 1, 1), ("b", 2, 2), ("c", 3, 3)], id="each is a version"),
    pytest.param("a1 a2 b3", [("a", 1, 2), ("b", 3, 3)], id="equal ones are one run"),
    pytest.param("b3 a1", [("a", 1, 1), ("b", 3, 3)], id="an older one comes before"),
    pytest.param("a1 c5 b3", [("a", 1, 1), ("b", 3, 3), ("c", 5, 5)], id="one between two"),
    pytest.param("a3 a1", [("a", 1, 3)], id="an older one of the same begins the run"),
    pytest.param("a1 b5 b3", [("a", 1, 1), ("b", 3, 5)], id="a run begins earlier"),
    pytest.param("a1 a5 b3", [("a", 1, 1), ("b", 3, 3), ("a", 5, 5)], id="a run is split"),
    pytest.param("b3 a5 a1", [("a", 1, 1), ("b", 3, 3), ("a", 5, 5)], id="the first came back"),
    pytest.param("a1 b2 a3", [("a", 1, 1), ("b", 2, 2)], id="one look at an old text is none"),
    pytest.param(
        "a1 b2 a3 a4", [("a", 1, 1), ("b", 2, 2), ("a", 3, 4)], id="two looks are a return"
    ),
    pytest.param("a1 b2 b6 a4", [("a", 1, 1), ("b", 2, 6)], id="an old copy within a run"),
]


@pytest.mark.parametrize(("captures", "expected"), IN_ORDER)
def test_captures_take_their_places(file, engine, captures, expected):
    settle(file, [(int(item[1:]), item[0]) for item in captures.split()])
    assert history(engine) == expected
    told = rows(engine, CHANGES)
    assert [pair[:2] for pair in told] == [(at, at + 1) for at in range(1, len(expected))]
    ((current,),) = rows(
        engine,
        "SELECT seq FROM version JOIN article ON article.current_version_id = version.id",
    )
    assert current == len(expected)
    ((seen,),) = rows(engine, "SELECT first_seen_at FROM article")
    assert _hours(seen) == expected[0][1]


def test_a_return_is_told_as_one(file, engine):
    settle(file, [(1, "a"), (2, "b"), (3, "a"), (4, "a")])
    assert [kind for *_, kind in rows(engine, CHANGES)][1] == "reverted"


def test_a_capture_that_was_written_is_left_alone(file, engine):
    captures = [(1, "a"), (3, "b"), (2, "c"), (4, "a")]
    settle(file, captures)
    before = history(engine), rows(engine, "SELECT count(*) FROM observation")
    assert settle(file, captures) == [None] * 4
    assert (history(engine), rows(engine, "SELECT count(*) FROM observation")) == before


def test_a_wall_in_an_archive_is_a_failed_look_and_no_sign_of_anything(file, engine):
    wall = Rejection(kind=FailureKind.BLOCKED, reason="a consent wall")
    assert settle(file, [(1, "a"), (2, wall), (3, wall)])[1:] == [Outcome.FAILED, Outcome.FAILED]
    assert rows(engine, "SELECT state FROM article") == [("live",)]
    assert history(engine) == [("a", 1, 1)]
    assert rows(engine, "SELECT count(*) FROM article_event") == [(0,)]


def test_an_unknown_page_without_an_article_is_a_discard(file, engine):
    wall = Rejection(kind=FailureKind.BLOCKED, reason="a consent wall")
    settle(file, [(1, wall)])
    assert rows(engine, "SELECT stage, rule FROM discard") == [("extract", "blocked")]
    settle(file, [(2, "a")])
    assert history(engine) == [("a", 2, 2)]


def sayings(engine):
    """Every quotation and figure, with the versions it stands in first and last."""
    with read_connection(engine) as connection:
        return [
            sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in (quotation_use, figure)
        ]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(looks=st.lists(st.sampled_from("abcd"), min_size=1, max_size=7), order=st.randoms())
def test_whatever_the_order_the_history_holds_together(file, engine, looks, order):
    captures = list(enumerate(looks, start=1))
    order.shuffle(captures)
    (before,) = rows(engine, "SELECT coalesce(max(id), 0) FROM article")[0]
    settle(file, captures, url=f"https://nordland.example/{before}")
    found = history(engine, article_id=before + 1)
    assert [first for _, first, _ in found] == sorted(first for _, first, _ in found)
    assert all(first <= last for _, first, last in found)
    assert all(one[2] < next_one[1] for one, next_one in pairwise(found))
    assert all(one[0] != next_one[0] for one, next_one in pairwise(found))
    assert {name for name, *_ in found} == set(looks)
    seen = [
        (name, list(hours)) for name, hours in groupby(range(len(looks)), key=looks.__getitem__)
    ]
    kept = sayings(engine)
    with transaction(engine) as connection:
        connection.execute(sayings_read.update().values(method_version="older"))
    read_unread(engine)
    assert kept == sayings(engine)  # as when all versions are read in their order
    if len(seen) == len(set(looks)):  # nothing came back: the history is what was seen
        assert found == [(name, hours[0] + 1, hours[-1] + 1) for name, hours in seen]


def test_a_look_that_was_under_way_when_a_run_was_split_goes_to_its_end(file, engine):
    async def go():
        config = read_config(file)
        with open_database(config) as database:
            async with open_context(database, config) as context:

                async def settle_one(hour, name):
                    await context.store(
                        settle_capture,
                        context,
                        candidate_of(URL),
                        page=page_at(hour, URL),
                        reading=read(file, name, URL),
                        source=ObservationSource.WAYBACK,
                    )

                await settle_one(1, "a")
                await settle_one(5, "a")
                claimed = await context.store(get_article, 1)
                await settle_one(3, "b")
                await context.store(
                    settle_check,
                    context,
                    claimed,
                    fetched=page_at(9, URL),
                    reading=replace(read(file, "a", URL), assessment=None),
                )

    asyncio.run(go())
    assert history(engine) == [("a", 1, 1), ("b", 3, 3), ("a", 5, 9)]


def test_captures_line_up_with_live_looks(site, engine, url, tmp_path, clock):
    """An article that the daemon found, and what an archive has of the hours before."""
    clock.set(START + timedelta(hours=10))
    edited = TALKS.replace("152 Lokomotiven", "170 Lokomotiven")
    page = site.page("/talks", title="Nordland verhandelt", text=edited, date="2023-09-05")
    feed = site.feed("/rss", [(page, "Nordland")])
    live = write_config(tmp_path, feeds=[feed], database_url=url, story=ACCEPT_ALL)
    run_once(live, now=clock)
    clock.advance(hours=2)
    run_once(live, now=clock)
    settle(live, [(2, "a"), (4, "b"), (11, "b")], url=page)
    assert history(engine) == [("a", 2, 2), ("b", 4, 12)]
    assert [kind for *_, kind in rows(engine, CHANGES)] == ["reextracted"]
    assert rows(engine, "SELECT source, count(*) FROM observation GROUP BY source ORDER BY 1") == [
        ("live", 2),
        ("wayback", 3),
    ]
    ((due,),) = rows(engine, "SELECT next_check_at FROM article")
    assert _hours(due) >= 12  # the schedule is the daemon's
