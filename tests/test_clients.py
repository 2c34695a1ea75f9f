"""The programs that analysts use, on the demonstration's data: what docs/clients.md shows works.

Its commands are run by a shell, its blocks of Python one after the other, in a folder that holds
the demonstration's database and what the first commands wrote. `psql` asks a copy on Postgres, as a
role that has an analyst's rights. A machine without psql or sqlite3 can't try these two.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import duckdb
import nbformat
import pytest
import yaml
from nbclient import NotebookClient
from sqlalchemy import URL

from storage.engine import open_engine, transaction
from tests.datasette_metadata import FILE, describe
from tests.postgres import create_database, drop_database
from tests.questions import DOCUMENT, copy_database, read_questions

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parent.parent
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
NOTEBOOK = ROOT / "docs" / "story.ipynb"


@pytest.fixture(scope="module")
def folder(demonstration: Path) -> Path:
    """Where the demonstration's database is, and what the document's commands write."""
    return demonstration


# ---------------------------------------------------------------- what the document shows


def section(heading: str) -> str:
    """The part of the document under a heading; the beginning under none."""
    parts = re.split(r"^## (.+)$", CLIENTS, flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], parts[0::2], strict=True))[heading]


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code of a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(heading), flags=re.DOTALL)


def run_commands(folder: Path, heading: str, **settings: str) -> list[str]:
    """Run each command of a section in a shell; return what they print."""
    lines = "".join(blocks(heading, "console")).splitlines()
    assert lines
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    command = tools / "storywatch"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ingest "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, **settings}
    printed = []
    for line in lines:
        done = subprocess.run(
            line.removeprefix("$ "), shell=True, cwd=folder, env=environment,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        printed.append(done.stdout)
    return printed


@pytest.fixture(scope="module")
def prepared(folder: Path) -> Path:
    """The folder after the first commands of the document."""
    run_commands(folder, "")
    assert {"copy.db", "articles.parquet", "timeline.csv"} <= {f.name for f in folder.iterdir()}
    return folder


@pytest.fixture(scope="module")
def analyst(
    folder: Path, postgres_server: URL, postgres_template: str
) -> Iterator[tuple[str, Path]]:
    """The address at which an analyst finds the demonstration on Postgres, with a snapshot."""
    name = f"storywatch_clients_{uuid.uuid4().hex[:12]}"
    role = f"analyst_{uuid.uuid4().hex[:8]}"
    url = create_database(postgres_server, name, template=postgres_template)
    owner = url.render_as_string(hide_password=False)
    source, target = (
        open_engine(f"sqlite:///{folder / 'demo' / 'storywatch.db'}"),
        open_engine(owner),
    )
    copy_database(source, target)
    source.dispose()
    with transaction(target) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'analyst'")
    target.dispose()
    for arguments in (["snapshot", "create", "may_report"], ["db", "grant-analyst", role]):
        subprocess.run(
            [sys.executable, "-m", "ingest", "--database-url", owner, *arguments],
            check=True, cwd=ROOT, capture_output=True,
        )  # fmt: skip
    theirs = url.set(drivername="postgresql", username=role, password="analyst")
    yield theirs.render_as_string(hide_password=False), folder
    drop_database(postgres_server, name)
    engine = open_engine(postgres_server.render_as_string(hide_password=False))
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


@pytest.mark.skipif(shutil.which("psql") is None, reason="no psql on this machine")
def test_psql_reads_the_views_their_comments_and_a_snapshot(analyst):
    url, folder = analyst
    described, counted, kept, _copied = run_commands(folder, "psql", ANALYST=url)
    assert "canonical URL" in described
    assert re.search(r"de +\| +5", counted)
    assert "15" in kept
    assert len((folder / "articles.csv").read_text(encoding="utf-8").splitlines()) == 16


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 on this machine")
def test_sqlite3_reads_the_copy(prepared):
    listed, changed = run_commands(prepared, "sqlite3")
    assert "near_duplicate" in listed
    assert len(changed.splitlines()) == 5


@pytest.mark.parametrize("heading", ["DuckDB", "pandas", "polars"])
def test_the_blocks_of_python_run(prepared, heading):
    program = "".join(blocks(heading, "python"))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=prepared,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 8, done.stdout


def test_duckdb_reads_typed_columns_and_the_metadata(prepared):
    told = duckdb.sql(
        f"SELECT COUNT(*), typeof(MIN(published_at)) FROM '{prepared / 'articles.parquet'}'"
    ).fetchall()
    assert told == [(15, "TIMESTAMP WITH TIME ZONE")]


# ---------------------------------------------------------------- the notebook


def test_the_notebook_runs_top_to_bottom_and_draws_its_plots(folder):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    kinds = [
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", {})
    ]
    assert kinds.count("image/png") == 5


def test_the_notebook_is_kept_with_its_plots():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert "image/png" in json.dumps(notebook)
    assert all(
        output.output_type != "error"
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


# ---------------------------------------------------------------- Datasette


def test_the_metadata_for_datasette_are_up_to_date():
    assert FILE.read_text(encoding="utf-8") == describe(), "run `make datasette-metadata`"


@pytest.fixture(scope="module")
def datasette(folder: Path) -> Iterator[str]:
    """The address of a Datasette that serves the demonstration's database as `make` does it."""
    command = [sys.executable, "-m", "datasette", "serve", "--immutable", "storywatch.db"]
    options = ["--metadata", str(FILE), "--port", "0", "--setting", "sql_time_limit_ms", "5000"]
    server = subprocess.Popen(
        [*command, *options],
        cwd=folder / "demo",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    told = ""
    for line in server.stdout:
        told += line
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
            yield found[1]
            break
    else:
        pytest.fail(told)
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=30)


def fetch(url: str) -> dict:
    host, _slash, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", f"/{path}")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_datasette_shows_the_views_and_hides_the_tables(datasette):
    told = fetch(f"{datasette}/storywatch.json")
    assert {"articles", "seed_relations", "correction_lag"} <= {v["name"] for v in told["views"]}
    shown = [table["name"] for table in told["tables"] if not table["hidden"]]
    assert shown == []


def test_datasette_counts_facets_of_a_view(datasette):
    told = fetch(f"{datasette}/storywatch/articles.json")
    relations = told["facet_results"]["final_relation"]["results"]
    assert {row["value"]: row["count"] for row in relations}["translation"] == 6


def test_datasette_answers_every_canned_query(datasette):
    metadata = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    names = metadata["databases"]["storywatch"]["queries"]
    assert len(names) == len(list(read_questions(DOCUMENT.read_text(encoding="utf-8"))))
    for name in names:
        told = fetch(f"{datasette}/storywatch/{quote(name)}.json")
        assert told["rows"], name
