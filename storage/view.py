"""What a view's definition is written with, and how it becomes SQL of either database."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import MetaData, Table

view_metadata = MetaData()
"""The views as typed tables, to select from; no table of the schema is in it."""

_PHRASES: Mapping[str, str] = {
    # A column of the latest verdict on article a against seed d: looked up where it is asked for,
    # while a join by "there is no later one" is made whether it is or not.
    "verdict": r"(SELECT n.\1 FROM edge n WHERE n.child_version_id = a.current_version_id"
    r" AND {plain:n.seed_id} = d.id ORDER BY n.id DESC LIMIT 1)",
    # What analysts said of two versions, whichever they named first; joined at once, since they
    # would be gone through for each pair.
    "said_of_pairs": r"(SELECT {low:child_version_id,parent_version_id} AS low,"
    r" {high:child_version_id,parent_version_id} AS high, \1"
    r" FROM analyst_verdict WHERE parent_version_id IS NOT NULL GROUP BY 1, 2)",
    # Joins them to verdict e.
    "pair_of": r"\1.low = {low:e.child_version_id,e.parent_version_id}"
    r" AND \1.high = {high:e.child_version_id,e.parent_version_id}",
}
"""What several views say, in words of `_MACROS`."""

_MACROS: Mapping[str, Mapping[str, str]] = {
    # Whole seconds since 1970, rounded down. SQLite would round to milliseconds first, and up: the
    # fraction is cut off before.
    "epoch": {
        "sqlite": r"CAST(strftime('%s', substr(\1, 1, 19)) AS INTEGER)",
        "postgresql": r"CAST(FLOOR(EXTRACT(EPOCH FROM \1)) AS BIGINT)",
    },
    # The day of a time in UTC, as text: 2023-09-05.
    "day": {
        "sqlite": r"substr(\1, 1, 10)",
        "postgresql": r"TO_CHAR(\1 AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    },
    # The same as a date, to group by: text is written once a group then.
    "as_date": {
        "sqlite": r"substr(\1, 1, 10)",
        "postgresql": r"CAST(\1 AT TIME ZONE 'UTC' AS DATE)",
    },
    "date_text": {
        "sqlite": r"\1",
        "postgresql": r"TO_CHAR(\1, 'YYYY-MM-DD')",
    },
    # The same of a number of days since 1970.
    "date": {
        "sqlite": r"date((\1) * 86400, 'unixepoch')",
        "postgresql": r"TO_CHAR(DATE '1970-01-01' + CAST(\1 AS INTEGER), 'YYYY-MM-DD')",
    },
    # A column by which SQLite must not look for rows; Postgres knows better, and would not
    # recognise the column behind the plus.
    "plain": {
        "sqlite": r"+\1",
        "postgresql": r"\1",
    },
    # What only SQLite is told: Postgres would take it for one condition more.
    "sqlite": {"sqlite": r"\1", "postgresql": ""},
    # The lesser and the greater of two columns.
    "low": {"sqlite": r"MIN(\1)", "postgresql": r"LEAST(\1)"},
    "high": {"sqlite": r"MAX(\1)", "postgresql": r"GREATEST(\1)"},
    # Texts of a group in one, in the order of its rows.
    "list": {
        "sqlite": r"GROUP_CONCAT(\1, ', ')",
        "postgresql": r"STRING_AGG(\1, ', ')",
    },
}
"""All that the two databases write differently."""


def view_sql(view: Table, dialect: str) -> str:
    """The SELECT behind a view; `{epoch:expression}` in it becomes the dialect's own.

    A view of what the databases have each in its own way has a SELECT for either.
    """
    written: str | Mapping[str, str] = view.info["sql"]
    if not isinstance(written, str):
        written = written[dialect]
    return spelled(written, dialect).strip()


def spelled(written: str, dialect: str) -> str:
    """SQL with its `{epoch:expression}` and the like in the dialect's own words."""
    spelt = {name: words[dialect] for name, words in _MACROS.items()}
    for name, words in {**_PHRASES, **spelt}.items():
        written = re.sub(rf"{{{name}:([^{{}}]+)}}", words, written)
    return written
