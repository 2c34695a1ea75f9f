"""`storywatch search` as a user types it, on both databases, after the real pipeline."""

from __future__ import annotations

import csv
import io
import json
import uuid

import pytest

from tests.commands import command_runner
from tests.postgres import create_database, drop_database
from tests.running import TALKS, run_once, write_config
from tests.site import serve_site

TITLE = "Nordland verhandelt über Lokomotiven"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with command_runner(tmp_path_factory.mktemp("commands")) as runner:
        yield runner


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request, tmp_path_factory):
    """A migrated, empty database of each kind, for all tests here."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'story.db'}"
        return
    server, template = map(request.getfixturevalue, ("postgres_server", "postgres_template"))
    made = create_database(server, f"search_{uuid.uuid4().hex[:12]}", template=template)
    yield made.render_as_string(hide_password=False)
    drop_database(server, str(made.database))


@pytest.fixture(scope="module")
def search(url, run, tmp_path_factory):
    """Search what two passes have stored: an article that was edited, and its copy."""
    folder = tmp_path_factory.mktemp("watched")
    with serve_site() as site:
        first = site.page("/talks", title=TITLE, text=TALKS, date="2023-09-05T08:00:00+00:00")
        feed = site.feed("/rss", [(first, TITLE)])
        config = write_config(folder, feeds=[feed], database_url=url)
        run_once(config)
        title = "=Kopie \x1b[31mrot"
        copy = site.page("/copy", title=title, text=TALKS, date="2023-09-06T08:00:00+00:00")
        site.feed("/rss", [(first, TITLE), (copy, TITLE)])
        edited = TALKS.replace("152 Lok", "122 Lok")
        site.page("/talks", title=TITLE, text=edited, date="2023-09-05T08:00:00+00:00")
        run_once(config)

    def ask(*arguments, command="search"):
        return run(folder, "--config", str(config), command, *arguments)

    return ask


def hits(done):
    assert done.exit_code == 0, done.errors
    return [json.loads(line) for line in done.output.splitlines()]


def test_hits_are_told_as_json(search):
    found = hits(search("122 lokomotiven", "--format", "json"))
    assert len(found) == 1
    assert found[0]["date"] == "2023-09-05T08:00:00+00:00"
    assert (found[0]["seq"], found[0]["is_current"]) == (2, True)
    assert found[0]["language"] == "de"
    assert found[0]["relations"] == {"trains": "near_duplicate"}
    assert "von [122] [Lokomotiven] sprechen" in found[0]["snippet"]


def test_the_earlier_text_is_found_where_it_stands_and_ever(search):
    assert [item["article_id"] for item in hits(search('"152 lok"*', "--format", "json"))] == [2]
    ever = hits(search('"152 lok"*', "--ever", "--format", "json"))
    assert sorted((item["article_id"], item["seq"]) for item in ever) == [(1, 1), (2, 1)]


@pytest.mark.parametrize(
    ("options", "articles"),
    [
        (["--since", "2023-09-06"], [2]),
        (["--until", "2023-09-05"], [1]),
        (["--since", "2023-09-05", "--until", "2023-09-06"], [1, 2]),
        (["--relation", "identical"], [2]),
        (["--story", "trains", "--relation", "near_duplicate"], [1]),
        (["--story", "trains"], [1, 2]),
        (["--language", "en"], []),
    ],
)
def test_hits_can_be_narrowed_down(search, options, articles):
    found = hits(search("lokomotiven", *options, "--format", "json"))
    assert sorted(item["article_id"] for item in found) == articles


def test_a_table_and_a_csv_are_harmless_and_tell_when_there_is_more(search):
    done = search("osthafen", "--limit", "1")
    assert done.exit_code == 0, done.errors
    assert "more than 1 hits" in done.errors
    done = search("kopie OR osthafen")
    for words in ("identical", "near_duplicate", "Osthafen", "2023-09-06 08:00", TITLE[:20]):
        assert words in done.output
    assert "\x1b" not in done.output
    [header, *rows] = csv.reader(io.StringIO(search("kopie", "--format", "csv").output))
    [row] = [dict(zip(header, row, strict=True)) for row in rows]
    assert row["title"].startswith("'=")
    assert row["relations"] == "identical"


def test_finding_nothing_is_no_failure(search):
    done = search("vulkan")
    assert (done.exit_code, done.output, done.errors) == (0, "", "nothing was found\n")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (['"lokomotiven'], "a phrase without end"),
        (["--", "-lokomotiven"], "what must occur as well"),
        (["🙂"], "no word in it"),
        (["zug", "--story", "none"], "there is no such story"),
        (["zug", "--outlet", "none.example"], "there is no such outlet"),
        (["zug", "--since", "2023-09-06", "--until", "2023-09-05"], "lies before"),
        (["zug", "--stem"], "stem"),
    ],
)
def test_a_search_that_cannot_be_is_one_line_and_exit_code_2(search, arguments, advice):
    done = search(*arguments)
    assert done.exit_code == 2
    assert advice in done.errors
    assert len(done.errors.strip().splitlines()) == 1


def test_the_printed_statement_finds_the_same_in_sql(search):
    query = ["(122 OR 152) lokomotiven", "--since", "2023-09-01", "--story", "trains"]
    statement = search(*query, "--sql").output
    printed = hits(search(statement, "--format", "json", command="sql"))
    expected = hits(search(*query, "--format", "json"))
    assert len(printed) == 2
    assert [item["version_id"] for item in printed]
    assert [item["article_id"] for item in printed] == [item["article_id"] for item in expected]
