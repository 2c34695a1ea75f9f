"""What the documentation shows is run here, as shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from storage.dictionary import describe_schema
from tests.running import TALKS, run_once, write_config
from tests.site import serve_site

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?P<note><!-- not run: .*? -->\n)?```(?P<kind>console|sql)\n(?P<body>.*?)```", re.S
)


def shown(kind: str) -> list:
    return [
        pytest.param(line, id=f"{page.name}: {line.splitlines()[0][:70]}")
        for page in PAGES
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if found["kind"] == kind and not found["note"]
        for line in (
            [line[2:] for line in found["body"].splitlines() if line.startswith("$ ")]
            if kind == "console"
            else [found["body"].strip()]
        )
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, a database that holds an article, and the files shown."""
    folder = tmp_path_factory.mktemp("docs")
    with serve_site() as site:
        page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
        config = write_config(
            folder,
            feeds=[site.feed("/rss", [(page, "Nordland")])],
            database_url=f"sqlite:///{folder / 'storywatch.db'}",
        )
        run_once(config)
    (folder / "first.txt").write_text(TALKS, encoding="utf-8")
    (folder / "second.txt").write_text(TALKS[:400], encoding="utf-8")
    (folder / "page.html").write_text(f"<html><body><article><h1>T</h1><p>{TALKS}</p></article>")
    pair = {"id": 1, "a": {"text": TALKS}, "b": {"text": TALKS}}
    (folder / "pairs.jsonl").write_text(json.dumps(pair) + "\n")
    line = {"id": 1, "url": "https://news.example/a", "title": "Nordland", "text": TALKS}
    for name in ("texts.jsonl", "articles.jsonl"):
        (folder / name).write_text(json.dumps(line) + "\n")
    return folder


def run(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STORYWATCH")}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, "-m", "ingest", *arguments],
        cwd=folder,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", shown("console"))
def test_every_command_shown_works(command, folder):
    program, *arguments = shlex.split(command)
    assert program == "storywatch"
    done = run(folder, arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("query", shown("sql"))
def test_every_query_shown_answers(query, folder):
    done = run(folder, ["sql", "--format", "csv", query])
    assert done.returncode == 0, done.stderr
    assert "," in done.stdout.splitlines()[0]


def test_the_data_dictionary_is_that_of_the_schema():
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == describe_schema()


def test_links_between_the_documents_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
