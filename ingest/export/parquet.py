"""Rows as a Parquet file, a row group at a time; the library for it is optional."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage.kinds import Kind, ResultColumn, as_json
from storage.typedrows import TypedRows

_BATCH_ROWS = 4096
_BATCH_CHARACTERS = 4 * 2**20
_GROUP_ROWS = 122_880  # what DuckDB writes, too
_GROUP_BYTES = 32 * 2**20

_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.INTEGER: pa.int64(),
    Kind.JSON: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.WALL_TIME: pa.timestamp("us"),
}


def write_parquet(
    found: TypedRows, file: IO[bytes], *, about: Callable[[int], Mapping[str, str]]
) -> int:
    """Write a file, compressed with ZSTD; return how many rows it has.

    `about` says from the number of rows what stands in the file's key-value metadata. A field's
    metadata has the kind of its column, JSON for one, and its comment. Holds a row group in memory:
    32 MiB, or one row.
    """
    schema = pa.schema([_field(column) for column in found.columns])
    rows = 0
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(
        pa.PythonFile(file, mode="w"), schema, compression="zstd", compression_level=3
    ) as writer:
        for batch in _batches(found, schema):
            held.append(batch)
            rows += batch.num_rows
            if _is_enough(held):
                _write_group(writer, held, schema)
                held = []
        if held or not rows:
            _write_group(writer, held, schema)
        writer.add_key_value_metadata(dict(about(rows)))
    return rows


def _field(column: ResultColumn) -> pa.Field:
    told = {"storywatch.type": column.kind.value, "comment": column.comment}
    return pa.field(column.name, _TYPES[column.kind], metadata={k: v for k, v in told.items() if v})


def _batches(found: TypedRows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows: list[tuple[Any, ...]] = []
    characters = 0
    for row in found.rows:
        rows.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(rows) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield _batch(rows, found.columns, schema)
            rows, characters = [], 0
    if rows:
        yield _batch(rows, found.columns, schema)


def _batch(
    rows: Sequence[tuple[Any, ...]], columns: Sequence[ResultColumn], schema: pa.Schema
) -> pa.RecordBatch:
    arrays = [
        pa.array([_plain(value, column.kind) for value in values], type=field.type)
        for column, field, values in zip(columns, schema, zip(*rows, strict=True), strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(value: Any, kind: Kind) -> Any:  # noqa: ANN401 - any value of a column
    if value is None:
        return None
    if kind is Kind.JSON:
        return as_json(value)
    return float(value) if kind is Kind.NUMBER else value


def _is_enough(held: Sequence[pa.RecordBatch]) -> bool:
    size: int = sum(batch.nbytes for batch in held)
    rows: int = sum(batch.num_rows for batch in held)
    return size >= _GROUP_BYTES or rows >= _GROUP_ROWS


def _write_group(
    writer: pq.ParquetWriter, held: Sequence[pa.RecordBatch], schema: pa.Schema
) -> None:
    writer.write_table(pa.Table.from_batches(held, schema=schema))
