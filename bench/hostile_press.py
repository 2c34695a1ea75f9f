"""Outlets on loopback of which some mean harm, each on an address of its own.

An honest outlet's feed grows by an article now and then and knows `ETag`. A hostile one answers by
what its path says; the kinds are the rows of docs/faults.md.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import zstandard
from versions_prose import Writer

MIB = 2**20
Act = Callable[["Hit", asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Hit:
    """A request as the server saw it: monotonic seconds."""

    outlet: int
    path: str
    etag: str
    gone: Callable[[], bool]  # whether the client closed its side
    started: float
    ended: float = 0.0


@dataclass(slots=True)
class Press:
    """Running outlets and what they were asked."""

    bases: list[str] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    open: int = 0
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def add(self, answer: Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]) -> str:
        """Open an outlet on an address of its own; return its base URL."""
        number = len(self.bases)
        address = f"127.0.{2 + number // 250}.{1 + number % 250}"

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            began: float | None = monotonic()
            self.open += 1
            try:
                while (hit := await _read_request(reader, number, began)) is not None:
                    self.hits.append(hit)
                    try:
                        await answer(hit, writer)
                        await writer.drain()
                    finally:
                        hit.ended = monotonic()
                    began = None  # what the connection idles until the next one is not its time
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # the client left
            except asyncio.CancelledError:
                pass  # the bench is over; asyncio would print a traceback for each
            finally:
                self.open -= 1
                writer.close()

        server = await asyncio.start_server(connected, address, 0)
        self._servers.append(server)
        self.bases.append(f"http://{address}:{server.sockets[0].getsockname()[1]}")
        return self.bases[-1]

    def close(self) -> None:
        """Close every outlet."""
        for server in self._servers:
            server.close()


async def _read_request(
    reader: asyncio.StreamReader, outlet: int, began: float | None
) -> Hit | None:
    head = await reader.readuntil(b"\r\n\r\n")
    line, _, rest = head.decode("latin-1").partition("\r\n")
    parts = line.split(" ")
    if len(parts) != 3:
        return None
    fields = dict(item.lower().split(": ", 1) for item in rest.split("\r\n") if ": " in item)
    return Hit(
        outlet=outlet,
        path=parts[1],
        etag=fields.get("if-none-match", ""),
        gone=reader.at_eof,
        started=monotonic() if began is None else began,
    )


def respond(
    writer: asyncio.StreamWriter, body: bytes, *, status: str = "200 OK", **more: str
) -> None:
    """Write a whole response."""
    fields = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-").title(): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)


def page_of(title: str, paragraphs: list[str]) -> bytes:
    """An article's page."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!DOCTYPE html><html lang=en><head><title>{title}</title></head><body><main><article>"
        f"<h1>{title}</h1>{body}</article></main></body></html>"
    ).encode()


def feed_of(base: str, items: list[tuple[str, str]]) -> bytes:
    """An RSS feed of (path, title) pairs."""
    listed = "".join(
        f"<item><title>{title}</title><link>{base}{path}</link><guid>{base}{path}</guid></item>"
        for path, title in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>News</title>'
        f"<link>{base}</link><description>News</description>{listed}</channel></rss>"
    ).encode()


