"""Kept pages as WARC 1.1 records (ISO 28500:2017): what any web archive's tools read.

A page is stored decoded, so its headers of encoding and length would be false of it. They are kept
under the names that archives give them, `X-Archive-Orig-…`.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import IO

import zstandard
from fastwarc.warc import WarcRecord, WarcRecordType

from storage.evidence import Capture
from storage.kinds import as_iso

_OF_THE_WIRE = {"connection", "content-encoding", "content-length", "transfer-encoding"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:storywatch:evidence")


def open_page(stored: bytes, size: int) -> bytes:
    """The page itself.

    Raises zstandard.ZstdError, a ValueError here, when what is stored is damaged.
    """
    try:
        return zstandard.decompress(stored, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(f"the stored page is damaged: {error}") from error


def record_id(capture: Capture) -> str:
    """The id of a capture's record: the same for the same page of the same moment."""
    return _urn("page", capture)


def _urn(part: str, capture: Capture) -> str:
    told = "\n".join(
        (part, capture.final_url, as_iso(capture.observed_at), capture.source, capture.sha256)
    )
    return f"uuid:{uuid.uuid5(_NAMESPACE, told)}"


def write_info(stream: IO[bytes], *, software: str, at: str) -> None:
    """Write the record that tells who wrote the file."""
    fields = {"software": software, "format": "WARC file version 1.1"}
    block = _fields(fields)
    urn = f"uuid:{uuid.uuid5(_NAMESPACE, at + software)}"
    record = _record(WarcRecordType.warcinfo, urn, at, block, "application/warc-fields")
    record.write(stream)


def write_capture(stream: IO[bytes], capture: Capture, page: bytes) -> None:
    """Write a page as it was answered, and what we know of the look beside it."""
    at = as_iso(capture.observed_at)
    digest = _digest(page)
    if capture.status is None:  # a file or a text from another program: nobody answered
        kind, content_type = WarcRecordType.resource, _type_of(capture.headers)
        block = page
    else:
        kind, content_type = WarcRecordType.response, "application/http; msgtype=response"
        block = _head(capture.status, capture.headers, len(page)) + page
    record = _record(kind, record_id(capture), at, block, content_type)
    record.headers["WARC-Target-URI"] = capture.final_url
    record.headers["WARC-Payload-Digest"] = digest
    record.write(stream)
    told = _fields(
        {
            "source": capture.source,
            "look": str(capture.look_id),
            "outcome": capture.outcome,
            "version": "" if capture.seq is None else str(capture.seq),
            "requestedUrl": capture.requested_url,
            "payloadSha256": capture.sha256,
        }
    )
    beside = _record(
        WarcRecordType.metadata, _urn("look", capture), at, told, "application/warc-fields"
    )
    beside.headers["WARC-Target-URI"] = capture.final_url
    beside.headers["WARC-Concurrent-To"] = f"<urn:{record_id(capture)}>"
    beside.write(stream)


def _record(kind: WarcRecordType, urn: str, at: str, block: bytes, content_type: str) -> WarcRecord:
    record = WarcRecord()
    record.init_headers(kind, record_urn=urn.encode())
    record.headers["WARC-Date"] = at
    record.headers["WARC-Block-Digest"] = _digest(block)
    record.headers["Content-Type"] = content_type
    record.set_bytes_content(block)
    return record


def _digest(data: bytes) -> str:
    """SHA-1, which is what tools for WARC check; the manifest has SHA-256."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def _head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *_header_lines(headers)]
    lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _header_lines(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(headers.items()):
        shown = f"X-Archive-Orig-{name}" if name.lower() in _OF_THE_WIRE else name
        yield f"{_one_line(shown)}: {_one_line(value)}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _type_of(headers: Mapping[str, str]) -> str:
    named = {name.lower(): value for name, value in headers.items()}
    return _one_line(named.get("content-type", "text/html"))


def _fields(told: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {_one_line(value)}\r\n" for name, value in told.items()).encode()


def _one_line(value: str) -> str:
    """A value that ends no line: what came from the network makes no header of its own."""
    return " ".join(value.split())
