"""Lists of addresses that a person made: lines, tables, subscriptions.

a file or standard input ─inputs.open_text─> text ─┬─> lines, one address each
                                                   ├─> CSV or TSV with a column of addresses
                                                   └─> OPML, whose feeds are given back as feeds

Tables that are known by their columns are those of Media Cloud (github.com/mediacloud/web-search:
id, indexed_date, language, media_name, media_url, publish_date, title, url) and its predecessor
(stories_id, publish_date, title, url, language …). They hold no texts, only what to fetch.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, TextIO

from ingest.backfill.inputs import DAMAGED, BadLine, numbered_lines, open_text
from ingest.backfill.leads import Lead, language_code
from ingest.dates import parse_date
from ingest.errors import BadURLError, UsageError
from ingest.model import DateSource, FeedSource
from ingest.opml import read_opml
from ingest.textclean import clean_line
from ingest.urls import canonicalize, is_http_url

LONGEST_LINE = 100_000  # characters
_MAX_OPML = 16 * 2**20  # characters
_DELIMITERS = ("\t", ",", ";", "|")
_ADDRESSES = ("url", "link", "loc", "href", "address", "permalink", "article_url", "story_url")
_TITLES = ("title", "headline")
_DATES = ("publish_date", "published_at", "published", "publication_date", "pubdate", "date")
_LANGUAGES = ("language", "lang")
_OPML = re.compile(r"\s*(?:<\?xml[^>]{0,300}>\s*)?(?:<!--.{0,5000}?-->\s*)*<opml\b", re.I | re.S)
_SEPARATOR = re.compile(r"sep=([\t,;|:])", re.IGNORECASE)  # Excel's own first line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where a table has what; an index, or None."""

    address: int
    title: int | None = None
    date: int | None = None
    language: int | None = None


def read_url_list(
    stream: BinaryIO, *, now: datetime, column: str | None = None, encoding: str | None = None
) -> Iterator[Lead | FeedSource | BadLine]:
    """Yield what a list of addresses holds; a bad line is told, and the others go on.

    `column` names the column of a table, or counts it from 1 where there are no names. Lines that
    are empty or begin with "#" are passed over. Raises UsageError for a table without such a
    column, an unknown encoding, and for OPML without feeds; OSError when reading fails.
    """
    head, text = open_text(stream, encoding=encoding)
    if _OPML.match(head.removeprefix("\ufeff")):
        yield from _read_feeds(text)
        return
    delimiter = _find_delimiter(head, column)
    if delimiter is None:
        yield from _read_lines(text)
    else:
        yield from _read_table(text, delimiter, column=column, now=now)


def _read_feeds(text: TextIO) -> Iterator[FeedSource | BadLine]:
    try:
        document = text.read(_MAX_OPML)
    except DAMAGED as error:
        yield _damaged(0, error)
        return
    # The declaration says how the file was encoded, not how this is.
    plain = re.sub(r"^\s*<\?xml[^>]{0,300}>", "", document.removeprefix("\ufeff"))
    yield from read_opml(plain.encode("utf-8", "replace"))


def _read_lines(text: TextIO) -> Iterator[Lead | BadLine]:
    for number, line in _lines(text):
        if isinstance(line, BadLine):
            yield line
            continue
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) > 1 and not words[1].startswith("#"):
            yield BadLine(line=number, reason=f"more than an address: {clean_line(line)[:100]!r}")
        else:
            yield _checked(Lead(url=words[0].strip("<>\"'")), number)


def _lines(text: TextIO) -> Iterator[tuple[int, str | BadLine]]:
    """The lines of a file, or what is wrong with one."""
    number = 0
    try:
        for number, line in numbered_lines(text, longest=LONGEST_LINE):
            if line is None:
                reason = f"longer than {LONGEST_LINE} characters"
                yield number, BadLine(line=number, reason=reason)
            else:
                yield number, line.removeprefix("\ufeff") if number == 1 else line
    except DAMAGED as error:
        yield number + 1, _damaged(number + 1, error)


