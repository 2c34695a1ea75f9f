"""The bytes of a sitemap: inflated, in ASCII's tags, and cut into what it lists.

XML is read by patterns and in linear time. A sitemap is flat, and many are not well-formed: a bare
"&" in an address, a warning of PHP before it, a connection cut. A parser stops there; this reads on
at the next entry. It knows no DTD, so no entity can multiply, and expat before 2.6 takes quadratic
time for one long token (CVE-2023-52425).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from ingest.htmltext import known_codec
from ingest.inflate import decode_body, decode_prefix
from ingest.model import Rejection

MAX_FIELD = 10_000
"""Bytes of a field that are read."""

_MAX_ITEM = 500_000  # bytes of a page with all its images
_GZIP = b"\x1f\x8b"
_WIDE = (
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""")
# No "<" within a tag, not even quoted: that bounds each try by the next tag.
_ITEM = re.compile(rb"<((?:[\w.-]{1,40}:)?)(url|sitemap)(?:\s[^<>]*)?>", re.IGNORECASE)
_FIELD = re.compile(
    rb"<(/?)((?:[\w.-]{1,40}:)?)(loc|lastmod|news|publication_date|title|language)(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_CDATA = b"<![CDATA["
# With its semicolon only: "&copy=1" is a parameter of an address that was not escaped.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A page or a sitemap, as it stands in the bytes."""

    is_sitemap: bool
    prefix: bytes  # of its namespace
    block: bytes


def inflate(body: bytes, *, max_bytes: int) -> tuple[bytes, Rejection | None]:
    """The content as far as it can be had, and what is wrong with the rest."""
    encoding = "gzip" if body.startswith(_GZIP) else ""
    whole = decode_body(body, encoding, max_bytes=max_bytes)
    if isinstance(whole, bytes):
        return whole, None
    start = decode_prefix(body, encoding, max_bytes=max_bytes)
    return (start if isinstance(start, bytes) else b""), whole


def narrow(body: bytes) -> bytes:
    """UTF-16 as UTF-8; every other encoding has the tags as they are in ASCII."""
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            return body.decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()


def without_comments(body: bytes) -> bytes:
    """What a comment holds is not listed; one without an end is none."""
    if b"<!--" not in body:
        return body
    parts, position = [], 0
    while (start := body.find(b"<!--", position)) >= 0:
        end = body.find(b"-->", start)
        if end < 0:
            break
        parts.append(body[position:start])
        position = end + 3
    return b"".join([*parts, body[position:]])


def declared_codec(body: bytes) -> str:
    """What the XML declaration says; UTF-16 is none here, for the tags were found in ASCII."""
    declared = _DECLARED.search(body[:MAX_FIELD])
    codec = known_codec(declared[1].decode("ascii")) if declared else None
    return "utf-8" if codec is None or codec.startswith(("utf-16", "utf-32")) else codec


def find_items(body: bytes, *, prefix: bytes | None) -> Iterator[Item]:
    """What stands from one "url" or "sitemap" to the next; of this prefix, if it is known."""
    found = (item for item in _ITEM.finditer(body) if prefix is None or item[1] == prefix)
    item = next(found, None)
    while item is not None:
        following = next(found, None)
        end = following.start() if following else len(body)
        block = body[item.end() : min(end, item.end() + _MAX_ITEM)]
        yield Item(is_sitemap=item[2].lower() == b"sitemap", prefix=item[1], block=block)
        item = following


def read_fields(item: Item, *, codec: str) -> dict[str, str]:
    """The first of each field: of the page itself under its own prefix, of news within "news".

    So the addresses and titles of images and videos are left aside, whatever they are called.
    """
    fields: dict[str, str] = {}
    in_news = False
    for tag in _FIELD.finditer(item.block):
        closes, own, name = tag[1], tag[2] == item.prefix, tag[3].lower().decode()
        if name == "news":
            in_news = not closes
        elif closes or name in fields:
            continue
        elif in_news if name not in {"loc", "lastmod"} else own and not in_news:
            fields[name] = _read_value(item.block[tag.end() : tag.end() + MAX_FIELD], codec)
    return fields


def _read_value(rest: bytes, codec: str) -> str:
    """The text after a tag; nothing when its end is missing, for half an address is a wrong one."""
    rest = rest.lstrip()
    quoted = rest.startswith(_CDATA)
    value, end, _ = rest[len(_CDATA) :].partition(b"]]>") if quoted else rest.partition(b"<")
    text = value.decode(codec, "replace").strip() if end else ""
    if quoted or "&" not in text:
        return text
    return _REFERENCE.sub(lambda reference: unescape(reference[0]), text)
