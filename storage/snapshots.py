"""Named snapshots: every view as a table, as of one moment; the same query gives the same numbers.

    views ─one transaction─> tables in a schema (Postgres) or a file (SQLite) ─> hashes ─> register

What is in the register is whole: its row is written when all else is on disk. What a killed
`create` leaves is no snapshot, and the next one of that name takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, delete, insert, select

from ingest.errors import UsageError
from storage import snapshot_postgres, snapshot_sqlite
from storage.engine import read_connection, transaction
from storage.failures import translated_driver
from storage.hashing import Content
from storage.provenance import Provenance
from storage.readonly import fenced_file, fenced_session
from storage.schema import snapshot
from storage.snapshotplace import require_snapshot_name, snapshot_file, snapshot_schema
from storage.snapshotplan import SnapshotPlan
from storage.view_snapshots import snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A named snapshot."""

    name: str
    created_at: datetime
    note: str
    provenance: Provenance
    contents: Mapping[str, Content]  # by the name of the view


def create_snapshot(
    engine: Engine, name: str, *, note: str, made_by: Provenance, now: Callable[[], datetime]
) -> Snapshot:
    """Keep what the views show now under a name.

    Takes no lock that a daemon waits for, a bounded amount of memory, and as much room again as the
    views' texts. Raises UsageError for a bad name, one that is taken, or a database user that may
    not make schemas; StorageError when the database or the disk refuses, or another snapshot is
    being made in the same place.
    """
    require_snapshot_name(name)
    _require_free(engine, name)
    plan = SnapshotPlan(name=name, note=note, made_by=made_by, now=now)
    if engine.dialect.name == "sqlite":
        with snapshot_sqlite.hold_folder(engine):
            _require_free(engine, name)
            created_at, contents = snapshot_sqlite.fill_snapshot(engine, plan)
            with transaction(engine) as connection:
                _register(connection, plan, created_at, contents)
    else:
        repeatable = engine.execution_options(isolation_level="REPEATABLE READ")
        with transaction(repeatable) as connection, translated_driver(engine):
            created_at, contents = snapshot_postgres.fill_snapshot(connection, plan)
            _register(connection, plan, created_at, contents)
    return find_snapshot(engine, name)


def _require_free(engine: Engine, name: str) -> None:
    if any(item.name == name for item in list_snapshots(engine)):
        raise UsageError(
            f"there is a snapshot {name!r} already: take another name, or drop it with"
            f" `storywatch snapshot drop {name}`"
        )


def _register(
    connection: Connection,
    plan: SnapshotPlan,
    created_at: datetime,
    contents: Mapping[str, Content],
) -> None:
    connection.execute(insert(snapshot).values(**plan.described(created_at, contents)))


def list_snapshots(engine: Engine) -> list[Snapshot]:
    """All of them in the order in which they were made."""
    with read_connection(engine) as connection:
        rows = connection.execute(select(snapshots).order_by(snapshots.c.created_at))
        return [_snapshot(row) for row in rows]


def _snapshot(row: Row[tuple[object, ...]]) -> Snapshot:
    return Snapshot(
        name=row.name,
        created_at=row.created_at,
        note=row.note,
        provenance=Provenance(
            program_version=row.program_version,
            contract_version=row.contract_version,
            schema_revision=row.schema_revision,
        ),
        contents={view: Content(**content) for view, content in row.contents.items()},
    )


def find_snapshot(engine: Engine, name: str) -> Snapshot:
    """The snapshot of a name.

    Raises UsageError when there is none, or when its schema or file is gone.
    """
    require_snapshot_name(name)
    found = list_snapshots(engine)
    for item in found:
        if item.name == name:
            _require_place(engine, name)
            return item
    known = ", ".join(item.name for item in found) or "none"
    raise UsageError(f"there is no snapshot {name!r}; there are: {known}")


def _require_place(engine: Engine, name: str) -> None:
    if not has_place(engine, name):
        where = (
            snapshot_file(engine, name)
            if engine.dialect.name == "sqlite"
            else f"the schema {snapshot_schema(name)}"
        )
        raise UsageError(
            f"the snapshot {name!r} has lost {where}: restore it from a backup, or forget it with"
            f" `storywatch snapshot drop {name}`"
        )


def has_place(engine: Engine, name: str) -> bool:
    """Whether the schema or file of a snapshot is there."""
    if engine.dialect.name == "sqlite":
        return snapshot_file(engine, name).is_file()
    with read_connection(engine) as connection:
        return snapshot_postgres.has_schema(connection, name)


def drop_snapshot(engine: Engine, name: str) -> None:
    """Remove a snapshot, also one whose schema or file is gone.

    Raises UsageError when there is none of that name, StorageError when the database refuses.
    """
    require_snapshot_name(name)
    with transaction(engine) as connection:
        dropped = connection.execute(delete(snapshot).where(snapshot.c.name == name))
        if not dropped.rowcount:
            raise UsageError(
                f"there is no snapshot {name!r}; `storywatch snapshot list` tells which there are"
            )
        # before the commit: killed in between, the register tells of one that can be dropped again
        if engine.dialect.name == "sqlite":
            snapshot_sqlite.remove_file(engine, name)
        else:
            snapshot_postgres.drop_schema(connection, name)


def verify_snapshot(engine: Engine, name: str) -> Iterator[tuple[str, Content | None]]:
    """Yield each view of a snapshot with what its table holds now; None when it is gone.

    To be compared with `Snapshot.contents`. Raises as `find_snapshot`.
    """
    found = find_snapshot(engine, name)
    for view in found.contents:
        if engine.dialect.name == "sqlite":
            with fenced_file(engine, snapshot=name) as file:
                yield view, snapshot_sqlite.content_of(file, view)
        else:
            with fenced_session(engine, snapshot=name) as session:
                yield view, snapshot_postgres.content_of(session, snapshot_schema(name), view)
