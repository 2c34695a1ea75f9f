"""What a database needs now and then."""

from __future__ import annotations

from sqlalchemy import Engine

from storage.failures import translated


def tidy(engine: Engine) -> None:
    """Refresh the statistics of SQLite's planner and fold the write-ahead log into the file.

    The first from a sample of a thousand rows an index, which takes milliseconds whatever the size;
    all indexes, since views are read by plans that are far worse without. Postgres does both by
    itself. Raises StorageError.
    """
    if engine.dialect.name != "sqlite":
        return
    with translated(engine.url):
        raw = engine.raw_connection()  # a checkpoint can't run inside a transaction
        try:
            cursor = raw.cursor()
            cursor.execute("PRAGMA analysis_limit=1000")
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.close()
        finally:
            raw.close()
