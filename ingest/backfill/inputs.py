"""Files that somebody hands over: inflated, decoded and cut into lines, with memory bounded.

bytes of a file or of standard input ─inflate─> bytes ─decode─> characters ─> lines with numbers
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from ingest.errors import UsageError
from ingest.htmltext import known_codec

HEAD = 2**16
"""Bytes at the beginning of a file that tell what it is."""

DAMAGED = (EOFError, zlib.error)
"""What reading a damaged gzip file raises, after all of it that could be read."""

_GZIP = b"\x1f\x8b"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line or record of a file that can't be used."""

    line: int  # where it begins, from 1
    reason: str


class _Joined(io.RawIOBase):
    """What was read of a stream already, and then the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO | io.RawIOBase) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = len(buffer)
        data = self._head[:size] or self._rest.read(size) or b""
        self._head = self._head[size:]
        buffer[: len(data)] = data
        return len(data)


class _Inflated(io.RawIOBase):
    """The content of a gzip file of any number of members; what follows the last is ignored."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._waiting = b""
        self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = b""
        while not content:
            data = self._waiting or self._source.read(HEAD) or b""
            if self._inflater.eof:
                if not data.startswith(_GZIP):
                    return 0
                self._inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            elif not data:
                raise EOFError("it ends too early")
            content = self._inflater.decompress(data, len(buffer))
            self._waiting = self._inflater.unconsumed_tail or self._inflater.unused_data
        buffer[: len(content)] = content
        return len(content)


def open_text(
    stream: BinaryIO, *, encoding: str | None = None, fallback: str = "cp1252"
) -> tuple[str, TextIO]:
    """Return the beginning of a stream's text, for a look at it, and all of its text.

    Gzip is inflated. Without an `encoding`, a byte order mark decides, then zero bytes (UTF-16),
    then whether the beginning is UTF-8, or mostly; else it is in the `fallback`. Every end of a
    line becomes a line feed. A byte that is no UTF-8 becomes a lone surrogate (PEP 383), what other
    encodings can't read U+FFFD. Raises UsageError for an unknown encoding; reading on may raise
    what DAMAGED holds.
    """
    plain = _inflated(stream)
    head = _read_head(plain)
    codec = known_codec(encoding) if encoding else _sniff(head, fallback)
    if codec is None:
        raise UsageError(f"{encoding}: no text encoding; give one as utf-8, windows-1251 or euc-kr")
    joined = io.BufferedReader(_Joined(head, plain), HEAD)
    # An odd byte at the cut is no matter: the head is only looked at.
    start = head.decode(codec, "replace").replace("\r\n", "\n").replace("\r", "\n")
    errors = "surrogateescape" if codec.startswith("utf-8") else "replace"
    return start, io.TextIOWrapper(joined, encoding=codec, errors=errors)


def _inflated(stream: BinaryIO) -> io.RawIOBase:
    first = _read_head(stream, size=2)
    joined = _Joined(first, stream)
    return _Inflated(joined) if first == _GZIP else joined


def _read_head(stream: BinaryIO | io.RawIOBase, *, size: int = HEAD) -> bytes:
    """The first bytes, as many as asked for unless there are fewer: a pipe gives them bit by bit.

    What a damaged gzip file still gives is returned; reading on will tell of the damage.
    """
    parts: list[bytes] = []
    while size > 0:
        try:
            part = stream.read(size)
        except DAMAGED:
            break
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _sniff(head: bytes, fallback: str) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    zeros = [byte == 0 for byte in head[:4]]
    if zeros in ([False, True] * 2, [True, False] * 2):  # two letters of UTF-16
        return "utf-16-be" if zeros[0] else "utf-16-le"
    whole = len(head) < HEAD  # else a character may be cut at its end
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head, final=whole)
    wrong = text.count("\ufffd")
    foreign = sum(not character.isascii() for character in text)
    return "utf-8" if foreign - wrong >= wrong else fallback


def numbered_lines(text: TextIO, *, longest: int) -> Iterator[tuple[int, str | None]]:
    """Yield (number, line without its end); None for a line of more than `longest` characters."""
    number = 0
    while line := text.readline(longest + 1):
        number += 1
        whole = line.endswith("\n") or len(line) <= longest
        while not line.endswith("\n") and (rest := text.readline(longest)):
            line = rest
        yield number, line.removesuffix("\n") if whole else None
