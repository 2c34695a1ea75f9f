"""What articles quote and count, from which of their versions to which.

A row tells of one quotation or figure of one article: the first version that has it, and the last
one, null while the current version has it. So a version in which nothing of it changed writes
nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    select,
    update,
)

from ingest.model import Figure, Quotation, Sayings
from storage.dialect import insert
from storage.schema import (
    figure,
    quotation,
    quotation_use,
    sayings_read,
    seed_figure,
    seed_quotation,
    version,
)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", Quotation, Figure)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """A version as the rows that begin with it tell of it."""

    id: int
    seq: int
    first_observed_at: datetime
    language: str | None

    def begin(self) -> dict[str, Any]:
        return {
            "first_version_id": self.id,
            "first_seen_at": self.first_observed_at,
            "language": self.language,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """Where a row begins and ends: numbers of versions; None while the current one has it."""

    first: int
    last: int | None


@dataclass(slots=True)
class _Moves(Generic[K]):
    """What a version does to the rows of its article."""

    new: list[K]
    earlier: list[K]  # begin at this version now
    last: dict[K, int | None]  # end at this version id now


def add_sayings(connection: Connection, article_id: int, version_id: int, sayings: Sayings) -> None:
    """Write what a version has that was just stored, the article's last one or one between."""
    versions = _versions_of(connection, article_id)
    quotations = {item.key: item for item in sayings.quotations}
    figures = {_identity(item): item for item in sayings.figures}
    _add_texts(connection, quotations.values())
    _write(connection, quotation_use, article_id, version_id, quotations, versions)
    _write(connection, figure, article_id, version_id, figures, versions)


def replace_sayings(
    connection: Connection,
    article_id: int,
    versions: Mapping[int, Sayings],
    method_version: str,
) -> None:
    """Write what all versions of an article have, in their order, in place of what was there."""
    for table in (quotation_use, figure):
        connection.execute(delete(table).where(table.c.article_id == article_id))
    quotations: dict[str, dict[int, Quotation]] = {}
    figures: dict[tuple[float, str, str], dict[int, Figure]] = {}
    for version_id, sayings in versions.items():
        for said in sayings.quotations:
            quotations.setdefault(said.key, {})[version_id] = said
        for told in sayings.figures:
            figures.setdefault(_identity(told), {})[version_id] = told
    own = _versions_of(connection, article_id)
    current = next(reversed(list(versions)), None)
    _add_texts(connection, (next(iter(found.values())) for found in quotations.values()))
    for table, rows in (
        (
            quotation_use,
            [_whole_row(article_id, found, own, current) for found in quotations.values()],
        ),
        (figure, [_whole_row(article_id, found, own, current) for found in figures.values()]),
    ):
        if rows:
            connection.execute(table.insert(), rows)
    connection.execute(
        insert(connection, sayings_read)
        .values(article_id=article_id, method_version=method_version)
        .on_conflict_do_update(
            index_elements=["article_id"], set_={"method_version": method_version}
        )
    )


def _whole_row(
    article_id: int, found: Mapping[int, V], versions: Mapping[int, _Version], current: int | None
) -> dict[str, Any]:
    first, last = next(iter(found)), next(reversed(found))
    return {
        "article_id": article_id,
        "last_version_id": None if last == current else last,
        **versions[first].begin(),
        **_columns(found[first]),
    }


def replace_seed_sayings(connection: Connection, seed_id: int, sayings: Sayings) -> None:
    """Write what a seed has, in place of what was there."""
    quoted = {(item.key,) for item in sayings.quotations}
    counted = {(item.value, item.unit) for item in sayings.figures}
    for table, names, wanted in (
        (seed_quotation, ("quotation_key",), quoted),
        (seed_figure, ("value", "unit"), counted),
    ):
        own = table.c.seed_id == seed_id
        columns = [table.c[name] for name in names]
        found = connection.execute(select(*columns).where(own))
        if wanted == {tuple(row) for row in found}:
            continue  # as at nearly every start
        connection.execute(delete(table).where(own))
        rows = [
            {"seed_id": seed_id, **dict(zip(names, key, strict=True))} for key in sorted(wanted)
        ]
        if rows:
            connection.execute(table.insert(), rows)


def begin_earlier(connection: Connection, version_id: int, at: datetime) -> None:
    """Note that what a version was the first to have was there at an earlier moment."""
    article_id = select(version.c.article_id).where(version.c.id == version_id).scalar_subquery()
    for table in (quotation_use, figure):
        connection.execute(
            update(table)
            .where(
                table.c.article_id == article_id,
                table.c.first_version_id == version_id,
                table.c.first_seen_at > at,
            )
            .values(first_seen_at=at)
        )


def end_later(connection: Connection, article_id: int, version_id: int, *, later: int) -> None:
    """Let what a version was the last to have end with a later one of equal content."""
    for table in (quotation_use, figure):
        connection.execute(
            update(table)
            .where(table.c.article_id == article_id, table.c.last_version_id == version_id)
            .values(last_version_id=later)
        )


