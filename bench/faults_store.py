"""The bench's own way into the databases: plain SQL, sqlite3 and psycopg, nothing of the program.

It reads what the daemon committed, and in one way it writes: it sets `next_check_at` of articles
back to `first_seen_at`, so that they are looked at again now and not in an hour. The daemon stops
for no row that was moved along so.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

_PATIENCE = 30.0


class Store:
    """A database by its kind and address."""

    def __init__(self, *, path: Path | None = None, url: str | None = None) -> None:
        """A SQLite file or a Postgres URL."""
        self.path = path
        self.url = url

    def _connect(self) -> Any:
        if self.path is not None:
            return sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
        return psycopg.connect(str(self.url), autocommit=True, connect_timeout=5)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; a server that restarts is waited for."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with closing(self._connect()) as connection:
                    return [tuple(row) for row in connection.execute(query).fetchall()]
            except (psycopg.OperationalError, sqlite3.OperationalError) as error:
                missing = "no such table" in str(error)
                if missing or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def there(self) -> bool:
        """Whether the daemon has made its tables."""
        if self.path is not None and not self.path.exists():
            return False
        try:
            self.rows("SELECT count(*) FROM article")
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return False
        return True

    def number(self, query: str) -> int:
        """The number that a query gives."""
        return int(self.rows(query)[0][0])

    def write(self, statement: str) -> None:
        """Run a statement; a server that restarts is waited for."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with closing(self._connect()) as connection:
                    connection.execute(statement)
            except (psycopg.OperationalError, sqlite3.OperationalError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def hurry(self, urls: Iterable[str] | None = None) -> None:
        """Have articles looked at now, all of them or those of some canonical URLs."""
        wanted = "" if urls is None else f" AND canonical_url IN ({quoted(urls)})"
        self.write(
            "UPDATE article SET next_check_at = first_seen_at WHERE leased_until IS NULL" + wanted
        )

    def hurried(self) -> int:
        """How many articles still wait for that look."""
        return self.number("SELECT count(*) FROM article WHERE next_check_at = first_seen_at")

    def validators(self) -> dict[str, tuple[str | None, str | None]]:
        """The validators that are stored of each feed."""
        found = self.rows("SELECT url, etag, last_modified FROM feed")
        return {url: (etag, modified) for url, etag, modified in found}

    def terminate_one(self, pick: float) -> bool:
        """Have Postgres end one of the daemon's sessions."""
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'storywatch%'"
            " AND pid <> pg_backend_pid() ORDER BY pid"
        )
        found = self.rows(query)
        if not found:
            return False
        self.rows(f"SELECT pg_terminate_backend({found[int(pick * len(found))][0]})")
        return True

    def integrity(self) -> list[str]:
        """What the database itself finds wrong with its file."""
        if self.path is None:
            return []
        wrong = [str(row) for row in self.rows("PRAGMA integrity_check") if row != ("ok",)]
        return wrong + [f"foreign key: {row}" for row in self.rows("PRAGMA foreign_key_check")]


def quoted(texts: Iterable[str]) -> str:
    """A list of literals; there are no quotes in the bench's URLs."""
    return ", ".join(f"'{text}'" for text in texts) or "NULL"


def plain(value: Any) -> Any:
    """A value as both databases would write it in JSON."""
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    known = isinstance(value, bool | int | str | list | dict) or value is None
    return value if known else str(value)
