"""A named snapshot on Postgres: a schema of tables, made in one transaction.

So `SET search_path TO snapshot_name` lets a query that was written for the views run on it. Killed
at any moment, the server rolls all of it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, Table, insert, text

from ingest.errors import UsageError
from storage.hashing import Content, hash_lines
from storage.kinds import json_lines
from storage.snapshotplace import snapshot_schema
from storage.snapshotplan import KEPT, SnapshotPlan, index_statements, info_table
from storage.typedrows import typed_by_postgres
from storage.views import comment_statements, view_readers

_MAY_CREATE = "SELECT has_database_privilege(current_database(), 'CREATE')"
_HAS_SCHEMA = text("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = :name)")


def fill_snapshot(
    connection: Connection, plan: SnapshotPlan
) -> tuple[datetime, Mapping[str, Content]]:
    """Make the schema and its tables; return the moment they show, and what they hold.

    The connection is in a transaction of REPEATABLE READ. Raises UsageError when the user may not
    make a schema, or one of that name is there.
    """
    schema = snapshot_schema(plan.name)
    _require_may_create(connection)
    if has_schema(connection, plan.name):
        raise UsageError(
            f"there is a schema {schema} that is no snapshot of the register: drop it, or take"
            " another name"
        )
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
    created_at = plan.now()
    source = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    _execute(connection, f"CREATE SCHEMA {schema}")
    for view in KEPT.values():
        for statement in _table_statements(view, source=source, schema=schema):
            _execute(connection, statement)
    contents = {view: _hashed(connection, schema, view) for view in KEPT}
    info = info_table(schema)
    info.create(connection)
    connection.execute(insert(info).values(**plan.described(created_at, contents)))
    for statement in reading_statements(schema, view_readers(connection)):
        _execute(connection, statement)
    return created_at, contents


def _require_may_create(connection: Connection) -> None:
    if not connection.exec_driver_sql(_MAY_CREATE).scalar_one():
        raise UsageError(
            "this database user may not make schemas: make snapshots as the owner, or GRANT CREATE"
            " ON DATABASE to it"
        )


def _table_statements(view: Table, *, source: str, schema: str) -> Iterator[str]:
    yield f"CREATE TABLE {schema}.{view.name} AS SELECT * FROM {source}.{view.name}"  # noqa: S608 - our own names
    yield from index_statements(view, prefix=f"{schema}.")
    yield from comment_statements(view, kind="TABLE", prefix=f"{schema}.")
    yield f"ANALYZE {schema}.{view.name}"


def reading_statements(schema: str, readers: tuple[str, ...]) -> Iterator[str]:
    """Statements that let roles, quoted already, read a snapshot."""
    for reader in readers:
        yield f"GRANT USAGE ON SCHEMA {schema} TO {reader}"
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}"


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def has_schema(connection: Connection, name: str) -> bool:
    """Whether a snapshot's schema is there."""
    return bool(connection.execute(_HAS_SCHEMA, {"name": snapshot_schema(name)}).scalar_one())


def drop_schema(connection: Connection, name: str) -> None:
    """Remove it and all that is in it."""
    _execute(connection, f"DROP SCHEMA IF EXISTS {snapshot_schema(name)} CASCADE")


def snapshot_schemas(connection: Connection) -> tuple[str, ...]:
    """The schemas of all snapshots, to grant rights on."""
    found = connection.exec_driver_sql(
        "SELECT nspname FROM pg_namespace JOIN snapshot ON nspname = 'snapshot_' || name"
        " ORDER BY nspname"
    )
    return tuple(str(name) for (name,) in found)


def content_of(connection: Connection, schema: str, view: str) -> Content | None:
    """What a table of a snapshot holds; None when it is not there."""
    there = connection.execute(
        text("SELECT to_regclass(:name) IS NOT NULL"), {"name": f"{schema}.{view}"}
    ).scalar_one()
    return _hashed(connection, schema, view) if there else None


def _hashed(connection: Connection, schema: str, view: str) -> Content:
    query = f"SELECT * FROM {schema}.{view}"  # noqa: S608 - our own names
    with typed_by_postgres(connection, query) as found:
        return hash_lines(map(json_lines(found.columns), found.rows))
