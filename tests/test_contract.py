"""The contract: what was promised to those who write SQL is there, or the version says so."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, ForeignKey, MetaData, Table, Text, inspect

from storage import schema
from storage.columns import BigInt
from storage.contract import (
    Contract,
    Kind,
    breaches,
    check_contract,
    compare_listings,
    list_views,
    present_contract,
    promised_contract,
)
from storage.diagram import table_diagram, view_diagram
from storage.engine import read_connection, transaction
from storage.migrate import check
from storage.views import VIEWS

ROOT = Path(__file__).parent.parent


def copied(*, renamed=None, dropped=None, retyped=None, added=None):
    """The program's views, copied into metadata of their own, with one column made otherwise."""
    metadata = MetaData()
    for view in VIEWS.values():
        columns = []
        for column in view.columns:
            place = f"{view.name}.{column.name}"
            if place == dropped:
                continue
            name = f"{column.name}_of_it" if place == renamed else column.name
            columns.append(Column(name, Boolean() if place == retyped else column.type))
        if view.name == added:
            columns.append(Column("mood", Text))
        Table(view.name, metadata, *columns)
    return replace(present_contract(), views=list_views(metadata.tables.values()))


def told(contract):
    return [
        (item.kind, item.name)
        for item in compare_listings(present_contract().views, contract.views)
    ]


# ---------------------------------------------------------------- the shipped listing


def test_the_views_are_what_was_promised():
    assert check_contract() == ()
    assert present_contract() == promised_contract()


def test_a_copy_of_the_views_is_the_same_contract():
    assert told(copied()) == []


@pytest.mark.parametrize(
    ("change", "found", "version"),
    [
        ({"renamed": "articles.title"},
         [(Kind.COLUMN_GONE, "articles.title"), (Kind.COLUMN_ADDED, "articles.title_of_it")],
         "major"),
        ({"dropped": "looks.url"}, [(Kind.COLUMN_GONE, "looks.url")], "major"),
        ({"retyped": "timeline.day"}, [(Kind.RETYPED, "timeline.day")], "major"),
        ({"added": "clusters"}, [(Kind.COLUMN_ADDED, "clusters.mood")], "minor"),
    ],
)  # fmt: skip
def test_a_column_that_is_otherwise_is_noticed_and_needs_a_version(change, found, version):
    changed = copied(**change)
    assert told(changed) == found
    first = breaches(promised_contract(), changed)[0]
    assert found[0][1] in first
    assert f"needs a new {version} version" in first


# ---------------------------------------------------------------- which version allows what


OLD = Contract(major=1, minor=4, released="2026-12-03", views={"a": {"x": "text", "y": "text"}})


@pytest.mark.parametrize(
    ("major", "minor", "views", "count"),
    [
        pytest.param(1, 4, {"a": {"x": "text", "y": "text"}}, 0, id="the same"),
        pytest.param(1, 4, {"a": {"x": "text", "y": "text"}, "b": {}}, 1, id="a view, unsaid"),
        pytest.param(1, 5, {"a": {"x": "text", "y": "text"}, "b": {}}, 0, id="a view, said"),
        pytest.param(1, 5, {"a": {"x": "text"}}, 1, id="a column gone in a minor version"),
        pytest.param(1, 5, {"a": {"x": "text", "z": "text"}}, 1, id="renamed in a minor version"),
        pytest.param(1, 4, {"a": {"x": "text", "z": "text"}}, 2, id="renamed and unsaid"),
        pytest.param(1, 5, {}, 1, id="a view gone in a minor version"),
        pytest.param(2, 0, {"a": {"x": "time"}}, 0, id="anything in a major version"),
        pytest.param(1, 3, {"a": {"x": "text", "y": "text"}, "b": {}}, 1, id="going back"),
    ],
)
def test_what_breaks_needs_a_major_version_and_what_comes_a_minor_one(major, minor, views, count):
    new = Contract(major=major, minor=minor, released="2027-01-01", views=views)
    assert len(breaches(OLD, new)) == count


def test_what_breaks_is_told_first():
    found = compare_listings({"a": {"x": "text"}, "b": {}}, {"a": {"w": "text"}, "c": {}})
    assert [str(item) for item in found] == [
        "a.x: the column is gone",
        "b: the view is gone",
        "a.w: the column is new",
        "c: the view is new",
    ]


