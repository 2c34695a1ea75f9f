"""Rows as lines of CSV (RFC 4180) or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from storage.kinds import Kind, ResultColumn, as_iso, as_json, json_lines
from storage.typedrows import TypedRows

_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_jsonl(found: TypedRows) -> Iterator[bytes]:
    """A JSON object a row, JSON columns as they are and not as text."""
    return map(json_lines(found.columns), found.rows)


def as_csv(found: TypedRows, *, safe: bool = False) -> Iterator[bytes]:
    """A header, then a record a row, each ended by CR LF.

    Null is an empty field, an empty text two quotation marks. A `safe` text is one that no
    spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe goes before it.
    """
    yield _record([_cell_of_text(column.name) for column in found.columns])
    cells = [_cells(column, safe=safe) for column in found.columns]
    for row in found.rows:
        yield _record([cell(value) for cell, value in zip(cells, row, strict=True)])


def _record(cells: Sequence[str]) -> bytes:
    return (",".join(cells) + "\r\n").encode()


def _cells(column: ResultColumn, *, safe: bool) -> Callable[[Any], str]:
    if column.kind is Kind.JSON:
        return lambda value: "" if value is None else _cell_of_text(as_json(value))
    return _cell_of_safe_value if safe else _cell_of_value


def _cell_of_value(value: Any) -> str:  # noqa: ANN401 - any value of a column
    if value is None:
        return ""
    if isinstance(value, str):
        return _cell_of_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return as_iso(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else repr(value)


def _cell_of_safe_value(value: Any) -> str:  # noqa: ANN401
    return _cell_of_value(harmless(value))


def _cell_of_text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def harmless(value: Any) -> Any:  # noqa: ANN401
    """A text that no spreadsheet takes for a formula; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
