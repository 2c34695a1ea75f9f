"""The documentation is true: what it shows is run, what it links to is there.

```console blocks are run line by line through the real command, ```sql blocks through
`storywatch sql`, where they must find a row; a ```toml block that begins with `# name.toml` is
written to that file first. All of it happens in a copy of a folder whose database holds a watched
site; the queries of docs/queries.md are asked of the demonstration, by test_queries.py. A block
under `<!-- not run: reason -->` is left alone.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import typer.main
from typer.core import TyperGroup

import ingest
from ingest.cli.app import app
from ingest.settings import SECTIONS
from storage.dictionary import describe_schema
from storage.views import VIEWS
from tests.commands import command_runner
from tests.running import TALKS, WEATHER, write_config
from tests.site import Answer, Site, serve_site

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
RUN = {"console", "sql"}
LANGUAGES = RUN | {"toml", "ini", "mermaid", "python"}

_BLOCK = re.compile(
    r"(?P<mark><!-- not run: (?P<reason>[^>]+) -->\n\s*)?```(?P<language>\w*)\n(?P<text>.*?)```",
    re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code of a document."""

    document: Path
    line: int
    language: str
    text: str
    reason: str | None  # why it is not run

    def __str__(self) -> str:
        return f"{self.document.name}, line {self.line}"


def read_blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        yield Block(
            document=document,
            line=text.count("\n", 0, match.start("text")),
            language=match["language"],
            text=match["text"],
            reason=match["reason"],
        )


BLOCKS = [block for document in DOCUMENTS for block in read_blocks(document)]


# ---------------------------------------------------------------- a watched site


EDITED = TALKS.replace("zwölf Züge", "dreizehn Züge") + "\nKorrektur: Es waren dreizehn Züge."


ENGLISH = (
    "The government of Nordland expects its president in the neighbouring capital this week.\n\n"
    "Both sides want to talk about locomotives, the Eisenbahn-Zeitung of Nordstadt reported on"
    " Monday. The works in Osthafen had to close in spring after a fire, and nobody knows yet who"
    " is going to build the trains that were ordered.\n\n"
    "Members of parliament asked to see the contracts first. The railway union, which speaks of an"
    " Eisenbahn for everybody, said that the deal would keep hundreds of people in work."
)


def open_site(site: Site) -> list[str]:
    """A site with the first article, the one that is copied and edited; return its feeds."""
    first = "Nordland verhandelt über Lokomotiven, heißt es"
    page = site.page("/edited", title=first, text=TALKS, date="2023-09-05T08:00:00+00:00")
    site.answers["/broken"] = Answer(b"", 500)
    return [site.feed("/rss", [(page, first)]), site.url + "/broken"]


def fill_site(site: Site) -> None:
    """Publish what else the queries in the documents call for."""
    text = "Nordland verhandelt über Lokomotiven"
    pages = [
        (site.page(f"/{name}", title=text, text=TALKS, date="2023-09-05T12:00:00+00:00"), text)
        for name in ("copy", "vanishing")
    ]
    pages.append((site.url + "/edited", text))
    pages.append((site.page("/weather", title="Gewitter", text=WEATHER), "Gewitter in Nordland"))
    title = "Nordland to buy locomotives"
    pages.append((site.page("/english", title=title, text=ENGLISH, date="2023-09-05"), title))
    site.answers["/withdrawn"] = Answer(b"", 410)
    pages.append((site.url + "/withdrawn", "Nordland fehlt"))
    site.feed("/rss", pages)


def write_examples(folder: Path) -> None:
    """The files that the documents' commands name."""
    (folder / "first.txt").write_text(TALKS, encoding="utf-8")
    (folder / "second.txt").write_text(EDITED, encoding="utf-8")
    paragraphs = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    (folder / "page.html").write_text(
        f"<html lang='de'><title>Nordland</title><article>{paragraphs}</article></html>",
        encoding="utf-8",
    )
    text = {"id": "1", "url": "https://example.org/2023/a", "title": "Nordland", "text": TALKS}
    pair = {"id": "1", "a": {"text": TALKS}, "b": {"text": WEATHER}}
    for name, line in [("texts", text), ("articles", text), ("pairs", pair)]:
        (folder / f"{name}.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (folder / "subscriptions.opml").write_text(
        "<opml version='2.0'><head/><body>"
        "<outline type='rss' text='Example' xmlUrl='https://example.org/atom.xml'/>"
        "</body></opml>",
        encoding="utf-8",
    )


Storywatch = Callable[..., str]


@pytest.fixture(scope="module")
def storywatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storywatch]:
    """Run the real command in a folder; it succeeds, and what it prints is returned."""
    with command_runner(tmp_path_factory.mktemp("printed")) as run:

        def succeed(folder: Path, *arguments: str, **settings: str) -> str:
            done = run(folder, *arguments, **settings)
            assert done.exit_code == 0, f"{shlex.join(arguments)}: {done.output}{done.errors}"
            return done.output

        yield succeed


