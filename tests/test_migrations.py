"""Migrations make exactly the schema, in whole or not at all, on both databases."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from ingest.errors import SchemaError, StorageError
from storage.engine import read_connection, transaction
from storage.migrate import check, current, downgrade, head, require_head, upgrade
from storage.schema import metadata
from storage.search_index import INDEX_TABLES, create_index
from storage.views import VIEWS

POSTGRES_CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'public'
        AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "comments": """
        SELECT objoid::regclass::text, objsubid, description FROM pg_description
        JOIN pg_class ON pg_class.oid = objoid
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    """,
}


def rows(engine, query: str) -> list[tuple]:
    with read_connection(engine) as connection:
        return sorted(tuple(map(str, row)) for row in connection.exec_driver_sql(query))


def without_version(found: Iterable[tuple]) -> list[tuple]:
    return [row for row in found if not any("alembic_version" in part for part in row)]


def sqlite_schema(engine) -> dict[str, list[str]]:
    """Each table and index with its clauses, in no order; a table made anew has its name quoted."""
    found = rows(engine, "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
    return {
        name: sorted(line.strip(" \t,") for line in sql.replace('"', "").splitlines())
        for name, sql in without_version(found)
    }


def names(engine) -> set[str]:
    """Every table and view of a database."""
    with read_connection(engine) as connection:
        found = inspect(connection)
        return {*found.get_table_names(), *found.get_view_names()} - {"alembic_version"}


def break_view(engine, statement="DROP VIEW articles"):
    with transaction(engine) as connection:
        connection.exec_driver_sql(statement)


def test_migrations_leave_nothing_that_differs_from_the_models(engine):
    assert check(engine) == []
    assert names(engine) - INDEX_TABLES == {*metadata.tables, *VIEWS}


def test_migrations_make_on_sqlite_what_the_models_would(sqlite_url, tmp_path, opened):
    migrated = opened(sqlite_url)
    modelled = opened(f"sqlite:///{tmp_path / 'modelled.db'}")
    with transaction(modelled) as connection:
        metadata.create_all(connection)
        create_index(connection)
    assert sqlite_schema(migrated) == sqlite_schema(modelled)


@pytest.mark.parametrize("subject", POSTGRES_CATALOGUE)
def test_migrations_make_on_postgres_what_the_models_would(
    postgres_url, empty_postgres_url, opened, subject
):
    migrated, modelled = opened(postgres_url), opened(empty_postgres_url)
    with transaction(modelled) as connection:
        metadata.create_all(connection)
        create_index(connection)
    query = POSTGRES_CATALOGUE[subject]
    found = without_version(rows(migrated, query))
    assert found == rows(modelled, query)
    assert len(found) >= len(metadata.tables)


def test_an_empty_database_has_no_revision(empty_engine):
    assert current(empty_engine) is None


def test_upgrading_tells_whether_there_was_anything_to_do(empty_engine):
    assert upgrade(empty_engine) is True
    assert upgrade(empty_engine) is False
    assert current(empty_engine) == head()


def test_going_down_to_nothing_and_up_again_gives_the_same_schema(engine):
    downgrade(engine, "base")
    assert names(engine) == set()
    assert current(engine) is None
    upgrade(engine)
    assert check(engine) == []


def test_two_programs_that_upgrade_at_once_take_turns(empty_engine, opened):
    engines = [opened(empty_engine.url.render_as_string(hide_password=False)) for _ in "ab"]
    start, outcomes = threading.Barrier(2), []

    def run(engine):
        start.wait()
        outcomes.append(upgrade(engine))

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]
    assert check(empty_engine) == []


def test_a_migration_that_fails_leaves_nothing_behind(empty_engine):
    with transaction(empty_engine) as connection:
        connection.exec_driver_sql("CREATE TABLE edge (id INTEGER)")
    with pytest.raises(StorageError, match="edge"):
        upgrade(empty_engine)
    assert names(empty_engine) == {"edge"}
    assert current(empty_engine) is None


def test_an_installed_program_finds_the_migrations_it_was_shipped_with(tmp_path):
    root, site = Path(__file__).parents[1], tmp_path / "site"
    for package in ("storage", "ingest"):
        shutil.copytree(root / package, site / package)
    shutil.copytree(root / "alembic", site / "storage" / "migrations")
    program = f"""
