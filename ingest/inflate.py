"""Undoing the content encoding of a body, with its size bounded while it grows."""

from __future__ import annotations

import zlib
from typing import cast

from isal import isal_zlib

from ingest.model import FailureKind, Rejection

_DAMAGED = cast(type[Exception], isal_zlib.error)  # the library's stub has an instance there
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # a gzip wrapper, and nothing else
_IDENTITY = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})  # RFC 9110, section 8.4.1.3
_MEMBER = b"\x1f\x8b"  # how each member begins
_MAX_MEMBERS = 64  # each costs a copy of the rest: a million empty ones would cost hours


class _TooManyMembersError(Exception):
    """A stream made to cost time."""


def decode_body(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes | Rejection:
    """Return the content of a body sent as identity or under one layer of gzip.

    Never holds more than `max_bytes` of content and a small rest: zlib stops at its `max_length`.
    A gzip stream may have several members (RFC 1952, section 2.2); whatever follows the last is
    ignored, as gzip(1) does. Rejected are other and doubled encodings, content over `max_bytes`,
    and a stream that stops before its end, which would look like an edited article. One that is
    damaged is told like one that is cut: the way it came was at fault, and it may come whole.
    """
    encoding = content_encoding.strip().lower()
    if encoding in _IDENTITY or not body:  # some name the encoding of nothing, as with a 204
        return body if len(body) <= max_bytes else _too_large(max_bytes)
    if encoding not in _GZIP:
        return _bad_encoding(f"the content encoding {encoding[:60]!r} was not asked for")
    return _decode_gzip(body, max_bytes)


def decode_prefix(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes | Rejection:
    """Return the first `max_bytes` of the content, however much is missing or left over.

    For robots.txt only, of which RFC 9309 asks to read a beginning. Plain text that is called gzip
    is taken as it is: refusing it would shut a whole site out for a wrong header.
    """
    if content_encoding.strip().lower() not in _GZIP:
        return decode_body(body[:max_bytes], content_encoding, max_bytes=max_bytes)
    if not _may_be_gzip(body):
        return body[:max_bytes]
    try:
        return _inflate(body, max_bytes)[0]
    except (_DAMAGED, _TooManyMembersError):
        return body[:max_bytes]


def _may_be_gzip(body: bytes) -> bool:
    # The library wants ten bytes before it says that a stream is none.
    return _MEMBER.startswith(body[: len(_MEMBER)])


def _decode_gzip(body: bytes, max_bytes: int) -> bytes | Rejection:
    if not _may_be_gzip(body):
        return _bad_encoding(f"not the gzip it says: it begins with {body[:2]!r}")
    try:
        content, complete = _inflate(body, max_bytes + 1)
    except _TooManyMembersError as error:
        return _bad_encoding(str(error))
    except _DAMAGED as error:
        return _truncated(f"gzip stream damaged: {error}")
    if len(content) > max_bytes:
        return _too_large(max_bytes)
    if not complete:
        return _truncated(f"gzip stream cut after {len(body)} bytes")
    return content


def _inflate(body: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """Up to `max_bytes` of the content, and whether the last member was complete.

    Raises isal_zlib.error and _TooManyMembersError.
    """
    contents: list[bytes] = []
    room = max_bytes
    rest = body
    for _ in range(_MAX_MEMBERS):
        inflater = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
        contents.append(inflater.decompress(rest, room))
        room -= len(contents[-1])
        rest = inflater.unused_data
        if not inflater.eof or not rest.startswith(_MEMBER) or room <= 0:
            return b"".join(contents), inflater.eof
    raise _TooManyMembersError(f"more than {_MAX_MEMBERS} members of gzip")


def _too_large(max_bytes: int) -> Rejection:
    return Rejection(kind=FailureKind.TOO_LARGE, reason=f"more than {max_bytes} bytes of content")


def _bad_encoding(reason: str) -> Rejection:
    return Rejection(kind=FailureKind.BAD_ENCODING, reason=reason)


def _truncated(reason: str) -> Rejection:
    return Rejection(kind=FailureKind.TRUNCATED, reason=reason)
