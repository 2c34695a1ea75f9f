"""Where the records of a WARC file begin, and how several processes share one.

WARC 1.0 and 1.1 (ISO 28500:2017) recommend that each record is a gzip member of its own (annex D).
Then a file can be entered anywhere: the next member is found by its magic and by the header of a
record inside, as Hadoop does it with its sync markers. A record that holds another WARC file, with
nothing done to it, may be taken for it; such a crawl is for reading as one span.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

MEMBER = b"\x1f\x8b\x08"
"""How a gzip member begins (RFC 1952, section 2.3)."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_VERSION = re.compile(rb"WARC/[0-9]\.[0-9]+[ \t]*\r?\n")
_STARTS = re.compile(rb"\x1f\x8b\x08(?=[\x00-\x1f])|WARC/[0-9]\.[0-9]+[ \t]*\r?\n")
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r?$", re.I | re.M)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_PIECE = 2**20
_LONGEST_START = 4096  # bytes in which the beginning of a record shows itself
_LOOK = 2**20  # bytes of content in which the first record must show how the file is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The records that begin at `start` or later and before `stop`, in bytes of the file."""

    start: int
    stop: int


class Layout(StrEnum):
    """How a file is made, as far as reading a part of it depends on it."""

    MEMBERS = "members"  # a gzip member for each record
    PLAIN = "plain"  # not compressed
    WHOLE = "whole"  # readable from its beginning only, as one gzip stream or zstd


def read_layout(beginning: bytes) -> Layout:
    """How a file is made, from its first megabyte."""
    if _VERSION.match(beginning):
        return Layout.PLAIN
    if not beginning.startswith(MEMBER):
        return Layout.WHOLE
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        content = inflater.decompress(beginning, _LOOK)
    except zlib.error:
        return Layout.MEMBERS  # damaged here; others may be whole
    length = _record_length(content)
    if length is None:
        return Layout.WHOLE
    rest = content[length:].strip(b"\r\n")[:5]
    goes_on = bool(rest) and b"WARC/".startswith(rest)  # other bytes are damage
    is_spread = inflater.eof and len(content) < length
    return Layout.WHOLE if goes_on or is_spread else Layout.MEMBERS


def split_warc(
    size_bytes: int, *, span_bytes: int, layout: Layout = Layout.MEMBERS
) -> tuple[Span, ...]:
    """Spans that together have each record once; one span when the file can't be entered midway.

    Raises ValueError when `span_bytes` is not positive.
    """
    if span_bytes <= 0:
        raise ValueError(f"a span must have at least a byte, not {span_bytes}")
    if layout is Layout.WHOLE or size_bytes <= span_bytes:
        return (Span(start=0, stop=size_bytes),)
    return tuple(
        Span(start=start, stop=min(start + span_bytes, size_bytes))
        for start in range(0, size_bytes, span_bytes)
    )


def find_record(file: BinaryIO, start: int, *, stop: int, layout: Layout | None) -> int | None:
    """The first record that begins at `start` or later and before `stop`, as a place in `file`.

    Without a layout it is what begins so, compressed or not.
    """
    for place, piece in _pieces(file, start, stop):
        for match in _STARTS.finditer(piece):
            if place + match.start() >= stop:
                return None
            if match.start() >= _PIECE:
                break  # the next piece has all of it
            is_member = match[0].startswith(MEMBER)
            if layout in {None, Layout.MEMBERS if is_member else Layout.PLAIN} and (
                _holds_record(piece, match.start())
                if is_member
                else _follows_end(file, place + match.start())
            ):
                return place + match.start()
    return None


def find_end(file: BinaryIO, place: int, most_bytes: int) -> int | None:
    """Where the record that begins at `place` ends, if it is whole and as long as it says.

    At most `most_bytes` of it are inflated or read.
    """
    file.seek(place)
    beginning = file.read(_LONGEST_START)
    if not beginning.startswith(MEMBER):
        file.seek(place)
        header = file.read(_LONGEST_START * 16)
        length = _record_length(header)
        if length is None or length > most_bytes:
            return None
        file.seek(place + length)
        after = file.read(4)
        return place + length + 4 if after == b"\r\n\r\n" or not after.strip(b"\r\n") else None
    file.seek(place)
    return _find_member_end(file, most_bytes)


def _find_member_end(file: BinaryIO, most_bytes: int) -> int | None:
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    content = bytearray()
    while not inflater.eof and len(content) <= most_bytes:
        piece = inflater.unconsumed_tail or file.read(_PIECE)
        if not piece:
            return None
        try:
            content += inflater.decompress(piece, _PIECE)
        except zlib.error:
            return None
    length = _record_length(bytes(content))
    is_sound = length is not None and length <= len(content) and not content[length:].strip(b"\r\n")
    if not inflater.eof or not is_sound:
        return None
    return file.tell() - len(inflater.unused_data)


def _record_length(content: bytes) -> int | None:
    """Bytes of header and block, if `content` begins with a record's header."""
    end = _HEADER_END.search(content)
    if end is None or not _VERSION.match(content):
        return None
    stated = _LENGTH.search(content, 0, end.start() + 2)
    return end.end() + int(stated[1]) if stated else None


def _pieces(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    for place in range(start, stop, _PIECE):
        file.seek(place)
        piece = file.read(_PIECE + _LONGEST_START)
        if not piece:
            return
        yield place, piece


def _holds_record(piece: bytes, place: int) -> bool:
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        return inflater.decompress(piece[place : place + _LONGEST_START], 16).startswith(b"WARC/")
    except zlib.error:
        return False


def _follows_end(file: BinaryIO, place: int) -> bool:
    """Whether what stands before a header is the end of a line, or nothing at all."""
    file.seek(max(place - 1, 0))
    return place == 0 or file.read(1) == b"\n"