from storage.engine import open_engine
from storage.migrate import check, migrations_folder, upgrade
engine = open_engine("sqlite:///{tmp_path}/story.db")
upgrade(engine)
print(migrations_folder(), check(engine))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == f"{site}/storage/migrations []"


def test_foreign_keys_hold_again_after_a_migration(empty_sqlite_url, opened):
    engine = opened(empty_sqlite_url)
    upgrade(engine)
    with read_connection(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_migration_that_breaks_a_reference_is_undone(empty_sqlite_url, opened):
    engine = opened(empty_sqlite_url)
    with transaction(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE old (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE older (old_id INTEGER REFERENCES old (id))")
        connection.exec_driver_sql("INSERT INTO old VALUES (1)")
        connection.exec_driver_sql("INSERT INTO older VALUES (1)")
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        connection.connection.driver_connection.execute("DELETE FROM old")
    with pytest.raises(StorageError, match="reference"):
        upgrade(engine)
    assert names(engine) == {"old", "older"}


# ---------------------------------------------------------------- what a program checks


def test_a_database_at_the_newest_schema_is_accepted(engine):
    require_head(engine)


def test_a_database_without_tables_is_refused_with_what_to_do(empty_engine):
    with pytest.raises(SchemaError, match="no tables yet: run `storywatch db upgrade`"):
        require_head(empty_engine)


@pytest.mark.parametrize("act", [require_head, upgrade])
def test_a_database_of_a_newer_program_is_left_alone(engine, act):
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '29990101'"))
    with pytest.raises(SchemaError, match=r"29990101.*newer"):
        act(engine)
    assert current(engine) == "29990101"


def test_a_revision_nobody_knows_cannot_be_gone_back_to(engine):
    with pytest.raises(SchemaError, match="nowhere"):
        downgrade(engine, "nowhere")
    assert check(engine) == []


def test_a_column_added_by_hand_is_noticed(engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE outlet ADD COLUMN owner TEXT")
    [difference] = check(engine)
    assert "owner" in difference


def test_an_index_dropped_by_hand_is_noticed(engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_feed_due")
    [difference] = check(engine)
    assert "ix_feed_due" in difference


def test_an_empty_database_differs_by_its_revision(empty_engine):
    assert check(empty_engine) == [f"the database is at revision none, the program needs {head()}"]


# ---------------------------------------------------------------- views


def test_a_view_dropped_by_hand_is_noticed_and_made_again(engine):
    break_view(engine)
    assert check(engine) == ["the view articles is missing or out of date"]
    assert upgrade(engine) is True
    assert check(engine) == []


def test_a_view_of_another_definition_is_noticed_and_made_again(engine):
    break_view(engine, "DROP VIEW discards")
    break_view(engine, "CREATE VIEW discards AS SELECT 1 AS url")
    assert check(engine) == ["the view discards is missing or out of date"]
    assert upgrade(engine) is True
    assert check(engine) == []


def test_who_may_read_a_view_may_read_it_after_it_was_made_again(postgres_url, opened):
    engine = opened(postgres_url)
    with transaction(engine) as connection:
        connection.exec_driver_sql("GRANT SELECT ON articles TO PUBLIC, pg_monitor")
    break_view(engine, "DROP VIEW discards")
    upgrade(engine)
    granted = rows(
        engine,
        "SELECT grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_name = 'articles' AND grantee <> current_user",
    )
    assert granted == [("PUBLIC", "SELECT"), ("pg_monitor", "SELECT")]


def test_a_view_of_an_analyst_is_not_dropped_along(postgres_url, opened):
    engine = opened(postgres_url)
    with transaction(engine) as connection:
        connection.exec_driver_sql("CREATE VIEW mine AS SELECT url FROM articles")
    break_view(engine, "DROP VIEW discards")
    with pytest.raises(StorageError, match="mine depends on view articles"):
        upgrade(engine)
    assert "mine" in names(engine)


@pytest.mark.parametrize("name", VIEWS)
def test_every_column_of_a_view_is_explained(name):
    view = VIEWS[name]
    assert view.comment
    assert [column.name for column in view.columns if not column.comment] == []
