"""Where a named snapshot is, and what is to be in it.

On SQLite it is a file beside the database, on Postgres a schema in it.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Engine

from ingest.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


def require_snapshot_name(name: str) -> None:
    """Raise UsageError unless the name can stand in SQL without quotes, and as a file's."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a snapshot: small letters a to z, digits and underscores,"
            " 40 at most, as in before_backfill"
        )


def snapshot_schema(name: str) -> str:
    """The schema on Postgres; no quotes are needed around it."""
    require_snapshot_name(name)
    return f"snapshot_{name}"


def snapshot_folder(engine: Engine) -> Path:
    """The folder on SQLite."""
    path = Path(str(engine.url.database)).absolute()
    return path.with_name(path.name + ".snapshots")


def snapshot_file(engine: Engine, name: str) -> Path:
    """The file on SQLite, whether it is there or not."""
    require_snapshot_name(name)
    return snapshot_folder(engine) / f"{name}.db"
