"""Where the two databases differ: INSERT with ON CONFLICT, lists as rows, advisory locks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum, unique
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Table,
    TableValuedAlias,
    Text,
    TypeDecorator,
    bindparam,
    column,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine


@unique
class AdvisoryLock(IntEnum):
    """Keys of the advisory locks in one Postgres database, each its own so that none waits."""

    MIGRATION = 7_316_002
    DAEMON = 7_316_003
    CLUSTERS = 7_316_004


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT with `on_conflict_do_nothing` for the connection's database."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


class _Numbers(TypeDecorator[Sequence[int]]):
    """Whole numbers as one parameter: JSON for SQLite, an array for Postgres."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.ARRAY(BigInteger) if array else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> object:
        numbers = list(value or ())
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


def listed(dialect: str, parameter: str) -> TableValuedAlias:
    """A parameter's whole numbers as rows of one column `value`, however many there are."""
    numbers = bindparam(parameter, type_=_Numbers())
    value = column("value", BigInteger)
    if dialect == "postgresql":
        return func.unnest(numbers).table_valued(value, name=f"listed_{parameter}").render_derived()
    return func.json_each(numbers).table_valued(value, name=f"listed_{parameter}")
