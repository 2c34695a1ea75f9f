"""Exporting: a view or a query becomes a file that says what it is, whole or not at all.

view or SELECT ─open_rows─> typed rows ─┬─ Parquet, which holds its own description
                                        └─ CSV, JSONL ─> FILE and FILE.meta.json
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine

from ingest.errors import OperationError, UsageError
from ingest.export.about import Origin, describe, flatten
from ingest.export.lines import as_csv, as_jsonl
from ingest.export.query import Query
from storage.kinds import ResultColumn
from storage.provenance import provenance
from storage.snapshots import find_snapshot
from storage.typedrows import TypedRows, open_rows
from storage.wholefile import whole_file

_BUFFER_BYTES = 2**20


class Format(StrEnum):
    """Of an exported file."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


def require_parquet() -> None:
    """Raise UsageError, which says what to install, when the library for Parquet is missing."""
    if find_spec("pyarrow") is None:
        raise UsageError("Parquet needs pyarrow: pip install 'storywatch[parquet]'")


def export_rows(
    engine: Engine,
    query: Query,
    *,
    format_: Format,
    output: Path | IO[bytes],
    snapshot: str | None,
    safe: bool,
    program_version: str,
    now: Callable[[], datetime],
) -> int:
    """Write the rows of a query to a file, or a stream; return how many there are.

    A bounded number of them is in memory. A file other than Parquet gets a description beside it,
    `FILE.meta.json`; a stream gets none. Raises UsageError for a query that is wrong or writes, an
    unknown snapshot, a file that can't be; StorageError and OperationError when database or disk
    refuse.
    """
    if format_ is Format.PARQUET:
        require_parquet()
    origin = _origin(engine, query, snapshot, program_version=program_version, now=now)
    with open_rows(engine, query.sql, kinds=query.kinds, snapshot=snapshot) as opened:
        found = TypedRows(columns=_explained(opened.columns, query.comments), rows=opened.rows)
        if isinstance(output, Path):
            return _to_file(found, output, origin, format_, safe=safe)
        try:
            rows, _ = _write(found, output, origin, format_, safe=safe)
            output.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OperationError(f"the output cannot be written: {error.strerror}") from error
        return rows


def _origin(
    engine: Engine,
    query: Query,
    snapshot: str | None,
    *,
    program_version: str,
    now: Callable[[], datetime],
) -> Origin:
    kept = None if snapshot is None else find_snapshot(engine, snapshot)
    return Origin(
        query=query.sql,
        view=query.view,
        database=engine.dialect.name,
        snapshot=snapshot,
        snapshot_created_at=kept.created_at if kept else None,
        program_version=program_version,
        provenance=kept.provenance if kept else provenance(engine, program_version=program_version),
        exported_at=now(),
    )


def _explained(
    columns: Iterable[ResultColumn], comments: Mapping[str, str]
) -> tuple[ResultColumn, ...]:
    return tuple(
        ResultColumn(name=column.name, kind=column.kind, comment=comments.get(column.name, ""))
        for column in columns
    )


def _to_file(found: TypedRows, path: Path, origin: Origin, format_: Format, *, safe: bool) -> int:
    if format_ is Format.PARQUET:
        with whole_file(path) as draft, draft.open("wb", buffering=_BUFFER_BYTES) as file:
            return _write(found, file, origin, format_, safe=safe)[0]
    beside = path.with_name(path.name + ".meta.json")
    with whole_file(beside) as beside_draft:
        with whole_file(path) as draft:
            with draft.open("wb", buffering=_BUFFER_BYTES) as file:
                rows, digest = _write(found, file, origin, format_, safe=safe)
            told = {
                "file": path.name,
                "sha256": digest,
                "bytes": draft.stat().st_size,
                **describe(origin, found.columns, rows),
            }
            beside.unlink(missing_ok=True)  # it tells of a file that is about to go
        beside_draft.write_text(_pretty(told), encoding="utf-8")
    return rows


def _pretty(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _write(
    found: TypedRows, file: IO[bytes], origin: Origin, format_: Format, *, safe: bool
) -> tuple[int, str]:
    """Return the number of rows, and of lines their sha256."""
    if format_ is Format.PARQUET:
        from ingest.export.parquet import write_parquet  # noqa: PLC0415 - the library is optional

        def about(rows: int) -> dict[str, str]:
            return flatten(describe(origin, found.columns, rows))

        return write_parquet(found, file, about=about), ""
    lines = as_csv(found, safe=safe) if format_ is Format.CSV else as_jsonl(found)
    digest = hashlib.sha256()
    count = -1 if format_ is Format.CSV else 0  # its header is no row
    for line in lines:
        digest.update(line)
        file.write(line)
        count += 1
    return count, digest.hexdigest()
