"""The pages of an ARC file, the format of web archives before WARC.

It is read here because FastWARC can't, and warcio takes lines and members of any length into memory
and writes its warnings to the standard error. A file is read from its beginning to its end: a line
`address IP-address YYYYMMDDhhmmss type length` (version 2 has more between them), that many bytes,
an empty line; as a rule each in a gzip member of its own.
https://archive.org/web/researcher/ArcFileFormat.php
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from ingest.backfill.warcrecord import (
    Look,
    PageFilter,
    RecordHeader,
    Skip,
    SpanTally,
    look_at_block,
    refuse_header,
)
from ingest.model import FetchedPage

_FIRST = "filedesc://"  # the address of the record that describes the file
_MEMBER = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_LONGEST_LINE = 2**14
_PIECE = 2**16


class _DamageError(zlib.error):
    """What makes the rest of a file unreadable."""


def is_arc(beginning: bytes) -> bool:
    """Whether a file is an ARC, from its first kilobyte or more."""
    if beginning.startswith(_MEMBER):
        try:
            beginning = zlib.decompressobj(_GZIP_WINDOW).decompress(beginning, len(_FIRST))
        except zlib.error:
            return False
    return beginning.startswith(_FIRST.encode())


def read_arc(file: BinaryIO, *, wanted: PageFilter, tally: SpanTally) -> Iterator[FetchedPage]:
    """The pages that the screen lets pass; `tally` counts everything while it is read.

    At damage the rest of the file is left, and the place noted. Raises OSError when the file can't
    be read. Holds one record at a time.
    """
    file.seek(0)
    stream = _Stream(file)
    try:
        while line := stream.read_line():
            look = _look_at(line.strip(), stream, wanted)
            if look is not None:
                tally.count(look)
                if look.page is not None:
                    yield look.page
    except zlib.error as error:
        tally.note_damage(stream.place, str(error))


def _look_at(line: bytes, stream: _Stream, wanted: PageFilter) -> Look | None:
    if not line:
        return None
    header = _read_header(line, stream.place)
    if header.length > wanted.most_bytes:
        stream.skip(header.length)
        return Look(header=header, skip=Skip.TOO_LARGE)
    skip = refuse_header(header, wanted)
    if skip is not None:
        stream.skip(header.length)
        return Look(header=header, skip=skip)
    return look_at_block(header, stream.read(header.length), wanted)


def _read_header(line: bytes, place: int) -> RecordHeader:
    fields = line.decode("utf-8", "replace").rsplit(" ", 9 if line.count(b" ") >= 9 else 4)
    if len(fields) < 5 or not (fields[-1].isascii() and fields[-1].isdigit()):
        raise _DamageError(f"no header of a record: {line[:80]!r}")
    try:
        date = datetime.strptime(fields[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        date = None
    return RecordHeader(
        place=place,
        length=int(fields[-1][:18]),
        kind="filedesc" if fields[0].startswith(_FIRST) else "response",
        address=fields[0],
        date=date,
        is_cut=False,
        digest=None,
    )


class _Stream:
    """A file as it is, or what is in its gzip members, a piece at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self.place = 0  # in the file: where reading has come to
        self._file = file
        self._raw = file.read(_PIECE)
        self._ready = b""
        self._inflater = zlib.decompressobj(_GZIP_WINDOW) if self._raw[:2] == _MEMBER else None

    def read_line(self) -> bytes:
        """A line with its end; b"" at the end of the file."""
        while (end := self._ready.find(b"\n")) < 0 and len(self._ready) < _LONGEST_LINE:
            if not self._fill():
                end = len(self._ready) - 1
                break
        if end < 0 and self._ready:
            raise _DamageError("an endless line")
        line, self._ready = self._ready[: end + 1], self._ready[end + 1 :]
        return line

    def read(self, size: int) -> bytes:
        """So many bytes."""
        parts = list(self._pass(size))
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        for _part in self._pass(size):
            pass

    def _pass(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._ready and not self._fill():
                raise _DamageError(f"{size} bytes are missing at the end")
            part, self._ready = self._ready[:size], self._ready[size:]
            size -= len(part)
            yield part

    def _fill(self) -> bool:
        """Make more bytes ready, unless there are none."""
        while True:
            if not self._raw:
                self._raw = self._file.read(_PIECE)
            self.place = self._file.tell() - len(self._raw)
            if not self._raw:
                return False
            more = self._inflate() if self._inflater else self._raw
            self._raw = self._raw if self._inflater else b""
            self._ready += more
            if more:
                return True

    def _inflate(self) -> bytes:
        assert self._inflater is not None
        more = self._inflater.decompress(self._raw, _PIECE)
        self._raw = self._inflater.unconsumed_tail or self._inflater.unused_data
        if self._inflater.eof:
            self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        return more