def _damaged(line: int, error: Exception) -> BadLine:
    return BadLine(line=line, reason=f"the rest can't be read, the gzip file is damaged: {error}")


def _checked(lead: Lead, number: int) -> Lead | BadLine:
    try:
        canonicalize(lead.url)
    except BadURLError as error:
        return BadLine(line=number, reason=str(error))
    return lead


# ---------------------------------------------------------------- tables


def _find_delimiter(head: str, column: str | None) -> str | None:
    """What parts the columns; None for plain lines."""
    lines = (line.strip("\ufeff\n") for line in head.splitlines())
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if stated := _SEPARATOR.fullmatch(first):
        return stated[1]
    if column is not None:
        return max(_DELIMITERS, key=first.count)
    if is_http_url(first.strip("<>\"' ")):
        return "\t" if "\t" in first else None
    counted = max(_DELIMITERS, key=first.count)
    return counted if _find_columns(_split(first, counted), column=None) else None


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


@dataclass(slots=True)
class _Rows:
    """The lines that a table is read from, and which of them they are."""

    text: TextIO
    number: int = 0
    bad: list[BadLine] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for number, line in _lines(self.text):
            self.number = number
            if isinstance(line, BadLine):
                self.bad.append(line)
            else:
                yield f"{line}\n"


def _read_table(
    text: TextIO, delimiter: str, *, column: str | None, now: datetime
) -> Iterator[Lead | BadLine]:
    rows = _Rows(text)
    columns = None
    for number, row in _parse(rows, delimiter):
        yield from rows.bad
        rows.bad.clear()
        if isinstance(row, BadLine):
            yield row
        elif not any(row) or row[0].startswith("#") or _SEPARATOR.fullmatch(delimiter.join(row)):
            continue
        elif columns is None:
            columns = _find_columns(row, column=column) or _count_columns(row, column)
            if not is_http_url(_cell(row, columns.address)):
                continue  # the names of the columns
            yield _read_row(row, columns, number, now=now)
        else:
            yield _read_row(row, columns, number, now=now)
    yield from rows.bad


def _parse(rows: _Rows, delimiter: str) -> Iterator[tuple[int, list[str] | BadLine]]:
    """The rows with the line each begins at; a quotation mark without an end costs 128 kB."""
    reader = csv.reader(rows, delimiter=delimiter)
    while True:
        start = rows.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"lines {start} to {rows.number} are no row of a table: {error}"
            yield start, BadLine(line=start, reason=reason)
        else:
            yield start, row


def _find_columns(names: Sequence[str], *, column: str | None) -> _Columns | None:
    plain = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in names]
    asked = re.sub(r"[\s-]+", "_", column.strip().lower()) if column else None
    address = _index(plain, (asked,) if asked else _ADDRESSES)
    if address is None:
        return None
    return _Columns(
        address=address,
        title=_index(plain, _TITLES),
        date=_index(plain, _DATES),
        language=_index(plain, _LANGUAGES),
    )


def _count_columns(row: Sequence[str], column: str | None) -> _Columns:
    """The columns of a table without names, by their number or by what stands in its first row."""
    if column is None:
        found = next((index for index, cell in enumerate(row) if is_http_url(cell.strip())), None)
        if found is not None:
            return _Columns(address=found)
    elif re.fullmatch(r"[1-9]\d{0,3}", column) and int(column) <= len(row):
        return _Columns(address=int(column) - 1)
    known = ", ".join(clean_line(name, limit=40) for name in row[:30])
    raise UsageError(f"no column {column or 'url'!r}; the columns are {known}; name one of them")


def _index(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _cell(row: Sequence[str], index: int | None) -> str:
    return row[index].strip() if index is not None and index < len(row) else ""


def _read_row(
    row: Sequence[str], columns: _Columns, number: int, *, now: datetime
) -> Lead | BadLine:
    lead = Lead(
        url=_cell(row, columns.address),
        title=clean_line(_cell(row, columns.title)),
        published=parse_date(_cell(row, columns.date), source=DateSource.GIVEN, now=now),
        language=language_code(_cell(row, columns.language)),
    )
    return _checked(lead, number)
