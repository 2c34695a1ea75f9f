"""What is odd about a poll or a page is kept where an analyst finds it: over HTTP, on both
databases."""

from __future__ import annotations

import json

import pytest

from tests.loopback import Reply, answer, closing
from tests.running import TALKS, rows
from tests.test_feeds import item, read, rss
from tests.watching import watch

CLOSED = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"
PAGE = (
    "<html lang=de><head><title>Zug</title></head><body><article><h1>Zug</h1>"
    + "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    + "</article></body></html>"
)


def feed(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>F</title>{''.join(items)}</channel></rss>".encode()


def entry(base: str, number: int, extra: str = "") -> str:
    return f"<item><title>Zug {number}</title><link>{base}/{number}</link>{extra}</item>"


def polls(run, columns: str):
    found = rows(run.engine, f"SELECT {columns} FROM feed_polls ORDER BY polled_at")
    return [
        tuple(json.loads(value) if str(value).startswith("[") else value for value in row)
        if run.engine.dialect.name == "sqlite"
        else row
        for row in found
    ]


def test_a_feed_and_a_page_that_end_with_their_connection_are_marked(tmp_path, url, clock):
    routes: dict[str, Reply] = {"/1": closing(CLOSED % b"text/html" + PAGE.encode())}

    async def script(run):
        body = feed(entry(run.site.base, 1))
        routes["/rss"] = closing(CLOSED % b"application/rss+xml" + body)
        await run.step()
        clock.advance(hours=1)
        routes["/rss"] = answer(body + b" ", content_type="application/rss+xml")
        await run.step()
        clock.advance(hours=1)
        routes["/rss"] = answer(status="404 Not Found")
        await run.step()
        assert [flag for (flag,) in polls(run, "length_unknown")] == [True, False, None]
        marked = "SELECT length_unknown FROM article_versions"
        assert rows(run.engine, marked) == [(True,)]
        routes["/1"] = answer(PAGE.encode(), content_type="text/html")
        clock.advance(days=1)
        await run.step()
        assert rows(run.engine, marked) == [(False,)]

    watch(tmp_path, url, routes, script, clock=clock)


def test_a_page_with_bytes_that_are_no_text_is_a_marked_version(tmp_path, sqlite_url, clock):
    broken = PAGE.encode().replace("ä".encode(), b"\xff", 1)
    routes: dict[str, Reply] = {"/1": answer(broken, content_type="text/html; charset=utf-8")}

    async def script(run):
        routes["/rss"] = answer(feed(entry(run.site.base, 1)), content_type="text/xml")
        await run.step()
        assert rows(run.engine, "SELECT is_garbled FROM article_versions") == [(True,)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_dates_that_cannot_be_read_are_kept_as_they_stand_and_once(tmp_path, url, clock):
    routes: dict[str, Reply] = {}

    async def script(run):
        first = entry(run.site.base, 1, "<pubDate>Thu, 32 Foo 10000</pubDate>")
        dated = entry(run.site.base, 2, "<pubDate>Tue, 05 Sep 2023 10:00:00 GMT</pubDate>")
        routes["/rss"] = answer(feed(first, dated), content_type="text/xml")
        await run.step()
        clock.advance(hours=1)
        later = entry(run.site.base, 3, "<pubDate>\u0665/\u0669</pubDate>")
        routes["/rss"] = answer(feed(later, first, dated), content_type="text/xml")
        await run.step()
        assert polls(run, "unread_dates") == [
            ([[f"{run.site.base}/1", "Thu, 32 Foo 10000"]],),
            ([[f"{run.site.base}/3", "\u0665/\u0669"]],),
        ]

    watch(tmp_path, url, routes, script, clock=clock)


def test_entries_beyond_the_limit_and_garbled_ones_are_counted(tmp_path, url, clock):
    routes: dict[str, Reply] = {}

    async def script(run):
        body = "".join(f"<item><title>&#xD800; {n}</title></item>" for n in range(5_003))
        routes["/rss"] = answer(feed(entry(run.site.base, 1), body), content_type="text/xml")
        await run.step()
        assert polls(run, "entries, entries_cut, entries_garbled") == [(1, 4, 0)]
        clock.advance(hours=1)
        garbled = entry(run.site.base, 2).replace("Zug", "Z&#xD800;g")
        routes["/rss"] = answer(feed(garbled), content_type="text/xml")
        await run.step()
        assert polls(run, "entries, entries_cut, entries_garbled")[-1] == (1, 0, 1)

    watch(tmp_path, url, routes, script, clock=clock)


@pytest.mark.parametrize(
    ("entries", "limit", "cut"), [(5, 5, 0), (6, 5, 1), (20, 5, 15), (0, 5, 0)]
)
def test_entries_that_were_cut_are_counted(entries, limit, cut):
    assert read(rss(*map(item, range(entries))), max_entries=limit).cut == cut


@pytest.mark.parametrize(
    ("dates", "unread"),
    [
        pytest.param("", None, id="none stated"),
        pytest.param("<pubDate>Tue, 05 Sep 2023 10:00:00 GMT</pubDate>", None, id="one that is"),
        pytest.param("<pubDate>gestern</pubDate>", "gestern", id="a word"),
        pytest.param(
            "<pubDate>Fri, 01 Jan 2420 00:00:00 GMT</pubDate>",
            "Fri, 01 Jan 2420 00:00:00 GMT",
            id="too far ahead",
        ),
        pytest.param(f"<pubDate>{'9' * 5000}</pubDate>", "9" * 100, id="five thousand digits"),
    ],
)
def test_a_date_that_cannot_be_read_is_kept_as_it_stands(dates, unread):
    [found] = read(rss(item(1, dates))).entries
    assert found.unread_date == unread


def test_the_validators_of_a_feed_that_may_have_been_cut_are_not_kept(tmp_path, url, clock):
    routes: dict[str, Reply] = {}
    start = b'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "v1"\r\n\r\n'

    async def script(run):
        body = feed(*(entry(run.site.base, number) for number in range(6)))
        for sent in (body[: body.index(b"Zug 3")], body):
            routes["/rss"] = closing(start + sent)
            await run.step()
            clock.advance(hours=1)
        assert [row for (row,) in polls(run, "entries")] == [3, 6]
        await run.step()

    run = watch(tmp_path, url, routes, script, clock=clock)
    asked = [ask.headers.get("if-none-match") for ask in run.asks if ask.path == "/rss"]
    assert asked == [None, None, '"v1"']
