"""Rights of real users on Postgres: the owner migrates, a writer writes, an analyst reads."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import make_url

from ingest.cli.app import app
from ingest.errors import StorageError, UsageError
from storage.engine import open_engine, transaction
from storage.migrate import upgrade
from storage.provenance import Provenance
from storage.roles import AnalystLimits, grant_roles
from storage.schema import metadata
from storage.snapshotplan import KEPT
from storage.snapshots import create_snapshot
from storage.views import VIEWS
from tests.commands import call
from tests.filled import NOON
from tests.postgres import create_database, drop_database
from tests.running import ACCEPT_ALL, TALKS, run_once, write_config

VERDICT = (
    "INSERT INTO analyst_verdict (child_version_id, parent_version_id, relation)"
    " VALUES (1, 2, 'excerpt')"
)


@dataclass(frozen=True)
class Users:
    """A database with its owner, and roles that have no rights yet."""

    admin: str
    owner: str
    names: dict[str, str]

    def url(self, kind: str) -> str:
        made = make_url(self.owner).set(username=self.names[kind])
        return made.render_as_string(hide_password=False)


def execute(url, *statements):
    engine = open_engine(url)
    try:
        with transaction(engine) as connection:
            for statement in statements:
                found = connection.exec_driver_sql(statement)
            return found.all() if found.returns_rows else None
    finally:
        engine.dispose()


@pytest.fixture
def users(postgres_server) -> Iterator[Users]:
    tag = uuid.uuid4().hex[:10]
    names = {kind: f"{kind}-{tag}" for kind in ("owner", "writer", "analyst")}
    admin = postgres_server.render_as_string(hide_password=False)
    database = create_database(postgres_server, f"roles_{tag}")
    there = database.render_as_string(hide_password=False)
    owner = database.set(username=names["owner"]).render_as_string(hide_password=False)
    execute(
        there,
        f'CREATE ROLE "{names["owner"]}" LOGIN CREATEROLE',
        f'ALTER DATABASE "{database.database}" OWNER TO "{names["owner"]}"',
        f'GRANT CREATE ON SCHEMA public TO "{names["owner"]}"',
    )
    execute(owner, *(f'CREATE ROLE "{names[kind]}" LOGIN' for kind in ("writer", "analyst")))
    engine = open_engine(owner)
    upgrade(engine)
    engine.dispose()
    yield Users(admin=there, owner=owner, names=names)
    drop_database(postgres_server, str(database.database))
    execute(admin, *(f'DROP ROLE "{name}"' for name in reversed(names.values())))


def grant(users, **changes):
    engine = open_engine(users.owner)
    try:
        return grant_roles(
            engine, **{kind: users.names[kind] for kind in ("writer", "analyst")} | changes
        )
    finally:
        engine.dispose()


def refused(users, kind, statement):
    with pytest.raises(StorageError, match=r"may not do this|opened for reading") as error:
        execute(users.url(kind), statement)
    return str(error.value)


def test_a_writer_runs_the_program_and_changes_no_schema(users, site, tmp_path):
    assert grant(users) == []
    assert grant(users) == []  # twice changes nothing
    links = [(site.page("/1", title="Nordland", text=TALKS), "Nordland")]
    feed = site.feed("/rss", links)
    config = write_config(
        tmp_path, feeds=[feed], database_url=users.url("writer"), story=ACCEPT_ALL
    )
    summary = run_once(config)
    assert summary.candidates == {"new-version": 1}
    for statement in (
        "ALTER TABLE article ADD COLUMN mine INTEGER",
        "DROP TABLE edge",
        "DROP VIEW articles",
        "CREATE TABLE mine (n INTEGER)",
        "CREATE TEMPORARY TABLE mine (n INTEGER)",
        "TRUNCATE discard",
        "UPDATE alembic_version SET version_num = 'mine'",
        "SELECT rolpassword FROM pg_authid",
    ):
        assert "may not do this" in refused(users, "writer", statement)


def test_a_writer_has_what_a_later_migration_makes(users):
    grant(users)
    execute(users.owner, "CREATE TABLE later (id BIGSERIAL PRIMARY KEY, n INTEGER)")
    execute(users.url("writer"), "INSERT INTO later (n) VALUES (1)", "UPDATE later SET n = 2")
    assert execute(users.url("writer"), "SELECT n FROM later") == [(2,)]
    refused(users, "analyst", "SELECT n FROM later")


def test_an_analyst_reads_every_view_and_nothing_else(users):
    grant(users)
    url = users.url("analyst")
    for view in VIEWS:
        rows = [(1,)] if view == "contract_version" else [(0,)]
        assert execute(url, f"SELECT count(*) FROM {view}") == rows
    assert execute(url, "SELECT title FROM search_index WHERE words @@ 'kim'") == []
    assert "may not do this" in refused(users, "analyst", "SELECT count(*) FROM version_search")
    for table in [*metadata.tables, "alembic_version", "pg_authid"]:
        assert "may not do this" in refused(users, "analyst", f"SELECT count(*) FROM {table}")
    for statement in (
        "INSERT INTO outlet (domain, name) VALUES ('a.example', 'A')",
        "CREATE TABLE mine (n INTEGER)",
        "CREATE TEMPORARY TABLE mine (n INTEGER)",
        VERDICT,
    ):
        refused(users, "analyst", statement)
        refused_even_so = "SET TRANSACTION READ WRITE", statement
        with pytest.raises(StorageError, match="may not do this"):
            execute(url, *refused_even_so)


def test_the_rights_on_views_outlast_an_upgrade_that_makes_them_anew(users):
    grant(users)
    execute(users.owner, "DROP VIEW discards")
    engine = open_engine(users.owner)
    upgrade(engine)
    engine.dispose()
    for view in VIEWS:  # the one that was not there as well, as after a release that adds one
        rows = [(1,)] if view == "contract_version" else [(0,)]
        assert execute(users.url("analyst"), f"SELECT count(*) FROM {view}") == rows


def test_who_was_granted_some_views_gets_no_others_by_an_upgrade(users):
    grant(users, analyst=None)
    some, role = "articles", users.names["analyst"]
    execute(users.owner, f'GRANT SELECT ON {some} TO "{role}"', "DROP VIEW discards")
    engine = open_engine(users.owner)
    upgrade(engine)
    engine.dispose()
    assert rows_of(users, some) == [(True,)]
    assert rows_of(users, "discards") == [(False,)]


def test_an_analyst_may_be_let_add_verdicts_and_no_longer(users):
    grant(users, verdicts=True)
    with pytest.raises(StorageError, match="contradicts what is stored"):  # no such versions
        execute(users.url("analyst"), VERDICT)
    refused(users, "analyst", "SELECT count(*) FROM analyst_verdict")
    refused(users, "analyst", "DELETE FROM analyst_verdict")
    grant(users)
    refused(users, "analyst", VERDICT)


def plain(url):
    """An engine without this program's own settings, as psql would connect."""
    from sqlalchemy import create_engine  # noqa: PLC0415

    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )


