"""The commands as a user types them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.commands import call
from tests.running import ACCEPT_ALL, TALKS, WEATHER, write_config
from tests.site import serve_site


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(
        tmp_path,
        feeds=["http://127.0.0.1:9/rss"],
        database_url=f"sqlite:///{tmp_path / 'storywatch.db'}",
    )


def lines(done) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_help_and_version_answer():
    assert "storywatch" in call("--version").stdout
    assert "backfill" in call("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["compare", "one.txt"], "two files", id="compare with one file"),
        pytest.param(["compare", "no.txt", "no.txt"], "no.txt", id="a file that is not there"),
        pytest.param(["judge"], "give files", id="judge without a file"),
        pytest.param(["sql", "DELETE FROM article"], "", id="sql that writes"),
        pytest.param(["feeds", "add", "javascript:alert(1)"], "javascript", id="no URL"),
        pytest.param(
            ["feeds", "remove", "https://n.example/rss"], "no such feed", id="no such feed"
        ),
        pytest.param(["feeds", "import", "seed.txt"], "OPML", id="no OPML"),
        pytest.param(["backfill", "jsonl", "no.jsonl"], "no.jsonl", id="no JSONL file"),
    ],
)
def test_a_mistake_of_the_caller_is_one_line_and_exit_code_2(arguments, told, config):
    done = call(*arguments, config=config)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_seed_and_an_unknown_key_name_the_file(config):
    config.write_text(config.read_text() + "\nnonsense = 1\n")
    done = call("config", "check", config=config)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert str(config) in done.stderr


def test_poll_exits_with_1_when_every_feed_failed(config):
    done = call("poll", "--json", config=config)
    assert done.returncode == 1
    assert json.loads(done.stdout)["feeds.failed"] == 1


def test_feeds_are_added_listed_exported_and_removed(config, tmp_path: Path):
    url = "https://new.example/rss.xml"
    assert (
        "added"
        in call("feeds", "add", url, "--outlet", "Neu", "--country", "AT", config=config).stdout
    )
    assert "already" in call("feeds", "add", url, config=config).stdout
    assert url in call("feeds", "export", "-o", tmp_path / "f.opml", config=config).stdout or (
        url in (tmp_path / "f.opml").read_text()
    )
    assert call("feeds", "remove", url, config=config).returncode == 0
    assert (
        "2 feeds, 1 of them new"
        in call("feeds", "import", tmp_path / "f.opml", config=config).stdout
    )
    assert "Neu" in call("feeds", "list", config=config).stdout


def test_a_feed_that_moved_or_is_gone_is_listed_as_that(config):
    assert call("feeds", "list", config=config).returncode == 0
    with sqlite3.connect(config.parent / "storywatch.db") as connection:
        connection.execute(
            "UPDATE feed SET moved_to = 'http://127.0.0.1:9/new', gone_since = '2023-09-05 12:00'"
        )
    listed = call("feeds", "list", config=config, COLUMNS="200").stdout
    assert "http://127.0.0.1:9/rss" in listed
    assert "-> http://127.0.0.1:9/new" in listed
    assert "gone since 2023-09-05" in listed


def test_feeds_of_a_page_are_discovered(tmp_path: Path):
    with serve_site() as site:
        config = write_config(tmp_path, feeds=[], database_url=f"sqlite:///{tmp_path / 'x.db'}")
        feed = site.feed("/rss.xml", [])
        site.page("/", title="T", text="x")
        site.answers["/"].body = b'<link rel=alternate type="application/rss+xml" href=/rss.xml>'
        assert call("feeds", "discover", site.url + "/", config=config).stdout.strip() == feed
        site.answers["/"].body = b"<p>no link</p>"
        assert feed in call("feeds", "discover", site.url + "/", config=config).stdout


def test_extract_prints_an_article_or_says_why_not(config, tmp_path: Path):
    paragraphs = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    (tmp_path / "page.html").write_text(
        f"<html><head><title>Nordland</title></head><body><article>{paragraphs}</article></body>"
    )
    (article,) = lines(call("extract", tmp_path / "page.html", "--url", "https://n.example/a"))
    assert article["outcome"] == "article"
    assert article["canonical_url"] == "https://n.example/a"
    assert "152 Lokomotiven" in article["text"]
    (tmp_path / "empty.html").write_text("<html><body></body></html>")
    (refusal,) = lines(call("extract", tmp_path / "empty.html"))
    assert refusal["outcome"] in {"empty", "not-html"}
    assert refusal["reason"]


def test_compare_answers_each_pair_and_a_bad_line_never_stops_the_others(config, tmp_path: Path):
    pairs = [
        json.dumps({"id": "same", "a": {"text": TALKS}, "b": {"text": TALKS + " "}}),
        "{broken",
        json.dumps({"id": "no b", "a": {"text": TALKS}}),
        json.dumps({"id": "other", "a": {"text": TALKS}, "b": {"text": WEATHER, "language": "de"}}),
        json.dumps({"id": "two", "a": {"text": TALKS}, "b": {"text": "x y z", "language": "en"}}),
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(pairs))
    answers = lines(call("compare", "--pairs", tmp_path / "pairs.jsonl"))
    assert [answer["id"] for answer in answers] == ["same", None, "no b", "other", "two"]
    assert answers[0]["relation"] == "identical"
    assert "line 2" in answers[1]["error"]
    assert "error" in answers[2]
    assert answers[3]["relation"] == "unrelated"
    assert answers[4]["evidence"]["note"] == "too short to compare: fewer than 8 words"
    assert set(answers[0]) == {
        "id",
        "relation",
        "score",
        "shared_a",
        "shared_b",
        "needs_review",
        "method",
        "evidence",
    }


def test_judge_tells_relation_and_relevance(config, tmp_path: Path):
    (tmp_path / "texts.jsonl").write_text(
        json.dumps({"id": 1, "title": "Zug", "text": TALKS})
        + "\n"
        + json.dumps({"id": 2, "text": WEATHER})
        + "\n"
        + json.dumps({"id": 3})
        + "\n"
    )
    copy, other, bad = lines(call("judge", "--jsonl", tmp_path / "texts.jsonl", config=config))
    assert (copy["relation"], copy["on_story"]) == ("identical", True)
    assert (other["relation"], other["on_story"]) == ("unrelated", False)
    assert other["relevance"]["rule"] == "no-names"
    assert "text" in bad["error"]


def test_backfill_stores_articles_once_and_tells_bad_lines(config, tmp_path: Path):
    line = {
        "url": "https://n.example/a",
        "title": "Nordland",
        "text": TALKS,
        "published_at": "2023-09-05T10:00:00Z",
        "author": "A",
    }
    file = tmp_path / "articles.jsonl"
    file.write_text(json.dumps(line) + "\n" + json.dumps({"title": "x"}) + "\n")
    first = call("backfill", "jsonl", file, "--json", config=config)
    assert first.returncode == 1
    assert json.loads(first.stdout)["outcomes"] == {"new-version": 1, "skipped: bad line": 1}
    assert "line 2" in json.loads(first.stdout)["errors"][0]
    again = call("backfill", "jsonl", file, "--json", config=config)
    assert json.loads(again.stdout)["outcomes"] == {"known": 1, "skipped: bad line": 1}
    counted = call(
        "sql",
        "--format",
        "json",
        "SELECT count(*) AS n, max(published_at) AS p FROM articles",
        config=config,
    )
    (row,) = lines(counted)
    assert row["n"] == 1
    assert row["p"].startswith("2023-09-05")


def test_sql_output_is_harmless_to_spreadsheets_and_terminals(config):
    query = "SELECT '=1+1' AS formula, 'a' || char(27) || '[31m' AS colour"
    assert "'=1+1" in call("sql", "--format", "csv", query, config=config).stdout
    assert "\x1b" not in call("sql", query, config=config).stdout


def test_flags_win_over_the_environment_and_that_over_the_file(config, tmp_path: Path):
    flag, environment = tmp_path / "flag.db", tmp_path / "environment.db"
    url = f"sqlite:///{environment}"
    call("db", "upgrade", config=config, STORYWATCH_DATABASE_URL=url)
    assert environment.exists()
    call(
        "--database-url",
        f"sqlite:///{flag}",
        "db",
        "upgrade",
        config=config,
        STORYWATCH_DATABASE_URL=url,
    )
    assert flag.exists()


def test_secrets_are_masked_in_what_is_shown(config):
    url = "postgresql://me:verysecret@127.0.0.1:1/none"
    shown = call("config", "show", config=config, STORYWATCH_DATABASE_URL=url)
    assert shown.returncode == 0
    assert "verysecret" not in shown.stdout
    refused = call("status", config=config, STORYWATCH_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "verysecret" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_status_tells_what_is_stored(tmp_path: Path):
    with serve_site() as site:
        feed = site.feed("/rss", [(site.page("/w", title="Wetter", text=WEATHER), "Wetter")])
        config = write_config(
            tmp_path, feeds=[feed], database_url=f"sqlite:///{tmp_path / 's.db'}", story=ACCEPT_ALL
        )
        assert call("poll", config=config).returncode == 0
    (status,) = lines(call("status", "--json", config=config))
    assert status["articles"] == {"live": 1}
    assert status["versions"] == 1
    assert "articles: 1 live" in call("status", config=config).stdout