@pytest.fixture(scope="module")
def watched(storywatch: Storywatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a configuration and a database after four passes; its site still answers."""
    folder = tmp_path_factory.mktemp("watched")
    with serve_site() as site:
        write_config(
            folder,
            feeds=open_site(site),
            database_url="sqlite:///storywatch.db",
            schedule="gone_grace_seconds = 0.001",
        )
        write_examples(folder)
        storywatch(folder, "poll")
        fill_site(site)
        storywatch(folder, "poll", "--all")
        title = "Nordland verkauft Lokomotiven"
        site.page("/edited", title=title, text=EDITED, date="2023-09-05T08:00:00+00:00")
        site.answers["/vanishing"] = Answer(b"", 410)
        for _ in range(2):
            storywatch(folder, "poll", "--all")
        storywatch(folder, "backfill", "jsonl", "articles.jsonl")
        yield folder


@pytest.fixture
def folder(watched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(watched, tmp_path / "watched"))


# ---------------------------------------------------------------- what is shown


def _runnable(language: str) -> list[pytest.param]:
    return [
        pytest.param(block, id=str(block))
        for block in BLOCKS
        if block.language == language and block.reason is None
    ]


def write_files(folder: Path, document: Path) -> None:
    """Write the document's files into the folder."""
    for block in read_blocks(document):
        named = re.match(r"# (\S+\.toml)\n", block.text)
        if block.language == "toml" and named:
            (folder / named[1]).write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("block", _runnable("console"))
def test_the_commands_work_in(block, folder, storywatch):
    write_files(folder, block.document)
    commands = re.findall(r"^\s*\$ (.+)$", block.text, flags=re.MULTILINE)
    assert commands
    for command in commands:
        words = shlex.split(command)
        settings = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            settings[name] = value
        assert words.pop(0) == "storywatch", f"mark the block as not run: {command}"
        storywatch(folder, *words, **settings)


@pytest.mark.parametrize(
    "block",
    [param for param in _runnable("sql") if param.values[0].document.name != "queries.md"],
)
def test_the_query_finds_something_in(block, folder, storywatch):
    lines = storywatch(folder, "sql", block.text, "--format", "json").splitlines()
    assert lines
    assert all(json.loads(line) for line in lines)


def test_every_block_says_what_it_is():
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


def test_most_blocks_are_run():
    runnable = [block for block in BLOCKS if block.language in RUN]
    assert len([block for block in runnable if block.reason is None]) > len(runnable) / 2


def test_every_file_a_document_shows_is_a_configuration_that_is_sound(folder, storywatch):
    shown = [block for block in BLOCKS if block.language == "toml"]
    assert shown
    for block in shown:
        write_files(folder, block.document)
        name = block.text.split()[1]
        assert "is sound" in storywatch(folder, "--config", name, "config", "check")


# ---------------------------------------------------------------- what is told of


def _leaves(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, TyperGroup):
        yield path
        return
    for name, inner in command.commands.items():
        yield from _leaves(inner, *path, name)


def _shown_commands() -> str:
    shown = [block.text for block in BLOCKS if block.language == "console"]
    return re.sub(r" --(?:config|database-url|log-level) \S+", "", "\n".join(shown))


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=" ".join(path)) for path in _leaves(typer.main.get_command(app))]
)
def test_a_document_shows_the_command(path):
    command = "make demo" if path == ("demo",) else f"storywatch {' '.join(path)}"
    assert command in _shown_commands()


@pytest.mark.parametrize("view", VIEWS)
def test_the_readme_names_the_view(view):
    assert f"| `{view}` |" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_data_dictionary_is_up_to_date():
    found = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    assert found == describe_schema(), "run `make schema`"


def test_the_documents_name_only_settings_there_are():
    text = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    named = {(part, key) for part, key in re.findall(r"`(\w+)\.(\w+)`", text) if part in SECTIONS}
    assert named
    shipped = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
    assert [f"{part}.{key}" for part, key in sorted(named) if key not in shipped[part]] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_somewhere(document):
    for target in _LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_the_list_of_documents_names_them_all():
    folder = ROOT / "docs"
    named = {folder / name for name in _LINK.findall((folder / "README.md").read_text("utf-8"))}
    assert named >= {*folder.glob("*.md"), *folder.glob("*.ipynb")} - {folder / "README.md"}


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, flags=re.MULTILINE)[0] == ingest.__version__


def test_the_libraries_of_the_decisions_are_at_the_versions_of_the_lock():
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    locks = ("requirements-dev.lock", "requirements-pywb.lock")
    lock = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in locks)
    lock = lock.replace("_", "-")
    rows = re.findall(r"^\| ([\w, -]+) \| ([\d., ]+) \|", decisions, flags=re.MULTILINE)
    pairs = [
        (name.lower().replace("_", "-"), version)
        for names, versions in rows
        for name, version in zip(names.split(", "), versions.split(", "), strict=True)
    ]
    assert len(pairs) > 15
    assert [pair for pair in pairs if "\n{}=={} ".format(*pair) not in "\n" + lock] == []
