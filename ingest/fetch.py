"""The one way out to the network.

    URL -> check_url -> robots.txt -> a turn at the host -> a free slot -> one exchange ─┐
     └───────────────────────────── redirect, by hand, guarded anew ─────────────────────┤
                                       FetchedPage | NotModified | Failure <─────────────┘

Bodies stay as they came over the wire: workers inflate them. httpx's client bounds neither the
time of a whole request nor what a body inflates to, reads the bodies of redirects, keeps cookies
and sends conditional headers to strangers; so only its transport is used, and the rest done here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Self, cast
from urllib.parse import urldefrag

import httpcore
import httpx

from ingest.bodies import LargeBodies
from ingest.connection import Connection
from ingest.model import (
    Failure,
    FailureKind,
    Fetched,
    FetchedPage,
    NotModified,
    Rejection,
    Validators,
)
from ingest.netguard import GuardedBackend, RefusedAddressError, Resolve, check_url, make_resolver
from ingest.politeness import Turns, host_key, parse_retry_after
from ingest.robots import RobotsCache
from ingest.trip import (
    NO_VALIDATORS,
    PERMANENT,
    FetchPolicy,
    Trip,
    check_policy,
    lacks_its_end,
    refuse_part,
    status_kind,
)

__all__ = ["FetchPolicy", "Fetcher"]

_ACCEPT = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
_KEEP_ALIVE = 20  # httpx looks through all idle connections at each request
_LOOKUPS_PER_SLOT = 4  # a lookup may go on long after the fetch that wanted it gave up
_EXPECTED = (OSError, UnicodeError, RefusedAddressError, httpx.HTTPError, httpx.StreamError)


class Fetcher:
    """Fetches URLs within a policy; an async context manager."""

    def __init__(
        self, policy: FetchPolicy, *, now: Callable[[], datetime], resolve: Resolve | None = None
    ) -> None:
        """`now` dates the outcomes; `resolve` replaces the system's name resolution.

        Raises ConfigError.
        """
        check_policy(policy)
        self._policy = policy
        self._now = now
        lookups = policy.concurrency * _LOOKUPS_PER_SLOT
        resolve = resolve or make_resolver(max_lookups=lookups)
        self._transport = _GuardedTransport(policy, resolve)
        self._slots = asyncio.Semaphore(policy.concurrency)
        self._bodies = LargeBodies(places=policy.large_bodies, from_bytes=policy.large_bytes)
        self._turns = Turns(
            concurrency=policy.per_host_concurrency,
            longest_wait_seconds=policy.per_host_wait_seconds,
        )
        self._robots = RobotsCache(
            self._fetch_robots,
            user_agent=policy.user_agent,
            ttl_seconds=policy.robots_ttl_seconds,
            max_bytes=policy.max_robots_bytes,
            clock=monotonic,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._transport.aclose()
        await asyncio.sleep(0)  # an aborted connection closes its socket in the loop's next round

    async def fetch(
        self,
        url: str,
        *,
        validators: Validators = NO_VALIDATORS,
        accept: str = _ACCEPT,
        max_wire_bytes: int | None = None,
        check_robots: bool = True,
    ) -> Fetched:
        """Fetch a URL; whatever happens is a value.

        `max_wire_bytes` bounds the body as sent; by default the policy does. Waiting for a turn at
        the host comes on top of the policy's `total_seconds`, as does fetching robots.txt.
        """
        trip = Trip(
            requested_url=url,
            url=url,
            max_bytes=self._policy.max_wire_bytes if max_wire_bytes is None else max_wire_bytes,
            accept=accept,
            validators=validators,
            check_robots=check_robots and self._policy.obey_robots,
        )
        return await self._travel(trip)

    async def fetch_part(
        self, url: str, *, start: int, stop: int, check_robots: bool = True
    ) -> FetchedPage | Failure:
        """Fetch the bytes of a file from `start` to before `stop`, or to its end.

        `trip.read_content_range` tells from the headers which bytes came. A server that sends whole
        files only is a failure: TOO_LARGE.
        """
        trip = Trip(
            requested_url=url,
            url=url,
            max_bytes=stop - start,
            accept="*/*",
            check_robots=check_robots and self._policy.obey_robots,
            part=(start, stop),
        )
        fetched = await self._travel(trip)
        assert not isinstance(fetched, NotModified), "no validators were sent"
        return fetched

    async def _fetch_robots(self, url: str) -> Fetched:
        size = self._policy.max_robots_bytes
        trip = Trip(requested_url=url, url=url, max_bytes=size, accept="text/plain,*/*", cut=True)
        return await self._travel(trip)

    async def _travel(self, trip: Trip) -> Fetched:
        step: Fetched | Trip = trip
        while isinstance(step, Trip):
            step = await self._hop(step)
        return step

    async def _hop(self, trip: Trip) -> Fetched | Trip:
        url = _read_url(trip.url, self._policy)
        if isinstance(url, Rejection):
            return trip.failed(url, at=self._now())
        host = host_key(url.raw_host.decode("ascii"))
        interval = self._policy.per_host_interval_seconds
        if trip.check_robots:
            permission = await self._robots.consult(str(url), origin=_origin(url, host))
            if permission.refusal:
                away = self._turns.stay_away_seconds(host) or None
                return trip.failed(permission.refusal, at=self._now(), retry_after_seconds=away)
            interval = max(interval, permission.crawl_delay_seconds)
        async with self._turns.turn(host, interval_seconds=interval) as away:
            if away:
                reason = f"{host} is to be left alone for {away:.1f} s"
                limited = Rejection(kind=FailureKind.RATE_LIMITED, reason=reason)
                return trip.failed(limited, at=self._now(), retry_after_seconds=away)
            async with self._slots:
                return await self._exchange_in_time(trip, url, host=host)

    async def _exchange_in_time(self, trip: Trip, url: httpx.URL, *, host: str) -> Fetched | Trip:
        started = monotonic()
        left = self._policy.total_seconds - trip.elapsed_ms / 1000
        try:
            async with asyncio.timeout(left):
                step: Fetched | Trip = await self._exchange(trip, url, host=host)
        except _EXPECTED as error:
            step = trip.failed(_explain(error), at=self._now())
        return replace(step, elapsed_ms=trip.elapsed_ms + (monotonic() - started) * 1000)

    async def _exchange(self, trip: Trip, url: httpx.URL, *, host: str) -> Fetched | Trip:
        headers = trip.request_headers(user_agent=self._policy.user_agent)
        timeouts = {"timeout": self._policy.timeouts}
        request = httpx.Request("GET", url, headers=headers, extensions=timeouts)
        response = await self._transport.handle_async_request(request)
        try:
            return await self._answer(trip, response, host=host)
        finally:
            await response.aclose()

    async def _answer(self, trip: Trip, response: httpx.Response, *, host: str) -> Fetched | Trip:
        status = response.status_code
        if status in PERMANENT and "location" in response.headers:
            location, most = response.headers["location"], self._policy.max_redirects
            step = trip.redirected(location, status=status, max_redirects=most)
            return step if isinstance(step, Trip) else trip.failed(step, at=self._now())
        if status == 304 and trip.validators != NO_VALIDATORS:
            return trip.unchanged(at=self._now())
        if trip.part is not None and status in {200, 206}:
            wrong = refuse_part(trip.part, status=status, headers=response.headers)
            if wrong is not None:
                return trip.failed(wrong, at=self._now(), status=status)
            return await self._page(trip, response)
        if 200 <= status < 300 and status != 206:
            return await self._page(trip, response)
        wait = parse_retry_after(response.headers.get("retry-after"), now=self._now())
        kind = status_kind(status, retry_after=wait)
        if wait and kind is FailureKind.RATE_LIMITED:
            self._turns.hold(host, seconds=wait)
        rejection = Rejection(kind=kind, reason=f"HTTP {status}")
        return trip.failed(rejection, at=self._now(), status=status, retry_after_seconds=wait)

    async def _page(self, trip: Trip, response: httpx.Response) -> FetchedPage | Failure:
        status, headers = response.status_code, response.headers
        body = await _read_body(
            response, bodies=self._bodies, max_bytes=trip.max_bytes, cut=trip.cut
        )
        if isinstance(body, Rejection):
            return trip.failed(body, at=self._now(), status=status)
        if not trip.cut and lacks_its_end(body, headers):
            cut = Rejection(kind=FailureKind.TRUNCATED, reason="no length, and the page has no end")
            return trip.failed(cut, at=self._now(), status=status)
        return trip.arrived(body, status=status, headers=headers, at=self._now())


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over the guard: HTTP/1.1, no proxies, nothing from the environment."""

    def __init__(self, policy: FetchPolicy, resolve: Resolve) -> None:
        tls = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=tls, trust_env=False)
        guard = GuardedBackend(
            resolve, allow_networks=policy.allow_networks, allowed_ports=policy.allowed_ports
        )
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=policy.concurrency + _KEEP_ALIVE,
            max_keepalive_connections=_KEEP_ALIVE,
            keepalive_expiry=5,
            network_backend=cast("httpcore.AsyncNetworkBackend", guard),
        )


