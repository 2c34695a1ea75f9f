"""A named snapshot on SQLite: a file of its own with a table for each view.

    live file, attached for reading ─one transaction─> draft ─hashes─> fsync ─rename─> NAME.db

So any client runs a query that was written for the views on it. The same makes a copy for analysts
that holds nothing but the views.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from ingest.errors import OperationError, StorageError
from storage.failures import translated_driver
from storage.hashing import Content, hash_lines
from storage.kinds import json_lines
from storage.snapshotplace import snapshot_file, snapshot_folder
from storage.snapshotplan import KEPT, SnapshotPlan, index_statements, info_table
from storage.typedrows import typed_by_sqlite
from storage.wholefile import whole_file

Filled = tuple[datetime, Mapping[str, Content]]


@contextmanager
def hold_folder(engine: Engine) -> Iterator[None]:
    """Be the only one who makes a snapshot of this database; the kernel ends it with the process.

    Raises StorageError when another one is at it, OperationError when there can be no folder.
    """
    folder = snapshot_folder(engine)
    try:
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OperationError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StorageError(
            f"{folder}: another snapshot is being made: try again when it is done"
        ) from error
    finally:
        os.close(descriptor)


def fill_snapshot(engine: Engine, plan: SnapshotPlan) -> Filled:
    """Make the snapshot's file; return the moment that it shows, and what its tables hold."""
    return fill_file(engine, snapshot_file(engine, plan.name), plan)


def fill_file(engine: Engine, path: Path, plan: SnapshotPlan, *, replace: bool = True) -> Filled:
    """Make a file with the views as tables; raises as `whole_file`, and StorageError."""
    source = Path(str(engine.url.database)).absolute()
    with whole_file(path, replace=replace) as draft:
        with (
            translated_driver(engine, URL.create("sqlite", database=str(path))),
            closing(sqlite3.connect(draft, isolation_level=None, uri=True)) as connection,
        ):
            # a draft that fails is thrown away, so nothing need be undone in it
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")  # `whole_file` sees to the disk
            connection.execute("ATTACH ? AS live", (f"{source.as_uri()}?mode=ro",))
            created_at = _copy_views(connection, plan)
            connection.execute("DETACH live")
            contents = {view: _hashed(connection, view) for view in KEPT}
            connection.set_authorizer(None)
            _describe(connection, plan, created_at, contents)
        return created_at, contents


def _copy_views(connection: sqlite3.Connection, plan: SnapshotPlan) -> datetime:
    connection.execute("BEGIN")
    connection.execute("SELECT COUNT(*) FROM live.sqlite_master").fetchone()  # from here on
    created_at = plan.now()
    for view in KEPT.values():
        connection.execute(str(CreateTable(view).compile(dialect=sqlite.dialect())))
        columns = ", ".join(column.name for column in view.columns)
        connection.execute(
            f"INSERT INTO main.{view.name} ({columns}) SELECT {columns} FROM live.{view.name}"  # noqa: S608 - our own names
        )
        for statement in index_statements(view):
            connection.execute(statement)
    connection.execute("COMMIT")
    return created_at


def _describe(
    connection: sqlite3.Connection,
    plan: SnapshotPlan,
    created_at: datetime,
    contents: Mapping[str, Content],
) -> None:
    info, dialect = info_table(), sqlite.dialect()
    connection.execute(str(CreateTable(info).compile(dialect=dialect)))
    row = plan.described(created_at, contents)
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in info.c]
    values = [
        row[column.name] if process is None else process(row[column.name])
        for column, process in zip(info.c, processors, strict=True)
    ]
    places = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {info.name} VALUES ({places})", values)  # noqa: S608


def remove_file(engine: Engine, name: str) -> None:
    """Remove a snapshot's file, if it is there.

    Raises OperationError when the system refuses.
    """
    path = snapshot_file(engine, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OperationError(f"{path}: cannot be removed: {error.strerror}") from error


def content_of(connection: sqlite3.Connection, view: str) -> Content | None:
    """What a table of a snapshot holds; None when it is not there."""
    there = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (view,)
    ).fetchone()
    return _hashed(connection, view) if there else None


def _hashed(connection: sqlite3.Connection, view: str) -> Content:
    found = typed_by_sqlite(connection, f"SELECT * FROM {view}", kinds={})  # noqa: S608
    return hash_lines(map(json_lines(found.columns), found.rows))
