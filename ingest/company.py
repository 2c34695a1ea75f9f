"""Who is in hand: many items together, or one alone.

When the process dies, whatever was in hand may have killed it. An item that was there twice is
worked on alone, so that the next death tells whether it was that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Company:
    """Lets items in together, or one alone; who waits to be alone goes first.

    For one event loop.
    """

    def __init__(self) -> None:
        """Nobody is in hand."""
        self._together = 0
        self._alone = False
        self._wanting = 0
        self._waiting: list[asyncio.Future[None]] = []

    def enter(self) -> None:
        """Add one to those that are together; only while one is."""
        assert self._together
        self._together += 1

    def leave(self) -> None:
        """Take one from those that are together."""
        self._together -= 1
        self._wake()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Be in hand beside others, once nobody is alone or waits to be."""
        await self._until(lambda: not self._alone and not self._wanting)
        self._together += 1
        try:
            yield
        finally:
            self.leave()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one in hand, once the others have left."""
        self._wanting += 1
        try:
            await self._until(lambda: not self._alone and not self._together)
            self._alone = True
        finally:
            self._wanting -= 1
            self._wake()
        try:
            yield
        finally:
            self._alone = False
            self._wake()

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(woken)
            await woken

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            if not woken.done():
                woken.set_result(None)
