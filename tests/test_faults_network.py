"""Faults of the network and of HTTP that need more than one bad answer to show themselves."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fetch import Fetcher
from ingest.model import Article, Failure, FailureKind, FetchedPage, Rejection
from ingest.robots import LONGEST_CRAWL_DELAY_SECONDS
from ingest.work import read_article, read_feed
from tests.loopback import (
    NOW,
    Reply,
    answer,
    closing,
    dripping,
    fetched,
    quick,
    redirect,
    serve,
    visit,
)
from tests.running import TALKS, count_rows, rows, run_once, write_config
from tests.site import Answer
from tests.test_inflate import bomb
from tests.watching import watch

HEAD = b"HTTP/1.1 200 OK\r\n"
MIB = 2**20
BOMB = bomb(64 * MIB)


def read_as_feed(page: FetchedPage) -> object:
    """What a worker makes of a fetched feed."""
    return read_feed(page, known_hash=None, max_bytes=MIB, now=NOW).document


def read_as_article(page: FetchedPage) -> object:
    """What a worker makes of a fetched page."""
    reading = read_article(page, feed_date=None, stories=(), max_bytes=MIB, keep_raw=False)
    return reading.content


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Let nothing hold more than so many bytes at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("read", [read_as_feed, read_as_article])
def test_a_gzip_bomb_is_refused_while_it_grows(read):
    with memory_below(8 * MIB):
        rejection = read(fetched({"/page": answer(BOMB, content_encoding="gzip")}))
    assert isinstance(rejection, Rejection)
    assert rejection.kind is FailureKind.TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("br", b"\x0b\x02\x80hello\x03", id="brotli"),
        pytest.param("zstd", zstandard.compress(bytes(64 * MIB)), id="a zstd bomb"),
        pytest.param("gzip, gzip", gzip.compress(BOMB), id="a bomb in gzip twice"),
        pytest.param("gzip, br", BOMB, id="gzip and another"),
        pytest.param("deflate", zlib.compress(b"<rss/>"), id="deflate"),
        pytest.param("gzip", b"<rss/>", id="plain text called gzip"),
    ],
)
def test_an_encoding_that_was_not_asked_for_is_refused_unopened(encoding, body):
    with memory_below(4 * MIB):
        page = fetched({"/page": answer(body, content_encoding=encoding)})
        for rejection in (read_as_feed(page), read_as_article(page)):
            assert isinstance(rejection, Rejection)
            assert rejection.kind is FailureKind.BAD_ENCODING


def test_half_of_a_gzip_body_whose_length_is_right_is_no_short_article():
    whole = gzip.compress(TALKS.encode() * 20)
    page = fetched({"/page": answer(whole[: len(whole) // 2], content_encoding="gzip")})
    assert read_as_article(page).kind is FailureKind.TRUNCATED


def test_a_gzip_body_damaged_on_its_way_is_asked_for_again(site, engine, url, tmp_path):
    link = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", [(link, "Nordland verkauft Lokomotiven")])],
        database_url=url,
        schedule="retry_first_seconds = 0.001",
    )
    whole = site.answers["/talks"]
    damaged = bytearray(gzip.compress(whole.body))
    damaged[len(damaged) // 2] ^= 0x55
    site.answers["/talks"] = Answer(
        bytes(damaged), 200, whole.headers | {"Content-Encoding": "gzip"}
    )
    run_once(config)
    assert count_rows(engine)["candidate"] == 1
    assert count_rows(engine)["discard"] == 0
    site.answers["/talks"] = whole
    run_once(config)
    assert count_rows(engine)["candidate"] == 0
    assert count_rows(engine)["article"] == 1


def test_a_bomb_in_the_body_of_a_redirect_is_left_alone():
    start = (
        b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n" % len(BOMB)
    )
    with memory_below(4 * MIB):
        assert fetched({"/page": start + BOMB, "/there": answer(b"here")}).body == b"here"


@pytest.mark.parametrize("label", ["bogus-8", "zlib_codec", "utf-8", "idna", "undefined"])
def test_text_under_a_wrong_label_is_read_all_the_same(label):
    paragraphs = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    html = f"<html><title>Züge</title><body><article>{paragraphs}</article></body></html>"
    for codec in ("utf-8", "latin-1"):
        body = html.replace("„", "»").replace("“", "«").encode(codec)
        page = fetched({"/page": answer(body, content_type=f"text/html; charset={label}")})
        content = read_as_article(page)
        assert isinstance(content, Article)
        assert "152 Lokomotiven" in content.text


# ---------------------------------------------------------------- bodies without a length


PAGE = b"<!doctype html><html lang=de><body><p>All of the text stands here.</p></body></html>"


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        pytest.param(PAGE, True, id="a page with its end"),
        pytest.param(PAGE + b"\n<!-- cached -->", True, id="a comment after the end"),
        pytest.param(PAGE[:-20], False, id="a page cut in the text"),
        pytest.param(PAGE[:-14], False, id="a page cut after an element"),
        pytest.param(PAGE.upper()[:-25], False, id="capitals"),
        pytest.param(b"just text", True, id="no HTML"),
        pytest.param(b"<rss><channel>", True, id="a feed, which has an end of its own"),
        pytest.param(b"", True, id="nothing"),
    ],
)
def test_a_page_that_ends_with_its_connection_must_have_its_end(body, whole):
    outcome = fetched({"/page": closing(HEAD + b"Content-Type: text/html\r\n\r\n" + body)})
    if whole:
        assert outcome.body == body
    else:
        assert (outcome.kind, outcome.status) == (FailureKind.TRUNCATED, 200)


def test_a_page_that_came_whole_may_leave_its_end_out():
    assert fetched({"/page": answer(PAGE[:-14])}).body == PAGE[:-14]


def feed_of(*items: str) -> bytes:
    """A feed of items, as an answer."""
    body = f"<rss version='2.0'><channel><title>F</title>{''.join(items)}</channel></rss>"
    return answer(body.encode(), content_type="application/rss+xml")


def article(text: str = TALKS, *, cut: int | None = None) -> Reply:
    """A page that ends with its connection, and too early when it is `cut`."""
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    html = f"<html lang=de><title>Züge</title><body><article>{paragraphs}</article></body></html>"
    body = html.encode()[:cut]
    return closing(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body)


def test_an_article_cut_off_by_its_connection_is_no_new_version(tmp_path, sqlite_url, clock):
    routes: dict[str, Reply] = {"/talks": article()}

    async def script(run):
        routes["/rss"] = feed_of(f"<item><title>Z</title><link>{run.site.base}/talks</link></item>")
        await run.step()
        routes["/talks"] = article(cut=900)
        for _ in range(3):
            clock.advance(hours=30)
            await run.step()
        assert rows(run.engine, "SELECT count(*) FROM version") == [(1,)]
        assert rows(run.engine, "SELECT state FROM article") == [("live",)]
        failures = rows(run.engine, "SELECT failure FROM observation WHERE failure IS NOT NULL")
        assert set(failures) == {("truncated-body",)}

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


# ---------------------------------------------------------------- strangers


def test_another_origin_is_told_nothing_but_what_everybody_is():
    async def scenario():
        async with serve({"/z": answer(b"x")}) as other:
            head = f"HTTP/1.1 302 Found\r\nLocation: {other.base}/z\r\nSet-Cookie: id=1\r\n"
            start = f"{head}WWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n".encode()
            async with serve({"/a": start}) as site, Fetcher(quick(), now=lambda: NOW) as fetcher:
                await fetcher.fetch(site.base + "/a")
                await fetcher.fetch(other.base + "/z")
        return [set(ask.headers) for ask in other.asks]

    told = {"host", "user-agent", "accept", "accept-encoding"}
    assert asyncio.run(scenario()) == [told, told]


# ---------------------------------------------------------------- HTTP/2


SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
GOAWAY = b"\0\0\x08\x07\0\0\0\0\0" + bytes(8)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(SETTINGS, id="settings"),
        pytest.param(SETTINGS + GOAWAY, id="goodbye"),
        pytest.param(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02", id="a stream reset"),
        pytest.param(b"\xff" * 100, id="garbage"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS, id="the client's own words"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n" + SETTINGS, id="a switch"),
        pytest.param(b"HTTP/2 200\r\ncontent-length: 1\r\n\r\nx", id="a status line of HTTP/2"),
    ],
)
def test_an_answer_in_http_2_is_a_failure_and_the_next_page_is_none_the_worse(frames):
    async def scenario(fetcher, site):
        failure = await fetcher.fetch(site.base + "/page")
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.NETWORK
        assert (await fetcher.fetch(site.base + "/fine")).body == b"fine"

    visit({"/page": closing(frames), "/fine": answer(b"fine")}, scenario)


def test_a_server_that_offers_to_upgrade_is_answered_in_http_1():
    upgrade = answer(b"x", upgrade="h2c", connection="Upgrade")
    site = visit({"/page": upgrade}, lambda fetcher, site: fetcher.fetch(site.base + "/page"))
    assert not {"upgrade", "http2-settings"} & site.asks[0].headers.keys()


# ---------------------------------------------------------------- anything at all


ANSWERS = st.lists(
    st.sampled_from(
        [
            *(b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/9.9 ", b"200", b"301", b"304", b"101", b"999"),
            *(b" OK", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b"\xff", b":", b"x" * 300),
            *(b"Content-Length: ", b"3", b"-1", b"9" * 30, b"Transfer-Encoding: chunked\r\n"),
            *(b"Location: ", b"/page", b"http://[", b"\xc3\xa9", b"Content-Encoding: gzip\r\n"),
            *(b"Retry-After: ", b"ETag: \xe9\r\n", b"0\r\n\r\n", b"3;a=b\r\nabc\r\n", b"abc"),
        ]
    ),
    max_size=14,
).map(b"".join)


@given(ANSWERS | ANSWERS.map(b"HTTP/1.1 200 OK\r\n".__add__) | st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_any_bytes_are_an_outcome_and_the_next_page_is_none_the_worse(data):
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(site.base + "/page")
        assert isinstance(outcome, Failure | FetchedPage)
        assert (await fetcher.fetch(site.base + "/fine", check_robots=False)).body == b"fine"

    routes = {"/page": closing(data), "/fine": answer(b"fine")}
    visit(routes, scenario, max_redirects=1)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), FailureKind.NETWORK),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), FailureKind.NETWORK),
        (UnicodeError("label too long"), FailureKind.BAD_URL),
    ],
)
def test_a_name_that_is_not_found_is_a_failure(error, kind, monkeypatch):
    def not_found(host, *_arguments, **_options):
        if host == "nowhere.test":
            raise error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", not_found)

    async def scenario(fetcher, site):
        for _ in range(2):
            failure = await fetcher.fetch("http://nowhere.test/")
            assert (failure.kind, failure.status) == (kind, None)
        assert (await fetcher.fetch(site.base + "/fine")).body == b"fine"

    visit({"/fine": answer(b"fine")}, scenario)


class NameServer:
    """Stands in for the system's name resolution: silent about slow names until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.awake = threading.Event()

    def __call__(self, host: str, *_arguments: object, **_options: object) -> list[tuple]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.awake.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


