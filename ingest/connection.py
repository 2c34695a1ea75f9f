"""One TCP connection, with or without TLS, in the shape that httpcore's pool works with.

It speaks asyncio itself: a request costs two thirds of what it does over anyio, a handshake that
is cancelled leaves no socket open, and an answer longer than it said is noticed.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

_BUFFER_BYTES = 2**18  # read ahead of what was asked for
_END_OF_HEAD = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """httpcore's AsyncNetworkStream by shape, and the loop's own protocol.

    What goes wrong is raised as OSError, of which TimeoutError is one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._in_head = True  # of a response
        self._left: int | None = None  # bytes of its body; None: not known
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is read."""
        self._buffer += data
        if len(self._buffer) > _BUFFER_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note the end; the loop closes the transport then."""
        self._ended = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Note the end and its reason."""
        self._ended, self._error = True, error
        self._wake()

    def expect_body(self, length: int | None) -> None:
        """Hand out no more than the body that the head of the response announced.

        The rest stays here, so that the pool sees a connection that is not clean and drops it.
        Read on, it would pass for the answer to the next request.
        """
        self._in_head, self._left = False, length

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        """Return what has come, or wait for it; b"" at the end."""
        if not self._buffer and not self._ended:
            self._arrival = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(timeout):
                await self._arrival
        if not self._buffer and self._error:
            raise self._error
        return self._take(max_bytes)

    async def write(self, buffer: bytes, **_options: object) -> None:
        """Send a request; they are small, so the kernel's buffer takes them without waiting."""
        self._in_head, self._left = True, None
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Drop the connection at once: a polite farewell could be waited for in vain."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> Connection:
        """Go on encrypted, the certificate checked for the name and not for the address."""
        loop = asyncio.get_running_loop()
        plain = self._transport
        try:
            async with asyncio.timeout(timeout):
                encrypted = await loop.start_tls(
                    plain, self, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            plain.abort()  # also when cancelled, or it would stay open
            raise
        assert encrypted is not None
        self._transport = encrypted
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Answer httpcore's questions; anything to read while idle means that it is spent."""
        if info == "is_readable":
            return bool(self._buffer) or self._ended
        return self._transport.get_extra_info(info)

    def _wake(self) -> None:
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)

    def _take(self, max_bytes: int) -> bytes:
        size = max_bytes
        if self._left is not None:
            size = min(size, self._left)
        elif self._in_head and (end := self._buffer.find(_END_OF_HEAD)) >= 0:
            size = min(size, end + len(_END_OF_HEAD))  # the body apart from its head
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        if self._left is not None:
            self._left -= len(data)
        if len(self._buffer) <= _BUFFER_BYTES:
            self._transport.resume_reading()
        return data
