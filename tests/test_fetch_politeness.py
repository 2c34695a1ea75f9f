"""Manners: turns at a host, Retry-After, robots.txt on the way to a page."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fetch import Fetcher
from ingest.model import FailureKind, FetchedPage
from ingest.politeness import Turns, host_key, parse_retry_after
from tests.loopback import NOW, answer, quick, redirect, serve, silence, visit

# ---------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("-5", 0.0),
        ("1000000000", 86_400.0),
        ("9" * 10_000, 86_400.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=30), usegmt=True), 86_400.0),
        ("Tue, 05 Sep 2023 12:01:00 -0000", 60.0),
        ("soon", None),
        ("1.5", None),
        ("", None),
        (None, None),
        ("Tue, 99 Sep 2023 99:99:99 GMT", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_kept_within_a_day(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_retry_after_is_a_time_within_a_day_or_nothing(value):
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_host_that_asks_for_rest_is_left_alone(status):
    async def scenario(fetcher, site):
        first = await fetcher.fetch(site.base + "/page")
        assert (first.kind, first.retry_after_seconds) == (FailureKind.RATE_LIMITED, 60.0)
        second = await fetcher.fetch(site.base + "/other")
        assert (second.kind, second.status) == (FailureKind.RATE_LIMITED, None)
        assert 59 < second.retry_after_seconds <= 60

    site = visit({"/page": answer(status=status, retry_after="60")}, scenario)
    assert site.paths == ["/page"]


def test_another_host_is_not_affected_and_rest_ends():
    async def scenario():
        async with (
            serve({"/page": answer(status="429 x", retry_after="1")}) as tired,
            serve({"/page": answer(b"x")}, host="127.0.0.2") as fresh,
            Fetcher(quick(allow_networks=("127.0.0.0/8",)), now=lambda: NOW) as fetcher,
        ):
            await fetcher.fetch(tired.base + "/page")
            assert isinstance(await fetcher.fetch(fresh.base + "/page"), FetchedPage)
            limited = await fetcher.fetch(tired.base + "/fine")
            await asyncio.sleep(limited.retry_after_seconds)
            assert (await fetcher.fetch(tired.base + "/fine")).kind is FailureKind.NOT_FOUND

    asyncio.run(scenario())


async def _loopback(_host):
    return ["127.0.0.1"]


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("http://press.test.:{port}/other", id="the dot of the root"),
        pytest.param("http://PRESS.Test:{port}/other", id="upper case"),
        pytest.param("http://press.test:{other}/other", id="another port"),
        pytest.param("HTTP://press.test:{port}/other", id="an upper-case scheme"),
    ],
)
def test_every_spelling_and_port_of_a_host_shares_its_rest(spelling):
    async def scenario():
        async with (
            serve({"/page": answer(status="429 x", retry_after="60")}) as tired,
            serve({"/other": answer(b"x")}) as other,
            Fetcher(quick(), now=lambda: NOW, resolve=_loopback) as fetcher,
        ):
            await fetcher.fetch(f"http://press.test:{tired.port}/page")
            url = spelling.format(port=tired.port, other=other.port)
            assert (await fetcher.fetch(url)).kind is FailureKind.RATE_LIMITED
            fresh = await fetcher.fetch(f"http://another.test:{other.port}/other")
            assert isinstance(fresh, FetchedPage)
            assert (tired.paths, other.paths) == (["/page"], ["/other"])

    asyncio.run(scenario())


def test_every_spelling_of_a_host_shares_one_robots_txt():
    async def scenario():
        policy = quick(obey_robots=True)
        routes = {"/robots.txt": answer(b"User-agent: *\nDisallow: /no"), "/page": answer(b"x")}
        async with (
            serve(routes) as site,
            Fetcher(policy, now=lambda: NOW, resolve=_loopback) as fetcher,
        ):
            for host in ("press.test", "press.test.", "Press.TEST"):
                fine = await fetcher.fetch(f"http://{host}:{site.port}/page")
                assert isinstance(fine, FetchedPage)
                barred = await fetcher.fetch(f"http://{host}:{site.port}/no")
                assert barred.kind is FailureKind.ROBOTS
            assert site.paths.count("/robots.txt") == 1

    asyncio.run(scenario())


_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_NAMES = st.lists(_LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "test"]))


@given(_NAMES, st.data())
def test_the_key_of_a_name_knows_no_case_and_no_final_dot(name, data):
    spelled = "".join(data.draw(st.sampled_from((c, c.upper()))) for c in name)
    dot = data.draw(st.sampled_from(("", ".")))
    assert host_key(spelled + dot) == name == host_key(name)


@given(_NAMES, _NAMES)
def test_two_names_share_no_key(name, other):
    assert (host_key(name) == host_key(other)) is (name == other)


@given(st.ip_addresses(v=4))
def test_the_key_of_an_ipv4_address_is_one_however_it_is_written(address):
    number = int(address)
    spellings = (
        str(address), f"{address}.", str(number), hex(number), f"0{number:o}",
        f"{number >> 24}.{number & 0xFFFFFF}", f"::ffff:{address}", f"::FFFF:{address}",
    )  # fmt: skip
    assert {host_key(spelling) for spelling in spellings} == {str(address)}


@given(st.ip_addresses(v=6))
def test_the_key_of_an_ipv6_address_is_one_however_it_is_written(address):
    assert host_key(address.exploded.upper()) == host_key(str(address))


@given(st.text(max_size=40))
def test_any_text_has_a_key_that_is_its_own_key(text):
    key = host_key(text)
    assert host_key(key) in {key, key.removesuffix(".")}


def test_a_503_with_a_meaningless_retry_after_is_a_server_error_and_no_rest():
    async def scenario(fetcher, site):
        for _ in range(2):
            failure = await fetcher.fetch(site.base + "/page")
            assert failure.kind is FailureKind.HTTP_SERVER

    site = visit({"/page": answer(status="503 x", retry_after="soon")}, scenario)
    assert len(site.asks) == 2


def test_those_who_queue_when_a_host_asks_for_rest_are_sent_away():
    async def scenario(fetcher, site):
        outcomes = await asyncio.gather(*(fetcher.fetch(site.base + "/page") for _ in range(4)))
        assert {outcome.kind for outcome in outcomes} == {FailureKind.RATE_LIMITED}

    reply = answer(status="429 x", retry_after="60")
    assert len(visit({"/page": reply}, scenario, per_host_concurrency=1).asks) == 1


# ---------------------------------------------------------------- turns


def test_no_more_than_so_many_are_at_a_host_at_once():
    here, most = 0, 0

    async def slow(_ask, writer):
        nonlocal here, most
        here += 1
        most = max(most, here)
        await asyncio.sleep(0.02)
        here -= 1
        writer.write(answer(b"x"))

    async def scenario(fetcher, site):
        outcomes = await asyncio.gather(*(fetcher.fetch(site.base + "/page") for _ in range(6)))
        assert all(isinstance(outcome, FetchedPage) for outcome in outcomes)

    visit({"/page": slow}, scenario, per_host_concurrency=2)
    assert most == 2


def test_requests_to_a_host_start_apart():
    times = []

    async def note(_ask, writer):
        times.append(time.monotonic())
        writer.write(answer(b"x"))

    async def scenario(fetcher, site):
        await asyncio.gather(*(fetcher.fetch(site.base + "/page") for _ in range(4)))

    visit({"/page": note}, scenario, per_host_interval_seconds=0.05)
    assert times[-1] - times[0] > 0.14


def test_a_queue_that_is_too_long_is_not_joined():
    async def scenario():
        turns = Turns(concurrency=1, longest_wait_seconds=10)
        async with turns.turn("slow.test:80", interval_seconds=30) as first:
            assert first == 0
            async with turns.turn("slow.test:80", interval_seconds=30) as second:
                assert 29 < second <= 30

    asyncio.run(scenario())


def test_a_slow_host_keeps_nobody_from_another():
    async def scenario(fetcher, site):
        async with serve({"/page": answer(b"x")}, host="127.0.0.2") as other:
            stuck = [asyncio.create_task(fetcher.fetch(site.base + "/page")) for _ in range(8)]
            await asyncio.sleep(0.02)
            assert isinstance(await fetcher.fetch(other.base + "/page"), FetchedPage)
            assert not any(task.done() for task in stuck)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    networks = ("127.0.0.0/8",)
    visit(
        {"/page": silence}, scenario, concurrency=3, per_host_concurrency=2, allow_networks=networks
    )


def test_a_fetch_that_is_cancelled_gives_its_place_back():
    async def scenario(fetcher, site):
        for _ in range(3):
            task = asyncio.create_task(fetcher.fetch(site.base + "/silent"))
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert isinstance(await fetcher.fetch(site.base + "/page"), FetchedPage)

    routes = {"/silent": silence, "/page": answer(b"x")}
    visit(routes, scenario, concurrency=1, per_host_concurrency=1)


# ---------------------------------------------------------------- robots.txt


def test_robots_txt_is_asked_first_and_once():
    async def scenario(fetcher, site):
        assert (await fetcher.fetch(site.base + "/page")).body == b"x"
        refused = await fetcher.fetch(site.base + "/private/page")
        assert refused.kind is FailureKind.ROBOTS
        assert refused.status is None

    routes = {
        "/robots.txt": answer(b"User-agent: storywatch\nDisallow: /private/"),
        "/page": answer(b"x"),
    }
    assert visit(routes, scenario, obey_robots=True).paths == ["/robots.txt", "/page"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(answer(status="404 x"), None, id="404 allows"),
        pytest.param(answer(status="403 x"), None, id="403 allows"),
        pytest.param(redirect("/robots.txt"), None, id="a redirect loop allows"),
        pytest.param(answer(status="500 x"), FailureKind.ROBOTS, id="500 disallows for now"),
        pytest.param(silence, FailureKind.ROBOTS, id="a timeout disallows for now"),
        pytest.param(
            answer(status="429 x", retry_after="9"), FailureKind.RATE_LIMITED, id="429 is told"
        ),
        pytest.param(
            answer(b"User-agent: *\nDisallow: /\n" + b"#" * 1_000_000), FailureKind.ROBOTS,
            id="the beginning of a huge file counts",
        ),
    ],
)  # fmt: skip
def test_what_the_state_of_robots_txt_means_for_a_page(reply, kind):
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(site.base + "/page")
        assert getattr(outcome, "kind", None) is kind
        if kind is FailureKind.RATE_LIMITED:
            assert 8 < outcome.retry_after_seconds <= 9

    visit({"/robots.txt": reply, "/page": answer(b"x")}, scenario, obey_robots=True)


def test_the_crawl_delay_keeps_requests_apart():
    times = []

    async def note(_ask, writer):
        times.append(time.monotonic())
        writer.write(answer(b"x"))

    async def scenario(fetcher, site):
        await asyncio.gather(*(fetcher.fetch(site.base + "/page") for _ in range(3)))

    robots = answer(b"User-agent: *\nCrawl-delay: 0.06")
    visit({"/robots.txt": robots, "/page": note}, scenario, obey_robots=True)
    assert times[-1] - times[0] > 0.11


def test_a_redirect_is_held_to_the_robots_txt_of_where_it_leads():
    async def scenario():
        closed = {"/robots.txt": answer(b"User-agent: *\nDisallow: /"), "/page": answer(b"x")}
        async with (
            serve(closed) as shut,
            serve({"/page": redirect(shut.base + "/page")}) as site,
            Fetcher(quick(obey_robots=True), now=lambda: datetime.now(UTC)) as fetcher,
        ):
            outcome = await fetcher.fetch(site.base + "/page")
            assert outcome.kind is FailureKind.ROBOTS
            assert outcome.final_url == shut.base + "/page"
            assert shut.paths == ["/robots.txt"]

    asyncio.run(scenario())


def test_robots_txt_can_be_left_out():
    async def scenario(fetcher, site):
        await fetcher.fetch(site.base + "/page", check_robots=False)

    assert visit({}, scenario, obey_robots=True).paths == ["/page"]
