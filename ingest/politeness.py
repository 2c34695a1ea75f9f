"""The manners of a fetch: what it may do, what it says, and when it is its turn.

FetchPolicy ─> Trip ─redirected─> Trip ─failed─> Failure
Retry-After -> parse_retry_after -> Turns.hold ─┐
host        -> Turns.turn ──────────────────────┴─> wait, then go on, or stay away
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from urllib.parse import urldefrag, urljoin, urlsplit

from ingest.model import Failure, FailureKind, Rejection, Validators

NO_VALIDATORS = Validators()
PERMANENT = {301: True, 302: False, 303: False, 307: False, 308: True}  # the redirects we follow
_SENDABLE = re.compile(r"[\x20-\x7e]{1,1000}")  # the bytes of RFC 9110, section 5.5, in ASCII
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_KINDS = {
    206: FailureKind.TRUNCATED,  # nobody asked for a part
    404: FailureKind.NOT_FOUND,
    410: FailureKind.GONE,
    429: FailureKind.RATE_LIMITED,
}
LONGEST_RETRY_SECONDS = 86_400.0
_REMEMBERED_HOSTS = 4_096  # the others start afresh


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How to behave on the network, and how much to put up with."""

    user_agent: str
    allow_networks: tuple[str, ...] = ()  # CIDRs let through the guard, with any port
    allowed_ports: tuple[int, ...] = (80, 443)
    connect_seconds: float = 5  # name resolution and all addresses together; TLS the same again
    read_seconds: float = 10  # without a byte
    total_seconds: float = 30  # over all hops; waiting for a turn is not counted
    max_redirects: int = 5
    max_wire_bytes: int = 5 * 2**20
    per_host_concurrency: int = 2
    per_host_interval_seconds: float = 1.0  # from start to start
    per_host_wait_seconds: float = 120  # a longer queue is not joined: RATE_LIMITED
    concurrency: int = 16
    obey_robots: bool = True
    max_robots_bytes: int = 512_000
    robots_ttl_seconds: float = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One fetch between two of its hops."""

    requested_url: str
    url: str
    max_bytes: int
    accept: str
    validators: Validators = NO_VALIDATORS
    check_robots: bool = False
    cut: bool = False  # keep the beginning of a body that is too large
    redirects: tuple[str, ...] = ()
    permanent: bool = True
    elapsed_ms: float = 0.0  # in exchanges

    def request_headers(self, *, user_agent: str) -> dict[str, str]:
        """What to send; a validator that no server can have sent stays out."""
        headers = {"User-Agent": user_agent, "Accept": self.accept, "Accept-Encoding": "gzip"}
        conditions = {
            "If-None-Match": self.validators.etag,
            "If-Modified-Since": self.validators.last_modified,
        }
        return headers | {k: v for k, v in conditions.items() if v and _SENDABLE.fullmatch(v)}

    def redirected(self, location: str, *, status: int, max_redirects: int) -> Trip | Rejection:
        """The next hop; what we know of a page is not told to another origin."""
        if len(self.redirects) >= max_redirects:
            return Rejection(
                kind=FailureKind.TOO_MANY_REDIRECTS, reason=f"more than {max_redirects} redirects"
            )
        try:
            target = urldefrag(urljoin(self.url, location)).url
            stays = urlsplit(target)[:2] == urlsplit(self.url)[:2]
        except ValueError as error:
            return Rejection(kind=FailureKind.BAD_URL, reason=f"redirect: {error}"[:200])
        return replace(
            self,
            url=target,
            validators=self.validators if stays else NO_VALIDATORS,
            redirects=(*self.redirects, self.url),
            permanent=self.permanent and PERMANENT[status],
        )

    def failed(self, rejection: Rejection, *, at: datetime) -> Failure:
        """The outcome of a trip that ends here; passwords in URLs are not passed on."""
        return Failure(
            requested_url=_USERINFO.sub("", self.requested_url),
            kind=rejection.kind,
            reason=rejection.reason,
            at=at,
            final_url=_USERINFO.sub("", self.url) if self.redirects else None,
            elapsed_ms=self.elapsed_ms,
        )


def status_kind(status: int, *, retry_after: float | None) -> FailureKind:
    """Return what a status other than a whole 2xx, a 304 or a redirect means for us."""
    if status == 503 and retry_after is not None:
        return FailureKind.RATE_LIMITED
    if status in _KINDS:
        return _KINDS[status]
    if 400 <= status < 600:
        return FailureKind.HTTP_CLIENT if status < 500 else FailureKind.HTTP_SERVER
    return FailureKind.NETWORK  # an answer that makes no sense to a plain GET


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds a Retry-After header asks for, from 0 to a day; None if it says nothing.

    RFC 9110, section 10.2.3: a number of seconds or an HTTP date.
    """
    text = (value or "").strip()
    if text.removeprefix("-").isdecimal() and text.isascii():
        # int() refuses more than 4,300 digits; a number that long is a day anyway
        seconds = float(text[:20])
    else:
        try:
            date = parsedate_to_datetime(text)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now) / timedelta(seconds=1)
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Host:
    """What is to be observed at one host; times are monotonic."""

    places: asyncio.Semaphore
    users: int = 0  # holding a place or queueing for one
    next_start: float = 0.0
    held_until: float = 0.0

    def idle(self, now: float) -> bool:
        return not self.users and now > max(self.next_start, self.held_until)

    def stay_away_seconds(self, now: float) -> float:
        return max(0.0, self.held_until - now)

    def queue_seconds(self, now: float, *, places: int, interval_seconds: float) -> float:
        queued = max(0, self.users - places)
        return max(0.0, self.next_start - now) + queued * interval_seconds

    def take_start(self, now: float, *, interval_seconds: float) -> float:
        start = max(now, self.next_start)
        self.next_start = start + interval_seconds
        return start


