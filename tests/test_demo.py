"""The demonstration: the newsroom itself, and the main job run on it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ingest.demo.check import Found, find_misses
from ingest.demo.newsroom import ACTS, Newsroom, load
from ingest.model import Relation

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parent.parent
SEED = "Erster Satz des Seeds. Zweiter Satz."


def test_the_newsroom_holds_what_a_newcomer_is_promised():
    houses, pieces = load("Titel", SEED)
    assert len(pieces) >= 16
    assert len({piece.house for piece in pieces}) >= 7
    assert {piece.language for piece in pieces} == {"de", "en", "ru", "uk", "ko", "fr", "zh"}
    assert {house.feed for house in houses} == {"rss", "atom", "rdf", "failing", "html"}
    relations = {piece.relation for piece in pieces}
    assert {
        Relation.IDENTICAL,
        Relation.NEAR_DUPLICATE,
        Relation.TRANSLATION,
        Relation.EXCERPT,
        Relation.SAME_STORY,
        None,
    } <= relations
    ways = {piece.serve for piece in pieces} | {e.serve for p in pieces for e in p.events}
    assert {"wall", "gone", "missing"} <= ways


def test_a_piece_changes_and_comes_back():
    _houses, pieces = load("Titel", SEED)
    piece = next(p for p in pieces if any(event.back for event in p.events))
    assert piece.at(1)[1] != piece.text
    assert piece.at(ACTS - 1)[1] == piece.text


def ask(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    host, _slash, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", f"/{path}", headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_the_newsroom_answers_304_500_410_and_walls_over_real_http():
    async def visit() -> None:
        async with Newsroom("Titel", SEED) as newsroom:
            feeds = {
                h.feed: s.url for h, s in zip(newsroom.houses, newsroom.feed_sources(), strict=True)
            }
            status, headers, _body = await asyncio.to_thread(ask, feeds["rss"])
            assert status == 200
            etag = {"If-None-Match": headers["ETag"]}
            assert (await asyncio.to_thread(lambda: ask(feeds["rss"], **etag)))[0] == 304
            assert (await asyncio.to_thread(ask, feeds["failing"]))[0] == 500
            gone = next(p for p in newsroom.pieces if any(e.serve == "gone" for e in p.events))
            assert (await asyncio.to_thread(ask, newsroom.url(gone)))[0] == 200
            while newsroom.act + 1 < ACTS:
                newsroom.advance()
            assert (await asyncio.to_thread(ask, newsroom.url(gone)))[0] == 410
            assert not newsroom.settled()

    asyncio.run(visit())


def test_a_run_that_found_nothing_misses_everything():
    async def misses() -> list[str]:
        async with Newsroom("Titel", SEED) as newsroom:
            found = Found(articles={}, changes={}, discards={}, feeds={})
            return list(find_misses(newsroom, found))

    houses, pieces = load("Titel", SEED)
    assert len(asyncio.run(misses())) == len(pieces) + len(houses)


def test_the_demonstration_finds_all_that_the_newsroom_holds(tmp_path: Path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STORYWATCH")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "demo", "--folder", str(tmp_path / "demo")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "all found" in done.stdout
    assert (tmp_path / "demo" / "storywatch.db").exists()
    assert "WARNING" not in done.stdout + done.stderr
    queries = [
        line.partition(" sql ")[2].strip('"')
        for line in done.stdout.splitlines()
        if " sql " in line
    ]
    least = [15, 8, 4, 2, 7]  # rows: articles, derivations, changes, events, discards
    for query, rows in zip(queries, least, strict=True):
        answered = subprocess.run(
            [
                sys.executable,
                "-m",
                "ingest",
                "--config",
                str(tmp_path / "demo" / "config.toml"),
                "sql",
                "--format",
                "json",
                query,
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(answered.stdout.splitlines()) >= rows, query


@pytest.mark.parametrize("path", ["/feed", "/nothing"])
def test_head_and_missing_pages_are_answered(path):
    async def visit() -> int:
        async with Newsroom("Titel", SEED) as newsroom:
            url = newsroom.feed_sources()[0].url.removesuffix("/feed") + path
            return (await asyncio.to_thread(ask, url))[0]

    assert asyncio.run(visit()) == (200 if path == "/feed" else 404)
