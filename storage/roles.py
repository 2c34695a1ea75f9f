"""Rights of database users on Postgres: who migrates, who writes, who reads.

The owner makes and migrates the schema. A writer has the rows and no more: the daemon and all other
commands run as one. An analyst has the views that are the contract, named snapshots of them, no
table, and limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from ingest.errors import UsageError
from storage.engine import transaction
from storage.snapshot_postgres import reading_statements, snapshot_schemas
from storage.views import VIEWS

_NOT_ALLOWED = "42501"

_ROLE = text("""
    SELECT rolsuper, pg_has_role(oid, :owner, 'MEMBER') AS is_owner,
           pg_has_role(oid, 'pg_read_all_data', 'MEMBER') AS reads_all,
           pg_has_role(oid, 'pg_write_all_data', 'MEMBER') AS writes_all
    FROM pg_roles WHERE rolname = :name
""")

_DEFINERS = text("""
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND prosecdef
      AND has_function_privilege(:name, oid, 'EXECUTE')
    ORDER BY 1
""")

_TABLES_READ = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
      AND has_any_column_privilege(:name, oid, 'SELECT')
    ORDER BY relname
""")


_SETTINGS = (
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_read_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalystLimits:
    """What an analyst's queries may take."""

    statement_seconds: int = 60
    connections: int = 5


def grant_roles(
    engine: Engine,
    *,
    writer: str | None = None,
    analyst: str | None = None,
    verdicts: bool = False,
    limits: AnalystLimits = AnalystLimits(),
) -> list[str]:
    """Set the rights of a writer and an analyst, in one transaction; twice changes nothing.

    To be done by the owner of the tables. `verdicts` lets the analyst add to `analyst_verdict`.
    Returns the statements that only an administrator of the server may execute. Raises UsageError
    for SQLite, a role that is not there, or one that may more than is granted here.
    """
    if engine.dialect.name == "sqlite":
        raise _no_users()
    with transaction(engine) as connection:
        if writer is not None:
            _require_role(connection, writer, other=analyst)
            _execute(connection, _writer_statements(connection, writer))
        if analyst is None:
            return []
        _require_role(connection, analyst, other=writer, reads_only=True)
        _execute(connection, _analyst_statements(connection, analyst, verdicts=verdicts))
        _require_no_tables(connection, analyst)
        return _limit(
            connection, _limit_statements(connection, analyst, limits, read_only=not verdicts)
        )


def revoke_analyst(engine: Engine, name: str) -> list[str]:
    """Take from a role all that `grant_roles` gives an analyst; twice changes nothing.

    Returns the statements that only an administrator of the server may execute. Raises UsageError
    for SQLite, or a role that is not there or owns the tables.
    """
    if engine.dialect.name == "sqlite":
        raise _no_users()
    with transaction(engine) as connection:
        _require_role(connection, name, other=None)
        _execute(connection, _revoke_statements(connection, name))
        return _limit(connection, _unlimit_statements(connection, name))


def _no_users() -> UsageError:
    return UsageError(
        "SQLite has no users: give analysts a copy, by `storywatch db snapshot FILE`, and set the"
        " permissions of the database's file and folder"
    )


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _named(connection: Connection) -> tuple[str, str, str]:
    """The database, the schema and ourselves."""
    database, schema, user = connection.exec_driver_sql(
        "SELECT current_database(), current_schema(), current_user"
    ).one()
    return str(database), str(schema), str(user)


def _require_role(
    connection: Connection, name: str, *, other: str | None, reads_only: bool = False
) -> None:
    owner = _named(connection)[2]
    row = connection.execute(_ROLE, {"name": name, "owner": owner}).one_or_none()
    if row is None:
        raise UsageError(
            f"there is no role {name!r} on the server; an administrator makes it with"
            f" CREATE ROLE {_quoted(connection, name)} LOGIN PASSWORD '…'"
        )
    if row.rolsuper or row.is_owner:
        raise UsageError(
            f"the role {name!r} may do everything already, as superuser or owner of the tables:"
            " name another one"
        )
    if name == other:
        raise UsageError("writer and analyst must be two roles")
    if reads_only and (row.reads_all or row.writes_all):
        raise UsageError(
            f"the role {name!r} is a member of pg_read_all_data or pg_write_all_data, so that it"
            " has every table: REVOKE that first"
        )


def _writer_statements(connection: Connection, name: str) -> Iterable[str]:
    database, schema, _owner = (_quoted(connection, part) for part in _named(connection))
    role = _quoted(connection, name)
    rows, numbers = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"
    return (
        *_everybody(database, schema),
        f"GRANT CONNECT ON DATABASE {database} TO {role}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {role}",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"GRANT {numbers} ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        # the revision is for migrations to write
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {numbers} ON SEQUENCES TO {role}",
    )


def _analyst_statements(connection: Connection, name: str, *, verdicts: bool) -> Iterable[str]:
    database, schema, _owner = (_quoted(connection, part) for part in _named(connection))
    role = _quoted(connection, name)
    yield from _everybody(database, schema)
    yield f"GRANT CONNECT ON DATABASE {database} TO {role}"
    yield f"REVOKE CREATE ON SCHEMA {schema} FROM {role}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE ALL ON TABLES FROM {role}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE ALL ON SEQUENCES FROM {role}"
    yield f"GRANT SELECT ON {', '.join(VIEWS)} TO {role}"
    for snapshot in snapshot_schemas(connection):
        yield from reading_statements(snapshot, (role,))
    if verdicts:
        yield f"GRANT INSERT ON analyst_verdict TO {role}"
        yield f"GRANT USAGE ON SEQUENCE analyst_verdict_id_seq TO {role}"


def _revoke_statements(connection: Connection, name: str) -> Iterable[str]:
    database, schema, _owner = (_quoted(connection, part) for part in _named(connection))
    role = _quoted(connection, name)
    for place in (schema, *snapshot_schemas(connection)):
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {place} FROM {role}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {place} FROM {role}"
        yield f"REVOKE ALL ON SCHEMA {place} FROM {role}"
    yield f"REVOKE ALL ON DATABASE {database} FROM {role}"


def _unlimit_statements(connection: Connection, name: str) -> Iterable[str]:
    database, role = _quoted(connection, _named(connection)[0]), _quoted(connection, name)
    yield f"ALTER ROLE {role} CONNECTION LIMIT -1"
    for setting in _SETTINGS:
        yield f"ALTER ROLE {role} IN DATABASE {database} RESET {setting}"


def _everybody(database: str, schema: str) -> Sequence[str]:
    """What older servers let everybody do; of what is not ours, Postgres merely warns."""
    return (
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
    )


def _limit_statements(
    connection: Connection, name: str, limits: AnalystLimits, *, read_only: bool
) -> Iterable[str]:
    database, role = _quoted(connection, _named(connection)[0]), _quoted(connection, name)
    seconds = limits.statement_seconds
    settings = f"ALTER ROLE {role} IN DATABASE {database}"
    yield f"ALTER ROLE {role} CONNECTION LIMIT {limits.connections}"
    yield f"{settings} SET statement_timeout = '{seconds}s'"
    yield f"{settings} SET idle_in_transaction_session_timeout = '{seconds}s'"
    if read_only:
        yield f"{settings} SET default_transaction_read_only = on"
    else:
        yield f"{settings} RESET default_transaction_read_only"


def _execute(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _limit(connection: Connection, statements: Iterable[str]) -> list[str]:
    """Set the limits; return those that the owner may not set."""
    refused = []
    for statement in statements:
        try:
            with connection.begin_nested():
                _execute(connection, [statement])
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
                raise
            refused.append(statement)
    return refused


def _require_no_tables(connection: Connection, name: str) -> None:
    """Refuse a role that reads a table all the same, by another role or as everybody."""
    found = connection.execute(_TABLES_READ, {"name": name}).scalars().all()
    if found:
        raise UsageError(
            f"the role {name!r} may read tables by other rights, of PUBLIC or a role that it is a"
            f" member of: {', '.join(found)}"
        )
    functions = connection.execute(_DEFINERS, {"name": name}).scalars().all()
    if functions:
        raise UsageError(
            f"the role {name!r} may call functions that act with the rights of their owner:"
            f" {', '.join(functions)}; REVOKE EXECUTE on them FROM PUBLIC first"
        )
