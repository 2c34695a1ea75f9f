"""Parts of WARC and ARC files, on disk or behind HTTP; for worker processes.

    name ─look_at_archive─> Shape ─plan_spans─> Span ... ─read_part─> PartReading

A file behind HTTP is read by range requests (RFC 9110, section 14) through the one way out, by the
worker itself: so the bytes of a crawl take the shortest way, whatever machine reads them.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ingest.backfill.arcfile import is_arc, read_arc
from ingest.backfill.screen import Screen, compile_screen
from ingest.backfill.warcfile import read_span
from ingest.backfill.warcrecord import PageFilter, SpanTally
from ingest.backfill.warcspan import Layout, Span, read_layout, split_warc
from ingest.fetch import Fetcher, FetchPolicy
from ingest.model import Failure, FailureKind, FetchedPage, Rejection
from ingest.story import StoryRule
from ingest.trip import read_content_range

_BEGINNING = 2**20
_OVERLAP = 2 * 2**20  # bytes behind a span that its last record may reach into
_MOST_KEPT = 8 * 2**20  # bytes of pages that go back to the caller at once
_RECORD_ROOM = 2**20  # of a record, besides its body


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a file is, and whether it can be entered midway."""

    size_bytes: int
    layout: Layout
    arc: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is read from its beginning only."""
        return self.layout is Layout.WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to read of which file."""

    name: str  # a path or an address
    shape: Shape
    span: Span
    kept_before: int = 0  # pages that were read before, of a file read from its beginning only
    needs_more: bool = False  # its first record reaches further behind it than most


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which pages are wanted, in words that are quickly sent."""

    rules: tuple[StoryRule, ...]
    max_body_bytes: int
    since: datetime | None = None
    until: datetime | None = None  # the first moment that is too late


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReading:
    """The pages that the screen let pass, and what else there was."""

    pages: tuple[FetchedPage, ...]
    skipped: Counter[str]
    damages: tuple[tuple[int, str], ...]
    rest: Part | None  # what is left to read of the part


def is_remote(name: str) -> bool:
    """Whether a file is behind HTTP."""
    return name.lower().startswith(("http://", "https://"))


def plan_spans(shape: Shape, *, span_bytes: int, start: int = 0) -> Iterator[Span]:
    """The spans of a file from a place on, at which a span began or a record ended."""
    for span in split_warc(shape.size_bytes, span_bytes=span_bytes, layout=shape.layout):
        if span.stop > start:
            yield replace(span, start=max(start, span.start))


def look_at_archive(name: str, policy: FetchPolicy) -> Shape | Rejection | Failure:
    """See how a file is made, from its beginning."""
    if is_remote(name):
        fetched = asyncio.run(_fetch(name, policy, start=0, stop=_BEGINNING))
        if not isinstance(fetched, FetchedPage):
            return fetched
        told = read_content_range(fetched.headers)
        assert told is not None, "it was looked at when the part came"
        beginning, size = fetched.body, told[2]
    else:
        try:
            with Path(name).open("rb") as file:
                beginning, size = file.read(_BEGINNING), os.fstat(file.fileno()).st_size
        except OSError as error:
            return _unreadable(error)
    arc = is_arc(beginning)
    shape = Shape(size_bytes=size, layout=Layout.WHOLE if arc else read_layout(beginning), arc=arc)
    if shape.whole and is_remote(name):
        return Rejection(
            kind=FailureKind.TOO_LARGE,
            reason="its records are no gzip members of their own, so that no part can be read:"
            " download it and name the file",
        )
    return shape


def read_part(part: Part, wanted: Wanted, policy: FetchPolicy) -> PartReading | Rejection | Failure:
    """Read the records that begin in a part, until that or the room for pages ends.

    The caller gives it time by the length of the part; a file behind HTTP needs up to the total
    seconds of the policy besides.
    """
    with ExitStack() as stack:
        base, size = 0, None
        file: BinaryIO
        if is_remote(part.name):
            start, size = part.span.start, part.shape.size_bytes
            stop = min(part.span.stop + _bytes_beyond(part, wanted), size)
            fetched = asyncio.run(_fetch(part.name, policy, start=start, stop=stop))
            if not isinstance(fetched, FetchedPage):
                return fetched
            told = read_content_range(fetched.headers)
            if told != (start, stop, size):
                reason = f"the file has changed since it was looked at: {told} of {size} bytes"
                return Rejection(kind=FailureKind.NETWORK, reason=reason)
            base, file = start, BytesIO(fetched.body)
        else:
            try:
                file = stack.enter_context(Path(part.name).open("rb"))
            except OSError as error:
                return _unreadable(error)
        try:
            return _read(file, part, wanted, base=base, size_bytes=size)
        except OSError as error:
            return _unreadable(error)


def _read(
    file: BinaryIO, part: Part, wanted: Wanted, *, base: int, size_bytes: int | None
) -> PartReading:
    tally = SpanTally()
    pages = _pages(file, part, _make_filter(wanted), tally, base=base, size_bytes=size_bytes)
    kept: list[FetchedPage] = []
    room = _MOST_KEPT
    is_full = False
    for page in islice(pages, part.kept_before, None):
        kept.append(page)
        room -= len(page.body)
        if room <= 0:
            is_full = True
            break
    rest = None
    if is_full:
        rest = _rest_after(part, tally, kept=len(kept))
    elif tally.unfinished is not None:
        rest = _rest_from(part, tally, tally.unfinished)
    is_told = rest is None or not part.shape.whole  # else it will be counted again
    return PartReading(
        pages=tuple(kept),
        skipped=tally.skipped if is_told else Counter(),
        damages=tuple(tally.damages) if is_told else (),
        rest=rest,
    )


def _pages(
    file: BinaryIO,
    part: Part,
    wanted: PageFilter,
    tally: SpanTally,
    *,
    base: int,
    size_bytes: int | None,
) -> Iterator[FetchedPage]:
    if part.shape.arc:
        return read_arc(file, wanted=wanted, tally=tally)
    return read_span(file, part.span, wanted=wanted, tally=tally, base=base, size_bytes=size_bytes)


def _rest_after(part: Part, tally: SpanTally, *, kept: int) -> Part:
    """What comes after the last page that was kept."""
    if part.shape.whole:
        return replace(part, kept_before=part.kept_before + kept)
    assert tally.kept_at is not None
    return replace(part, span=replace(part.span, start=tally.kept_at + 1), needs_more=False)


def _rest_from(part: Part, tally: SpanTally, place: int) -> Part | None:
    """What is left from a record on that the bytes at hand did not have in full."""
    if part.needs_more and place == part.span.start:  # no record is that large
        tally.note_damage(place, "no end within the largest size of a record")
        place += 1
        if place >= part.span.stop:
            return None
    return replace(part, span=replace(part.span, start=place), needs_more=True)


def _bytes_beyond(part: Part, wanted: Wanted) -> int:
    """How much to fetch behind a part."""
    return wanted.max_body_bytes + _RECORD_ROOM if part.needs_more else _OVERLAP


def _make_filter(wanted: Wanted) -> PageFilter:
    return PageFilter(
        screen=_screen_of(wanted.rules),
        max_body_bytes=wanted.max_body_bytes,
        since=wanted.since,
        until=wanted.until,
    )


@lru_cache(maxsize=2)
def _screen_of(rules: tuple[StoryRule, ...]) -> Screen | None:
    """Half a second's work, once in a worker."""
    return compile_screen(rules)


async def _fetch(name: str, policy: FetchPolicy, *, start: int, stop: int) -> FetchedPage | Failure:
    async with Fetcher(policy, now=lambda: datetime.now(UTC)) as fetcher:
        # A file that a person named is no page that a robot came upon.
        return await fetcher.fetch_part(name, start=start, stop=stop, check_robots=False)


def _unreadable(error: OSError) -> Rejection:
    gone = isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError)
    return Rejection(
        kind=FailureKind.NOT_FOUND if gone else FailureKind.NETWORK, reason=str(error)[:200]
    )
