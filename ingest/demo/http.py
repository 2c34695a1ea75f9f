"""A small HTTP/1.1 server for the newsroom: GET and HEAD, keep-alive, gzip, validators."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

_REASONS = {200: "OK", 304: "Not Modified", 404: "Not Found", 410: "Gone", 500: "Server Error"}
_MAX_LINE = 8192
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a path answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


async def serve(answer: Callable[[str], Response]) -> tuple[asyncio.Server, int]:
    """Serve on 127.0.0.1 at a free port; `answer` maps a request target to its response."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _exchange(reader, writer, answer):
                pass
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            pass  # the client left, or speaks no HTTP
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=_MAX_LINE)
    return server, server.sockets[0].getsockname()[1]


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[str], Response],
) -> bool:
    """Answer one request; whether the connection stays open."""
    async with asyncio.timeout(_IDLE_SECONDS):
        line = await reader.readline()
    if not line.strip():
        return False
    method, target, _version = line.decode("ascii").split(maxsplit=2)
    headers = await _read_headers(reader)
    response = answer(target)
    writer.write(_render(response, headers, with_body=method != "HEAD"))
    await writer.drain()
    return headers.get("connection", "").lower() != "close"


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = (await reader.readline()).decode("latin-1").strip()
        if not line:
            return headers
        name, _colon, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()


def _render(response: Response, request: dict[str, str], *, with_body: bool) -> bytes:
    etag = f'"{sha256(response.body).hexdigest()[:16]}"'
    status, body = response.status, response.body
    fields = {"Content-Type": response.content_type, **response.headers}
    if status == 200:
        fields["ETag"] = etag
        if request.get("if-none-match") == etag:
            status, body = 304, b""
    if body and "gzip" in request.get("accept-encoding", ""):
        body = gzip.compress(body)
        fields["Content-Encoding"] = "gzip"
    if status != 304:
        fields["Content-Length"] = str(len(body))
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode("latin-1") + b"\r\n" + (body if with_body else b"")
