"""Fetching over loopback: pages, conditional requests, URLs that lead nowhere."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import ConfigError
from ingest.fetch import Fetcher
from ingest.model import Failure, FailureKind, Fetched, FetchedPage, NotModified, Validators
from tests.loopback import (
    NOW,
    answer,
    fetched,
    quick,
    serve,
    visit,
)

KNOWN = Validators(etag='"v1"', last_modified="Mon, 04 Sep 2023 12:00:00 GMT")


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


# ---------------------------------------------------------------- nowhere


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
