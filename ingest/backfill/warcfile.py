"""The pages of a WARC file that may concern a story, a span at a time; for worker processes.

    span ─> first record that begins in it ─> header ─> response of HTML with status 200, in time?
         ─> body without chunks ─> inflated, for the screen ─> FetchedPage, as the crawler had it

FastWARC (Bevendorff et al., OSSYM 2021) does the framing, twice as fast as Python's zlib. It trusts
lengths and stops at damage, so each record is held back until the next one begins where it should;
else the record is looked at by itself, and reading goes on at the next one that can be found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from ingest.backfill.warcrecord import (
    LONGEST_HEADER,
    Look,
    PageFilter,
    RecordHeader,
    Skip,
    SpanTally,
    look_at_block,
    read_address,
    read_date,
    refuse_header,
)
from ingest.backfill.warcspan import Layout, Span, find_end, find_record, read_layout
from ingest.inflate import decode_body
from ingest.model import FetchedPage, Rejection

_BEGINNING = 2**20
_MOST_DAMAGES = 10_000  # in one span, before the rest of it is given up
_MOST_LISTING = 2**26  # bytes of a listing
_KINDS = {
    int(getattr(WarcRecordType, name)): name
    for name in (
        *("warcinfo", "response", "resource", "request", "metadata", "revisit"),
        *("conversion", "continuation"),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file or a part of one; places are counted in the whole."""

    file: BinaryIO
    base: int  # place of its first byte
    end: int  # and of its last, plus one
    is_part: bool  # more follows that is not at hand
    layout: Layout | None  # None: to be seen from what begins in it


def read_span(
    file: BinaryIO,
    span: Span,
    *,
    wanted: PageFilter,
    tally: SpanTally,
    base: int = 0,
    size_bytes: int | None = None,
) -> Iterator[FetchedPage]:
    """The pages of a span that the screen lets pass; `tally` counts everything while it is read.

    `file` must seek. It is the whole archive, or a part of it that begins at `base` and, with
    `size_bytes` of the whole, may end anywhere: then bytes beyond `span.stop` are needed for the
    last record, two megabytes as a rule. If they do not suffice, `tally.unfinished` tells where to
    go on, with Span(start=tally.unfinished, stop=span.stop) and more bytes. Of a file that can't be
    entered midway the span from 0 has all records and the others none; a part of it is of no use.

    What is damaged is skipped, and counted with its place. Raises OSError when the file can't be
    read, ValueError when a part begins behind the span. Holds one record at a time, of at most
    `wanted.max_body_bytes` and a quarter of a megabyte.
    """
    if base > span.start:
        raise ValueError(f"the span begins at {span.start}, before its bytes at {base}")
    source = _open_source(file, base, size_bytes)
    place: int | None = span.start
    stop = span.stop
    if source.layout is Layout.WHOLE:
        if span.start > 0:
            return
        stop = source.end
    elif span.start > 0:
        place = _find(source, span.start, stop)
    while place is not None and place < stop:
        walk = _Walk(source=source, wanted=wanted, tally=tally, place=place, stop=stop)
        yield from walk.read()
        place = walk.go_on_at
        if place is not None and len(tally.damages) >= _MOST_DAMAGES:
            tally.skipped[Skip.GIVEN_UP] += 1
            return


def _open_source(file: BinaryIO, base: int, size_bytes: int | None) -> _Source:
    end = base + file.seek(0, os.SEEK_END)
    layout = None
    if base == 0:
        file.seek(0)
        layout = read_layout(file.read(_BEGINNING))
    is_part = size_bytes is not None and end < size_bytes
    return _Source(file=file, base=base, end=end, is_part=is_part, layout=layout)