@pytest.fixture
def names(monkeypatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.awake.set()


def test_a_silent_name_server_takes_its_own_time_and_nobody_elses(names):
    async def scenario(fetcher, site):
        slow = [f"http://slow{number}.test:{site.port}/" for number in range(12)]
        outcomes = await asyncio.gather(*map(fetcher.fetch, slow))
        assert {outcome.kind for outcome in outcomes} == {FailureKind.TIMEOUT}
        started = time.monotonic()
        assert (await fetcher.fetch(f"http://quick.test:{site.port}/fine")).body == b"fine"
        assert time.monotonic() - started < 0.3

    visit({"/fine": answer(b"fine")}, scenario, concurrency=4, connect_seconds=0.1)


def test_a_name_is_looked_up_once_however_many_wait_for_it(names):
    async def scenario(fetcher, site):
        url = f"http://slow.test:{site.port}/"
        waiting = [fetcher.fetch(f"{url}{number}") for number in range(6)]
        assert {outcome.kind for outcome in await asyncio.gather(*waiting)} == {FailureKind.TIMEOUT}
        await fetcher.fetch(url)

    visit({}, scenario, connect_seconds=0.1)
    assert names.asked == ["slow.test"]


def test_no_more_than_so_many_names_are_looked_up_at_once(names):
    async def scenario(fetcher, site):
        slow = [f"http://slow{number}.test:{site.port}/" for number in range(12)]
        outcomes = await asyncio.gather(*map(fetcher.fetch, slow))
        kinds = [outcome.kind for outcome in outcomes]
        assert (kinds.count(FailureKind.TIMEOUT), kinds.count(FailureKind.NETWORK)) == (8, 4)

    visit({}, scenario, concurrency=2, connect_seconds=0.1)


def test_a_lookup_that_outlives_the_fetcher_does_no_harm(names, capfd):
    async def scenario(fetcher, site):
        await fetcher.fetch(f"http://slow.test:{site.port}/")

    visit({}, scenario, connect_seconds=0.1)
    (thread,) = [item for item in threading.enumerate() if item.name == "dns slow.test"]
    assert thread.daemon  # so that it keeps nobody from going home
    names.awake.set()
    thread.join(5)
    assert not thread.is_alive()
    assert capfd.readouterr().err == ""


# ---------------------------------------------------------------- addresses


def fetch_from(addresses: list[str], routes: dict[str, Reply], *, host: str, **changes: object):
    """Fetch /page of a server at one address, by a name that has several."""

    async def resolve(_host: str) -> list[str]:
        return addresses

    async def run():
        allowed = ("127.0.0.0/8", "::1/128")
        policy = quick(allow_networks=allowed, **changes)
        async with (
            serve(routes, host=host) as site,
            Fetcher(policy, now=lambda: NOW, resolve=resolve) as fetcher,
        ):
            return await fetcher.fetch(f"http://many.test:{site.port}/page")

    return asyncio.run(run())


def test_a_site_on_ipv6_alone_is_reached():
    assert fetch_from(["::1"], {"/page": answer(b"six")}, host="::1").body == b"six"


def test_a_dead_ipv6_address_is_passed_over():
    page = fetch_from(["::1", "127.0.0.1"], {"/page": answer(b"four")}, host="127.0.0.1")
    assert page.body == b"four"


def test_an_address_that_swallows_connections_leaves_time_for_the_next():
    async def run():
        with socket.socket() as hole:
            hole.bind(("127.0.0.2", 0))
            hole.listen(0)
            port = hole.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]  # the queue is full: packets are dropped
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.2", port))

            async def resolve(_host: str) -> list[str]:
                return ["127.0.0.2", "127.0.0.1"]

            policy = quick(allow_networks=("127.0.0.0/8",), connect_seconds=0.4)
            async with (
                serve({"/page": answer(b"x")}, port=port) as site,
                Fetcher(policy, now=lambda: NOW, resolve=resolve) as fetcher,
            ):
                page = await fetcher.fetch(f"http://two.test:{site.port}/page")
            for filler in fillers:
                filler.close()
            return page

    page = asyncio.run(run())
    assert page.body == b"x"
    assert page.elapsed_ms > 150  # the first address had its share of the time


