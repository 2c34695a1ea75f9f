"""Working through what is claimed, many items at a time, so that no item ends the others' work.

claim -> work -> note
          └─ an error of the item's own -> set aside: written down, tried later, given up in the end
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

from ingest.context import Context
from ingest.errors import EngineError, LockLostError, StorageError
from ingest.inhand import InHand
from ingest.model import FailureKind
from storage.failures import concerns_all

log = logging.getLogger("storywatch.pass")

_LONGEST_REASON = 300  # characters
_CLAIM_AGAIN_SECONDS = 2.0  # while nothing is done


class Report(Protocol):
    """What came of an item."""

    @property
    def harmed(self) -> bool | None:
        """Whether it killed or stalled the worker that read it; None: nothing was read."""


T = TypeVar("T")
R = TypeVar("R", bound=Report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(Generic[T, R]):
    """What is done with items of one kind."""

    hand: InHand
    place: Callable[[T], tuple[int, Hashable]]  # an item's id, and its source
    claim: Callable[[int], Awaitable[Sequence[T]]]  # up to so many
    work: Callable[[Context, T], Awaitable[R]]
    set_aside: Callable[[Context, T, FailureKind, str], Awaitable[R]]
    note: Callable[[R], None]


async def drain(context: Context, steps: Steps[T, R], *, claim_seconds: float = math.inf) -> None:
    """Keep items going as long as there are places and anything is claimed.

    What falls due in the meantime is claimed too, so that a slow item keeps no other waiting; after
    `claim_seconds`, or at a stop, nothing more is. An error of one item's own sets that item aside.
    One that any other would meet (a full disk, a lost server) stops the claiming, and is raised
    when the items in hand are finished.
    """
    running: set[asyncio.Future[R | None]] = set()
    failed: BaseException | None = None
    ends = monotonic() + claim_seconds
    idle = True  # nothing was done for a while, or a full source opened the view on others
    try:
        while True:
            # In small batches a claim would cost as much as a page.
            room = idle or steps.hand.room * 2 >= steps.hand.places
            more = False
            if room and failed is None and not context.stopping.is_set() and monotonic() < ends:
                try:
                    begun = await _claim(context, steps)
                    running |= begun
                    more = bool(begun) and steps.hand.room > 0
                except Exception as error:  # noqa: BLE001 - raised below, after what is in hand
                    failed = error
            if not running:
                break
            done, running = await asyncio.wait(
                running,
                timeout=0 if more else _CLAIM_AGAIN_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            idle = more or not done
            for ended in done:
                problem = ended.exception()
                if problem is not None:
                    failed = failed or problem
                elif (result := ended.result()) is not None:
                    steps.note(result)
    finally:
        await _abandon(running)
    if failed is not None:
        raise failed


async def _claim(context: Context, steps: Steps[T, R]) -> set[asyncio.Future[R | None]]:
    """Begin what is claimed into the free places."""
    room = steps.hand.room
    if not room:
        return set()
    async with context.company.together():
        return {_begin(context, item, steps) for item in await steps.claim(room)}


async def drain_alone(context: Context, steps: Steps[T, R]) -> None:
    """Work on what is claimed one by one, with nothing else in hand in this process."""
    while True:
        async with context.company.alone():
            if context.stopping.is_set():
                return
            for item in await steps.claim(1):
                result = await _do(context, item, steps)
                if result is not None:
                    steps.note(result)
                break
            else:
                return


def _begin(context: Context, item: T, steps: Steps[T, R]) -> asyncio.Future[R | None]:
    """Begin work on an item that was claimed in company."""
    key, source = steps.place(item)

    def end(ended: asyncio.Future[R | None]) -> None:
        result = None if ended.cancelled() or ended.exception() else ended.result()
        steps.hand.end(key, harmed=result.harmed if result else None)
        context.company.leave()

    context.company.enter()
    steps.hand.begin(key, source)
    begun = asyncio.ensure_future(_do(context, item, steps))
    begun.add_done_callback(end)
    return begun


async def _do(context: Context, item: T, steps: Steps[T, R]) -> R | None:
    """Work on an item; None when it could not even be set aside."""
    try:
        return await steps.work(context, item)
    except (LockLostError, EngineError):
        raise
    except StorageError as error:
        if concerns_all(error):
            raise
        kind, reason = FailureKind.UNSTORABLE, str(error)
        log.error("set aside: %s", reason[:_LONGEST_REASON])  # noqa: TRY400 - it says what and why
    except Exception as error:
        kind, reason = FailureKind.PROGRAM_ERROR, f"{type(error).__name__}: {error}"
        log.exception("set aside, after an error nobody foresaw")
    try:
        return await steps.set_aside(context, item, kind, reason[:_LONGEST_REASON])
    except StorageError as error:
        if concerns_all(error):
            raise
        log.error("could not be set aside either: %s", error)  # noqa: TRY400 - its lease ends
        return None


async def _abandon(running: set[asyncio.Future[R | None]]) -> None:
    """End what is in hand when the pass itself is cancelled."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
