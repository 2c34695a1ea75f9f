"""What is exported: a view by its name, or one SELECT."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.errors import UsageError
from storage.kinds import Kind, kinds_of_view
from storage.views import VIEWS

_ONE_WORD = re.compile(r"\s*[A-Za-z_]\w*\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A SELECT, and what is known of its columns beforehand."""

    sql: str
    view: str | None = None
    kinds: Mapping[str, Kind]
    comments: Mapping[str, str]


def read_query(words: str) -> Query:
    """A view's name or a SELECT as a query.

    Raises UsageError for a single word that is no view.
    """
    name = words.strip()
    if name in VIEWS:
        view = VIEWS[name]
        return Query(
            sql=f"SELECT * FROM {name}",  # noqa: S608 - one of our own names
            view=name,
            kinds=kinds_of_view(view),
            comments={column.name: column.comment or "" for column in view.columns},
        )
    if _ONE_WORD.fullmatch(words):
        raise UsageError(f"there is no view {name!r}; the views are {', '.join(VIEWS)}")
    return Query(sql=words, kinds={}, comments={})
