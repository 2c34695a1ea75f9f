"""A consistent copy of an SQLite database that is in use, for analysts and for backups."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Engine

from ingest.errors import StorageError, UsageError
from storage.failures import translated_driver
from storage.snapshot_sqlite import fill_file
from storage.snapshotplan import SnapshotPlan
from storage.wholefile import whole_file


def copy_database(engine: Engine, path: Path, *, replace: bool) -> int:
    """Copy the whole database by SQLite's backup API; return the bytes of the copy.

    Writers go on meanwhile, and the copy is of one moment: in WAL mode the one step that reads it
    all is one read transaction (https://sqlite.org/c3ref/backup_finish.html). The copy is checked,
    and needs no other file beside it. Raises UsageError for Postgres, as `whole_file`, and for the
    database itself; StorageError when it is damaged.
    """
    source = require_file(engine, path)
    with whole_file(path, replace=replace) as draft:
        with translated_driver(engine, URL.create("sqlite", database=str(path))):
            with (
                closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as live,
                closing(sqlite3.connect(draft)) as copy,
            ):
                # a draft that fails is thrown away, and `whole_file` sees to the disk
                copy.execute("PRAGMA journal_mode=OFF")
                copy.execute("PRAGMA synchronous=OFF")
                live.backup(copy, pages=-1)
            with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, also where none may be made
                _require_sound(copy, path)
        return draft.stat().st_size


def copy_views(engine: Engine, path: Path, plan: SnapshotPlan, *, replace: bool) -> int:
    """Copy what the views show, as tables; return how many rows these have.

    Raises as `copy_database`.
    """
    require_file(engine, path)
    _created_at, contents = fill_file(engine, path, plan, replace=replace)
    return sum(content.rows for content in contents.values())


def require_file(engine: Engine, path: Path) -> Path:
    """The database's file.

    Raises UsageError for Postgres, and when `path` is that very file.
    """
    if engine.dialect.name != "sqlite":
        raise UsageError(
            "on Postgres, `storywatch snapshot create NAME` keeps the views, and pg_dump copies all"
        )
    source = Path(str(engine.url.database)).absolute()
    if path.expanduser().resolve() == source.resolve():
        raise UsageError(f"{path}: is the database itself: name another file")
    return source


def _require_sound(connection: sqlite3.Connection, path: Path) -> None:
    found = [str(words) for (words,) in connection.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise StorageError(f"{path}: the database is damaged, no copy was made: {found[0]}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StorageError(
            f"{path}: the database lacks rows that others refer to, no copy was made: {broken}"
        )
