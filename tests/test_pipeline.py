"""The main job on real HTTP, real workers and both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.running import ACCEPT_ALL, TALKS, WEATHER, count_rows, rows, run_once, write_config
from tests.site import Answer

LOOKS = {"observation", "feed_poll", "job_run"}  # append-only tables that a repeated pass may grow


def _states(engine: Engine) -> list[tuple]:
    return rows(engine, "SELECT state FROM article ORDER BY id")


def test_an_article_of_a_feed_becomes_a_version_with_a_verdict(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS, date="2023-09-05")
    feed = site.feed("/rss", [(page + "?utm_source=rss", "Nordland verkauft Lokomotiven")])
    summary = run_once(write_config(tmp_path, feeds=[feed], database_url=url))
    assert summary.candidates == {"new-version": 1}
    (row,) = rows(engine, "SELECT title, language, text FROM version")
    assert row[0] == "Nordland verkauft Lokomotiven"
    assert row[1] == "de"
    assert "152 Lokomotiven" in row[2]
    assert rows(engine, "SELECT relation FROM edge WHERE seed_id IS NOT NULL") in (
        [("identical",)],
        [("near_duplicate",)],
    )
    assert rows(engine, "SELECT canonical_url FROM article") == [(page,)]


def test_a_second_pass_adds_nothing_but_looks(site, engine, url, tmp_path: Path):
    links = [
        (site.page("/talks", title="Lokomotiven aus Nordland", text=TALKS), "Nordland"),
        (site.page("/weather", title="Gewitter", text=WEATHER), "Nordland: Wetter"),
        (site.page("/sun", title="Sonne", text=WEATHER), "Nur Wetter"),
        (site.url + "/missing", "Nordland fehlt"),
    ]
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", links)],
        database_url=url,
        schedule="retry_attempts = 1",
    )
    run_once(config)
    before = count_rows(engine)
    assert before["article"] == 1
    assert before["candidate"] == 0
    run_once(config)
    after = count_rows(engine)
    assert {name for name in after if after[name] != before[name]} <= LOOKS
    assert after["observation"] > before["observation"]


def test_every_url_that_is_not_kept_is_a_discard_with_stage_and_rule(
    site, engine, url, tmp_path: Path
):
    site.answers["/wall"] = Answer(
        b"<html><body><h1>Nordland</h1></body></html>", 200, {"Content-Type": "text/html"}
    )
    links = [
        (site.page("/sun", title="Sonne", text=WEATHER), "Nur Wetter"),
        (site.page("/weather", title="Gewitter in Nordland", text=WEATHER), "Nordland: Wetter"),
        (site.url + "/missing", "Nordland fehlt"),
        (site.url + "/wall", "Nordland leer"),
        ("http://exa mple.invalid:99999/", "Nordland kaputt"),
    ]
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", links)],
        database_url=url,
        schedule="retry_attempts = 1",
    )
    run_once(config)
    found = {
        (row[0].rpartition("/")[2], row[1])
        for row in rows(engine, "SELECT url, stage FROM discard")
    }
    assert {
        ("sun", "entry"),
        ("weather", "text"),
        ("missing", "fetch"),
        ("wall", "extract"),
    } <= found
    assert all(rule for (rule,) in rows(engine, "SELECT rule FROM discard"))
    assert rows(engine, "SELECT count(*) FROM article") == [(0,)]


def test_changes_a_revert_and_a_takedown_are_told_apart(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", [(page, "Nordland")])],
        database_url=url,
        schedule="gone_grace_seconds = 0.001",
    )
    run_once(config)
    site.page("/talks", title="Streit um den Verkauf der Lokomotiven in Nordland", text=TALKS)
    run_once(config)
    site.page(
        "/talks",
        title="Streit um den Verkauf der Lokomotiven in Nordland",
        text=TALKS.replace("152 Lokomotiven", "122 Lokomotiven"),
    )
    run_once(config)
    site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    run_once(config, times=4)
    site.answers["/talks"] = Answer(b"gone", 410)
    run_once(config, times=2)
    assert rows(engine, "SELECT kind FROM change ORDER BY id") == [
        ("headline",),
        ("correction",),
        ("reverted",),
    ]
    assert rows(engine, "SELECT seq, title FROM version ORDER BY seq")[3] == (
        4,
        "Nordland verkauft Lokomotiven",
    )
    assert _states(engine) == [("gone",)]


def test_a_wall_in_place_of_an_article_is_no_version(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", [(page, "Nordland")])],
        database_url=url,
        schedule="gone_grace_seconds = 0.001",
    )
    run_once(config)
    site.page(
        "/talks",
        title="Bevor Sie fortfahren",
        text="Wir und unsere Partner verwenden Cookies, um Daten zu speichern.\n\n"
        "Bitte stimmen Sie der Verwendung von Cookies zu, um unsere Seite zu nutzen.\n\n"
        "Alle akzeptieren Alle ablehnen Einstellungen verwalten Datenschutzerklärung",
    )
    run_once(config, times=2)
    assert rows(engine, "SELECT count(*) FROM version") == [(1,)]
    assert _states(engine) == [("blocked",)]
    site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    run_once(config)
    assert rows(engine, "SELECT count(*) FROM version") == [(1,)]
    assert _states(engine) == [("live",)]


def test_one_article_under_two_urls_is_one_article(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    site.answers["/short"] = Answer(b"", 301, {"Location": "/talks"})
    config = write_config(
        tmp_path,
        feeds=[
            site.feed("/a", [(page + "?utm_medium=x", "Nordland")]),
            site.feed("/b", [(site.url + "/short", "Nordland kurz")]),
        ],
        database_url=url,
    )
    run_once(config)
    run_once(config)
    assert rows(engine, "SELECT count(*) FROM article") == [(1,)]
    assert {kind for (kind,) in rows(engine, "SELECT kind FROM article_url")} >= {
        "canonical",
        "feed",
    }


def test_an_article_is_looked_at_again_where_it_answered(site, engine, url, tmp_path: Path):
    page = site.page("/talks.amp", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    run_once(config)
    assert rows(engine, "SELECT canonical_url FROM article") == [(site.url + "/talks",)]
    assert site.requests["/talks"] == 0
    assert site.requests["/talks.amp"] == 2


def test_a_failing_feed_never_stops_the_others(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    site.answers["/500"] = Answer(b"broken", 500)
    site.answers["/html"] = Answer(b"<html><p>not a feed</p></html>", 200)
    site.answers["/bomb"] = Answer(b'<rss version="2.0"><channel><item><title>&#xD800;', 200)
    feeds = [site.url + path for path in ("/500", "/html", "/bomb")]
    feeds.append(site.feed("/rss", [(page, "Nordland")]))
    summary = run_once(write_config(tmp_path, feeds=feeds, database_url=url))
    assert rows(engine, "SELECT count(*) FROM article") == [(1,)]
    assert summary.feeds["failed"] >= 2
    assert not summary.every_feed_failed
    told = dict(rows(engine, "SELECT url, last_error FROM feed"))
    assert told[site.url + "/500"]
    assert told[site.url + "/html"]


def test_a_feed_is_asked_with_its_validators(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    summary = run_once(config)
    assert summary.feeds == {"not-modified": 1}
    assert site.conditional["/rss"] == 1


def test_a_page_that_is_listed_before_it_is_there_is_not_lost(
    site, engine, url, tmp_path: Path, clock
):
    """Feed and pages often come from different servers, and one of them is first."""
    feed = site.feed("/rss", [(site.url + "/early", "Nordland")])
    config = write_config(tmp_path, feeds=[feed], database_url=url)
    summary = run_once(config, now=clock)
    assert summary.candidates == {"failed": 1}
    site.page("/early", title="Nordland verkauft Lokomotiven", text=TALKS)
    clock.advance(minutes=5)
    summary = run_once(config, now=clock)
    assert summary.candidates == {"new-version": 1}


def test_copies_are_linked_to_each_other(site, engine, url, tmp_path: Path):
    first = site.page("/a", title="Nordland verkauft Lokomotiven", text=TALKS)
    copy = site.page(
        "/b", title="Lokomotiven aus Nordland", text=TALKS.replace("in dieser Woche", "am Freitag")
    )
    feed = site.feed("/rss", [(first, "Nordland"), (copy, "Nordland")])
    run_once(write_config(tmp_path, feeds=[feed], database_url=url, seed="Anderes\n\n" + WEATHER))
    found = rows(engine, "SELECT relation FROM edge WHERE parent_version_id IS NOT NULL")
    assert found == [("near_duplicate",)]


def test_a_copy_of_the_seed_outside_the_window_is_kept(site, engine, url, tmp_path: Path):
    page = site.page("/late", title="Nordland", text=TALKS, date="2026-01-05T10:00:00Z")
    windowed = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    text = windowed.read_text().replace(
        "threshold = 0.3", "threshold = 0.3\nwindow = { from = 2023-09-01, until = 2023-09-30 }"
    )
    windowed.write_text(text)
    run_once(windowed)
    assert rows(engine, "SELECT rule FROM article_story") == [("copies-seed",)]


def test_an_edited_seed_is_a_new_version_and_judged_again(site, engine, url, tmp_path: Path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    (tmp_path / "seed.txt").write_text("Wetter\n\n" + WEATHER, encoding="utf-8")
    run_once(config)
    run_once(config)
    assert rows(engine, "SELECT seq FROM seed ORDER BY seq") == [(1,), (2,)]
    relations = rows(
        engine,
        "SELECT seed.seq, relation FROM edge JOIN seed ON seed.id = edge.seed_id ORDER BY 1",
    )
    # the new seed has none of its text, but the story's names still are what the story is
    assert relations == [(1, "identical"), (2, "same_story")]


def test_a_story_without_names_accepts_every_article(site, engine, url, tmp_path: Path):
    feed = site.feed("/rss", [(site.page("/sun", title="Sonne", text=WEATHER), "Wetter")])
    run_once(write_config(tmp_path, feeds=[feed], database_url=url, story=ACCEPT_ALL))
    assert rows(engine, "SELECT count(*) FROM article") == [(1,)]


@pytest.mark.parametrize("found_first", ["original", "copy"])
def test_evidence_has_the_child_on_side_a_whichever_was_found_first(
    found_first, site, engine, url, tmp_path
):
    own = "Der folgende Bericht erreichte die Redaktion am späten Abend aus der Hauptstadt."
    pages = {
        "original": ("/talks", TALKS, "2023-09-05T08:00:00Z"),
        "copy": ("/copied", f"{own}\n\n{TALKS}", "2023-09-05T11:00:00Z"),
    }
    order = sorted(pages, key=lambda name: name != found_first)
    for number, name in enumerate(order):
        path, text, date = pages[name]
        link = site.page(path, title="Nordland verhandelt", text=text, date=date)
        site.feed("/rss", [(link, "Nordland verhandelt")])
        feeds = [f"{site.url}/rss"]
        run_once(write_config(tmp_path, feeds=feeds, database_url=url, story=ACCEPT_ALL))
        assert rows(engine, "SELECT count(*) FROM article") == [(number + 1,)]
    ((evidence,),) = rows(engine, "SELECT evidence FROM edge WHERE parent_version_id IS NOT NULL")
    passages = (json.loads(evidence) if isinstance(evidence, str) else evidence)["passages"]
    assert passages
    assert all(passage["start_a"] >= passage["start_b"] + len(own) for passage in passages)