def _find(source: _Source, start: int, stop: int) -> int | None:
    place = find_record(
        source.file, start - source.base, stop=stop - source.base, layout=source.layout
    )
    return None if place is None else place + source.base


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Reading record after record until the span ends, or something is wrong."""

    source: _Source
    wanted: PageFilter
    tally: SpanTally
    place: int  # of the record in hand
    stop: int
    go_on_at: int | None = None

    def read(self) -> Iterator[FetchedPage]:
        """The pages; afterwards `go_on_at` says where to begin anew, if anywhere."""
        held: Look | None = None
        self.source.file.seek(self.place - self.source.base)
        try:
            for record in ArchiveIterator(
                self.source.file,
                record_types=WarcRecordType.any_type,
                parse_http=False,
                max_header_len=LONGEST_HEADER,
            ):
                yield from self._settle(held)
                held = None
                if not self._is_ours(record):
                    return
                held = self._look_at(record)
                if held is None:
                    return
            yield from self._settle(held)
            self._check_end()
        except OSError as error:
            yield from self._recover(held, error)

    def _check_end(self) -> None:
        """See whether it was the end: the library also stops at a member with nothing in it."""
        source = self.source
        end = self._find_end()
        go_on_at = _find(source, self.place + 1 if end is None else end, self.stop)
        if go_on_at is not None:
            self.tally.note_damage(self.place if end is None else end, "nothing to read")
            self.go_on_at = go_on_at
        elif source.is_part and source.end < self.stop:
            self.tally.unfinished = source.end

    def _is_ours(self, record: WarcRecord) -> bool:
        place = self.source.base + record.stream_pos
        if self.source.layout is not Layout.WHOLE and place >= self.stop:
            return False
        self.place = place
        return True

    def _settle(self, look: Look | None) -> Iterator[FetchedPage]:
        if look is None:
            return
        self.tally.count(look)
        if look.page is not None:
            yield look.page

    def _look_at(self, record: WarcRecord) -> Look | None:
        """Read a record; None if it ends too early, or is too large to be read to its end."""
        header = _read_header(record, self.place)
        if header.length > self.wanted.most_bytes:
            self.tally.count(Look(header=header, skip=Skip.TOO_LARGE))
            self.go_on_at = _find(self.source, self.place + 1, self.stop)
            return None
        if not header.kind or "Content-Length" not in record.headers:
            self._leave_damaged("a header without type or length")
            return None
        skip = refuse_header(header, self.wanted)
        block = b"" if skip else record.reader.read()
        read = record.reader.consume() if skip else len(block)
        if read == header.length:
            return (
                Look(header=header, skip=skip)
                if skip
                else look_at_block(header, block, self.wanted)
            )
        self._leave_damaged(f"{read} bytes where it says {header.length}")
        return None

    def _leave_damaged(self, what: str) -> None:
        if self._ran_out():
            self.tally.unfinished = self.place
            return
        self.tally.note_damage(self.place, what)
        self.go_on_at = _find(self.source, self.place + 1, self.stop)

    def _recover(self, held: Look | None, error: OSError) -> Iterator[FetchedPage]:
        """Settle the record before an error, if it is sound, and find where to go on."""
        ran_out = self._ran_out()
        end = self._find_end() if held else None
        if end is not None:
            yield from self._settle(held)
        wrong = self.place if end is None else end
        if ran_out:
            self.tally.unfinished = wrong if wrong < self.stop else None
            return
        self.go_on_at = _find(self.source, self.place + 1 if end is None else end, self.stop)
        if wrong < min(self.stop, self.source.end) and self.go_on_at != wrong:
            self.tally.note_damage(wrong, str(error))

    def _find_end(self) -> int | None:
        """Where the record in hand ends, if it is sound; one that swallowed another is not."""
        source = self.source
        end = find_end(source.file, self.place - source.base, self.wanted.most_bytes)
        if end is None:
            return None
        end += source.base
        is_member = source.layout is Layout.MEMBERS
        return end if is_member or _find(source, self.place + 1, end) is None else None

    def _ran_out(self) -> bool:
        """Whether more bytes of the archive might mend what is wrong."""
        return self.source.is_part and self.source.base + self.source.file.tell() >= self.source.end


def _read_header(record: WarcRecord, place: int) -> RecordHeader:
    # The first of each name, and all at once: asking the library for one takes as long as this.
    headers = {name.lower(): value for name, value in reversed(list(record.headers.items()))}
    return RecordHeader(
        place=place,
        length=record.content_length,
        kind=_KINDS.get(int(record.record_type)) or _name_kind(headers.get("warc-type")),
        address=read_address(headers.get("warc-target-uri")),
        date=read_date(headers.get("warc-date")),
        is_cut="warc-truncated" in headers or "warc-segment-number" in headers,
        digest=headers.get("warc-block-digest"),
    )


def _name_kind(stated: str | None) -> str:
    is_name = stated is not None and re.fullmatch(r"[A-Za-z-]{1,40}", stated) is not None
    return "unknown" if is_name else ""


def read_paths(body: bytes) -> tuple[str, ...] | Rejection:
    """The files of a listing such as CC-NEWS publishes for each month, gzipped or not.

    A line that can't be a path is left out. Rejected is gzip that is cut, damaged or too large.
    https://data.commoncrawl.org/crawl-data/CC-NEWS/index.html
    """
    is_gzip = body.startswith(b"\x1f\x8b")
    content = decode_body(body, "gzip" if is_gzip else "", max_bytes=_MOST_LISTING)
    if isinstance(content, Rejection):
        return content
    lines = (line.strip() for line in content.decode("ascii", "replace").splitlines())
    return tuple(
        line for line in lines if line.isascii() and line.isprintable() and " " not in line and line
    )