def _read_url(text: str, policy: FetchPolicy) -> httpx.URL | Rejection:
    rejection = check_url(
        text, allowed_ports=policy.allowed_ports, allow_networks=policy.allow_networks
    )
    if rejection:
        return rejection
    try:
        return httpx.URL(urldefrag(text).url)
    except (httpx.InvalidURL, ValueError) as error:  # UnicodeError is a ValueError
        return Rejection(kind=FailureKind.BAD_URL, reason=str(error)[:200])


def _origin(url: httpx.URL, host: str) -> str:
    """Whose robots.txt counts; httpx leaves out the scheme's own port."""
    host = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port else "")


async def _read_body(
    response: httpx.Response, *, bodies: LargeBodies, max_bytes: int, cut: bool
) -> bytes | Rejection:
    """The body as sent; of one that is too large, the beginning when `cut`."""
    too_large = Rejection(kind=FailureKind.TOO_LARGE, reason=f"more than {max_bytes} bytes")
    announced = _announced_bytes(response)
    if announced is not None:
        if announced > max_bytes and not cut:
            return too_large
        stream = response.extensions["network_stream"]
        assert isinstance(stream, Connection)
        stream.expect_body(announced)
    with bodies.receive() as body:
        try:
            async for chunk in response.aiter_raw():
                if await body.add(chunk) > max_bytes:
                    return body.finish(max_bytes) if cut else too_large
        except httpx.RemoteProtocolError as error:
            return Rejection(kind=FailureKind.TRUNCATED, reason=str(error)[:200])
        return body.finish()


def _announced_bytes(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    chunked = "transfer-encoding" in response.headers  # it overrules: RFC 9112, section 6.3
    return None if chunked or not length.isdecimal() else int(length[:20])


def _explain(error: Exception) -> Rejection:
    if isinstance(error, RefusedAddressError):
        return Rejection(kind=FailureKind.REFUSED_ADDRESS, reason=str(error)[:200])
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Rejection(kind=FailureKind.TIMEOUT, reason="no whole answer in time")
    kind = FailureKind.BAD_URL if isinstance(error, UnicodeError) else FailureKind.NETWORK
    return Rejection(kind=kind, reason=f"{type(error).__name__}: {error}"[:200])
