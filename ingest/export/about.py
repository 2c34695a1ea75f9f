"""What an exported file says of itself: in a Parquet file, and beside any other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.kinds import ResultColumn, as_iso
from storage.provenance import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where exported rows come from."""

    query: str
    view: str | None
    database: str  # sqlite, postgresql
    snapshot: str | None
    snapshot_created_at: datetime | None
    program_version: str  # that exports
    provenance: Provenance  # of the data: a snapshot's own
    exported_at: datetime


def describe(origin: Origin, columns: Sequence[ResultColumn], rows: int) -> dict[str, Any]:
    """All of it as one JSON object."""
    taken = origin.snapshot_created_at
    return {
        "program": "storywatch",
        "program_version": origin.program_version,
        "contract_version": origin.provenance.contract_version,
        "schema_revision": origin.provenance.schema_revision,
        "database": origin.database,
        "snapshot": origin.snapshot,
        "snapshot_created_at": None if taken is None else as_iso(taken),
        "view": origin.view,
        "query": origin.query,
        "exported_at": as_iso(origin.exported_at),
        "rows": rows,
        "columns": [
            {"name": column.name, "type": column.kind.value, "comment": column.comment}
            for column in columns
        ],
    }


def flatten(described: Mapping[str, Any]) -> dict[str, str]:
    """The same as pairs of texts, for formats that hold nothing else; null is left out."""
    return {
        f"storywatch.{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in described.items()
        if value is not None
    }