# ---------------------------------------------------------------- robots.txt


def test_a_robots_txt_of_ten_megabytes_costs_its_beginning():
    rules = b"User-agent: *\nCrawl-delay: 99999999\n" + b"".join(
        b"Disallow: /%d/*a*b*c$\n" % number for number in range(450_000)
    )
    assert len(rules) > 10 * MIB

    async def scenario(fetcher, site):
        started = time.monotonic()
        assert (await fetcher.fetch(site.base + "/7/a-b-c")).kind is FailureKind.ROBOTS
        assert (await fetcher.fetch(site.base + "/449999/a-b-c")).kind is FailureKind.NOT_FOUND
        assert time.monotonic() - started < 5
        later = await fetcher.fetch(site.base + "/1")
        assert later.kind is FailureKind.RATE_LIMITED  # not in a year, as the file wants it
        assert later.retry_after_seconds <= LONGEST_CRAWL_DELAY_SECONDS

    routes = {"/robots.txt": answer(rules)}
    wait = LONGEST_CRAWL_DELAY_SECONDS / 2
    visit(routes, scenario, obey_robots=True, per_host_wait_seconds=wait, total_seconds=5)


# ---------------------------------------------------------------- what a feed's address says


def test_a_server_that_always_says_not_modified_is_asked_for_all_of_it_once_a_day(
    tmp_path, sqlite_url, clock
):
    routes: dict[str, Reply] = {"/1": article(), "/2": article(TALKS.replace("152", "153"))}
    bodies = {"body": b""}

    async def liar(ask, writer):
        known = "if-none-match" in ask.headers
        reply = b"HTTP/1.1 304 Not Modified\r\n\r\n" if known else bodies["body"]
        writer.write(reply)

    async def script(run):
        items = [
            f"<item><title>Zug {n}</title><link>{run.site.base}/{n}</link></item>" for n in (1, 2)
        ]
        bodies["body"] = feed_of(items[0]).replace(b"\r\n", b'\r\nETag: "same"\r\n', 1)
        routes["/rss"] = liar
        await run.step()
        bodies["body"] = feed_of(*items).replace(b"\r\n", b'\r\nETag: "same"\r\n', 1)
        for _ in range(3):
            clock.advance(hours=7)
            await run.step()
        assert rows(run.engine, "SELECT count(*) FROM article") == [(1,)]
        clock.advance(hours=7)
        await run.step()
        assert rows(run.engine, "SELECT count(*) FROM article") == [(2,)]

    site = watch(tmp_path, sqlite_url, routes, script, clock=clock)
    polls = [ask for ask in site.asks if ask.path == "/rss"]
    assert ["if-none-match" in ask.headers for ask in polls] == [False, True, True, True, False]


