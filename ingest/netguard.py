"""The guard between us and the network: nobody's URL makes us knock at a private door.

    URL -> check_url -> host ─resolved once─> check_address on every answer -> connect to one

The check sits where connections are made, so that no redirect and no second lookup gets around it.
Python's `ipaddress.is_global` is not enough: 3.11 calls NAT64, 6to4, IPv4-compatible, site-local
and multicast addresses global.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from threading import Thread
from urllib.parse import SplitResult, urlsplit

from ingest.connection import Connection
from ingest.errors import OperationError
from ingest.model import FailureKind, Rejection

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Turns a host name into addresses, best first. Raises OSError."""

MAX_URL_CHARACTERS = 4_096
_IMPOSSIBLE = re.compile(r"[\s\x00-\x1f\x7f%<>\\^`{|}]")  # in a host, by the WHATWG's URL standard
_MAX_ADDRESSES = 4  # tried for one host, within the time for one connection

# IANA's special-purpose registries, and what they leave to other RFCs: multicast, 6to4 relays.
_REFUSED_V4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    224.0.0.0/4 240.0.0.0/4
"""
_REFUSED_V6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
_UNICAST_V6 = "2000::/3"  # all that IANA has given out; the rest is special or unused


class RefusedAddressError(OperationError):
    """A connection that must not be made; caught where a fetch ends."""


def check_address(address: str, allow_networks: Sequence[str] = ()) -> str | None:
    """Return why an address may not be connected to, or None when it may.

    `allow_networks` are CIDRs that are let through in spite of being private. Raises ValueError
    when one of these is no network.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"{address[:60]!r} is no address"
    if is_inside(address, allow_networks):
        return None
    if parsed.version == 4:
        refused = is_inside(address, _REFUSED_V4.split())
    else:
        refused = not is_inside(address, [_UNICAST_V6]) or is_inside(address, _REFUSED_V6.split())
    return f"{address} is not a public address" if refused or not parsed.is_global else None


def is_inside(address: str, networks: Sequence[str]) -> bool:
    """Return whether an address lies in one of the CIDRs. Raises ValueError."""
    return any(ip_address(address) in ip_network(network) for network in networks)


def check_url(
    url: str, *, allowed_ports: Sequence[int] = (80, 443), allow_networks: Sequence[str] = ()
) -> Rejection | None:
    """Return why a URL may not be fetched, or None when its host may be looked up.

    BAD_URL when it can't be read, REFUSED_ADDRESS for another scheme, a user name or password, or
    a port that is not allowed. A host inside `allow_networks` may have any port, and which host is
    only shows when its name is resolved: with such networks ports are left to `GuardedBackend`.
    """
    if len(url) > MAX_URL_CHARACTERS:
        return _reject(f"longer than {MAX_URL_CHARACTERS} characters", FailureKind.BAD_URL)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return _reject(str(error)[:200], FailureKind.BAD_URL)
    if parts.scheme in {"http", "https", ""} and not _possible_host(parts):
        return _reject("no possible host name", FailureKind.BAD_URL)
    if parts.scheme not in {"http", "https"}:
        return _reject(f"the scheme {parts.scheme[:20]!r} is not http or https")
    if "@" in parts.netloc:
        return _reject("a user name or password stands in the URL")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    free = port in allowed_ports or allow_networks
    return None if free else _reject(f"port {port} is not allowed")


def _possible_host(parts: SplitResult) -> bool:
    host = (parts.hostname or "").removesuffix(".")
    if _IMPOSSIBLE.search(host) or not 0 < len(host) <= 253:
        return False
    return all(0 < len(label) <= 63 for label in host.split("."))


def _reject(reason: str, kind: FailureKind = FailureKind.REFUSED_ADDRESS) -> Rejection:
    return Rejection(kind=kind, reason=reason)


def make_resolver(*, max_lookups: int) -> Resolve:
    """Make a resolver that asks the system, with a thread for each name that is being looked up.

    A name server that is silent holds a thread for half a minute, and nothing can end that. The
    threads of a pool would all stand there, and be waited for when the program ends. Here it is one
    a name, since whoever asks for a name under way waits for the same answer. No more than
    `max_lookups` run at once, those that everybody has given up among them.
    """
    pending: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def resolve(host: str) -> Sequence[str]:
        if host not in pending:
            if len(pending) >= max_lookups:
                raise OSError(f"{max_lookups} names are being looked up already")
            pending[host] = _start_lookup(host)
            pending[host].add_done_callback(lambda _done: pending.pop(host))
        return await asyncio.shield(pending[host])

    return resolve


def _start_lookup(host: str) -> asyncio.Future[Sequence[str]]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(found: Sequence[str], error: OSError | UnicodeError | None) -> None:
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)
            answer.exception()  # those who asked may have left

    def look_up() -> None:
        found: list[str] = []
        failure: OSError | UnicodeError | None = None
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = [str(address[0]) for *_, address in answers]
        except (OSError, UnicodeError) as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, found, failure)

    Thread(target=look_up, name=f"dns {host[:60]}", daemon=True).start()
    return answer


class GuardedBackend:
    """An httpcore AsyncNetworkBackend, by shape, that connects to checked addresses only.

    What goes wrong is raised as OSError, TimeoutError or RefusedAddressError.
    """

    def __init__(
        self, resolve: Resolve, *, allow_networks: Sequence[str], allowed_ports: Sequence[int]
    ) -> None:
        self._resolve = resolve
        self._allow_networks = tuple(allow_networks)
        self._allowed_ports = frozenset(allowed_ports)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        **_options: object,
    ) -> Connection:
        """Resolve once, check every answer, connect to the first that answers.

        The time is shared out, so that one dead address leaves time for the next.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout) as deadline:
            addresses = list(await self._addresses(host, port))
            while True:
                address, left = addresses.pop(0), len(addresses)
                when = deadline.when()
                share = None if when is None else (when - loop.time()) / (left + 1)
                try:
                    async with asyncio.timeout(share):
                        return (await loop.create_connection(Connection, address, port))[1]
                except OSError:  # TimeoutError is one
                    if not left:
                        raise

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        addresses = list(dict.fromkeys(await self._resolve(host)))
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            if reason := self._refusal(address, port):
                raise RefusedAddressError(f"{host}: {reason}")
        return addresses[:_MAX_ADDRESSES]

    def _refusal(self, address: str, port: int) -> str | None:
        if port not in self._allowed_ports and not is_inside(address, self._allow_networks):
            return f"port {port} is not allowed"
        return check_address(address, self._allow_networks)
