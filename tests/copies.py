"""Databases with content that several tests begin with: each filled once, then copied."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, Engine

from tests.postgres import create_database, drop_database


class Copies:
    """What was filled, by the name that a test gives it."""

    def __init__(self, server: URL) -> None:
        """`server` is the maintenance database of the Postgres server."""
        self._server = server
        self._files: dict[str, bytes] = {}
        self._databases: dict[str, str] = {}

    def fill(self, engine: Engine, name: str, fill: Callable[[], object]) -> None:
        """Fill a test's empty database: by calling `fill` the first time, then by copying."""
        if engine.dialect.name == "sqlite":
            self._fill_file(engine, name, fill)
        else:
            self._fill_database(engine, name, fill)

    def _fill_file(self, engine: Engine, name: str, fill: Callable[[], object]) -> None:
        assert engine.url.database is not None
        file = Path(engine.url.database)
        if name not in self._files:
            fill()
            engine.dispose()  # the last connection to close folds the log into the file
            assert not file.with_name(file.name + "-wal").exists()
            self._files[name] = file.read_bytes()
        engine.dispose()
        file.write_bytes(self._files[name])

    def _fill_database(self, engine: Engine, name: str, fill: Callable[[], object]) -> None:
        assert engine.url.database is not None
        own = engine.url.database
        engine.dispose()
        if name in self._databases:
            drop_database(self._server, own)
            create_database(self._server, own, template=self._databases[name])
            return
        fill()
        engine.dispose()
        kept = f"storywatch_copied_{uuid.uuid4().hex[:12]}"
        create_database(self._server, kept, template=own)
        self._databases[name] = kept

    def drop(self) -> None:
        """Drop what the server keeps of them."""
        for kept in self._databases.values():
            drop_database(self._server, kept)
