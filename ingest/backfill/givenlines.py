"""Articles that somebody else extracted: from the bytes of a file to Article.

a file ─inputs.open_text─> text ─read_records─> GivenRecord ─read_given_article─> Article

A file holds an object a line (JSON Lines, https://jsonlines.org/), an array of objects, or one
object over many lines, and may be gzipped. Beside our own fields, those of other extractors are
known (ingest.backfill.givenforms).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, TextIO

from ingest.backfill.givenforms import translate
from ingest.backfill.inputs import DAMAGED, BadLine, numbered_lines, open_text
from ingest.backfill.leads import language_code
from ingest.dates import parse_date
from ingest.errors import BadURLError
from ingest.language import detect_language
from ingest.model import Article, DatedBy, DateSource
from ingest.textclean import clean_line, clean_text
from ingest.urls import canonicalize

EXTRACTOR = "given"
NO_URL = "https://text.invalid/"
"""Of a text without an address (RFC 2606)."""

LONGEST_RECORD = 16 * 2**20  # characters
_CHUNK = 2**16
_STRINGS = ("url", "title", "text", "language", "author", "published_at")
_STRAY_BYTE = re.compile(r"[\udc80-\udcff]")
_MARK = re.compile(r'["{}]')
_STRING_END = re.compile(r'["\\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRecord:
    """An object of a file."""

    line: int  # where it begins, from 1
    fields: dict[str, Any]


# ---------------------------------------------------------------- from objects to articles


def read_given_article(line: Mapping[str, Any], *, now: datetime) -> Article | str:
    """An Article from one object, or what is wrong with it; `url` may be missing."""
    translated = translate(line)
    fields = line if translated is None else translated
    for name in _STRINGS:
        if not isinstance(fields.get(name), str | None):
            return f"{name} must be a string"
    text = clean_text(fields.get("text") or "")
    if not text.strip():
        return "text is missing or empty"
    url = fields.get("url") or NO_URL
    try:
        canonical = canonicalize(url)
    except BadURLError as error:
        return str(error)
    given = fields.get("published_at") or fields.get("date")
    published = _read_date(given, now=now)
    if given and published is None and translated is None:
        return f"published_at {given!r} is no ISO 8601 date, or one before 1990 or in the future"
    return Article(
        url=url,
        canonical_url=canonical,
        title=clean_text(fields.get("title") or "")[:1000],
        byline=clean_line(fields.get("author") or "", limit=300) or None,
        site_name=clean_line(str(fields.get("site_name") or ""), limit=200) or None,
        published=published,
        modified=_read_date(fields.get("modified_at"), now=now),
        language=language_code(fields.get("language")) or detect_language(text),
        text=text,
        words=len(text.split()),
        extractor=EXTRACTOR,
        extractor_version="1",
    )


def _read_date(given: object, *, now: datetime) -> DatedBy | None:
    if not isinstance(given, str):
        return None
    return parse_date(given, source=DateSource.GIVEN, now=now, confidence=0.9)


# ---------------------------------------------------------------- from bytes to objects


def read_records(
    stream: BinaryIO, *, longest: int = LONGEST_RECORD
) -> Iterator[GivenRecord | BadLine]:
    """Yield the objects of a file, and what is wrong with those that are none.

    No more than `longest` characters are held. Raises OSError when reading fails.
    """
    head, text = open_text(stream, fallback="utf-8")  # which JSON has to be (RFC 8259, section 8.1)
    number = 0
    records = _whole_lines(text, longest) if _is_lines(head) else _documents(text, longest)
    try:
        for number, record in records:
            if isinstance(record, BadLine):
                yield record
            elif record.strip():
                yield _parse(record, number)
    except DAMAGED as error:
        reason = f"the rest can't be read, the gzip file is damaged: {error}"
        yield BadLine(line=number + 1, reason=reason)


def _is_lines(head: str) -> bool:
    """Whether each line is an object: the first one is, or was to be, for the second begins as one.

    Else an object or an array goes over several lines, or an array holds all in one.
    """
    lines = [line.strip() for line in head.removeprefix("\ufeff").splitlines() if line.strip()]
    if not lines or lines[0].startswith("["):
        return not lines
    if isinstance(_parse(lines[0], 1), GivenRecord) or not lines[0].startswith("{"):
        return True
    return lines[1].startswith("{") if len(lines) > 1 else True


def _parse(record: str, number: int) -> GivenRecord | BadLine:
    if _STRAY_BYTE.search(record):
        return BadLine(line=number, reason="not JSON: it is no UTF-8")
    try:
        fields = json.loads(record.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return BadLine(line=number, reason=f"not JSON: {error}")
    if isinstance(fields, dict):
        return GivenRecord(line=number, fields=fields)
    return BadLine(line=number, reason="not a JSON object")


def _whole_lines(text: TextIO, longest: int) -> Iterator[tuple[int, str | BadLine]]:
    for number, line in numbered_lines(text, longest=longest):
        yield number, _too_long(number, longest) if line is None else line


def _too_long(number: int, longest: int) -> BadLine:
    return BadLine(line=number, reason=f"more than {longest} characters")


def _documents(text: TextIO, longest: int) -> Iterator[tuple[int, str | BadLine]]:
    """Cut a text at the ends of its outermost objects; what stands between them is passed over."""
    nesting = _Nesting()
    parts: list[str] = []
    size = start = 0
    line = 1
    while chunk := text.read(_CHUNK):
        kept = counted = 0
        for begins, position in nesting.find_ends(chunk):
            line += chunk.count("\n", counted, position)
            counted = position
            if begins:
                start, kept = line, position
                continue
            size += position - kept
            whole = "".join([*parts, chunk[kept:position]])
            yield start, _too_long(start, longest) if size > longest else whole
            parts, size = [], 0
        line += chunk.count("\n", counted)
        if nesting.depth:
            size += len(chunk) - kept
            parts = [*parts, chunk[kept:]] if size <= longest else []
    if nesting.depth:
        yield start, BadLine(line=start, reason="not JSON: the object has no end")
    elif not start:
        yield 1, BadLine(line=1, reason="no JSON object is in it")


@dataclass(slots=True)
class _Nesting:
    """How deep in objects a text is, and whether in a string of one."""

    depth: int = 0
    in_string: bool = False
    escaped: bool = False

    def find_ends(self, chunk: str) -> Iterator[tuple[bool, int]]:
        """Yield where outermost objects begin (True) and where they end."""
        position = 0
        while position < len(chunk):
            if self.escaped:
                self.escaped, position = False, position + 1
                continue
            found = (_STRING_END if self.in_string else _MARK).search(chunk, position)
            if found is None:
                return
            position = found.end()
            if self._pass(found[0]):
                yield self.depth > 0, found.start() if self.depth else position

    def _pass(self, mark: str) -> bool:
        """Go past a mark; whether an outermost object begins or ends with it."""
        if mark == "\\":
            self.escaped = True
        elif mark == '"':  # outside of objects it may stand in any text
            self.in_string = self.depth > 0 and not self.in_string
        elif mark == "{":
            self.depth += 1
            return self.depth == 1
        elif self.depth > 0:
            self.depth -= 1
            return self.depth == 0
        return False
