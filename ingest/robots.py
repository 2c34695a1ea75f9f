"""What a site lets robots read, after RFC 9309.

robots.txt ─fetch─> Fetched ─read_robots─> Robots ─ask─> allowed, how far apart, or why not
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protego import Protego

from ingest.inflate import decode_prefix
from ingest.model import Failure, FailureKind, Fetched, FetchedPage, Rejection

LONGEST_CRAWL_DELAY_SECONDS = 30.0
UNREACHABLE_TTL_SECONDS = 600.0  # how long "disallowed for now" lasts
_REMEMBERED_SITES = 2_048

# Any way of writing the field that Protego takes for a user-agent line.
_AGENT_LINE = re.compile(r"\s*user(?:-|\s*)agent(?:\s*:|\s)\s*([^#]*)", re.IGNORECASE)
_AFTER_TOKEN = re.compile(r"[/\s(*]")
_SOMEONE_ELSE = "some-other-robot"

# Meeting these at the site itself, a page there would meet them as well: they say more than ROBOTS.
_SITE_IS_AWAY = frozenset(
    {
        FailureKind.NETWORK,
        FailureKind.REFUSED_ADDRESS,
        FailureKind.BAD_URL,
        FailureKind.RATE_LIMITED,
    }
)
_NO_RULES = frozenset(
    {
        FailureKind.NOT_FOUND,
        FailureKind.GONE,
        FailureKind.HTTP_CLIENT,
        FailureKind.TOO_MANY_REDIRECTS,  # section 2.3.1.2 lets us assume there is none
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """What one site's robots.txt says to us."""

    rules: Protego | None = None  # None: everything is allowed
    refusal: Rejection | None = None  # the file could not be had: nothing is allowed, for now
    crawl_delay_seconds: float = 0.0
    lasting_seconds: float = float("inf")  # how long this may be believed at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether one URL may be fetched."""

    refusal: Rejection | None
    crawl_delay_seconds: float


def product_token(user_agent: str) -> str:
    """Return the name a robots.txt would use, as in "storywatch" for "storywatch/1 (research)"."""
    return _AFTER_TOKEN.split(user_agent.strip(), maxsplit=1)[0].lower()


def read_robots(fetched: Fetched, *, token: str, max_bytes: int) -> Robots:
    """Read the outcome of fetching robots.txt.

    A 4xx or an endless redirect means no rules. A 5xx, a 429, a timeout or anything unreadable
    means that nothing may be fetched for now (section 2.3.1.4). What lies beyond `max_bytes` is
    not read (section 2.5).
    """
    if isinstance(fetched, FetchedPage):
        encoding = fetched.headers.get("content-encoding", "")
        body = decode_prefix(fetched.body, encoding, max_bytes=max_bytes)
        if isinstance(body, Rejection):
            return _refusing(FailureKind.ROBOTS, body.reason)
        return _parse(body.decode("utf-8-sig", "replace"), token=token)
    if isinstance(fetched, Failure) and fetched.kind not in _NO_RULES:
        return _unreachable(fetched)
    return Robots()


def ask(robots: Robots, url: str, *, token: str) -> Permission:
    """Say whether the URL may be fetched and how far apart requests should be."""
    refusal = robots.refusal
    if refusal is None and robots.rules and not robots.rules.can_fetch(url, token):
        refusal = Rejection(kind=FailureKind.ROBOTS, reason="disallowed by robots.txt")
    return Permission(refusal=refusal, crawl_delay_seconds=robots.crawl_delay_seconds)


@dataclass(slots=True, kw_only=True)
class _Site:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    robots: Robots = field(default_factory=Robots)
    expires: float = float("-inf")


class RobotsCache:
    """The robots.txt of each origin, fetched when first needed and again when it is old."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Fetched]],
        *,
        user_agent: str,
        ttl_seconds: float,
        max_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        """`fetch` gets the URL of a robots.txt; `clock` gives monotonic seconds."""
        self._fetch = fetch
        self._token = product_token(user_agent)
        self._ttl_seconds = ttl_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._sites: dict[str, _Site] = {}

    async def consult(self, url: str, *, origin: str) -> Permission:
        """Say whether a URL of an origin, as in "https://example.org", may be fetched."""
        site = self._site(origin)
        if self._clock() >= site.expires:
            async with site.lock:  # many pages of a new site ask at once: one fetch answers all
                if self._clock() >= site.expires:
                    await self._renew(site, origin)
        return ask(site.robots, url, token=self._token)

    async def _renew(self, site: _Site, origin: str) -> None:
        fetched = await self._fetch(f"{origin}/robots.txt")
        site.robots = read_robots(fetched, token=self._token, max_bytes=self._max_bytes)
        lasting = min(self._ttl_seconds, site.robots.lasting_seconds)
        site.expires = self._clock() + lasting

    def _site(self, origin: str) -> _Site:
        site = self._sites.pop(origin, None) or _Site()
        if len(self._sites) >= _REMEMBERED_SITES:
            del self._sites[next(iter(self._sites))]  # the one not asked for longest
        self._sites[origin] = site
        return site


def _parse(text: str, *, token: str) -> Robots:
    rules = Protego.parse(_own_groups(text, token=token))
    delay = rules.crawl_delay(token) or 0.0
    return Robots(rules=rules, crawl_delay_seconds=min(delay, LONGEST_CRAWL_DELAY_SECONDS))


def _own_groups(text: str, *, token: str) -> str:
    """The text with every robot but ours and "*" under one name.

    Protego copies each rule to each name of its group: 20,000 names over 20,000 rules, which fit
    into the size limit, would take all memory.
    """

    def renamed(line: str) -> str:
        match = _AGENT_LINE.match(line)
        return f"User-agent: {_agent(match[1].strip(), token=token)}" if match else line

    return "\n".join(renamed(line) for line in text.splitlines())


def _agent(value: str, *, token: str) -> str:
    if value == "*":
        return value
    return token if product_token(value) == token else _SOMEONE_ELSE


def _unreachable(failure: Failure) -> Robots:
    at_the_site = failure.final_url in {None, failure.requested_url}
    kind = failure.kind if at_the_site and failure.kind in _SITE_IS_AWAY else FailureKind.ROBOTS
    wait = failure.retry_after_seconds
    lasting = UNREACHABLE_TTL_SECONDS if wait is None else min(wait, UNREACHABLE_TTL_SECONDS)
    return _refusing(kind, failure.reason, lasting_seconds=lasting)


def _refusing(
    kind: FailureKind, reason: str, *, lasting_seconds: float = UNREACHABLE_TTL_SECONDS
) -> Robots:
    refusal = Rejection(kind=kind, reason=f"robots.txt could not be read: {reason}")
    return Robots(refusal=refusal, lasting_seconds=lasting_seconds)
