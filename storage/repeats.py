"""Writing a version once more, with all that was found out about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, ScalarSelect, Table, func, literal, select

from storage.schema import anchor, edge, feature, fingerprint, shingle, version
from storage.search_index import index_again

_Value = ColumnElement[Any] | ScalarSelect[Any]
_DERIVED = (fingerprint, shingle, feature, anchor)


def repeat_version(
    connection: Connection,
    version_id: int,
    *,
    first_observed_at: datetime,
    seen_at: datetime,
    recorded_at: datetime,
    seq: int | None = None,
) -> int:
    """Store a version equal to another, as the last or under a free number; return its id.

    Its verdicts are those of the other, decided of this one only now.
    """
    article_id, last = connection.execute(
        select(version.c.article_id, func.max(version.c.seq))
        .where(
            version.c.article_id
            == select(version.c.article_id).where(version.c.id == version_id).scalar_subquery()
        )
        .group_by(version.c.article_id)
    ).one()
    own = {
        "seq": literal(seq or last + 1),
        "first_observed_at": literal(first_observed_at, version.c.first_observed_at.type),
        "last_observed_at": literal(seen_at, version.c.last_observed_at.type),
        "recorded_at": literal(recorded_at, version.c.recorded_at.type),
    }
    _copy(connection, version, version.c.id, version_id, own)
    repeated: int = connection.execute(
        select(version.c.id).where(
            version.c.article_id == article_id, version.c.seq == (seq or last + 1)
        )
    ).scalar_one()
    for table in _DERIVED:
        replaced = {"version_id": literal(repeated)}
        _copy(connection, table, table.c.version_id, version_id, replaced)
    child = {
        "child_version_id": literal(repeated),
        "decided_at": literal(recorded_at, edge.c.decided_at.type),
    }
    _copy(connection, edge, edge.c.child_version_id, version_id, child)
    index_again(connection, repeated)
    return repeated


def _copy(
    connection: Connection,
    table: Table,
    key: Column[int],
    value: int,
    replaced: Mapping[str, _Value],
) -> None:
    columns = [column for column in table.c if column.name != "id"]
    connection.execute(
        table.insert().from_select(
            [column.name for column in columns],
            select(*(replaced.get(column.name, column) for column in columns)).where(key == value),
        )
    )