class Honest:
    """An outlet whose feed of ten entries gets another one every `every` polls."""

    def __init__(self, number: int, *, every: int = 1, paragraphs: int = 4) -> None:
        """Make the outlet; `number` seeds what it writes."""
        self.number, self.every, self.paragraphs = number, every, paragraphs
        self.base = ""
        self.polls = 0

    async def answer(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        """Answer for robots.txt, the feed and articles."""
        if hit.path == "/feed":
            self.polls += 1
            last = self.polls // self.every
            tag = f'"{last}"'
            if hit.etag == tag:
                writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
                return
            items = [
                (f"/article/{item}", f"Report {item} of outlet {self.number}")
                for item in range(last, max(-1, last - 10), -1)
            ]
            respond(writer, feed_of(self.base, items), etag=tag, content_type="application/rss+xml")
        elif hit.path.startswith("/article/"):
            item = int(hit.path.rpartition("/")[2])
            prose = Writer(Random(self.number * 1_000_003 + item), "en")
            paragraphs = [prose.paragraph() for _ in range(self.paragraphs)]
            respond(writer, page_of(f"Report {item} of outlet {self.number}", paragraphs))
        else:
            respond(writer, b"", status="404 Not Found")


# ---------------------------------------------------------------- harm


def _zlib_bomb(wrap: Callable[[bytes], bytes] = bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return wrap(b"".join(engine.compress(block) for _ in range(1024)) + engine.flush())


def _zstd_bomb() -> bytes:
    engine = zstandard.ZstdCompressor(level=3).compressobj()
    block = bytes(MIB)
    return b"".join(engine.compress(block) for _ in range(1024)) + engine.flush()


async def _forever(writer: asyncio.StreamWriter, drop: bytes, *, pause: float = 0.0) -> None:
    while not writer.is_closing():
        writer.write(drop)
        await writer.drain()
        await asyncio.sleep(pause)


def make_bombs() -> dict[str, Act]:
    """Rows 5 to 14 of the faults: bodies and headers without end, bombs in every encoding."""
    gzipped, zstd = _zlib_bomb(), _zstd_bomb()
    twice = gzip.compress(gzipped)
    half = gzip.compress(Random(1).randbytes(4 * MIB))
    noise = Random(2).randbytes(10 * MIB - 1)
    spaces = b"<html><body>" + b"<p>word </p>" * (9 * MIB // 12) + b"</body></html>"

    def whole(body: bytes, **more: str) -> Act:
        async def act(_hit: Hit, writer: asyncio.StreamWriter) -> None:
            respond(writer, body, **more)

        return act

    async def endless_body(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        await _forever(writer, b"x" * 65_536)

    async def endless_headers(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await _forever(writer, b"X-Header: " + b"y" * 4_000 + b"\r\n")

    async def endless_gzip(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        await _forever(writer, gzipped)

    return {
        "body-without-end": endless_body,
        "headers-without-end": endless_headers,
        "gzip-without-end": endless_gzip,
        "gzip-bomb": whole(gzipped, content_encoding="gzip"),
        "brotli": whole(noise[:MIB], content_encoding="br"),
        "zstd-bomb": whole(zstd, content_encoding="zstd"),
        "gzip-twice": whole(twice, content_encoding="gzip, gzip"),
        "redirect-with-bomb": whole(
            gzipped, status="302 Found", location="/gone", content_encoding="gzip"
        ),
        "deflate": whole(zlib.compress(bytes(MIB)), content_encoding="deflate"),
        "no-gzip": whole(noise[: 4 * MIB], content_encoding="gzip"),
        "half-gzip": whole(half[: len(half) // 2], content_encoding="gzip"),
        "just-small-enough": whole(noise),
        "just-small-enough-html": whole(spaces),
    }


def make_drips() -> dict[str, Act]:
    """Answers that never end: rows 1 to 4, and a chain of redirects that take their time."""

    async def body(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
        await _forever(writer, b"x", pause=0.2)

    async def headers(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await _forever(writer, b"X: y\r\n", pause=0.2)

    async def go_on(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await _forever(writer, b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.2)

    async def silence(hit: Hit, _writer: asyncio.StreamWriter) -> None:
        while not hit.gone():  # noqa: ASYNC110 - a stream tells it only when it is read
            await asyncio.sleep(0.05)

    async def redirects(hit: Hit, writer: asyncio.StreamWriter) -> None:
        for _ in range(60):
            await asyncio.sleep(0.05)
            if hit.gone():
                return
        head, _, count = hit.path.rpartition("-")
        following = int(count) + 1 if count.isdecimal() else 1
        location = f"{head or hit.path}-{following}"
        respond(writer, b"", status="302 Found", location=location)

    return {
        "body": body,
        "headers": headers,
        "continue": go_on,
        "silence": silence,
        "redirects": redirects,
    }


def make_killers() -> dict[str, bytes]:
    """Pages that keep the extractor busy far beyond its time."""
    return {
        "spans": page_of("Spans", ["<span>x</span>" * 200_000]),
        "nested": page_of("Nested", ["<div>" * 20_000 + "x" + "</div>" * 20_000]),
    }


def answer_hostile(press: Press, kind: str) -> Act:
    """Answer as a hostile outlet of a kind: slow, killer or flood."""
    drips, killers = make_drips(), make_killers()

    async def answer(hit: Hit, writer: asyncio.StreamWriter) -> None:
        if hit.path == "/robots.txt":
            respond(writer, b"", status="404 Not Found")
        elif hit.path == "/feed" and kind == "slow":
            await drips["body"](hit, writer)
        elif hit.path == "/feed":
            wanted = 5_000 if kind == "flood" else 200
            items = [(f"/{kind}/{number}", f"Page {number}") for number in range(wanted)]
            feed = feed_of(press.bases[hit.outlet], items)
            respond(writer, feed, content_type="application/rss+xml")
        elif kind == "killer":
            respond(writer, Random(hit.path).choice(list(killers.values())))
        else:
            await drips["body"](hit, writer)

    return answer
