"""`storywatch db snapshot`: a sound copy of a live SQLite database, of one moment."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ingest.errors import StorageError, UsageError
from storage.copying import copy_database
from tests.commands import ROOT, call
from tests.filled import fill, fill_many
from tests.test_backfill_run import wait_until

# Two rows in each transaction: a copy of one moment never has an odd number of them.
WRITER = """
import sys
from storage.engine import open_engine, transaction
from storage.schema import outlet
engine = open_engine(sys.argv[1])
number = 0
while True:
    with transaction(engine) as connection:
        for _ in range(2):
            number += 1
            connection.execute(outlet.insert().values(domain=f"{number}.example", name="x" * 500))
    print(number, flush=True)
"""


def run(url, *arguments):
    return call("--database-url", url, "db", "snapshot", *map(str, arguments))


def ask(file, sql):
    with closing(sqlite3.connect(f"{Path(file).as_uri()}?immutable=1", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_a_copy_beside_a_writer_is_of_one_moment_and_holds_up_nobody(sqlite_url, opened, tmp_path):
    fill_many(opened(sqlite_url), 5000)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, sqlite_url],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert writer.stdout is not None
        counts = []
        for number in range(3):
            before = int(writer.stdout.readline())
            file = tmp_path / f"copy-{number}.db"
            copy_database(opened(sqlite_url), file, replace=False)
            [(count,)] = ask(file, "SELECT COUNT(*) FROM outlet WHERE domain <> 'paper.example'")
            assert count >= before
            assert count % 2 == 0
            assert ask(file, "PRAGMA integrity_check") == [("ok",)]
            assert ask(file, "PRAGMA journal_mode") == [("delete",)]
            counts.append(count)
        done = run(sqlite_url, tmp_path / "by-command.db")
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        writer.kill()
        writer.communicate()
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    kinds = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"
    live = Path(str(opened(sqlite_url).url.database))
    with closing(sqlite3.connect(live)) as connection:
        assert ask(tmp_path / "by-command.db", kinds) == connection.execute(kinds).fetchall()
    assert list(tmp_path.glob("*.partial*")) == []
    assert list(tmp_path.glob("copy-*-*")) == []


def test_a_file_that_is_there_stays_unless_it_is_forced(sqlite_url, tmp_path):
    file = tmp_path / "copy.db"
    file.write_text("mine")
    done = run(sqlite_url, file)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert file.read_text() == "mine"
    assert run(sqlite_url, file, "--force").returncode == 0
    assert ask(file, "SELECT COUNT(*) FROM articles") == [(0,)]


def test_the_views_alone_can_be_had(sqlite_url, opened, tmp_path):
    fill(opened(sqlite_url))
    file = tmp_path / "analysts.db"
    done = run(sqlite_url, file, "--views-only")
    assert done.returncode == 0
    assert "rows of the views" in done.stdout
    tables = {name for (name,) in ask(file, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "articles" in tables
    assert not {"article", "raw", "observation"} & tables
    assert ask(file, "SELECT COUNT(*) FROM article_versions") == [(3,)]
    assert run(sqlite_url, file, "--views-only").returncode == 2


def test_a_copy_of_the_views_does_for_the_commands_that_read_them(sqlite_url, opened, tmp_path):
    fill(opened(sqlite_url))
    file = tmp_path / "analysts.db"
    run(sqlite_url, file, "--views-only")
    before = file.read_bytes()
    there = ("--database-url", f"sqlite:///{file}")
    counted = call(*there, "sql", "SELECT COUNT(*) AS n FROM article_versions", "--format", "csv")
    assert counted.stdout == "n\n3\n"
    assert call(*there, "export", "articles", "-o", str(tmp_path / "a.csv")).returncode == 0
    searched = call(*there, "search", "kim")
    assert searched.returncode == 2
    assert "no index" in searched.stderr
    assert file.read_bytes() == before
    assert list(tmp_path.glob("analysts.db-*")) == []
    refused = call(*there, "status")
    assert refused.returncode == 2
    assert "shows its views only" in refused.stderr
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE contract_version SET major = 9")
    other = call(*there, "sql", "SELECT 1")
    assert other.returncode == 1
    assert "has version 9.0 of the views" in other.stderr


def test_the_database_itself_is_no_place_for_its_copy(sqlite_url, opened):
    live = Path(str(opened(sqlite_url).url.database))
    for arguments in ((live,), (live, "--force"), (live, "--force", "--views-only")):
        done = run(sqlite_url, *arguments)
        assert done.returncode == 2
        assert "the database itself" in done.stderr
    assert ask(live, "SELECT COUNT(*) FROM articles") == [(0,)]


def test_a_damaged_database_is_not_copied(sqlite_url, opened, tmp_path):
    engine = opened(sqlite_url)
    fill_many(engine, 500)
    with closing(sqlite3.connect(str(engine.url.database))) as connection:
        [(root,)] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_version_content_hash'"
        ).fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    with Path(str(engine.url.database)).open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(StorageError, match="damaged"):
        copy_database(engine, tmp_path / "copy.db", replace=False)
    assert list(tmp_path.glob("*copy*")) == []


def test_a_killed_copy_leaves_nothing_under_its_name(sqlite_url, opened, tmp_path):
    engine = opened(sqlite_url)
    fill_many(engine, 30_000)
    file = tmp_path / "copy.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "--database-url", sqlite_url, "db", "snapshot", str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    drafts = tmp_path.glob
    wait_until(lambda: list(drafts(".copy.db.*.partial")), process)
    process.kill()
    process.communicate()
    assert not file.exists()
    assert copy_database(engine, file, replace=False) > 0
    assert [path.name for path in drafts("*copy.db*")] == ["copy.db"]


def test_on_postgres_it_says_what_to_do_instead(postgres_url, opened, tmp_path):
    with pytest.raises(UsageError, match="pg_dump"):
        copy_database(opened(postgres_url), tmp_path / "copy.db", replace=False)
    done = run(postgres_url, tmp_path / "copy.db", "--views-only")
    assert done.returncode == 2
    assert "storywatch snapshot create" in done.stderr