def _versions_of(connection: Connection, article_id: int) -> dict[int, _Version]:
    rows = connection.execute(
        select(version.c.id, version.c.seq, version.c.first_observed_at, version.c.language).where(
            version.c.article_id == article_id
        )
    )
    return {
        row.id: _Version(
            id=row.id,
            seq=row.seq,
            first_observed_at=row.first_observed_at,
            language=row.language,
        )
        for row in rows
    }


def _add_texts(connection: Connection, items: Iterable[Quotation]) -> None:
    """Store quotations once, in the order of their keys: two writers can't deadlock."""
    rows = [
        {"key": item.key, "text": item.text, "words": item.words}
        for item in sorted(items, key=lambda item: item.key)
    ]
    if rows:
        connection.execute(insert(connection, quotation).on_conflict_do_nothing(), rows)


def _write(
    connection: Connection,
    table: Table,
    article_id: int,
    version_id: int,
    found: Mapping[Any, V],
    versions: Mapping[int, _Version],
) -> None:
    numbers = {key: item.seq for key, item in versions.items()}
    own = table.c.article_id == article_id
    keys = _key_columns(table)
    rows = connection.execute(
        select(*keys, table.c.first_version_id, table.c.last_version_id).where(own)
    )
    known = {
        _key(row, keys): _Kept(
            first=numbers[row.first_version_id],
            last=None if row.last_version_id is None else numbers[row.last_version_id],
        )
        for row in rows
    }
    moves = _moves(known, found.keys(), version_id, numbers)
    is_current = numbers[version_id] == max(numbers.values())
    if moves.new:
        place = {
            "article_id": article_id,
            "last_version_id": None if is_current else version_id,
            **versions[version_id].begin(),
        }
        connection.execute(table.insert(), [place | _columns(found[key]) for key in moves.new])
    named = [column == bindparam(f"the_{column.name}") for column in keys]
    statement = update(table).where(own, *named)
    begins = versions[version_id].begin()
    earlier = [
        _named(keys, key)
        | {f"set_{name}": value for name, value in (_moved(found[key]) | begins).items()}
        for key in moves.earlier
    ]
    if earlier:
        columns = [name for name in earlier[0] if name.startswith("set_")]
        values: dict[str, Any] = {name.removeprefix("set_"): bindparam(name) for name in columns}
        connection.execute(statement.values(**values), earlier)
    if moves.last:
        connection.execute(
            statement.values(last_version_id=bindparam("set_last")),
            [_named(keys, key) | {"set_last": last} for key, last in moves.last.items()],
        )


def _moves(
    known: Mapping[K, _Kept], found: Iterable[K], version_id: int, numbers: Mapping[int, int]
) -> _Moves[K]:
    """Decide what a version does to the rows of its article, wherever it stands in the order."""
    own = numbers[version_id]
    has = dict.fromkeys(found)
    moves: _Moves[K] = _Moves(new=[], earlier=[], last={})
    if own == max(numbers.values()):
        gone = [key for key, kept in known.items() if kept.last is None and key not in has]
        if gone:
            before = max((seq, key) for key, seq in numbers.items() if key != version_id)[1]
            moves.last = dict.fromkeys(gone, before)
        moves.last |= {key: None for key in has if key in known and known[key].last is not None}
    else:
        moves.last = {
            key: version_id
            for key in has
            if key in known and (last := known[key].last) is not None and last < own
        }
    moves.new = [key for key in has if key not in known]
    moves.earlier = [key for key in has if key in known and known[key].first > own]
    return moves


def _identity(item: Figure) -> tuple[float, str, str]:
    return item.value, item.unit, item.counted


def _key_columns(table: Table) -> Sequence[Any]:
    return [column for column in table.primary_key if column.name != "article_id"]


def _key(row: Any, keys: Sequence[Any]) -> Any:  # noqa: ANN401 - a row, and one value or several
    values = tuple(getattr(row, column.name) for column in keys)
    return values[0] if len(values) == 1 else values


def _named(keys: Sequence[Any], key: Any) -> dict[str, Any]:  # noqa: ANN401 - one value or several
    values = (key,) if len(keys) == 1 else key
    return {f"the_{column.name}": value for column, value in zip(keys, values, strict=True)}


def _columns(item: Quotation | Figure) -> dict[str, Any]:
    if isinstance(item, Quotation):
        return {"quotation_key": item.key, **_moved(item)}
    return {"value": item.value, "unit": item.unit, "counted": item.counted, **_moved(item)}


def _moved(item: Quotation | Figure) -> dict[str, Any]:
    """What differs from version to version: where it stands, and how a figure is written."""
    place: dict[str, Any] = {"start": item.start, "stop": item.stop}
    if isinstance(item, Figure):
        place |= {
            "text": item.text,
            "sentence_start": item.sentence_start,
            "sentence_stop": item.sentence_stop,
        }
    return place
