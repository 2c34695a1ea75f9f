"""Where the two databases differ: INSERT with ON CONFLICT, lists as rows, advisory locks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum, unique

from sqlalchemy import BigInteger, Connection, Table, TableValuedAlias, cast, column, func
from sqlalchemy.dialects import postgresql, sqlite


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


def listed(connection: Connection, numbers: Sequence[int]) -> TableValuedAlias:
    """Whole numbers as rows of one column `value`: one parameter, however many there are."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(json.dumps(list(numbers)))
        return each.table_valued(column("value", BigInteger), name="listed")
    many = func.unnest(cast(list(numbers), postgresql.ARRAY(BigInteger)))
    return many.table_valued(column("value", BigInteger), name="listed").render_derived()
