"""The source `warc`: pages of WARC and ARC files, read and screened by the workers.

names ─> files ─> Shape ─> Part, some read ahead ─> PartReading ─> Capture, Skipped
                             └─ it killed its worker: by halves, down to the record
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ingest.backfill.items import Capture, Cursor, Skipped, Step
from ingest.backfill.warcnames import Listing, may_hold
from ingest.backfill.warcparts import Part, PartReading, Shape, plan_spans
from ingest.backfill.warcreader import PartReader
from ingest.backfill.warcrecord import Skip
from ingest.errors import UsageError
from ingest.model import Failure, FailureKind, FetchedPage, ObservationSource, Rejection

_SMALLEST_SPAN = 4096  # bytes; a part that kills its worker is not cut further
_MOST_DAMAGES = 20  # of one part that are told
_REASONS = frozenset(Skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A part that is being read, or what is wrong with its file."""

    number: int  # of the file
    part: Part | None = None
    reading: asyncio.Task[PartReading | Rejection | Failure] | None = None
    problem: Step | None = None


@dataclass(frozen=True, kw_only=True)
class WarcSource:
    """Files, and which of their pages are wanted."""

    reader: PartReader
    archives: Sequence[str | Listing]
    asked: Mapping[str, Any]  # what a person asked for: it makes the job
    name = "warc"

    @property
    def spec(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.asked

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the files in their order; the cursor is a place in one of them.

        Raises SourceError when a listing, or a file behind HTTP, can't be had for now; UsageError
        when the file of the cursor is not among the files any more.
        """
        files = [name async for name in self._files()]
        chosen = [name for name in files if may_hold(name, self.reader.days)]
        start = None if cursor is None or cursor["file"] is None else cursor
        if start is not None and start["file"] not in chosen:
            raise UsageError(f"{start['file']} is not among the files any more; use --restart")
        if cursor is None and len(chosen) < len(files):
            others = Skipped(reason="file outside dates", count=len(files) - len(chosen))
            yield Step(item=others, cursor={"file": None})
        ahead: deque[_Begun] = deque()
        try:
            async with aclosing(self._begin_all(chosen, start)) as begun:
                async for item in begun:
                    ahead.append(item)
                    if len(ahead) > self.reader.context.workers.places:
                        async for step in self._finish(ahead.popleft(), files=len(chosen)):
                            yield step
                while ahead:
                    async for step in self._finish(ahead.popleft(), files=len(chosen)):
                        yield step
        finally:
            await _abandon(ahead)

    async def _files(self) -> AsyncIterator[str]:
        for item in self.archives:
            for name in [item] if isinstance(item, str) else await self.reader.list_files(item):
                yield name

    async def _begin_all(
        self, files: Sequence[str], start: Cursor | None
    ) -> AsyncGenerator[_Begun, None]:
        """Begin to read part after part, as they are asked for."""
        for number, name in enumerate(files):
            if start is not None and number < files.index(start["file"]):
                continue
            shape = await self.reader.look_at(name)
            if not isinstance(shape, Shape):
                problem = _problem(name, shape, cursor={"file": name, "place": 0, "kept": 0})
                yield _Begun(number=number, problem=problem)
                continue
            here = start if start is not None and start["file"] == name else None
            for part in self._parts(name, shape, here):
                reading = asyncio.ensure_future(self.reader.read(part))
                yield _Begun(number=number, part=part, reading=reading)

    def _parts(self, name: str, shape: Shape, cursor: Cursor | None) -> Iterator[Part]:
        place = cursor["place"] if cursor else 0
        kept = cursor["kept"] if cursor else 0
        for span in plan_spans(shape, span_bytes=self.reader.span_bytes(name), start=place):
            yield Part(name=name, shape=shape, span=span, kept_before=kept)

    async def _finish(self, begun: _Begun, *, files: int) -> AsyncIterator[Step]:
        """Read a part to its end, and tell what was in it."""
        if begun.problem is not None:
            yield begun.problem
        if begun.part is None or begun.reading is None:
            return
        outcome = await begun.reading
        todo = [begun.part]
        while todo:
            part = todo.pop()
            if part is not begun.part:
                outcome = await self.reader.read(part)
            if isinstance(outcome, PartReading):
                todo += [outcome.rest] if outcome.rest else []
                for step in _tell(part, outcome):
                    yield replace(step, share=_share(begun.number, files, part, step.cursor))
            elif outcome.kind is FailureKind.CRASHED and (halves := _halve(part)):
                todo += reversed(halves)
            else:
                after = _cursor(part, part.span.stop)
                yield _problem(f"{part.name} at byte {part.span.start}", outcome, cursor=after)


def _tell(part: Part, reading: PartReading) -> Iterator[Step]:
    """The pages of a part, then what else there was: that is counted once all pages are written."""
    here = _cursor(part, part.span.start)
    for page in reading.pages:
        capture = Capture(
            source=ObservationSource.WARC,
            load=partial(_hand_over, page),
            named=f"{page.requested_url} of {page.fetched_at:%Y-%m-%d %H:%M:%S} in {part.name}",
        )
        yield Step(item=capture, cursor=here)
    rest = reading.rest
    after = _cursor(rest, rest.span.start) if rest else _cursor(part, part.span.stop)
    for reason, count in sorted(reading.skipped.items()):
        told = reason if reason in _REASONS else f"record of type {reason}"
        error = _tell_damages(part, reading) if reason == Skip.DAMAGED else None
        yield Step(item=Skipped(reason=told, count=count, error=error), cursor=after)
    yield Step(item=None, cursor=after)


def _tell_damages(part: Part, reading: PartReading) -> str:
    lines = [f"{part.name} at byte {place}: {what}" for place, what in reading.damages]
    others = len(lines) - _MOST_DAMAGES
    return "\n".join(lines[:_MOST_DAMAGES] + ([f"and {others} more"] if others > 0 else []))


def _problem(where: str, outcome: Rejection | Failure, *, cursor: Cursor) -> Step:
    told = f"{where}: {outcome.reason}"
    return Step(item=Skipped(reason=f"unreadable: {outcome.kind}", error=told), cursor=cursor)


def _cursor(part: Part, place: int) -> Cursor:
    return {"file": part.name, "place": place, "kept": part.kept_before}


def _share(number: int, files: int, part: Part, cursor: Cursor) -> float:
    place: int = cursor["place"]
    return (number + place / max(part.shape.size_bytes, 1)) / files


def _halve(part: Part) -> tuple[Part, Part] | None:
    """Both halves of a part; None when it can't be cut."""
    span = part.span
    middle = (span.start + span.stop) // 2
    if part.shape.whole or middle - span.start < _SMALLEST_SPAN:
        return None
    return (
        replace(part, span=replace(span, stop=middle)),
        replace(part, span=replace(span, start=middle), needs_more=False),
    )


async def _hand_over(page: FetchedPage) -> FetchedPage:
    return page


async def _abandon(ahead: Iterable[_Begun]) -> None:
    tasks = [begun.reading for begun in ahead if begun.reading is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)
