"""A server on the loopback that answers with any bytes at all, at any pace."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingest.fetch import Fetcher, FetchPolicy
from ingest.model import Fetched

NOW = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as it came in; header names in lower case."""

    path: str
    headers: dict[str, str]


Act = Callable[[Ask, asyncio.StreamWriter], Awaitable[None]]
Reply = bytes | Act
"""What a path is answered with: bytes, and the connection stays open, or a script that writes
them, after which the connection is closed."""


@dataclass(slots=True, kw_only=True)
class Loopback:
    """A running server and what it saw."""

    host: str
    port: int = 0
    asks: list[Ask] = field(default_factory=list)
    connections: int = 0
    scheme: str = "http"

    @property
    def base(self) -> str:
        """The server's URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [ask.path for ask in self.asks]


def answer(
    body: bytes = b"", *, status: str = "200 OK", length: int | None = None, **headers: str
) -> bytes:
    """A whole response; `content_type="text/html"` makes a header of that name."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str, *, status: str = "302 Found", body: bytes = b"") -> bytes:
    """A whole response that leads elsewhere."""
    return answer(body, status=status, location=location)


def dripping(start: bytes, drop: bytes, *, seconds: float = 0.02) -> Act:
    """Write a start, then a drop again and again for ever."""

    async def act(_ask: Ask, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(seconds)

    return act


def closing(data: bytes, *, reset: bool = False) -> Act:
    """Write, then close the connection, or break it off with a reset."""

    async def act(_ask: Ask, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if reset:
            writer.transport.abort()

    return act


async def silence(_ask: Ask, _writer: asyncio.StreamWriter) -> None:
    """Say nothing, for ever."""
    await asyncio.Event().wait()


@asynccontextmanager
async def serve(
    routes: Mapping[str, Reply],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Loopback]:
    """Serve replies by path; a path that is not there is a 404."""
    site = Loopback(host=host, scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        site.connections += 1
        try:
            await _converse(site, routes, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has what it wanted, or the test is over
        finally:
            writer.transport.abort() if task.cancelling() else writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, host, port, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def _converse(
    site: Loopback,
    routes: Mapping[str, Reply],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    while True:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        ask = Ask(path=first.split(" ")[1], headers=headers)
        site.asks.append(ask)
        reply = routes.get(ask.path, answer(status="404 Not Found"))
        if not isinstance(reply, bytes):
            await reply(ask, writer)
            return
        writer.write(reply)
        await writer.drain()


# ---------------------------------------------------------------- fetching from it


def quick(**changes: object) -> FetchPolicy:
    """A policy for a server that is near and knows what it is in for."""
    values: dict[str, object] = {
        "user_agent": "storywatch/1 (tests)",
        "allow_networks": ("127.0.0.1/32",),
        "connect_seconds": 0.5,
        "read_seconds": 0.3,
        "total_seconds": 0.6,
        "per_host_interval_seconds": 0.0,
        "obey_robots": False,
    }
    return FetchPolicy(**(values | changes))


def visit(
    routes: Mapping[str, Reply],
    scenario: Callable[[Fetcher, Loopback], Awaitable[None]],
    **changes: object,
) -> Loopback:
    """Run a scenario against a server; return what the server saw."""

    async def run() -> Loopback:
        async with serve(routes) as site, Fetcher(quick(**changes), now=lambda: NOW) as fetcher:
            await scenario(fetcher, site)
            return site

    return asyncio.run(run())


def fetched(routes: Mapping[str, Reply], path: str = "/page", **changes: object) -> Fetched:
    """What one fetch gives."""
    outcomes: list[Fetched] = []

    async def scenario(fetcher: Fetcher, site: Loopback) -> None:
        outcomes.append(await fetcher.fetch(site.base + path))

    visit(routes, scenario, **changes)
    return outcomes[0]
