"""Fetching over loopback: what a page, a redirect, a refusal and each kind of fault give."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import ConfigError
from ingest.fetch import Fetcher, FetchPolicy
from ingest.model import Failure, FailureKind, Fetched, FetchedPage, NotModified, Validators
from tests.loopback import (
    Loopback,
    Reply,
    answer,
    closing,
    dripping,
    redirect,
    serve,
    silence,
)

NOW = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
KNOWN = Validators(etag='"v1"', last_modified="Mon, 04 Sep 2023 12:00:00 GMT")
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"400\r\n" + b"z" * 1_024 + b"\r\n"


def quick(**changes: object) -> FetchPolicy:
    """A policy for a server that is near and knows what it is in for."""
    values: dict[str, object] = {
        "user_agent": "storywatch/1 (tests)",
        "allow_networks": ("127.0.0.1/32",),
        "connect_seconds": 0.5,
        "read_seconds": 0.3,
        "total_seconds": 0.6,
        "per_host_interval_seconds": 0.0,
        "obey_robots": False,
    }
    return FetchPolicy(**(values | changes))


def visit(
    routes: Mapping[str, Reply],
    scenario: Callable[[Fetcher, Loopback], Awaitable[None]],
    **changes: object,
) -> Loopback:
    """Run a scenario against a server; return what the server saw."""

    async def run() -> Loopback:
        async with serve(routes) as site, Fetcher(quick(**changes), now=lambda: NOW) as fetcher:
            await scenario(fetcher, site)
            return site

    return asyncio.run(run())


def fetched(routes: Mapping[str, Reply], path: str = "/page", **changes: object) -> Fetched:
    """What one fetch gives."""
    outcomes: list[Fetched] = []

    async def scenario(fetcher: Fetcher, site: Loopback) -> None:
        outcomes.append(await fetcher.fetch(site.base + path))

    visit(routes, scenario, **changes)
    return outcomes[0]


# ---------------------------------------------------------------- pages


def test_a_page_comes_with_its_headers_and_its_body_as_sent():
    body = gzip.compress(b"<p>talks</p>")
    reply = answer(body, Content_Type="text/html", content_encoding="gzip", ETag='"v1"')
    page = fetched({"/page": reply})
    assert isinstance(page, FetchedPage)
    assert (page.status, page.body, page.fetched_at) == (200, body, NOW)
    assert page.headers["content-type"] == "text/html"
    assert page.validators == Validators(etag='"v1"')
    assert page.final_url == page.requested_url
    assert page.redirects == ()
    assert not page.permanent
    assert page.elapsed_ms > 0


def test_we_say_who_we_are_and_ask_for_gzip_only():
    async def scenario(fetcher, site):
        await fetcher.fetch(site.base + "/page", accept="application/rss+xml")

    headers = visit({}, scenario).asks[0].headers
    assert headers["user-agent"] == "storywatch/1 (tests)"
    assert headers["accept-encoding"] == "gzip"
    assert headers["accept"] == "application/rss+xml"
    assert not {"cookie", "authorization", "referer", "if-none-match"} & headers.keys()


def test_the_fragment_stays_at_home_and_the_query_does_not():
    async def scenario(fetcher, site):
        await fetcher.fetch(site.base + "/page?a=1&b=ü#part")

    assert visit({}, scenario).paths == ["/page?a=1&b=%C3%BC"]


def test_cookies_are_neither_kept_nor_passed_on():
    async def scenario(fetcher, site):
        first = await fetcher.fetch(site.base + "/page")
        await fetcher.fetch(site.base + "/page")
        assert "set-cookie" not in first.headers

    site = visit({"/page": answer(b"x", set_cookie="id=1")}, scenario)
    assert all("cookie" not in ask.headers for ask in site.asks)


def test_proxies_and_passwords_of_the_environment_are_ignored(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def scenario(fetcher, site):
        assert isinstance(await fetcher.fetch(site.base + "/page"), FetchedPage)

    assert "authorization" not in visit({"/page": answer(b"x")}, scenario).asks[0].headers


def test_a_connection_is_used_again():
    async def scenario(fetcher, site):
        for _ in range(3):
            await fetcher.fetch(site.base + "/page")
        assert site.connections == 1

    visit({"/page": answer(b"x")}, scenario)


@pytest.mark.parametrize("charset", ["zlib_codec", "bogus-8", "utf-16"])
def test_the_charset_is_none_of_our_business(charset):
    page = fetched({"/page": answer(b"\xff", content_type=f"text/html; charset={charset}")})
    assert page.body == b"\xff"


# ---------------------------------------------------------------- conditional requests


def test_validators_are_sent_and_a_304_is_not_modified():
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(site.base + "/page", validators=KNOWN)
        assert isinstance(outcome, NotModified)
        assert outcome.fetched_at == NOW

    asked = visit({"/page": b"HTTP/1.1 304 Not Modified\r\n\r\n"}, scenario).asks[0]
    assert asked.headers["if-none-match"] == '"v1"'
    assert asked.headers["if-modified-since"] == KNOWN.last_modified


def test_a_304_that_nobody_asked_for_is_a_failure():
    failure = fetched({"/page": b"HTTP/1.1 304 Not Modified\r\n\r\n"})
    assert (failure.kind, failure.status) == (FailureKind.NETWORK, 304)


@pytest.mark.parametrize("etag", ["a\r\nX-Evil: 1", "\0", "ü", "x" * 5_000])
def test_a_validator_no_server_can_have_sent_is_left_out(etag):
    async def scenario(fetcher, site):
        page = await fetcher.fetch(site.base + "/page", validators=Validators(etag=etag))
        assert isinstance(page, FetchedPage)

    headers = visit({"/page": answer(b"x")}, scenario).asks[0].headers
    assert not {"if-none-match", "x-evil"} & headers.keys()


# ---------------------------------------------------------------- redirects


@pytest.mark.parametrize(
    ("statuses", "permanent"),
    [
        (("301 Moved", "308 Moved"), True),
        (("301 Moved", "302 Found"), False),
        (("303 Other", "307 Temporary"), False),
    ],
)
def test_redirects_are_followed_and_remembered(statuses, permanent):
    page = fetched(
        {
            "/page": redirect("b?x#y", status=statuses[0]),
            "/b?x": redirect("/c", status=statuses[1]),
            "/c": answer(b"here"),
        }
    )
    assert page.body == b"here"
    assert [url.rpartition("/")[2] for url in page.redirects] == ["page", "b?x"]
    assert page.final_url.endswith("/c")
    assert page.permanent is permanent


def test_five_redirects_are_followed_and_six_are_not():
    routes = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)} | {"/6": answer(b"end")}
    assert fetched(routes, "/1").body == b"end"
    failure = fetched(routes, "/0")
    assert failure.kind is FailureKind.TOO_MANY_REDIRECTS
    assert failure.final_url.endswith("/5")


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("file:///etc/passwd", FailureKind.REFUSED_ADDRESS),
        ("data:text/html,x", FailureKind.REFUSED_ADDRESS),
        ("ftp://127.0.0.1/", FailureKind.REFUSED_ADDRESS),
        ("http://127.0.0.2/", FailureKind.REFUSED_ADDRESS),
        ("http://127.2/", FailureKind.REFUSED_ADDRESS),
        ("http://0/", FailureKind.REFUSED_ADDRESS),
        ("http://2130706434/", FailureKind.REFUSED_ADDRESS),
        ("http://0x7f.2/", FailureKind.REFUSED_ADDRESS),
        ("http://127。0。0。2/", FailureKind.REFUSED_ADDRESS),
        ("http://[::1]/", FailureKind.REFUSED_ADDRESS),
        ("http://[::ffff:127.0.0.1]/", FailureKind.REFUSED_ADDRESS),
        ("http://169.254.169.254/latest/meta-data/", FailureKind.REFUSED_ADDRESS),
        ("http://user:secret@127.0.0.1/", FailureKind.REFUSED_ADDRESS),
        ("http://h:1000000000/", FailureKind.BAD_URL),
        ("http://[::1", FailureKind.BAD_URL),
        ("http://xn--junk-\xff%zz/", FailureKind.BAD_URL),
        ("http://a b/", FailureKind.BAD_URL),
        ("http://" + "a" * 70 + "/", FailureKind.BAD_URL),
        ("/" + "a" * 5_000, FailureKind.BAD_URL),
    ],
)
def test_a_redirect_to_where_nobody_should_go_ends_there(location, kind):
    encoded = location.encode("utf-8").decode("latin-1")
    failure = fetched({"/page": redirect(encoded)})
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert "secret" not in str(failure)


def test_a_redirect_back_to_the_same_page_ends():
    assert fetched({"/page": redirect("")}).kind is FailureKind.TOO_MANY_REDIRECTS


def test_validators_follow_within_the_origin_and_are_not_told_to_others():
    async def scenario() -> tuple[Loopback, Loopback]:
        async with serve({"/z": answer(b"x")}) as other:
            routes = {"/a": redirect("/b"), "/b": redirect(other.base + "/z")}
            async with serve(routes) as site, Fetcher(quick(), now=lambda: NOW) as fetcher:
                page = await fetcher.fetch(site.base + "/a", validators=KNOWN)
                assert page.final_url == other.base + "/z"
                return site, other

    site, other = asyncio.run(scenario())
    assert ["if-none-match" in ask.headers for ask in site.asks] == [True, True]
    assert not {"if-none-match", "if-modified-since"} & other.asks[0].headers.keys()


def test_the_body_of_a_redirect_is_not_read():
    start = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Encoding: gzip\r\n\r\n"
    routes = {"/page": dripping(start, b"x" * 1000, seconds=0.01), "/there": answer(b"here")}
    assert fetched(routes).body == b"here"


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("206 Partial Content", FailureKind.TRUNCATED),
        ("300 Multiple Choices", FailureKind.NETWORK),
        ("302 Found", FailureKind.NETWORK),
        ("400 Bad Request", FailureKind.HTTP_CLIENT),
        ("401 Unauthorized", FailureKind.HTTP_CLIENT),
        ("403 Forbidden", FailureKind.HTTP_CLIENT),
        ("404 Not Found", FailureKind.NOT_FOUND),
        ("410 Gone", FailureKind.GONE),
        ("429 Too Many Requests", FailureKind.RATE_LIMITED),
        ("451 Unavailable", FailureKind.HTTP_CLIENT),
        ("500 Internal Server Error", FailureKind.HTTP_SERVER),
        ("503 Service Unavailable", FailureKind.HTTP_SERVER),
        ("599 What", FailureKind.HTTP_SERVER),
        ("999 Request denied", FailureKind.NETWORK),
    ],
)
def test_a_status_is_a_failure_of_its_kind(status, kind):
    failure = fetched({"/page": answer(b"sorry", status=status)})
    assert (failure.kind, failure.status) == (kind, int(status[:3]))


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(dripping(answer(length=999), b"x"), FailureKind.TIMEOUT, id="a slow body"),
        pytest.param(dripping(HEAD, b"X-A: b\r\n"), FailureKind.TIMEOUT, id="a slow head"),
        pytest.param(
            dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), FailureKind.TIMEOUT, id="endless 100s"
        ),
        pytest.param(
            dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, seconds=0),
            FailureKind.TIMEOUT,
            id="a flood of 100s",
        ),
        pytest.param(silence, FailureKind.TIMEOUT, id="silence"),
        pytest.param(
            dripping(HEAD + b"\r\n", b"z" * 65_536, seconds=0), FailureKind.TOO_LARGE,
            id="an endless body",
        ),
        pytest.param(
            dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", CHUNK, seconds=0),
            FailureKind.TOO_LARGE, id="endless chunks",
        ),
        pytest.param(
            dripping(HEAD, b"X-A: " + b"y" * 1_000 + b"\r\n", seconds=0), FailureKind.NETWORK,
            id="a flood of headers",
        ),
        pytest.param(
            closing(answer(b"abc", length=1_000)), FailureKind.TRUNCATED, id="a body cut short"
        ),
        pytest.param(
            closing(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"), FailureKind.TRUNCATED,
            id="a chunk cut short",
        ),
        pytest.param(
            closing(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n"),
            FailureKind.TRUNCATED, id="a chunk without a size",
        ),
        pytest.param(
            closing(HEAD[:9], reset=True), FailureKind.NETWORK, id="a connection broken off"
        ),
        pytest.param(closing(b""), FailureKind.NETWORK, id="no answer at all"),
        pytest.param(closing(b"\x16\x03\x01\0\xa5" * 9), FailureKind.NETWORK, id="not HTTP"),
        pytest.param(answer(b"x", x="a\0b"), FailureKind.NETWORK, id="NUL in a header"),
        pytest.param(
            HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", FailureKind.NETWORK,
            id="two lengths",
        ),
        pytest.param(
            answer(b"x", length=10**30), FailureKind.NETWORK, id="a length beyond belief"
        ),
        pytest.param(answer(b"x", length=200_000), FailureKind.TOO_LARGE, id="a length too large"),
    ],
)  # fmt: skip
def test_a_fault_is_a_failure_and_the_next_page_is_none_the_worse(reply, kind):
    async def scenario(fetcher, site):
        failure = await fetcher.fetch(site.base + "/page")
        assert isinstance(failure, Failure)
        assert failure.kind is kind
        assert failure.elapsed_ms < 2_000
        assert (await fetcher.fetch(site.base + "/fine")).body == b"fine"

    visit({"/page": reply, "/fine": answer(b"fine")}, scenario, max_wire_bytes=100_000)


def test_an_answer_longer_than_it_says_is_not_taken_for_the_next_one():
    smuggled = answer(b"short", length=5) + answer(b"another page")

    async def scenario(fetcher, site):
        assert (await fetcher.fetch(site.base + "/page")).body == b"short"
        assert (await fetcher.fetch(site.base + "/fine")).body == b"fine"
        assert site.connections == 2

    visit({"/page": smuggled, "/fine": answer(b"fine")}, scenario)


def test_the_total_time_covers_all_hops():
    async def slow(_ask, writer):
        await asyncio.sleep(0.15)
        writer.write(redirect("/page"))

    failure = fetched({"/page": slow}, total_seconds=0.4)
    assert failure.kind is FailureKind.TIMEOUT
    assert 390 < failure.elapsed_ms < 2_000


def test_a_page_may_be_exactly_as_large_as_allowed():
    assert len(fetched({"/page": answer(b"x" * 100)}, max_wire_bytes=100).body) == 100
    assert fetched({"/page": answer(b"x" * 101)}, max_wire_bytes=100).kind is FailureKind.TOO_LARGE


def test_a_body_without_a_length_ends_with_the_connection():
    assert fetched({"/page": closing(HEAD + b"\r\nall of it")}).body == b"all of it"


def test_one_fetch_may_have_a_limit_of_its_own():
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(site.base + "/page", max_wire_bytes=10)
        assert outcome.kind is FailureKind.TOO_LARGE

    visit({"/page": answer(b"x" * 11)}, scenario)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.2/", FailureKind.REFUSED_ADDRESS),
        ("http://localhost:1/", FailureKind.REFUSED_ADDRESS),
        ("http://user:secret@127.0.0.1/", FailureKind.REFUSED_ADDRESS),
        ("http://127.0.0.1:1/", FailureKind.NETWORK),
        ("http://h\ud800/", FailureKind.BAD_URL),
        ("not a url", FailureKind.BAD_URL),
    ],
)
def test_a_url_that_leads_nowhere_is_a_failure(url, kind):
    async def scenario() -> Fetched:
        async with Fetcher(quick(), now=lambda: NOW, resolve=everywhere) as fetcher:
            return await fetcher.fetch(url)

    async def everywhere(host: str) -> list[str]:
        return ["10.0.0.1"] if host == "localhost" else [host]

    failure = asyncio.run(scenario())
    assert failure.kind is kind
    assert "secret" not in str(failure)


@given(st.text(max_size=40).map("http://127.0.0.2/".__add__) | st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_as_a_url_is_a_failure_and_no_exception(url):
    async def nowhere(_host: str) -> list[str]:
        raise OSError("no such name")

    async def scenario() -> Fetched:
        async with Fetcher(quick(), now=lambda: NOW, resolve=nowhere) as fetcher:
            return await fetcher.fetch(url)

    assert isinstance(asyncio.run(scenario()), Failure)


def test_the_host_header_keeps_the_name_when_the_address_is_pinned():
    async def resolve(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def scenario() -> str:
        async with (
            serve({"/": answer(b"x")}) as site,
            Fetcher(quick(), now=lambda: NOW, resolve=resolve) as fetcher,
        ):
            await fetcher.fetch(f"http://news.test:{site.port}/")
            return site.asks[0].headers["host"].partition(":")[0]

    assert asyncio.run(scenario()) == "news.test"


@pytest.mark.parametrize("changes", [{"allow_networks": ("10.0.0/99",)}, {"user_agent": "é\n"}])
def test_a_policy_that_can_not_be_followed_is_a_configuration_error(changes):
    with pytest.raises(ConfigError):
        Fetcher(quick(**changes), now=lambda: NOW)


def open_files() -> int:
    """How many file descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_hundreds_of_fetches_leave_no_file_descriptor_behind(caplog):
    """Failures of every kind included; nothing is logged as an error either."""
    routes = {
        "/0": answer(b"x"),
        "/1": redirect("/0"),
        "/2": closing(answer(b"abc", length=1_000)),
        "/3": closing(b"", reset=True),
        "/4": answer(b"x" * 2_000),
    }
    caplog.set_level(logging.WARNING)

    async def scenario(fetcher, site):
        async def round_of(count: int) -> int:
            await asyncio.gather(*(fetcher.fetch(f"{site.base}/{n % 5}") for n in range(count)))
            await asyncio.sleep(0.05)  # the server's side of closed connections
            return open_files()

        before = await round_of(40)
        assert await round_of(400) <= before + 4

    visit(routes, scenario, max_wire_bytes=1_000, concurrency=8, per_host_concurrency=8)
    assert not [record for record in caplog.records if record.name == "asyncio"]
