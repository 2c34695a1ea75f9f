"""From bytes to characters: which encoding an HTML page is in."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE
)
_ALIASES = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "tis-620": "cp874",
    "iso-8859-9": "cp1254",
}
"""What the WHATWG Encoding Standard reads these labels as, near enough."""

_TEXT_CODECS = re.compile(
    r"utf-?8|utf-?16(?:-[lb]e)?|utf-?32|cp\d+|windows-\d+|iso-?8859-\d+|koi8-[rut]|mac-?\w+"
    r"|gb18030|big5(?:hkscs)?|euc[-_](?:jp|kr)|iso2022[-_]jp|iso-2022-jp|shift[-_]jis\w*"
)


def decode_html(body: bytes, *, charset: str | None) -> str:
    """Decode a page: byte order mark, HTTP charset, meta element, UTF-8, Windows-1252.

    Follows the order of the HTML standard (section 13.2.3.2). Never raises: what can't be decoded
    becomes U+FFFD.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    declared = _META.search(body[:4096])
    labels = [charset, declared.group(1).decode("ascii") if declared else None, "utf-8"]
    for label in labels:
        codec = known_codec(label)
        if codec is None:
            continue
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    codec = next((found for found in map(known_codec, labels[:2]) if found), "utf-8")
    utf8 = body.decode("utf-8", "replace")
    # A page that is UTF-8 but for a few bytes is UTF-8; latin-1 would garble every letter.
    if utf8.count("\ufffd") * 50 < len(utf8):
        return utf8
    return body.decode(codec if codec != "utf-8" else "cp1252", "replace")


@lru_cache(maxsize=256)  # a crawl has few, each in thousands of pages
def known_codec(label: str | None) -> str | None:
    """Return the Python codec of a charset label; None for what is no text encoding."""
    if not label:
        return None
    name = label.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if not _TEXT_CODECS.fullmatch(name):
        return None  # Python knows zlib, rot13 and idna as codecs too
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
