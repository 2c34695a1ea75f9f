"""The metadata that Datasette is given: what views mean, facets, questions as canned queries.

`python -m tests.datasette_metadata` writes deploy/datasette/metadata.yml anew; a test keeps it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from storage.schema import metadata
from storage.search_index import INDEX_TABLES
from storage.views import VIEWS
from tests.questions import DOCUMENT, read_questions

FILE = Path(__file__).parent.parent / "deploy" / "datasette" / "metadata.yml"
DATABASE = "storywatch"
"""Datasette's name of the database: that of its file."""

_FACETS = {
    "articles": ["outlet", "language", "final_relation", "state"],
    "seed_relations": ["final_relation", "language", "needs_review"],
    "article_changes": ["kind", "outlet"],
    "derivations": ["relation", "parent_outlet", "language"],
    "correction_lag": ["state", "language", "parent_outlet"],
    "discards": ["stage", "rule"],
    "looks": ["source", "outcome"],
    "timeline": ["language", "outlet"],
}
_SORTED_BY = {"articles": "published_at", "first_reports": "rank_earliest"}


class _Text(str):
    """A text of several lines, written as such."""

    __slots__ = ()


class _Writer(yaml.SafeDumper):
    pass


_Writer.add_representer(
    _Text, lambda writer, text: writer.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def describe() -> str:
    """The file's content."""
    views: dict[str, Any] = {}
    for name, view in VIEWS.items():
        views[str(name)] = {
            "description": view.comment,
            "columns": {str(column.name): column.comment for column in view.columns},
        }
        if name in _FACETS:
            views[str(name)]["facets"] = _FACETS[name]
        if name in _SORTED_BY:
            views[str(name)]["sort"] = _SORTED_BY[name]
    hidden = {
        str(name): {"hidden": True}
        for name in [*metadata.tables, *sorted(INDEX_TABLES), "alembic_version"]
    }
    questions = {
        re.sub(r"\W+", "-", question.title.lower()).strip("-"): {
            "title": question.title,
            "sql": _Text(question.sql),
        }
        for question in read_questions(DOCUMENT.read_text(encoding="utf-8"))
    }
    told = {
        "title": "Storywatch",
        "description": "Every article of a story, every version of it, and who has it from whom.",
        "databases": {DATABASE: {"tables": views | hidden, "queries": questions}},
    }
    return "# Made by `make datasette-metadata` from the views and docs/queries.md.\n" + yaml.dump(
        told, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=110
    )


if __name__ == "__main__":
    FILE.write_text(describe(), encoding="utf-8")
