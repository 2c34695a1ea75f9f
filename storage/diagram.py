"""Entity diagrams of the data dictionary, in Mermaid: of the views by their keys, of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Column, MetaData, Table

from storage.columns import type_name

_KEYS: Mapping[str, tuple[str, str]] = {
    "article_id": ("articles", "article_id"),
    "version_id": ("article_versions", "version_id"),
    "change_id": ("article_changes", "change_id"),
    "feed_id": ("feed_health", "feed_id"),
    "cluster_id": ("articles", "article_id"),
    "report_id": ("articles", "article_id"),
    "domain": ("outlets", "domain"),
}
"""What a column whose name ends so refers to: the view and column that has one row of each."""


def view_diagram(views: Iterable[Table]) -> str:
    """Draw which columns of the views join them; a line may have a `parent_` or the like before."""
    lines = sorted({line for view in views for line in _joins(view)})
    return _block(lines)


def _joins(view: Table) -> Iterator[str]:
    for column in view.columns:
        for ending, (home, key) in _KEYS.items():
            named = column.name == ending or column.name.endswith(f"_{ending}")
            if named and (view.name, column.name) != (home, key):
                yield f'{home} ||--o{{ {view.name} : "{column.name}"'


def table_diagram(metadata: MetaData) -> str:
    """Draw the tables with their keys, and a line for each foreign key."""
    lines = []
    for table in metadata.tables.values():
        lines.append(f"{table.name} {{")
        lines += [f"    {_attribute(column)}" for column in table.columns if _is_key(column)]
        lines.append("}")
    lines += sorted(line for table in metadata.tables.values() for line in _references(table))
    return _block(lines)


def _is_key(column: Column[object]) -> bool:
    return column.primary_key or bool(column.foreign_keys)


def _attribute(column: Column[object]) -> str:
    keys = [
        name for name, has in (("PK", column.primary_key), ("FK", bool(column.foreign_keys))) if has
    ]
    # what refers to a key is of the key's type
    keyed = next((reference.column for reference in column.foreign_keys), column)
    return f"{type_name(keyed)} {column.name} {', '.join(keys)}"


def _references(table: Table) -> Iterator[str]:
    for column in table.columns:
        for reference in column.foreign_keys:
            one = "|o" if column.nullable else "||"
            many = "o|" if column.unique or _is_whole_key(table, column) else "o{"
            yield f'{reference.column.table.name} {one}--{many} {table.name} : "{column.name}"'


def _is_whole_key(table: Table, column: Column[object]) -> bool:
    return list(table.primary_key.columns) == [column]


def _block(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "erDiagram", *(f"    {line}" for line in lines), "```", ""])
