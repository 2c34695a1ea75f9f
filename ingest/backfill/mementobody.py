"""Headers and body of a replayed capture, as its site sent them.

    restore_body(body, headers) -> (body, headers of then) | Rejection

The headers of then come with the prefix `x-archive-orig-`; type, length and encoding may come
without. What the Internet Archive says of the encoding can't be relied on: it compresses anew what
it sends, and says so, or not, or says of a body that was compressed before that it is so once.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.inflate import decode_body, decode_prefix
from ingest.model import FailureKind, Rejection
from ingest.trip import lacks_its_end

_ORIGINAL = "x-archive-orig-"
# Of one connection, or of no use to anyone later.
_NOT_KEPT = frozenset({"connection", "keep-alive", "set-cookie", "trailer", "upgrade"})
_GZIP_MAGIC = b"\x1f\x8b"  # no HTML begins like that
_GZIP = frozenset({"gzip", "x-gzip"})
_OTHER_ENCODINGS = frozenset({"br", "deflate", "zstd"})


def is_memento(headers: Mapping[str, str]) -> bool:
    """Whether a response is a capture, and no page of the archive's own."""
    return "memento-datetime" in headers or any(name.startswith(_ORIGINAL) for name in headers)


def restore_body(
    body: bytes, headers: Mapping[str, str], *, max_bytes: int
) -> tuple[bytes, dict[str, str]] | Rejection:
    """The body with at most one encoding, and the headers of then with that encoding.

    Rejected are bodies that were cut when they were captured: such a text would look like an edited
    one. `max_bytes` bounds a body that was compressed twice, for it is inflated here.
    """
    restored = restore_headers(headers)
    decoded = _find_encoding(
        body,
        wire=read_encodings(headers.get("content-encoding")),
        stated=read_encodings(restored.pop("content-encoding", None)),
        max_bytes=max_bytes,
    )
    if isinstance(decoded, Rejection):
        return decoded
    body, encoding = decoded
    if encoding:
        restored["content-encoding"] = encoding
    if _is_cut(body, encoding, headers) or lacks_its_end(body, restored):
        return Rejection(kind=FailureKind.TRUNCATED, reason="cut when it was captured")
    return body, restored


def restore_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of then; cookies and those of one connection stay out."""
    plain = {name: headers[name] for name in ("content-type", "content-length") if name in headers}
    original = {
        name.removeprefix(_ORIGINAL): value
        for name, value in headers.items()
        if name.startswith(_ORIGINAL)
    }
    return {name: value for name, value in (plain | original).items() if name not in _NOT_KEPT}


def read_encodings(header: str | None) -> tuple[str, ...]:
    """The encodings of a header; the Internet Archive may send an empty one beside gzip."""
    names = [name.strip().lower() for name in (header or "").split(",")]
    return tuple(name for name in names if name not in {"", "identity"})


def _find_encoding(
    body: bytes, *, wire: tuple[str, ...], stated: tuple[str, ...], max_bytes: int
) -> tuple[bytes, str] | Rejection:
    """The body and its encoding, by what it looks like; one of two layers of gzip is undone."""
    if not _GZIP.issuperset(wire):
        return body, ", ".join(wire)
    if not body.startswith(_GZIP_MAGIC):
        lost = _OTHER_ENCODINGS.intersection(stated) if b"<" not in body[:1024] else None
        return body, min(lost) if lost else ""
    if decode_prefix(body[:4096], "gzip", max_bytes=len(_GZIP_MAGIC)) != _GZIP_MAGIC:
        return body, "gzip"
    inner = decode_body(body, "gzip", max_bytes=max_bytes)
    return inner if isinstance(inner, Rejection) else (inner, "gzip")


def _is_cut(body: bytes, encoding: str, headers: Mapping[str, str]) -> bool:
    """Whether less is here than the site said; where it compressed, lengths tell nothing."""
    length = headers.get(f"{_ORIGINAL}content-length", "")
    others = {f"{_ORIGINAL}content-encoding", f"{_ORIGINAL}transfer-encoding"}
    known = length.isascii() and length.isdecimal() and encoding in {"", "gzip"}
    if not known or others & headers.keys():
        return False
    # The last four bytes of gzip are the length of its content: RFC 1952, section 2.3.1.
    held = int.from_bytes(body[-4:], "little") if encoding else len(body)
    return held < int(length[:20])
