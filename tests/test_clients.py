"""The programs that analysts use, on the demonstration's data: what docs/clients.md shows works.

Blocks of Python in it are run one after the other, in a folder that holds the demonstration's
database and what the commands before them wrote.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from tests.datasette_metadata import FILE, describe
from tests.questions import DOCUMENT, read_questions, run_demo

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "story.ipynb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demonstration's in it, as `make demo` leaves it."""
    place = tmp_path_factory.mktemp("analyst")
    run_demo(place / "demo")
    return place


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