def test_a_feed_that_is_gone_is_told_and_polled_once_a_week_until_it_is_back(tmp_path, url, clock):
    routes: dict[str, Reply] = {"/rss": answer(status="410 Gone")}
    asked = []

    async def script(run):
        for _ in range(30):
            before = len(run.site.asks)
            await run.step(everything=False)
            asked.append("/rss" in run.site.paths[before:])
            clock.advance(days=1)
        told = rows(run.engine, "SELECT health, state, last_status, last_error FROM feed_health")
        assert told == [("gone", "active", 410, "HTTP 410")]
        routes["/rss"] = feed_of()  # it is back
        clock.advance(days=8)
        await run.step(everything=False)
        assert rows(run.engine, "SELECT failures, gone_since FROM feed") == [(0, None)]
        assert rows(run.engine, "SELECT kind FROM feed_events ORDER BY at") == [
            ("added",), ("gone",), ("back",),
        ]  # fmt: skip
        clock.advance(hours=2)  # its normal rhythm
        before = len(run.site.asks)
        await run.step(everything=False)
        assert "/rss" in run.site.paths[before:]

    watch(tmp_path, url, routes, script, clock=clock)
    assert 4 <= sum(asked) <= 5


def test_a_feed_that_moved_for_good_is_polled_there_and_known_by_the_address_it_was_given(
    tmp_path, url, clock
):
    """One permanent redirect may be an error, or a hotel's wireless network: it takes three."""
    routes: dict[str, Reply] = {"/rss": redirect("/new", status="301 Moved"), "/1": article()}

    async def script(run):
        link = f"<item><title>Zug</title><link>{run.site.base}/1</link></item>"
        routes["/new"] = feed_of(link)
        for _ in range(4):
            await run.step()
            clock.advance(hours=13)
        old, new = run.site.base + "/rss", run.site.base + "/new"
        assert rows(run.engine, "SELECT url, polled_url, health FROM feed_health") == [
            (old, new, "ok")
        ]
        assert rows(run.engine, "SELECT kind, detail FROM feed_events WHERE kind <> 'added'") == [
            ("moved", f"{old} redirects for good to {new}, at 3 polls in a row")
        ]
        assert rows(run.engine, "SELECT count(*) FROM article") == [(1,)]
        routes["/new"] = answer(status="410 Gone")
        routes["/rss"] = feed_of(link)
        for _ in range(4):
            await run.step()
            clock.advance(hours=1)
        assert rows(run.engine, "SELECT polled_url, health FROM feed_health") == [(old, "ok")]
        kinds = rows(run.engine, "SELECT kind FROM feed_events ORDER BY at")
        assert kinds == [("added",), ("moved",), ("moved-back",)]

    site = watch(tmp_path, url, routes, script, clock=clock)
    assert site.paths.count("/rss") == 3 + 1
    assert site.paths.count("/new") == 4 + 3


def test_an_endless_body_takes_no_more_memory_than_is_allowed():
    flood = dripping(HEAD + b"\r\n", bytes(MIB), seconds=0)
    with memory_below(16 * MIB):
        outcome = fetched({"/page": flood}, max_wire_bytes=2 * MIB, total_seconds=5)
    assert outcome.kind is FailureKind.TOO_LARGE
