"""Column types that hold on SQLite and Postgres alike, and the values that both can hold.

What one database refuses and the other takes, or takes and can't give back, ends here: text is
cleaned, and a number, time or JSON that has no meaning in a database is a StorageError.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Float, Integer, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from ingest.errors import StorageError

_MOST_CHARACTERS = 2**24  # a text has 2**20 at most; what is longer is a mistake
_BEYOND_64_BITS = 2**63
# A time that is a day from either end of what Python can tell is none in some zone: Postgres would
# store it, and then fail every SELECT of the row.
_FIRST_YEAR, _LAST_YEAR = 2, 9998
_SURROGATE = re.compile(r"[\ud800-\udfff]")

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit integer; INTEGER on SQLite so that a primary key is the rowid."""

Json = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


class UTCDateTime(types.TypeDecorator[datetime]):
    """An aware UTC datetime: naive ones are refused on the way in, aware ones come out."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """Postgres keeps the zone; SQLite stores the UTC wall time as text."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value: nobody could tell later which zone was meant.

        Raises StorageError for a time that not every zone can tell.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: attach UTC before storing it")
        if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
            raise StorageError(f"the time {value!r} cannot be stored: its year is {value.year}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy passes it
    ) -> datetime | None:
        """Give back UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# ---------------------------------------------------------------- what SQLite would let pass


class WholeNumber(Integer):
    """INTEGER for SQLite, which would take any text for a number."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], int | None]:  # noqa: ARG002 - SQLAlchemy passes it
        """Raise StorageError for what is no whole number, as Postgres does."""
        return _whole_number


class RealNumber(Float[float]):
    """FLOAT for SQLite, likewise."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], float | None]:  # noqa: ARG002 - SQLAlchemy passes it
        """Raise StorageError for what is no number."""
        return _real_number


SQLITE_TYPES: dict[type[TypeEngine[Any]], type[TypeEngine[Any]]] = {
    Integer: WholeNumber,
    Float: RealNumber,
}
"""Stand-ins for the dialect's own types."""


def _whole_number(value: Any) -> int | None:  # noqa: ANN401 - whatever a caller passes
    try:
        return None if value is None else operator.index(value)
    except TypeError as error:
        raise StorageError(f"{value!r} cannot be stored: it is no whole number") from error


def _real_number(value: Any) -> float | None:  # noqa: ANN401 - whatever a caller passes
    if value is None or isinstance(value, int | float):
        return value
    raise StorageError(f"{value!r} cannot be stored: it is no number")


# ---------------------------------------------------------------- values on their way to the driver


def storable(value: Any) -> Any:  # noqa: ANN401 - whatever a statement's parameter is
    """A statement's parameter as both databases can hold it; containers are gone through.

    Raises StorageError for what can't be mended: a number beyond 64 bits or that is none, and a
    text without measure.
    """
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, int):
        if not -_BEYOND_64_BITS <= value < _BEYOND_64_BITS:
            raise StorageError(f"the number {value} cannot be stored: it has more than 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise StorageError(f"{value} cannot be stored: it is no number")
    elif isinstance(value, dict):
        return {name: storable(item) for name, item in value.items()}
    elif isinstance(value, list):
        return [storable(item) for item in value]
    elif isinstance(value, tuple):
        return tuple(storable(item) for item in value)
    return value


def storable_text(text: str) -> str:
    """The text without NUL, which Postgres refuses and SQLite stops reading at.

    A lone surrogate, which breaks both drivers, becomes U+FFFD. Raises StorageError when it is too
    long.
    """
    if len(text) > _MOST_CHARACTERS:
        raise StorageError(f"a text of {len(text)} characters cannot be stored: it is too big")
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def to_json(value: object) -> str:
    """Readable as it is stored, and clean: jsonb refuses NUL, SQLite keeps what it can't search.

    Raises StorageError for NaN, which is no JSON, and for what is nested without end.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if "\\u0000" in text or (not text.isascii() and _SURROGATE.search(text)):
            text = json.dumps(_clean_json(value), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"a value cannot be stored as JSON: {error}") from error
    return storable_text(text)


def _clean_json(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {_clean_json(name): _clean_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_json(item) for item in value]
    return value


# ---------------------------------------------------------------- names for people

_TYPE_NAMES = {
    "BigInteger": "integer",
    "Boolean": "boolean",
    "Float": "number",
    "Integer": "integer",
    "JSON": "JSON",
    "LargeBinary": "bytes",
    "TSVECTOR": "search terms",
    "Text": "text",
    "UTCDateTime": "time",
}


def type_name(column: Column[Any]) -> str:
    """What a column's type is called in the documents, the same for both databases."""
    return _TYPE_NAMES[type(column.type).__name__]
