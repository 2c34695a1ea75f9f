"""The manners of a fetch: when it is its turn at a host, and when to stay away.

Retry-After    -> parse_retry_after -> Turns.hold ─┐
host -> host_key -> Turns.turn ────────────────────┴─> wait, then go on, or stay away
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address
from time import monotonic

LONGEST_RETRY_SECONDS = 86_400.0
_REMEMBERED_HOSTS = 4_096  # the others start afresh


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


def host_key(host: str) -> str:
    """Return one name for all spellings of a host: who shares it shares its patience.

    `host` is that of a URL, without brackets and in ASCII. Letters have no case, the dot of the
    root may be there or not, and addresses are written in many ways. Ports don't count: it is one
    machine that answers at all of them.
    """
    plain = host.lower().removesuffix(".")
    try:
        address = ip_address(plain)
    except ValueError:
        try:
            return socket.inet_ntoa(socket.inet_aton(plain))  # 127.1, 0x7f.1, 2130706433
        except (OSError, UnicodeError, ValueError):
            return plain
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


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
    """The state of all hosts; a host is any string, as `host_key` gives them."""

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
