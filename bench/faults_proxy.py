"""A TCP proxy that deals faults to a minority of connections, on a seeded schedule.

    delay      nothing for a while, then everything
    drip       a few bytes at a time
    cut        the connection ends after some bytes
    rst        it is reset after some bytes
    blackhole  what comes is swallowed; after a while the connection is reset
    garble     HTTP alone: bytes of a gzipped body are changed, or the answer is not HTTP at all

A plain body is not garbled: nobody could tell what it said. Nor is a statement to the database.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random

HTTP_KINDS = ("delay", "drip", "cut", "rst", "blackhole", "garble")
DATABASE_KINDS = ("delay", "drip", "cut", "rst", "blackhole")
_CHUNK = 65536
_MOST_DRIPS = 6  # what drips for ever is a connection that nobody can work with
_GZIP = re.compile(rb"\r\ncontent-encoding: *gzip", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """What will happen to a connection."""

    kind: str
    after: int  # bytes that pass before
    backwards: bool  # on the way to the client
    seconds: float


@dataclass
class Proxy:
    """A proxy to one port; `share` of its connections get a fault."""

    random: Random
    kinds: tuple[str, ...]
    upstream: int
    most_bytes: int  # before a fault
    share: float = 0.0
    dealt: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and end what goes on."""
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _draw(self) -> Fault | None:
        """The fault of the next connection; as many numbers are drawn when it has none."""
        draw = self.random
        chance, kind = draw.random(), draw.choice(self.kinds)
        after, backwards = int(self.most_bytes * draw.random() ** 2), draw.random() < 0.7
        seconds = draw.uniform(0.2, 1.5)
        return Fault(kind, after, backwards, seconds) if chance < self.share else None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        fault = self._draw()
        there: asyncio.StreamWriter | None = None
        try:
            answers, there = await asyncio.open_connection("127.0.0.1", self.upstream)
            both = [(reader, there, False), (answers, writer, True)]
            pumps = [
                asyncio.create_task(self._pump(source, sink, backwards=backwards, fault=fault))
                for source, sink, backwards in both
            ]
            done, rest = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if any(pump.result() == "abort" for pump in done):
                writer.transport.abort()
                there.transport.abort()
            elif pumps[1] in rest:  # the client said all; a dead one is not heard to the end
                await asyncio.wait(rest, timeout=0.05)
            for pump in rest:
                pump.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # nobody listens there: the server is down; or all is over
        finally:
            self._tasks.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        backwards: bool,
        fault: Fault | None,
    ) -> str:
        """Pass on what comes; return "end", or "abort" for a reset of both sides."""
        passed = drips = 0
        try:
            while data := await reader.read(_CHUNK):
                size = len(data)
                if fault is not None and fault.kind == "garble" and backwards:
                    data, fault = self._garble(data, fault), None
                elif fault and fault.backwards == backwards and passed + size > fault.after:
                    self.dealt[fault.kind] += drips == 0
                    verdict, data = await self._deal(fault, data, fault.after - passed, writer)
                    if verdict:
                        return verdict
                    drips += 1
                    if fault.kind == "delay" or drips == _MOST_DRIPS:
                        fault = None
                passed += size
                writer.write(data)
                await writer.drain()
        except OSError:
            return "abort"
        return "end"

    async def _deal(
        self, fault: Fault, data: bytes, room: int, writer: asyncio.StreamWriter
    ) -> tuple[str, bytes]:
        """Do it; return how the connection ends, if so, and what is left to be passed on."""
        if fault.kind == "drip":
            size = max(1, len(data) // 40)
            for at in range(0, len(data), size):
                writer.write(data[at : at + size])
                await writer.drain()
                await asyncio.sleep(fault.seconds / 20)
            return "", b""
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return "", data
        if fault.kind == "blackhole":
            await asyncio.sleep(fault.seconds * 4)
            return "abort", b""
        writer.write(data[: max(0, room)])
        await writer.drain()
        return ("end" if fault.kind == "cut" else "abort"), b""

    def _garble(self, data: bytes, fault: Fault) -> bytes:
        self.dealt["garble"] += 1
        head, end, body = data.partition(b"\r\n\r\n")
        if not _GZIP.search(head) or len(body) < 40:
            return bytes(byte ^ 0x5A for byte in data[:20]) + data[20:]
        changed = bytearray(body)
        for step in range(3):
            at = 12 + (fault.after * 7 + step * 101) % (len(body) - 24)
            changed[at] ^= 0x55
        return head + end + bytes(changed)