# ---------------------------------------------------------------- in a program of its own


@pytest.fixture
def program(tmp_path):
    """A copy of the program of which a test can change the views."""
    for package in ("storage", "ingest"):
        shutil.copytree(ROOT / package, tmp_path / package)

    def run(code):
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
        )

    run.write = lambda: subprocess.run(
        [sys.executable, "-m", "storage.contract"], cwd=tmp_path, capture_output=True, text=True
    )
    run.folder = tmp_path / "storage"
    return run


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


CHECK = "from storage.contract import check_contract; print(*check_contract(), sep='\\n')"


def test_a_renamed_column_is_refused_until_the_major_version_is_raised(program):
    edit(program.folder / "view_sources.py", '"discarded_at"', '"dropped_at"')
    assert "discards.discarded_at: the column is gone" in program(CHECK).stdout
    refused = program.write()
    assert refused.returncode == 1
    assert "needs a new major version after 1.0" in refused.stderr
    edit(program.folder / "view_runs.py", "MAJOR, MINOR = 1, 0", "MAJOR, MINOR = 2, 0")
    assert "out of date: run `make contract`" in program(CHECK).stdout
    assert program.write().returncode == 0
    assert program(CHECK).stdout.strip() == ""
    listed = json.loads((program.folder / "contract.json").read_text(encoding="utf-8"))
    assert (listed["major"], "dropped_at" in listed["views"]["discards"]) == (2, True)


# ---------------------------------------------------------------- in the database


def test_a_database_keeps_the_contract(engine):
    assert check(engine) == []


_REAL = {
    "BIGINT": "integer",
    "BOOLEAN": "boolean",
    "DOUBLE PRECISION": "number",
    "INTEGER": "integer",
    "JSONB": "JSON",
    "TEXT": "text",
    "TSVECTOR": "search terms",
    "TIMESTAMP": "time",
}


def test_the_columns_of_postgres_are_those_that_were_promised(postgres_url, opened):
    with read_connection(opened(postgres_url)) as connection:
        found = {
            name: {
                column["name"]: _REAL[str(column["type"])]
                for column in inspect(connection).get_columns(name)
            }
            for name in VIEWS
        }
    assert found == promised_contract().views


def test_the_columns_of_sqlite_are_those_that_were_promised(sqlite_url, opened):
    with transaction(opened(sqlite_url)) as connection:
        found = {
            name: [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")]
            for name in VIEWS
        }
    assert found == {name: list(columns) for name, columns in promised_contract().views.items()}


# ---------------------------------------------------------------- the diagrams


def test_each_foreign_key_is_a_line_of_the_diagram():
    drawn = table_diagram(schema.metadata)
    keys = [
        (reference.column.table.name, table.name, column.name)
        for table in schema.metadata.tables.values()
        for column in table.columns
        for reference in column.foreign_keys
    ]
    assert len(keys) > 30
    for one, many, column in keys:
        assert [
            line
            for line in drawn.splitlines()
            if line.split()[:1] == [one] and f' {many} : "{column}"' in line
        ], (one, many, column)


def test_a_reference_is_drawn_by_how_many_rows_may_be_at_its_ends():
    metadata = MetaData()
    Table("one", metadata, Column("id", BigInt, primary_key=True))
    Table(
        "many", metadata,
        Column("id", BigInt, primary_key=True),
        Column("sure_id", ForeignKey("one.id"), nullable=False),
        Column("maybe_id", ForeignKey("one.id")),
    )  # fmt: skip
    Table("same", metadata, Column("one_id", ForeignKey("one.id"), primary_key=True))
    lines = [line.strip() for line in table_diagram(metadata).splitlines()]
    assert lines == [
        "```mermaid", "erDiagram", "one {", "integer id PK", "}",
        "many {", "integer id PK", "integer sure_id FK", "integer maybe_id FK", "}",
        "same {", "integer one_id PK, FK", "}",
        'one |o--o{ many : "maybe_id"', 'one ||--o{ many : "sure_id"', 'one ||--o| same : "one_id"',
        "```",
    ]  # fmt: skip


def test_the_views_are_joined_by_their_keys():
    drawn = view_diagram(VIEWS.values())
    assert 'articles ||--o{ derivations : "parent_article_id"' in drawn
    assert 'article_versions ||--o{ verdicts : "child_version_id"' in drawn
    assert "articles ||--o{ articles" not in drawn
