"""A named snapshot gives the same numbers whatever the database does later, and is whole or not."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlalchemy import select, text

from ingest.errors import OperationError, StorageError, UsageError
from storage.engine import open_engine, read_connection, transaction
from storage.hashing import hash_lines
from storage.provenance import Provenance
from storage.readonly import read_only_query
from storage.schema import article, outlet, snapshot
from storage.snapshot_sqlite import hold_folder
from storage.snapshotplace import snapshot_file, snapshot_folder, snapshot_schema
from storage.snapshotplan import KEPT
from storage.snapshots import (
    create_snapshot,
    drop_snapshot,
    find_snapshot,
    has_place,
    list_snapshots,
    verify_snapshot,
)
from tests.commands import ROOT, call
from tests.filled import NOON, empty, fill, fill_many
from tests.test_backfill_run import wait_until

MADE_BY = Provenance(program_version="0.1.0", contract_version="1.0", schema_revision="r1")


def create(engine, name="before", note="why"):
    return create_snapshot(engine, name, note=note, made_by=MADE_BY, now=lambda: NOON)


def read(engine, sql, name=None):
    columns, found = read_only_query(engine, sql, snapshot=name)
    return columns, list(found)


def everything(engine, name=None):
    """All rows of all views but the one that tells of snapshots, in an order of their own."""
    return {
        view: sorted(read(engine, f"SELECT * FROM {view}", name)[1], key=repr)
        for view in KEPT
        if view != "snapshots"
    }


@pytest.fixture
def filled(engine):
    fill(engine)
    return engine


def run(url, *arguments, **environment):
    return call("--database-url", url, "snapshot", *arguments, **environment)


# ---------------------------------------------------------------- what it shows


def test_it_shows_what_the_views_showed_whatever_becomes_of_the_tables(filled):
    before = everything(filled)
    create(filled)
    assert everything(filled, "before") == before
    empty(filled)
    assert everything(filled, "before") == before
    assert everything(filled)["articles"] == []


def test_later_migrations_do_not_touch_it(filled):
    before = everything(filled)
    create(filled)
    with transaction(filled) as connection:
        for view in reversed(KEPT):
            connection.execute(text(f"DROP VIEW {view}"))
        connection.execute(text("ALTER TABLE article ADD COLUMN later INTEGER"))
        connection.execute(text("ALTER TABLE version RENAME TO text_version"))
    assert {view: sorted(read(filled, f"SELECT * FROM {view}", "before")[1], key=repr)
            for view in before} == before  # fmt: skip


def test_its_columns_have_the_types_of_the_views(filled):
    create(filled)
    for view, table in KEPT.items():
        names = [column.name for column in table.columns]
        if filled.dialect.name == "sqlite":
            shown = ", ".join(f"typeof({name})" for name in names)
        else:
            shown = ", ".join(f"pg_typeof({name})::text" for name in names)
        sql = f"SELECT {shown} FROM {view}"
        live = sorted(map(repr, read(filled, sql)[1]))
        if view != "snapshots":
            assert sorted(map(repr, read(filled, sql, "before")[1])) == live
        assert read(filled, f"SELECT * FROM {view}", "before")[0] == names


def test_joins_on_ids_use_an_index(filled):
    create(filled)
    if filled.dialect.name == "sqlite":
        sql = "EXPLAIN QUERY PLAN SELECT * FROM article_versions WHERE article_id = 1"
        assert "ix_article_versions_article_id" in str(read(filled, sql, "before"))
    else:
        sql = "SELECT indexname FROM pg_indexes WHERE schemaname = 'snapshot_before'"
        assert ("ix_article_versions_article_id",) in read(filled, sql)[1]


def test_it_tells_what_it_is(filled):
    made = create(filled, note="as in the report")
    assert (made.name, made.created_at, made.note, made.provenance) == (
        "before", NOON, "as in the report", MADE_BY,
    )  # fmt: skip
    assert set(made.contents) == set(KEPT)
    assert made.contents["article_versions"].rows == 3
    assert list_snapshots(filled) == [made]
    columns, [row] = read(filled, "SELECT * FROM snapshot_info", "before")
    inside = dict(zip(columns, row, strict=True))
    contents = inside["contents"]
    assert inside["schema_revision"] == "r1"
    assert (json.loads(contents) if isinstance(contents, str) else contents)["looks"]["rows"] == 1


def test_both_databases_give_one_hash_for_one_content(sqlite_url, postgres_url, opened):
    engines = [opened(sqlite_url), opened(postgres_url)]
    for each in engines:
        fill(each)
    one, other = (create(each).contents for each in engines)
    assert one == other


def test_a_second_snapshot_of_the_same_has_the_same_hashes_and_tells_what_moved(filled):
    first = create(filled)
    with transaction(filled) as connection:
        connection.execute(outlet.update().values(name="Another name").where(outlet.c.id == 1))
    second = create(filled, "after")
    moved = {view for view in KEPT if first.contents[view] != second.contents[view]}
    assert "articles" in moved
    assert "discards" in moved
    assert "clusters" not in moved


def test_rows_written_while_it_is_made_are_not_in_it(filled, url):
    """Each view is read after the one before, and a writer comes in between."""
    second = open_engine(url)
    before = everything(filled)

    def write_meanwhile():
        with transaction(second) as connection:
            connection.execute(article.update().values(state="blocked"))
            connection.execute(text("DELETE FROM discard"))
        return NOON

    create_snapshot(filled, "before", note="", made_by=MADE_BY, now=write_meanwhile)
    second.dispose()
    assert everything(filled, "before") == before
    assert everything(filled) != before


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["", "Großes", "a-b", "a.b", "../up", "a b", "x" * 41, "_a", 'a"'])
def test_a_name_that_would_need_quotes_is_refused(engine, name):
    with pytest.raises(UsageError, match="no name for a snapshot"):
        create(engine, name)
    assert list_snapshots(engine) == []


def test_a_name_that_is_taken_is_refused_and_the_first_stays(filled):
    first = create(filled)
    with pytest.raises(UsageError, match=r"already.*drop before"):
        create(filled)
    assert list_snapshots(filled) == [first]


def test_a_snapshot_that_is_not_there_is_named_with_those_that_are(filled):
    create(filled)
    with pytest.raises(UsageError, match=r"no snapshot 'after'; there are: before"):
        find_snapshot(filled, "after")
    with pytest.raises(UsageError, match="no snapshot 'after'"):
        drop_snapshot(filled, "after")


def test_a_dropped_snapshot_is_gone_and_its_name_free(filled):
    create(filled)
    drop_snapshot(filled, "before")
    assert list_snapshots(filled) == []
    assert not has_place(filled, "before")
    create(filled)


def lose(engine):
    if engine.dialect.name == "sqlite":
        snapshot_file(engine, "before").unlink()
    else:
        with transaction(engine) as connection:
            connection.execute(text("DROP SCHEMA snapshot_before CASCADE"))


def test_one_whose_tables_are_lost_says_so_and_can_be_dropped(filled):
    create(filled)
    lose(filled)
    with pytest.raises(UsageError, match="has lost"):
        find_snapshot(filled, "before")
    with pytest.raises(UsageError, match="already"):
        create(filled)
    drop_snapshot(filled, "before")
    create(filled)


# ---------------------------------------------------------------- hashes


def test_the_hash_is_that_of_its_lines_in_the_order_of_their_bytes():
    lines = [b'{"a":2}\n', b'{"a":10}\n', b'{"a":1}\n'] * 3
    found = hash_lines(lines, portion_bytes=10)
    assert (found.rows, found.sha256) == (9, hashlib.sha256(b"".join(sorted(lines))).hexdigest())
    assert found == hash_lines(reversed(lines))


def test_a_change_by_another_hand_is_found(filled):
    kept = create(filled).contents
    assert dict(verify_snapshot(filled, "before")) == kept
    statements = ["UPDATE {}articles SET words = 8 WHERE article_id = 1", "DROP TABLE {}looks"]
    if filled.dialect.name == "sqlite":
        with closing(sqlite3.connect(snapshot_file(filled, "before"))) as connection, connection:
            for statement in statements:
                connection.execute(statement.format(""))
    else:
        with transaction(filled) as connection:
            for statement in statements:
                connection.execute(text(statement.format("snapshot_before.")))
    found = dict(verify_snapshot(filled, "before"))
    assert {view for view in kept if found[view] != kept[view]} == {"articles", "looks"}
    assert found["looks"] is None


# ---------------------------------------------------------------- killed, full, at once


def start(url):
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "--database-url", url, "snapshot", "create", "before"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_killed_half_way_on_sqlite_it_leaves_no_snapshot_and_the_next_one_works(sqlite_url, opened):
    engine = opened(sqlite_url)
    fill_many(engine, 20_000)
    folder = snapshot_folder(engine)
    process = start(sqlite_url)
    wait_until(
        lambda: any(path.stat().st_size for path in folder.glob(".before.db.*.partial")), process
    )
    kill(process)
    assert [path.name for path in folder.glob("*.db")] == []
    assert len(list(folder.glob(".before.db.*.partial"))) == 1
    assert list_snapshots(engine) == []
    assert create(engine).contents["article_versions"].rows == 20_000
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "before.db"]


def test_killed_half_way_on_postgres_it_leaves_no_snapshot_and_the_next_one_works(
    postgres_url, opened
):
    engine = opened(postgres_url)
    fill(engine)
    waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'discard'::regclass"
    with transaction(engine) as connection:
        connection.execute(text("LOCK TABLE discard IN ACCESS EXCLUSIVE MODE"))
        process = start(postgres_url)
        wait_until(
            lambda: connection.scalar(text(waiting)) == 1, process
        )  # some views are done, some not
        kill(process)
    assert not has_place(engine, "before")
    assert list_snapshots(engine) == []
    assert create(engine).contents["discards"].rows == 3


def test_a_file_that_no_register_knows_is_no_snapshot(sqlite_url, opened):
    """As when `create` is killed between its file and its row."""
    engine = opened(sqlite_url)
    fill(engine)
    create(engine)
    with transaction(engine) as connection:
        connection.execute(snapshot.delete())
    assert list_snapshots(engine) == []
    with pytest.raises(UsageError, match="no snapshot"):
        find_snapshot(engine, "before")
    assert create(engine).contents["looks"].rows == 1


def test_a_schema_of_another_hand_is_left_alone(postgres_url, opened):
    engine = opened(postgres_url)
    with transaction(engine) as connection:
        connection.execute(text("CREATE SCHEMA snapshot_before"))
    with pytest.raises(UsageError, match="schema snapshot_before that is no snapshot"):
        create(engine)
    assert has_place(engine, "before")


def test_two_at_once_take_no_turns_on_one_folder(sqlite_url, opened):
    engine = opened(sqlite_url)
    with hold_folder(engine), pytest.raises(StorageError, match="another snapshot is being made"):
        create(engine)


def limited(url, mebibytes):
    """The command where no file may grow beyond a size, as on a disk that is full."""
    script = (
        "import resource, sys; from ingest.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({mebibytes} << 20,) * 2);"
        f"sys.argv[1:] = ['--database-url', {url!r}, 'snapshot', 'create', 'before']; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_without_room_it_says_so_and_leaves_nothing(sqlite_url, opened):
    engine = opened(sqlite_url)
    fill_many(engine, 5_000)
    done = limited(sqlite_url, 4)
    assert done.returncode == 1
    assert "before.db" in done.stderr
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in snapshot_folder(engine).iterdir()] == [".lock"]
    assert list_snapshots(engine) == []
    create(engine)


def test_a_database_that_is_full_is_told_as_such(sqlite_url, opened, tmp_path):
    engine = opened(sqlite_url)
    engine.dispose()
    (tmp_path / "storywatch.db.snapshots").write_text("in the way")
    with pytest.raises(OperationError, match=r"storywatch\.db\.snapshots: cannot be written"):
        create(engine)


# ---------------------------------------------------------------- the commands


def test_the_commands_make_list_ask_verify_and_drop(filled, url):
    made = run(url, "create", "before", "--note", "a report")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith(f"before: {len(KEPT)} views, ")
    again = run(url, "create", "before")
    assert again.returncode == 2
    assert "already" in again.stderr
    assert "a report" in run(url, "list").stdout
    [line] = run(url, "list", "--json").stdout.splitlines()
    listed = json.loads(line)
    assert listed["contents"]["discards"]["rows"] == 3
    assert listed["provenance"]["program_version"] == "0.1.0"
    empty(filled)
    sql = "SELECT COUNT(*) AS n FROM discards"
    for options, count in (((), 0), (("--snapshot", "before"), 3)):
        done = call("--database-url", url, "sql", sql, "--format", "json", *options)
        assert json.loads(done.stdout) == {"n": count}
    unknown = call("--database-url", url, "sql", sql, "--snapshot", "after")
    assert unknown.returncode == 2
    verified = run(url, "verify", "before")
    assert verified.returncode == 0
    assert f"{listed['contents']['looks']['sha256']}  looks  1 rows" in verified.stdout
    if filled.dialect.name == "sqlite":
        with closing(sqlite3.connect(snapshot_file(filled, "before"))) as connection, connection:
            connection.execute("DELETE FROM looks")
    else:
        with transaction(filled) as connection:
            connection.execute(text("DELETE FROM snapshot_before.looks"))
    tampered = run(url, "verify", "before")
    assert tampered.returncode == 1
    assert "looks DIFFERS: 0 rows" in tampered.stdout
    assert run(url, "drop", "before").stdout == "before is dropped\n"
    assert run(url, "list").stdout == ""


def test_any_client_reads_the_file(sqlite_url, opened):
    """It is one file, and can be read where nothing may be written."""
    engine = opened(sqlite_url)
    fill(engine)
    create(engine)
    file = snapshot_file(engine, "before")
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM articles").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_in_postgres_the_search_path_leads_to_it(postgres_url, opened):
    engine = opened(postgres_url)
    fill(engine)
    create(engine)
    empty(engine)
    with read_connection(engine) as connection:
        connection.execute(text(f"SET search_path TO {snapshot_schema('before')}"))
        assert connection.scalar(text("SELECT COUNT(*) FROM articles")) == 2
    with read_connection(engine) as connection:
        described = select(text("obj_description('snapshot_before.articles'::regclass)"))
        assert "Every article" in str(connection.scalar(described))
