"""What robots.txt allows, and what is made of one that can't be had."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import Failure, FailureKind, Fetched, FetchedPage
from ingest.robots import RobotsCache, ask, product_token, read_robots

NOW = datetime(2023, 9, 5, tzinfo=UTC)
SITE = "https://news.test"
TOKEN = "storywatch"


def page(body: bytes, **headers: str) -> FetchedPage:
    return FetchedPage(
        requested_url=f"{SITE}/robots.txt", final_url=f"{SITE}/robots.txt", redirects=(),
        permanent=False, status=200, headers={k.replace("_", "-"): v for k, v in headers.items()},
        body=body, fetched_at=NOW, elapsed_ms=1,
    )  # fmt: skip


def failure(kind: FailureKind, **more: object) -> Failure:
    return Failure(requested_url=f"{SITE}/robots.txt", kind=kind, reason="so it is", at=NOW, **more)


def refusal(fetched: Fetched, path: str = "/page", max_bytes: int = 512_000):
    robots = read_robots(fetched, token=TOKEN, max_bytes=max_bytes)
    return ask(robots, SITE + path, token=TOKEN).refusal


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        pytest.param("", "/page", True, id="an empty file allows all"),
        pytest.param("User-agent: *\nDisallow: /", "/page", False, id="a star is for us"),
        pytest.param("User-agent: other\nDisallow: /", "/page", True, id="others are not us"),
        pytest.param(
            "User-agent: *\nDisallow: /\n\nUser-agent: StoryWatch/2\nAllow: /", "/page", True,
            id="our own group overrules the star, in any case and with a version",
        ),
        pytest.param(
            "User-agent: other\nUser-agent: storywatch\nDisallow: /x", "/x/1", False,
            id="a group may name several robots",
        ),
        pytest.param(
            "User-agent: story\nDisallow: /", "/page", True, id="a part of our name is not us"
        ),
        pytest.param(
            "user agent *\nDisallow: /x\nAllow: /x/y", "/x/y/z", True, id="the longest rule wins"
        ),
        pytest.param("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False, id="wildcards work"),
        pytest.param("\ufeffUser-agent: *\nDisallow: /", "/page", False, id="a BOM is skipped"),
        pytest.param("<html>Disallow: /</html>", "/page", True, id="HTML has no rules"),
    ],
)  # fmt: skip
def test_rules(text, path, allowed):
    assert (refusal(page(text.encode()), path) is None) is allowed


def test_a_disallowed_page_is_a_robots_failure():
    assert refusal(page(b"User-agent: *\nDisallow: /")).kind is FailureKind.ROBOTS


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.NOT_FOUND,
        FailureKind.GONE,
        FailureKind.HTTP_CLIENT,
        FailureKind.TOO_MANY_REDIRECTS,
    ],
)
def test_a_site_without_robots_txt_allows_all(kind):
    assert refusal(failure(kind)) is None


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (FailureKind.HTTP_SERVER, FailureKind.ROBOTS),
        (FailureKind.TIMEOUT, FailureKind.ROBOTS),
        (FailureKind.TRUNCATED, FailureKind.ROBOTS),
        (FailureKind.NETWORK, FailureKind.NETWORK),
        (FailureKind.REFUSED_ADDRESS, FailureKind.REFUSED_ADDRESS),
        (FailureKind.RATE_LIMITED, FailureKind.RATE_LIMITED),
    ],
)
def test_a_site_whose_robots_txt_can_not_be_had_allows_nothing_for_now(kind, told):
    assert refusal(failure(kind)).kind is told


def test_a_robots_txt_that_leads_to_a_private_address_says_nothing_of_the_site():
    elsewhere = failure(FailureKind.REFUSED_ADDRESS, final_url="http://10.0.0.1/robots.txt")
    assert refusal(elsewhere).kind is FailureKind.ROBOTS


def test_only_the_beginning_of_a_large_file_is_read():
    body = b"User-agent: *\nDisallow: /early\n" + b"#" * 1000 + b"\nDisallow: /late\n"
    for fetched in (page(body), page(gzip.compress(body), content_encoding="gzip")):
        assert refusal(fetched, "/early", max_bytes=500)
        assert not refusal(fetched, "/late", max_bytes=500)


@pytest.mark.parametrize(
    ("delay", "seconds"), [("2.5", 2.5), ("99999999", 30), ("-1", 0), ("nan", 0), ("soon", 0)]
)
def test_a_crawl_delay_is_kept_within_reason(delay, seconds):
    body = f"User-agent: *\nCrawl-delay: {delay}\nDisallow: /x".encode()
    robots = read_robots(page(body), token=TOKEN, max_bytes=512_000)
    assert robots.crawl_delay_seconds == seconds


def test_twenty_thousand_names_over_as_many_rules_are_read_in_time():
    names = "\n".join(f"User-agent: b{number}" for number in range(18_000))
    rules = "\n".join(f"Disallow: /{number}" for number in range(18_000))
    started = time.monotonic()
    assert refusal(page(f"{names}\nUser-agent: *\n{rules}".encode()), "/17999")
    assert time.monotonic() - started < 5


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_read_without_an_exception(body):
    read_robots(page(body), token=TOKEN, max_bytes=300)


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [("Storywatch/1.0 (+https://x)", "storywatch"), ("storywatch (news research)", "storywatch")],
)
def test_the_product_token_is_the_name_without_version_and_comment(user_agent, token):
    assert product_token(user_agent) == token


class Seconds:
    """A monotonic clock set by hand."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


def cached(fetch: Callable, clock: Seconds) -> RobotsCache:
    return RobotsCache(
        fetch, user_agent="storywatch/1", ttl_seconds=86_400, max_bytes=500_000, clock=clock
    )


def test_many_pages_of_a_new_site_cost_one_fetch():
    asked = []

    async def fetch(url: str) -> Fetched:
        asked.append(url)
        await asyncio.sleep(0)
        return page(b"")

    async def scenario() -> None:
        cache = cached(fetch, Seconds())
        await asyncio.gather(*(cache.consult(f"{SITE}/{n}", origin=SITE) for n in range(20)))

    asyncio.run(scenario())
    assert asked == [f"{SITE}/robots.txt"]


@pytest.mark.parametrize(
    ("first", "lasts"),
    [
        pytest.param(page(b""), 86_400, id="a file is believed for a day"),
        pytest.param(failure(FailureKind.HTTP_SERVER), 600, id="a 500 for ten minutes"),
        pytest.param(
            failure(FailureKind.RATE_LIMITED, retry_after_seconds=30.0), 30,
            id="a request to wait for as long as it says",
        ),
    ],
)  # fmt: skip
def test_an_answer_is_believed_for_a_time(first, lasts):
    asked = []

    async def fetch(url: str) -> Fetched:
        asked.append(url)
        return first

    async def scenario() -> None:
        clock = Seconds()
        cache = cached(fetch, clock)
        for clock.value in (0, lasts - 1, lasts):
            await cache.consult(f"{SITE}/page", origin=SITE)

    asyncio.run(scenario())
    assert len(asked) == 2
