"""What a named snapshot is to be, and the tables it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, Table

from storage.hashing import Content
from storage.provenance import Provenance
from storage.view_snapshots import snapshots
from storage.views import VIEWS

INFO = "snapshot_info"
"""Name of the table that tells what a snapshot is, in the snapshot itself."""

KEPT: Mapping[str, Table] = {name: view for name, view in VIEWS.items() if name != "search_index"}
"""The views that become tables: all but the index of words, which each database has in its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPlan:
    """A snapshot that is not made yet."""

    name: str
    note: str
    made_by: Provenance
    now: Callable[[], datetime]  # asked once the moment is fixed that it shows

    def described(self, created_at: datetime, contents: Mapping[str, Content]) -> dict[str, Any]:
        """The snapshot as a row of the register."""
        return {
            "name": self.name,
            "created_at": created_at,
            "note": self.note,
            **asdict(self.made_by),
            "contents": {view: asdict(content) for view, content in contents.items()},
        }


def info_table(schema: str | None = None) -> Table:
    """The table that holds one such row."""
    return snapshots.to_metadata(MetaData(), schema=schema, name=INFO)  # type: ignore[arg-type]


def index_statements(view: Table, *, prefix: str = "") -> Iterator[str]:
    """Statements that make joins fast: an index on every id."""
    for column in view.columns:
        if column.name == "id" or column.name.endswith("_id"):
            yield (
                f"CREATE INDEX ix_{view.name}_{column.name} ON {prefix}{view.name} ({column.name})"
            )
