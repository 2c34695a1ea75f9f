"""The index of a web archive: what an answer says.

    body -> parse_cdx -> CdxPage of CaptureRow | Rejection

Two servers are understood, of one family and with differences:

- the Internet Archive's: https://archive.org/developers/wayback-cdx-server.html and
  https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server. Rows are arrays under
  a row of names; after an empty row comes the key to go on with.
- pywb's: https://pywb.readthedocs.io/en/latest/manual/cdxserver_api.html. One object a line, with
  other names, and no keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import unquote

from ingest.errors import BadURLError
from ingest.model import FailureKind, Rejection
from ingest.urls import MAX_LENGTH, canonicalize

FIRST_YEAR = 1990  # before the Web: a capture from then is a mistake
WAYBACK_FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
PYWB_FIELDS = ("urlkey", "timestamp", "url", "mime", "status", "digest", "length")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
_DEFAULT_PORT = re.compile(
    r"^(?:(http://[^/:]+):80|(https://[^/:]+):443)(?=[/?#]|$)", re.IGNORECASE
)
_ESCAPED_HOST = re.compile(r"(?<=://)[^/?#%]*%[^/?#]*")  # as pywb writes one that is not ASCII
_EXCLUDED = re.compile(r"AccessControlException|Blocked (?:Site|By Robots)|been excluded", re.I)
_TOO_FAST = re.compile(r"too many requests|rate.?limit|\b429\b", re.I)


class Dialect(StrEnum):
    """Whose way of asking and answering a server has."""

    WAYBACK = "wayback"
    PYWB = "pywb"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRow:
    """One line of the index: a page as it was captured once."""

    key: str  # SURT of the address
    url: str  # as it was captured, without a port that goes without saying
    at: datetime
    mime: str | None
    status: int | None  # None: not stated, as for a revisit
    digest: str | None  # of the body
    length: int | None  # bytes of the compressed record

    @property
    def timestamp(self) -> str:
        """The time as archives write it."""
        return format_timestamp(self.at)

    @property
    def is_revisit(self) -> bool:
        """Whether only the fact was recorded that the body was that of an earlier capture."""
        return self.mime == "warc/revisit"


@dataclass(frozen=True, slots=True, kw_only=True)
class CdxPage:
    """One answer of the index."""

    rows: tuple[CaptureRow, ...]
    bad_lines: int  # that are no capture of a web page
    resume_key: str | None = None  # to go on with, when there is more

    @property
    def lines(self) -> int:
        """How many lines the server counted towards its limit."""
        return len(self.rows) + self.bad_lines


def parse_cdx(body: bytes, dialect: Dialect) -> CdxPage | Rejection:
    """Read a decoded answer; a bad line is counted, and the others are read.

    Rejections: HTTP_CLIENT for an address that the archive keeps to itself, RATE_LIMITED and
    HTTP_SERVER for error texts that were sent with status 200, TRUNCATED for an answer without its
    end, NOT_FOUND for one of no byte, which the Internet Archive gives for some it excludes.
    """
    text = body.decode("utf-8", "replace").strip()
    if dialect is Dialect.PYWB:
        return _parse_objects(text)
    if not text:
        return _reject(FailureKind.NOT_FOUND, "no answer, not even an empty list")
    if not text.startswith("["):
        return _read_error(text)
    if not text.endswith("]"):
        return _reject(FailureKind.TRUNCATED, f"the list stops after {len(body)} bytes")
    return _read_arrays(_parse_arrays(text))


def _read_error(text: str) -> Rejection:
    shown = " ".join(text[:2000].split())[:200]
    if _EXCLUDED.search(text):
        return _reject(FailureKind.HTTP_CLIENT, f"the archive keeps it to itself: {shown}")
    if _TOO_FAST.search(text):
        return _reject(FailureKind.RATE_LIMITED, f"asked too fast: {shown}")
    return _reject(FailureKind.HTTP_SERVER, f"no list of captures: {shown}")


def _reject(kind: FailureKind, reason: str) -> Rejection:
    return Rejection(kind=kind, reason=reason)


def _parse_arrays(text: str) -> Sequence[object]:
    """The items of a JSON array, one by one if need be: the server writes each on its line."""
    whole = _load(text)
    if isinstance(whole, list):
        return whole
    return [_load(line.strip().rstrip(",")) for line in text[1:-1].split("\n") if line.strip()]


def _load(text: str) -> object:
    """A JSON value, or None where there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_arrays(items: Sequence[object]) -> CdxPage:
    names: Sequence[object] = WAYBACK_FIELDS
    rows: list[CaptureRow] = []
    bad, resume_key = 0, None
    for place, item in enumerate(items):
        if item == []:
            resume_key = _read_resume_key(items[place + 1 :])
            bad += resume_key is None
            break
        if isinstance(item, list) and place == 0 and "timestamp" in item:
            names = item
            continue
        row = _read_row(item, names) if isinstance(item, list) else None
        bad += row is None
        if row:
            rows.append(row)
    return CdxPage(rows=tuple(rows), bad_lines=bad, resume_key=resume_key)


