"""Users who see the views alone: a role of Postgres with an analyst's rights, a copy of the views.

They know nothing of the schema behind; what they may rely on is the contract.
"""

from __future__ import annotations

from sqlalchemy import Engine, select

from ingest.errors import SchemaError, UsageError
from storage.engine import read_connection
from storage.view_runs import MAJOR, MINOR, contract_version

_SEES_NO_TABLES = {
    "sqlite": """
        SELECT SUM(name = 'contract_version') > SUM(name = 'alembic_version')
        FROM sqlite_master WHERE name IN ('contract_version', 'alembic_version')
    """,
    "postgresql": """
        SELECT NOT has_table_privilege(oid, 'SELECT') FROM pg_class
        WHERE oid = to_regclass('alembic_version')
    """,
}


def sees_views_only(engine: Engine) -> bool:
    """Whether the views are all that this user has of the database; raises StorageError."""
    with read_connection(engine) as connection:
        return bool(connection.exec_driver_sql(_SEES_NO_TABLES[engine.dialect.name]).scalar())


def require_contract(engine: Engine) -> None:
    """Raise SchemaError unless the views are those this program knows, or a later minor version.

    Raises StorageError when they cannot be read.
    """
    with read_connection(engine) as connection:
        found = connection.execute(select(contract_version.c.major, contract_version.c.minor)).one()
    if found.major != MAJOR or found.minor < MINOR:
        raise SchemaError(
            f"{_shown(engine)} has version {found.major}.{found.minor} of the views, this program"
            f" needs {MAJOR}.{MINOR}: install the release that the database was made by"
        )


def refuse_tables(engine: Engine) -> None:
    """Raise UsageError for a user who sees the views only: the command needs the tables."""
    if sees_views_only(engine):
        raise UsageError(
            f"{_shown(engine)} shows its views only, to this user: `storywatch sql`, `search`,"
            " `export VIEW` and `snapshot list` do with them, and all else needs the tables"
        )


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
