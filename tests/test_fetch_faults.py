"""What servers do wrong, and that it stays their trouble."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from ingest.model import Failure, FailureKind
from tests.loopback import (
    answer,
    closing,
    dripping,
    fetched,
    redirect,
    silence,
    visit,
)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"400\r\n" + b"z" * 1_024 + b"\r\n"


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
    caplog.set_level(logging.ERROR)

    before = open_files()

    async def scenario(fetcher, site):
        await asyncio.gather(*(fetcher.fetch(f"{site.base}/{n % 5}") for n in range(400)))
        assert open_files() - before < 80  # both ends of what is kept alive or just closing

    visit(routes, scenario, max_wire_bytes=1_000, concurrency=8, per_host_concurrency=8)
    assert open_files() == before
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