def _read_resume_key(rest: Sequence[object]) -> str | None:
    item = rest[0] if rest else None
    key = item[0] if isinstance(item, list) and len(item) == 1 else None
    return key if isinstance(key, str) and 0 < len(key) <= 2 * MAX_LENGTH else None


def _read_row(values: Sequence[object], names: Sequence[object]) -> CaptureRow | None:
    if len(values) != len(names):
        return None
    return _read_fields({str(name): value for name, value in zip(names, values, strict=True)})


def _parse_objects(text: str) -> CdxPage | Rejection:
    items = [_load(line) for line in text.split("\n") if line.strip()]
    objects = [item for item in items if isinstance(item, dict) and "timestamp" in item]
    if items and not objects:
        return _read_error(text)
    rows = tuple(row for item in objects if (row := _read_fields(item)))
    return CdxPage(rows=rows, bad_lines=len(items) - len(rows))


def _read_fields(fields: dict[str, object]) -> CaptureRow | None:
    url = fields.get("original", fields.get("url"))
    at = parse_timestamp(fields.get("timestamp"))
    if at is None or not isinstance(url, str) or len(url) > MAX_LENGTH or _UNSAFE.search(url):
        return None
    url = plain_url(url)
    try:
        canonicalize(url)  # what is no URL of the web to us can't be an article
    except BadURLError:
        return None
    key = _word(fields.get("urlkey"), longest=2 * MAX_LENGTH) or url
    return CaptureRow(
        key=key,
        url=url,
        at=at,
        mime=_word(fields.get("mimetype", fields.get("mime"))),
        status=_number(fields.get("statuscode", fields.get("status")), digits=3),
        digest=_word(fields.get("digest")),
        length=_number(fields.get("length"), digits=15),
    )


def _word(value: object, *, longest: int = 200) -> str | None:
    if not isinstance(value, str) or len(value) > longest or _UNSAFE.search(value):
        return None
    return value if value not in {"", "-"} else None


def _number(value: object, *, digits: int) -> int | None:
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()):
        return None
    return int(text) if len(text) <= digits else None


def plain_url(url: str) -> str:
    """An address of an archive's as its site writes it: no port that goes without saying."""
    url = _DEFAULT_PORT.sub(r"\1\2", url)
    return _ESCAPED_HOST.sub(lambda host: unquote(host[0]), url, count=1)


def format_timestamp(at: datetime) -> str:
    """Write a time as archives do: 14 digits, in UTC."""
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def parse_timestamp(text: object) -> datetime | None:
    """Read 14 digits as an aware time; None when they are no time since the Web began."""
    if not isinstance(text, str) or len(text) != 14 or not (text.isascii() and text.isdecimal()):
        return None
    try:
        at = datetime.strptime(f"{text}+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.year >= FIRST_YEAR else None
