"""Having workers read WARC files part by part, in time and again when something passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ingest.backfill.days import Days
from ingest.backfill.loading import load_body
from ingest.backfill.warcfile import read_paths
from ingest.backfill.warcnames import Listing
from ingest.backfill.warcparts import (
    Part,
    PartReading,
    Shape,
    Wanted,
    is_remote,
    look_at_archive,
    read_part,
)
from ingest.context import Context
from ingest.errors import SourceError
from ingest.fetch import FetchPolicy
from ingest.model import Failure, FailureKind, FetchedPage, Rejection

_MOST_LISTING = 2**26
_MIB = 2**20
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How files are read."""

    span_bytes: int = 16 * _MIB  # as they are on disk
    remote_span_bytes: int = 32 * _MIB
    seconds: float = 60  # for a part
    seconds_per_mib: float = 2  # more, of one that is read from its beginning only
    waits: Sequence[float] = (5, 20, 60)  # seconds, before something is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReader:
    """Reads files on disk and behind HTTP; raises SourceError for what can't be had for now."""

    context: Context
    days: Days
    policy: FetchPolicy  # of the way to files behind HTTP
    terms: Terms = Terms()

    def span_bytes(self, name: str) -> int:
        """How much of a file is read at once."""
        return self.terms.remote_span_bytes if is_remote(name) else self.terms.span_bytes

    async def list_files(self, listing: Listing) -> tuple[str, ...]:
        """The files of a listing."""
        if is_remote(listing.name):
            load = partial(
                load_body,
                self.context,
                listing.name,
                accept="*/*",
                max_bytes=_MOST_LISTING,
                check_robots=False,
            )
            loaded = await self._until_had(load)
            if not isinstance(loaded, FetchedPage):
                raise SourceError(f"{listing.name}: {loaded.reason}; it lists the files to read")
            paths = await self.context.compute(read_paths, loaded.body)
        else:
            paths = await self.context.compute(_read_local_listing, listing.name)
        if isinstance(paths, Rejection):
            raise SourceError(f"{listing.name}: {paths.reason}")
        return tuple(listing.resolve(line) for line in paths)

    async def look_at(self, name: str) -> Shape | Rejection | Failure:
        """How a file is made, or why it can't be read."""
        return await self._until_had(
            partial(self._compute, self.terms.seconds, look_at_archive, name)
        )

    async def read(self, part: Part) -> PartReading | Rejection | Failure:
        """Read a part, or why it can't be read: CRASHED when it takes its worker with it."""
        seconds = self.terms.seconds
        if part.shape.whole:
            seconds += part.shape.size_bytes / _MIB * self.terms.seconds_per_mib
        wanted = Wanted(
            rules=tuple(story.rule for story in self.context.stories),
            max_body_bytes=self.context.limits.max_decoded_bytes,
            since=self.days.since,
            until=self.days.until,
        )
        return await self._until_had(partial(self._compute, seconds, read_part, part, wanted))

    async def _compute(
        self, seconds: float, function: Callable[..., T], *args: object
    ) -> T | Rejection:
        seconds += self.policy.total_seconds  # a file may be behind HTTP
        return await self.context.compute_within(seconds, function, *args, self.policy)

    async def _until_had(
        self, ask: Callable[[], Awaitable[T | Rejection | Failure]]
    ) -> T | Rejection | Failure:
        """What there is, or why there never will be; what passes is tried again."""
        for wait in (*self.terms.waits, None):
            outcome = await ask()
            if not isinstance(outcome, Rejection | Failure) or not _may_pass(outcome):
                return outcome
            if wait is None or self.context.stopping.is_set():
                raise SourceError(f"{outcome.reason}; --resume goes on there")
            asked = outcome.retry_after_seconds if isinstance(outcome, Failure) else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self.context.stopping.wait(), max(wait, asked or 0))
        raise AssertionError("the last wait is None")


def _may_pass(outcome: Rejection | Failure) -> bool:
    """Whether it may be had later; what kills a worker is cut in halves instead."""
    return outcome.kind.temporary and outcome.kind is not FailureKind.CRASHED


def _read_local_listing(name: str) -> tuple[str, ...] | Rejection:
    try:
        body = Path(name).read_bytes()
    except OSError as error:
        return Rejection(kind=FailureKind.NOT_FOUND, reason=str(error))
    return read_paths(body)
