"""What a column holds, the same on both databases, and its values as Python's own.

SQLite:   text, 0 and 1, JSON as text  ─┐
Postgres: what psycopg makes of a value ─┴─ in_python ─> bool, int, float, str, datetime, JSON
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring
from typing import Any

from sqlalchemy import Table

from storage.columns import type_name
from storage.views import VIEWS


class Kind(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"  # UTC
    WALL_TIME = "time without zone"
    DATE = "date"
    JSON = "JSON"
    TEXT = "text"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """A column of a result."""

    name: str
    kind: Kind
    comment: str = ""  # its entry in the data dictionary, if it is a view's


def kinds_of_view(view: Table) -> dict[str, Kind]:
    """The kinds of a view's columns by their names."""
    names = {column.name: type_name(column) for column in view.columns}
    return {
        column: Kind.TEXT if name == "search terms" else Kind(name)
        for column, name in names.items()
    }


def kinds_by_name() -> dict[str, Kind]:
    """The kinds of the columns' names on which all views agree."""
    found: dict[str, set[Kind]] = {}
    for view in VIEWS.values():
        for name, kind in kinds_of_view(view).items():
            found.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}


# ---------------------------------------------------------------- values


def conversion(kind: Kind) -> Callable[[Any], Any]:
    """A function from a driver's value, null among them, to what a column of the kind holds.

    It raises ValueError for a value of another kind.
    """
    return _CONVERSIONS.get(kind, _as_it_is)


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - whatever a driver gives
    return value


def _boolean(value: Any) -> bool | None:  # noqa: ANN401
    if value is None or value in (0, 1):
        return None if value is None else bool(value)
    raise ValueError(f"{value!r} is no boolean")


def _number(value: Any) -> int | float | None:  # noqa: ANN401
    if isinstance(value, Decimal):
        return _plain_number(value)
    if value is None or isinstance(value, int | float):
        return value
    raise ValueError(f"{value!r} is no number")


def _time(value: Any) -> datetime | None:  # noqa: ANN401
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if value is None or isinstance(value, datetime):
        return None if value is None else value.astimezone(UTC)
    raise ValueError(f"{value!r} is no time")


def _json(value: Any) -> Any:  # noqa: ANN401 - psycopg has read it, SQLite gives its text
    return json.loads(value) if isinstance(value, str) else value


def _text(value: Any) -> str | None:  # noqa: ANN401
    return value if value is None or isinstance(value, str) else str(value)


_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _number,
    Kind.JSON: _json,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.TIME: _time,
}


def _plain_number(value: Decimal) -> int | float:
    """Postgres counts sums of integers as decimals."""
    whole = value.is_finite() and value == value.to_integral_value()
    return int(value) if whole else float(value)


# ---------------------------------------------------------------- as text


def as_iso(at: datetime) -> str:
    """A time as ISO 8601, always as long, so that its text sorts as the time does."""
    text = at.isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def as_json(value: Any) -> str:  # noqa: ANN401 - any value of a column
    """JSON in one spelling: keys in order, no white space, no escapes that need not be."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "null"  # JSON has no other
    return _ENCODER.encode(value)


def json_lines(columns: Sequence[ResultColumn]) -> Callable[[Sequence[Any]], bytes]:
    r"""A function that gives a row as a line of JSON, its columns in order, "\n" at its end."""
    openings = [
        f"{',' if number else '{'}{encode_basestring(column.name)}:"
        for number, column in enumerate(columns)
    ]

    def line(row: Sequence[Any]) -> bytes:
        parts = [opening + as_json(value) for opening, value in zip(openings, row, strict=True)]
        return ("".join(parts) + "}\n").encode()

    return line


def _spelled(value: object) -> str | int | float | None:
    if isinstance(value, datetime):
        return as_iso(value)
    if isinstance(value, Decimal):
        return _plain_number(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_spelled
)
