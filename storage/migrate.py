"""Bringing a database to the schema this program needs.

Migrations live in `alembic/versions` beside this package, in an installed program in
`storage/migrations`. Analysts' views are dropped before a migration and made anew after it: a view
would hinder changes to its tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.schema import SchemaItem

from ingest.errors import SchemaError, StorageError
from storage.contract import check_contract
from storage.dialect import AdvisoryLock
from storage.engine import read_connection
from storage.failures import translated
from storage.schema import metadata
from storage.search_index import INDEX_TABLES, index_faults
from storage.views import create_views, drop_views, stale_views

_PATIENCE = "120s"
"""How long a migration waits for another one, or for readers, on Postgres."""


def migrations_folder() -> Path:
    """Where the migrations are: inside the package when installed, else beside it.

    In this order: beside an installed package there is the alembic library itself.
    """
    here = Path(__file__).parent
    packaged = here / "migrations"
    return packaged if packaged.is_dir() else here.parent / "alembic"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Alembic's configuration interpolates percent signs
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """The revision this program needs."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def current(engine: Engine) -> str | None:
    """The revision a database is at; None when it was never migrated."""
    with read_connection(engine) as connection:
        return _current(connection)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def at_head(connection: Connection) -> bool:
    """Whether the database is at the revision this program needs."""
    return _current(connection) == head()


def upgrade(engine: Engine) -> bool:
    """Bring a database to this program's schema, in one transaction; False if it was there.

    Two programs that do so at once take turns. Raises SchemaError when a newer program migrated
    the database, StorageError when the database refuses.
    """
    with _alone(engine) as connection:
        found = _current(connection)
        _require_known(found)
        if not at_head(connection):
            command.upgrade(_config(connection), "head")
            return True
        if stale_views(connection):
            create_views(connection, drop_views(connection))
            return True
        return False


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to an earlier revision, "base" for none; views are made only at the newest one.

    Raises SchemaError when the revision is not known, StorageError when the database refuses.
    """
    _require_known(None if revision == "base" else revision)
    with _alone(engine) as connection:
        _require_known(_current(connection))
        command.downgrade(_config(connection), revision)


def check(engine: Engine) -> list[str]:
    """Differences between a database and the schema this program needs, for people; empty is good.

    Raises StorageError when the database cannot be read.
    """
    with read_connection(engine) as connection:
        found = _current(connection)
        if found != head():
            return [f"the database is at revision {found or 'none'}, the program needs {head()}"]
        context = MigrationContext.configure(connection, opts={"include_object": in_schema})
        differences = [str(item) for item in compare_metadata(context, metadata)]
        stale = stale_views(connection)
        differences += index_faults(connection)
    return [
        *differences,
        *(f"the view {name} is missing or out of date" for name in stale),
        *check_contract(),
    ]


def in_schema(
    _item: SchemaItem,
    name: str | None,
    kind: str,
    _reflected: bool,  # noqa: FBT001 - Alembic's signature
    _compared: SchemaItem | None,
) -> bool:
    """Whether Alembic should compare a thing: all but the search index, which has its own check."""
    return not (kind == "table" and name in INDEX_TABLES)


def require_head(engine: Engine) -> None:
    """Raise SchemaError unless the database is at the schema this program needs."""
    found = current(engine)
    if found == head():
        return
    _require_known(found)
    shown = engine.url.render_as_string(hide_password=True)
    state = "has no tables yet" if found is None else f"is at schema {found}, not {head()}"
    raise SchemaError(f"{shown} {state}: run `storywatch db upgrade`")


def _require_known(revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaError(
            f"this program does not know the schema revision {revision!r}; if the database has it,"
            f" a newer storywatch made it: install that one (this one knows up to {head()})"
        )


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Give a transaction that no other migration runs beside."""
    with (
        translated(engine.url),
        engine.connect() as connection,
        _foreign_keys_off(connection),
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({AdvisoryLock.MIGRATION:d})")
        yield connection
        _require_whole(connection)


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Let SQLite rebuild tables that others refer to; it obeys only outside a transaction.

    https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes".
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _require_whole(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StorageError(f"the migration would leave a reference without its row: {broken}")
