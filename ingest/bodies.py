"""Large bodies: only a few are in memory at once, wherever they are on their way.

Twenty bodies of ten megabytes, each as received, as handed on and as sent to a worker, would be the
memory of a small machine. Nearly all pages are below a megabyte and never wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class LargeBody(bytes):
    """Bytes that give their place back when nobody has them any more."""

    give_back: Callable[[], None] | None = None

    def __del__(self) -> None:
        """Give the place back."""
        if self.give_back is not None:
            self.give_back()

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        """Be plain bytes in another process."""
        return bytes, (bytes(self),)


class LargeBodies:
    """The places for bodies above a size; one for a fetcher, in one event loop."""

    def __init__(self, *, places: int, from_bytes: int) -> None:
        """Bodies up to `from_bytes` need no place."""
        self.from_bytes = from_bytes
        self._places = asyncio.Semaphore(places)

    def receive(self) -> Receiving:
        """Begin a body."""
        return Receiving(self)

    async def take(self) -> Callable[[], None]:
        """Wait for a place; returns what gives it back, from any thread."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()

        def give_back() -> None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                loop.call_soon_threadsafe(self._places.release)

        return give_back


class Receiving:
    """A body that grows; a context manager that gives its place back unless it was `finish`ed."""

    def __init__(self, bodies: LargeBodies) -> None:
        self._bodies = bodies
        self._data = bytearray()
        self._give_back: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._give_back is not None:
            self._give_back()

    async def add(self, chunk: bytes) -> int:
        """Take a chunk in, as soon as there is a place for so much; returns the length so far."""
        self._data += chunk
        if self._give_back is None and len(self._data) > self._bodies.from_bytes:
            self._give_back = await self._bodies.take()
        return len(self._data)

    def finish(self, length: int | None = None) -> bytes:
        """Return the body, or its beginning; its place lasts as long as it."""
        if self._give_back is None:
            return bytes(self._data[:length])
        body = LargeBody(memoryview(self._data)[:length])
        body.give_back, self._give_back = self._give_back, None
        self._data = bytearray()
        return body
