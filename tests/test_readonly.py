"""SQL that somebody typed reads, and does nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from ingest.errors import StorageError, UsageError
from storage.engine import read_connection, transaction
from storage.readonly import read_only_query
from storage.schema import outlet


@pytest.fixture
def papers(engine):
    """A database with three outlets."""
    with transaction(engine) as connection:
        connection.execute(
            outlet.insert(),
            [{"domain": f"{name}.example", "name": name} for name in ("a", "b", "c")],
        )
    return engine


def run(engine, sql, **options):
    columns, rows = read_only_query(engine, sql, **options)
    return columns, list(rows)


def count(engine):
    with read_connection(engine) as connection:
        return connection.execute(select(func.count()).select_from(outlet)).scalar_one()


def test_a_query_gives_its_columns_and_rows(papers):
    found = run(papers, "SELECT name, domain AS site FROM outlet ORDER BY name LIMIT 2")
    assert found == (["name", "site"], [("a", "a.example"), ("b", "b.example")])


def test_a_query_without_rows_still_names_its_columns(papers):
    assert run(papers, "SELECT name FROM outlet WHERE name = 'z'") == (["name"], [])


def test_a_percent_sign_and_a_colon_are_themselves(papers):
    assert run(papers, "SELECT name, ':x %s' AS odd FROM outlet WHERE name LIKE 'b%'") == (
        ["name", "odd"],
        [("b", ":x %s")],
    )


def test_views_common_table_expressions_and_semicolons_are_fine(papers):
    sql = "WITH n AS (SELECT COUNT(*) AS feeds FROM feed_health) SELECT feeds FROM n;"
    assert run(papers, sql) == (["feeds"], [(0,)])


def test_a_query_can_be_explained(papers):
    _, rows = run(papers, "EXPLAIN SELECT * FROM outlet")
    assert rows


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM outlet",
        "DELETE FROM outlet RETURNING name",
        "INSERT INTO outlet (domain, name) VALUES ('d.example', 'd')",
        "UPDATE outlet SET name = 'x'",
        "DROP TABLE outlet",
        "CREATE TABLE mine (n INTEGER)",
        "SELECT 1; DELETE FROM outlet",
        "COMMIT",
        "COMMIT; DELETE FROM outlet",
        "BEGIN",
        "VACUUM",
        "SELEC name FROM outlet",
        "SELECT nothing FROM outlet",
        "SELECT * FROM nowhere",
        "",
    ],
)
def test_what_writes_or_is_wrong_is_a_usage_error_and_changes_nothing(papers, sql):
    with pytest.raises(UsageError):
        run(papers, sql)
    assert count(papers) == 3


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{folder}/other.db' AS other",
        "PRAGMA query_only=OFF",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA writable_schema=ON",
        "SELECT load_extension('{folder}/x.so')",
        "VACUUM INTO '{folder}/copy.db'",
        "CREATE TEMP TABLE t (n INTEGER)",
    ],
)
def test_sqlite_cannot_be_made_to_touch_other_files_or_its_settings(
    sqlite_url, opened, tmp_path, sql
):
    engine = opened(sqlite_url)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"only reading|not take"):
        run(engine, sql.format(folder=tmp_path))
    after = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in after if name not in before and "storywatch.db-" not in name] == []


def test_sqlite_tells_the_columns_of_a_table(sqlite_url, opened):
    _, rows = run(opened(sqlite_url), "PRAGMA table_info(outlet)")
    assert [row[1] for row in rows][:3] == ["id", "domain", "name"]


@pytest.mark.parametrize(
    "sql",
    [
        "SET TRANSACTION READ WRITE",
        "WITH gone AS (DELETE FROM outlet RETURNING *) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "DO $$ BEGIN DELETE FROM outlet; END $$",
        "COPY outlet TO STDOUT",
    ],
)
def test_postgres_cannot_be_talked_out_of_reading_only(postgres_url, opened, sql):
    engine = opened(postgres_url)
    with transaction(engine) as connection:
        connection.execute(outlet.insert().values(domain="a.example", name="a"))
    with pytest.raises(UsageError):
        run(engine, sql)
    assert count(engine) == 1


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"


def test_a_query_that_runs_too_long_is_stopped(engine):
    with pytest.raises(UsageError, match=r"longer than 0\.2 s"):
        run(engine, ENDLESS, timeout_seconds=0.2)


def test_rows_come_as_they_are_read_and_may_be_left_unread(papers):
    _, rows = read_only_query(papers, ENDLESS.replace("COUNT(*)", "i"))
    assert [next(rows), next(rows)] == [(1,), (2,)]
    rows.close()
    assert count(papers) == 3
    with transaction(papers) as connection:
        connection.execute(outlet.insert().values(domain="d.example", name="d"))
    assert count(papers) == 4


def test_a_missing_sqlite_file_is_a_storage_error_and_is_not_made(opened, tmp_path):
    with pytest.raises(StorageError, match="unable to open"):
        run(opened(f"sqlite:///{tmp_path}/none.db"), "SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_a_storage_error(opened):
    with pytest.raises(StorageError, match="cannot be reached"):
        run(opened("postgresql://user@127.0.0.1:1/name"), "SELECT 1")
