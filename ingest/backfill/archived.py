"""An HTTP response as an archive keeps it: from the bytes of a record to a response.

Crawlers disagree about what they write. Some keep the bytes of the wire, some undo the chunks or
the compression and leave the header that tells of them; so the body has the last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/[0-9](?:\.[0-9])?[ \t]+([0-9]{3})(?![0-9])", re.IGNORECASE)
_FOLDED_LINE = re.compile(rb"\r?\n[ \t]+")
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_LONGEST_HEAD = 2**18
_MOST_HEADERS = 500
_GZIP_NAMES = frozenset({"gzip", "x-gzip"})
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_VAGUE_TYPES = frozenset(
    {"", "text/plain", "application/xml", "text/xml", "application/octet-stream"}
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|main|div|p)[\s>]", re.IGNORECASE)
_BEGINNING = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedResponse:
    """A response with its chunks undone and its content encoding as it was."""

    status: int
    headers: dict[str, str]  # lower-case names; what came twice is joined by commas
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """What the content type says of it."""
        for part in self.headers.get("content-type", "").split(";")[1:]:
            name, _equals, value = part.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'") or None
        return None


def read_response(block: bytes) -> ArchivedResponse | None:
    """Read the block of a response record; None for what is no HTTP response or is cut short.

    Follows RFC 9112, and takes lines that end with a line feed only.
    """
    end = _HEAD_END.search(block, 0, _LONGEST_HEAD)
    status = _STATUS.match(block)
    if end is None or status is None:
        return None
    headers = _read_headers(block[: end.start()])
    body = block[end.end() :]
    if "chunked" in headers.get("transfer-encoding", "").lower():
        joined = _join_chunks(body)
        if joined is None:
            return None
        body = joined
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in _GZIP_NAMES and not body.startswith(b"\x1f\x8b"):
        del headers["content-encoding"]  # it was undone by the crawler
    return ArchivedResponse(status=int(status[1]), headers=headers, body=body)


def may_be_html(response: ArchivedResponse, content: bytes) -> bool:
    """Whether a response says that it is HTML, or says nothing clear and looks so."""
    media_type = response.media_type
    if media_type in _VAGUE_TYPES:
        return _HTML.search(content[:_BEGINNING].replace(b"\0", b"")) is not None  # as UTF-16
    return media_type in _HTML_TYPES


def _read_headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    if b"\n " in head or b"\n\t" in head:
        head = _FOLDED_LINE.sub(b" ", head)
    lines = head.decode("latin-1").split("\n", _MOST_HEADERS + 1)
    for line in lines[1 : _MOST_HEADERS + 1]:
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if colon and key:
            value = value.strip()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _join_chunks(body: bytes) -> bytes | None:
    """Undo the chunks; a body without them is returned as it is, one that is cut gives None."""
    if _CHUNK.match(body) is None:
        return body
    parts: list[bytes] = []
    place = 0
    while size := _CHUNK.match(body, place):
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts)
        start = size.end()
        if start + length > len(body):
            return None
        parts.append(body[start : start + length])
        place = start + length
        place += 2 if body.startswith(b"\r\n", place) else 1
    return None if place < len(body) else b"".join(parts)
