"""What a view's definition is written with, and how it becomes SQL of either database."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import MetaData, Table

view_metadata = MetaData()
"""The views as typed tables, to select from; no table of the schema is in it."""

_EPOCH = {
    "sqlite": r"CAST(strftime('%s', substr(\1, 1, 19)) AS INTEGER)",
    "postgresql": r"CAST(FLOOR(EXTRACT(EPOCH FROM \1)) AS BIGINT)",
}
"""Whole seconds since 1970, rounded down: the one thing the two databases write differently.

SQLite would round to milliseconds first, and up: the fraction is cut off before.
"""


def view_sql(view: Table, dialect: str) -> str:
    """The SELECT behind a view; `{epoch:expression}` in it becomes the dialect's own.

    A view of what the databases have each in its own way has a SELECT for either.
    """
    written: str | Mapping[str, str] = view.info["sql"]
    if not isinstance(written, str):
        written = written[dialect]
    return re.sub(r"\{epoch:([^{}]+)\}", _EPOCH[dialect], written).strip()
