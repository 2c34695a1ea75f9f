"""Redirects: each hop is guarded like the first, and strangers learn nothing."""

from __future__ import annotations

import asyncio

import pytest

from ingest.fetch import Fetcher
from ingest.model import Failure, FailureKind, Validators
from tests.loopback import (
    NOW,
    Loopback,
    answer,
    dripping,
    fetched,
    quick,
    redirect,
    serve,
)

KNOWN = Validators(etag='"v1"', last_modified="Mon, 04 Sep 2023 12:00:00 GMT")


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