def test_an_analysts_limits_take_effect(users):
    grant(users, limits=AnalystLimits(statement_seconds=1, connections=2))
    engine = plain(users.url("analyst"))
    with engine.connect() as first, engine.connect() as second:
        shown = [
            first.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in (
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "default_transaction_read_only",
            )
        ]
        assert shown == ["1s", "1s", "on"]
        with pytest.raises(Exception, match="statement timeout"):
            second.exec_driver_sql("SELECT pg_sleep(30)")
        with pytest.raises(Exception, match="too many connections"), engine.connect():
            pass
    engine.dispose()


def test_limits_that_the_owner_may_not_set_are_told_and_the_rights_are_set(users):
    execute(users.admin, f'ALTER ROLE "{users.names["owner"]}" NOCREATEROLE')
    told = grant(users)
    assert len(told) == 4
    assert told[0] == f'ALTER ROLE "{users.names["analyst"]}" CONNECTION LIMIT 5'
    assert execute(users.url("analyst"), "SELECT count(*) FROM articles") == [(0,)]
    execute(users.admin, *told)  # as an administrator would
    engine = plain(users.url("analyst"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "1min"
    engine.dispose()


def test_roles_that_are_not_there_or_may_too_much_are_refused(users):
    analyst, owner = users.names["analyst"], users.names["owner"]
    with pytest.raises(UsageError, match=r'no role .nobody. .*CREATE ROLE "nobody" LOGIN'):
        grant(users, analyst="nobody")
    with pytest.raises(UsageError, match="superuser or owner"):
        grant(users, writer="postgres")
    with pytest.raises(UsageError, match="superuser or owner"):
        grant(users, analyst=owner)
    with pytest.raises(UsageError, match="two roles"):
        grant(users, writer=analyst)
    execute(users.admin, f'GRANT pg_read_all_data TO "{analyst}"')
    with pytest.raises(UsageError, match="pg_read_all_data"):
        grant(users)
    execute(users.admin, f'REVOKE pg_read_all_data FROM "{analyst}"')
    execute(users.owner, "GRANT SELECT (url) ON feed TO PUBLIC")
    with pytest.raises(UsageError, match=r"may read tables by other rights.*: feed"):
        grant(users)
    assert rows_of(users, "articles") == [(False,)]  # nothing of it was kept


def rows_of(users, view):
    name = users.names["analyst"]
    return execute(users.owner, f"SELECT has_table_privilege('{name}', '{view}', 'SELECT')")


def run(url, *arguments):
    return app(["--database-url", url, "db", "grant", *arguments], standalone_mode=False)


def test_the_command_sets_the_rights(users, capsys):
    names = users.names
    run(users.owner, "--writer", names["writer"], "--analyst", names["analyst"])
    told = capsys.readouterr().out
    assert told == f"{names['writer']} reads and writes rows\n{names['analyst']} reads the views\n"
    assert rows_of(users, "articles") == [(True,)]


def snapshot(users, name):
    engine = open_engine(users.owner)
    try:
        made_by = Provenance(program_version="0", contract_version="1", schema_revision="r")
        create_snapshot(engine, name, note="", made_by=made_by, now=lambda: NOON)
    finally:
        engine.dispose()


def test_an_analyst_reads_snapshots_of_before_and_after_and_changes_none(users):
    snapshot(users, "before")
    grant(users)
    snapshot(users, "after")
    url = users.url("analyst")
    for name in ("before", "after"):
        for view in KEPT:
            place = f"snapshot_{name}.{view}"
            assert execute(url, f"SELECT count(*) FROM {place}")[0][0] >= 0
            with pytest.raises(StorageError, match="may not do this"):
                execute(url, "SET TRANSACTION READ WRITE", f"DELETE FROM {place}")
        execute(url, f"SET search_path TO snapshot_{name}", "SELECT * FROM articles")
        with pytest.raises(StorageError, match="may not do this"):
            execute(url, "SET TRANSACTION READ WRITE", f"DROP SCHEMA snapshot_{name} CASCADE")


def test_an_analyst_uses_the_commands_that_read_views(users, site, tmp_path):
    links = [(site.page("/1", title="Nordland verhandelt", text=TALKS), "Nordland")]
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", links)], database_url=users.owner, story=ACCEPT_ALL
    )
    run_once(config)
    grant(users)
    assert call("snapshot", "create", "may", config=config).returncode == 0
    url = users.url("analyst")

    def ask(*arguments):
        return call("--database-url", url, *arguments)

    assert ask("sql", "SELECT title FROM articles", "--format", "csv").stdout == (
        "title\nNordland verhandelt\n"
    )
    counted = "SELECT COUNT(*) AS n FROM articles"
    assert ask("sql", counted, "--snapshot", "may", "--format", "csv").stdout == "n\n1\n"
    found = ask("search", "nordland", "--story", "everything", "--format", "json")
    assert json.loads(found.stdout)["title"] == "Nordland verhandelt"
    file = tmp_path / "articles.jsonl"
    assert ask("export", "articles", "-o", str(file)).returncode == 0
    [kept] = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert kept["title"] == "Nordland verhandelt"
    assert ask("snapshot", "list").stdout.startswith("may  ")
    assert ask("snapshot", "verify", "may").returncode == 0
    for command in (("status",), ("history", "1"), ("export", "evidence", "1", "-o", "e.zip")):
        done = ask(*command)
        assert done.returncode == 2
        assert "shows its views only" in done.stderr


def test_a_writer_is_told_that_the_owner_makes_snapshots(users):
    grant(users)
    engine = open_engine(users.url("writer"))
    with pytest.raises(UsageError, match="make snapshots as the owner"):
        create_snapshot(
            engine, "before", note="", now=lambda: NOON,
            made_by=Provenance(program_version="0", contract_version="1", schema_revision="r"),
        )  # fmt: skip
    engine.dispose()


def test_an_analyst_calls_no_function_that_writes(users):
    grant(users)
    url = users.url("analyst")
    for made in ("lo_create(0)", "lo_from_bytea(0, 'x')", "nextval('article_id_seq')"):
        refused(users, "analyst", f"SELECT {made}")
    # Postgres lets everybody make large objects; only an administrator closes that.
    with pytest.raises(StorageError, match="may not do this"):
        execute(url, "SET TRANSACTION READ WRITE", "SELECT nextval('article_id_seq')")
    for function in ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)"):
        execute(users.admin, f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    with pytest.raises(StorageError, match="may not do this"):
        execute(url, "SET TRANSACTION READ WRITE", "SELECT lo_from_bytea(0, 'x')")


def test_functions_that_act_for_their_owner_are_refused(users):
    execute(
        users.owner,
        "CREATE FUNCTION sweep() RETURNS void LANGUAGE sql SECURITY DEFINER"
        " AS 'DELETE FROM discard'",
    )
    with pytest.raises(UsageError, match=r"rights of their owner: sweep\(\)"):
        grant(users)
    execute(users.owner, "REVOKE EXECUTE ON FUNCTION sweep() FROM PUBLIC")
    grant(users)


def test_a_role_that_was_an_analyst_reads_nothing_any_more(users):
    snapshot(users, "before")
    grant(users, verdicts=True)
    run_db(users.owner, "revoke-analyst", users.names["analyst"])
    run_db(users.owner, "revoke-analyst", users.names["analyst"])
    snapshot(users, "after")
    places = [*VIEWS, *metadata.tables, "snapshot_before.articles", "snapshot_after.articles"]
    for place in places:
        assert "may not do this" in refused(users, "analyst", f"SELECT count(*) FROM {place}")
    refused(users, "analyst", VERDICT)
    engine = plain(users.url("analyst"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
        assert (
            connection.exec_driver_sql("SHOW default_transaction_read_only").scalar_one() == "off"
        )
    engine.dispose()


def run_db(url, *arguments):
    return app(["--database-url", url, "db", *arguments], standalone_mode=False)


def test_the_command_for_an_analyst_sets_rights_and_limits(users, capsys):
    analyst = users.names["analyst"]
    run_db(users.owner, "grant-analyst", analyst, "--statement-seconds", "1", "--connections", "1")
    assert capsys.readouterr().out == f"{analyst} reads the views\n"
    engine = plain(users.url("analyst"))
    with engine.connect() as connection, pytest.raises(Exception, match="statement timeout"):
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    engine.dispose()


@pytest.mark.parametrize("command", ["grant-analyst", "revoke-analyst"])
def test_on_sqlite_the_commands_say_what_to_do_instead(sqlite_url, command):
    with pytest.raises(UsageError, match=r"SQLite has no users.*storywatch db snapshot FILE"):
        run_db(sqlite_url, command, "ada")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "--writer or --analyst"), (("--analyst", "ada"), "SQLite has no users")],
)
def test_the_command_says_what_to_do_instead(sqlite_url, arguments, words):
    with pytest.raises(UsageError, match=words):
        run(sqlite_url, *arguments)