class Turns:
    """The state of all hosts; a host is any string, as in "example.org:443"."""

    def __init__(self, *, concurrency: int, longest_wait_seconds: float) -> None:
        self._concurrency = concurrency
        self._longest_wait_seconds = longest_wait_seconds
        self._hosts: dict[str, _Host] = {}

    def hold(self, host: str, *, seconds: float) -> None:
        """Keep away from a host for so long."""
        state = self._host(host)
        state.held_until = max(state.held_until, monotonic() + seconds)

    @asynccontextmanager
    async def turn(self, host: str, *, interval_seconds: float) -> AsyncIterator[float]:
        """Wait for a turn at a host and keep its place; yields 0.

        Yields the seconds to stay away instead, and at once, when the host asked for that or when
        the queue there is longer than it is worth waiting: nothing may be requested then.
        """
        state = self._host(host)
        if refused := self._refusal(state, interval_seconds=interval_seconds):
            yield refused
            return
        state.users += 1
        try:
            async with state.places:
                start = state.take_start(monotonic(), interval_seconds=interval_seconds)
                if (wait := start - monotonic()) > 0:
                    await asyncio.sleep(wait)
                yield state.stay_away_seconds(monotonic())  # it may have asked in the meantime
        finally:
            state.users -= 1

    def stay_away_seconds(self, host: str) -> float:
        """How long the host still wants to be left alone."""
        state = self._hosts.get(host)
        return state.stay_away_seconds(monotonic()) if state else 0.0

    def _refusal(self, state: _Host, *, interval_seconds: float) -> float:
        now = monotonic()
        queue = state.queue_seconds(
            now, places=self._concurrency, interval_seconds=interval_seconds
        )
        return state.stay_away_seconds(now) or (queue if queue > self._longest_wait_seconds else 0)

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            if len(self._hosts) >= _REMEMBERED_HOSTS:
                self._forget_idle(monotonic())
            self._hosts[host] = _Host(places=asyncio.Semaphore(self._concurrency))
        return self._hosts[host]

    def _forget_idle(self, now: float) -> None:
        self._hosts = {name: host for name, host in self._hosts.items() if not host.idle(now)}
