"""How fast an archive is asked: a lane for each kind of request, and one silence for all.

Lane.interval_seconds, Pace.keep_silent ─> Pace.turn ─> wait, then ask
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_NOW = 1e-6  # seconds; a shorter wait is none


@dataclass(slots=True, kw_only=True)
class Lane:
    """Requests of one kind, so many seconds from start to start."""

    interval_seconds: float
    next_start: float = 0.0


class Pace:
    """Whose turn it is; for the tasks of one event loop."""

    def __init__(
        self, *, clock: Callable[[], float], pause: Callable[[float], Awaitable[None]]
    ) -> None:
        """`clock` counts the seconds that `pause` waits."""
        self._clock = clock
        self._pause = pause
        self._silent_until = 0.0

    def keep_silent(self, seconds: float) -> None:
        """Ask for nothing, in no lane, for so long."""
        self._silent_until = max(self._silent_until, self._clock() + seconds)

    async def turn(self, lane: Lane) -> None:
        """Wait for a turn in a lane, and take it."""
        while (wait := max(lane.next_start, self._silent_until) - self._clock()) > _NOW:
            await self._pause(wait)  # then again: others may have been first
        lane.next_start = self._clock() + lane.interval_seconds
