"""Working through what is claimed, many items at a time, so that no item ends the others' work.

claim -> work -> note
          └─ an error of the item's own -> set aside: written down, tried later, given up in the end
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ingest.context import Context
from ingest.errors import LockLostError, StorageError
from ingest.model import FailureKind
from storage.failures import concerns_all

log = logging.getLogger("storywatch.pass")

T = TypeVar("T")
R = TypeVar("R")

_LONGEST_REASON = 300  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(Generic[T, R]):
    """What is done with items of one kind."""

    claim: Callable[[int], Awaitable[Sequence[T]]]  # up to so many
    work: Callable[[Context, T], Awaitable[R]]
    set_aside: Callable[[Context, T, FailureKind, str], Awaitable[R]]
    note: Callable[[R], None]


async def drain(context: Context, steps: Steps[T, R]) -> None:
    """Keep up to `in_flight` items going until nothing more is claimed or the daemon stops.

    An error of one item's own sets that item aside. One that any other would meet (a full disk, a
    lost server) stops the claiming, and is raised when the items in hand are finished.
    """
    running: set[asyncio.Future[R | None]] = set()
    failed: BaseException | None = None
    try:
        while True:
            room = context.limits.in_flight - len(running)
            # In small batches a claim would cost as much as a page.
            if (
                room * 2 >= context.limits.in_flight
                and failed is None
                and not context.stopping.is_set()
            ):
                try:
                    batch = await steps.claim(room)
                except Exception as error:  # noqa: BLE001 - raised below, after what is in hand
                    failed, batch = error, ()
                for item in batch:
                    begun = _do(context, item, steps)
                    running.add(asyncio.ensure_future(begun))
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
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


async def _do(context: Context, item: T, steps: Steps[T, R]) -> R | None:
    """Work on an item; None when it could not even be set aside."""
    try:
        return await steps.work(context, item)
    except LockLostError:
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
