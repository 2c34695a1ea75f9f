"""Versions over months: what the real pipeline makes of a changing site, by a clock of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.status import read_status
from tests.running import TALKS, WEATHER, live_through, rows, run_once, write_config
from tests.site import Answer

TITLE = "Nordland verkauft Lokomotiven"
OTHER = "Streit um den Verkauf der Lokomotiven in Nordland"
WALL = (
    "Wir und unsere Partner verwenden Cookies, um Daten zu speichern.\n\n"
    "Bitte stimmen Sie der Verwendung von Cookies zu, um unsere Seite zu nutzen.\n\n"
    "Alle akzeptieren Alle ablehnen Einstellungen verwalten"
)
LONG = " ".join(f"Der {number}. Zug fuhr am Morgen ohne Halt ab." for number in range(40))
SCHEDULE = "floor_seconds = 43200.0\nceiling_seconds = 43200.0"


def prepare(site, url, tmp_path, *paths, schedule=SCHEDULE, texts=None):
    """A site with a page at each path, and the configuration to watch it."""
    entries = []
    for number, path in enumerate(paths):
        text = (texts or {}).get(path, f"{TALKS}\n\nAusgabe {number} der Zeitung von Nordstadt.")
        entries.append((site.page(path, title=f"{TITLE} {number}", text=text), f"{TITLE} {number}"))
    return write_config(
        tmp_path, feeds=[site.feed("/rss", entries)], database_url=url, schedule=schedule
    )


def kinds(engine):
    return [kind for (kind,) in rows(engine, "SELECT kind FROM change ORDER BY id")]


def outcomes(engine):
    return [name for (name,) in rows(engine, "SELECT outcome FROM observation ORDER BY id")]


def test_sixty_days_in_seconds(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", "/gone", "/wall", "/back")
    first = TALKS + "\n\nAusgabe 0 der Zeitung von Nordstadt."

    def edit(title=TITLE + " 0", **changes):
        text = first.replace("152", changes["number"]) if changes else first
        return lambda: site.page("/a", title=title, text=text)

    live_through(
        config,
        clock,
        days=60,
        acts=[
            (0.2, edit(OTHER)),
            (1.0, edit(OTHER, number="122")),
            (3.0, edit(number="152")),
            (5.0, lambda: site.answers.update({"/gone": Answer(b"", 410)})),
            (2.0, lambda: site.page("/wall", title="Bevor Sie fortfahren", text=WALL)),
            (6.0, lambda: site.page("/wall", title=f"{TITLE} 2", text=TALKS + "\n\nNeu heute.")),
            (4.0, lambda: site.answers.update({"/back": Answer(b"", 404)})),
            (8.0, lambda: site.page("/back", title=f"{TITLE} 3", text=TALKS + "\n\nAusgabe 3.")),
        ],
    )  # fmt: skip
    assert rows(
        engine,
        "SELECT url, kind FROM article_changes ORDER BY url, to_seq",
    ) == [
        (f"{site.url}/a", "headline"),
        (f"{site.url}/a", "correction"),
        (f"{site.url}/a", "reverted"),
        (f"{site.url}/back", "substantive"),
        (f"{site.url}/wall", "substantive"),
    ]
    assert rows(engine, "SELECT url, kind FROM article_events ORDER BY url, decided_at") == [
        (f"{site.url}/back", "gone"),
        (f"{site.url}/back", "back"),
        (f"{site.url}/gone", "gone"),
        (f"{site.url}/wall", "blocked"),
        (f"{site.url}/wall", "back"),
    ]
    states = dict(rows(engine, "SELECT url, state FROM articles"))
    assert states == {
        f"{site.url}/a": "live",
        f"{site.url}/back": "live",
        f"{site.url}/gone": "gone",
        f"{site.url}/wall": "live",
    }
    assert rows(engine, "SELECT COUNT(*) FROM article WHERE next_check_at IS NOT NULL") == [(0,)]
    checks = len(outcomes(engine)) / 4
    assert 30 < checks < 70, "a young article is looked at often, an old one is parked"


def test_the_same_clock_and_chance_give_the_same_looks(site, sqlite_url, tmp_path, clock):
    from storage.engine import open_engine  # noqa: PLC0415

    start, told = clock(), []
    for run in ("one", "two"):
        clock.set(start)
        folder = tmp_path / run
        folder.mkdir()
        address = f"sqlite:///{folder / 'watch.db'}"
        live_through(prepare(site, address, folder, "/a", "/b"), clock, days=3, acts=[])
        engine = open_engine(address)
        told.append(rows(engine, "SELECT article_id, observed_at, outcome FROM observation"))
        engine.dispose()
    assert sorted(map(str, told[0])) == sorted(map(str, told[1]))


def test_a_headline_tried_out_makes_two_versions(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", texts={"/a": TALKS})
    acts = [
        (0.1 + number * 0.03, lambda title=(OTHER, TITLE)[number % 2]: site.page(
            "/a", title=title, text=TALKS))
        for number in range(40)
    ]  # fmt: skip
    live_through(config, clock, days=1.5, acts=acts)
    assert kinds(engine).count("headline") <= 2
    assert len(kinds(engine)) <= 4
    assert "unsettled" in outcomes(engine)


def test_an_old_copy_out_of_a_cache_is_no_version(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", texts={"/a": TALKS})
    run_once(config, now=clock)
    old = site.answers["/a"]
    clock.advance(hours=3)
    site.page("/a", title=f"{TITLE} 0", text=TALKS.replace("152", "122"))
    run_once(config, now=clock)
    old.headers["Age"] = "9000"
    site.answers["/a"] = old
    clock.advance(hours=1)
    run_once(config, times=3, now=clock)
    assert kinds(engine) == ["correction"]
    assert outcomes(engine)[-1] == "stale"


def test_lines_of_the_page_make_one_version_and_then_noise(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", texts={"/a": TALKS})
    run_once(config, now=clock)
    for minutes in (5, 9, 14, 20):
        clock.advance(minutes=minutes)
        site.page("/a", title=f"{TITLE} 0", text=f"{TALKS}\n\nVor {minutes} Minuten aktualisiert")
        run_once(config, now=clock)
    assert kinds(engine) == ["boilerplate"]
    assert outcomes(engine)[-3:] == ["noise"] * 3
    site.page("/a", title=f"{TITLE} 0", text=f"{WEATHER}\n\nVor 3 Minuten aktualisiert")
    clock.advance(minutes=30)
    run_once(config, now=clock)
    assert kinds(engine) == ["boilerplate", "substantive"]


@pytest.mark.parametrize(
    "text",
    [
        TALKS[:150] + " …",
        "Nur noch dieser eine Satz ist von dem ganzen Bericht über die alten Züge heute übrig.",
    ],
    ids=["a teaser", "next to nothing"],
)
def test_what_collapsed_is_no_version_and_blocks(site, engine, url, tmp_path, clock, text):
    config = prepare(site, url, tmp_path, "/a", texts={"/a": f"{TALKS}\n\n{WEATHER}\n\n{LONG}"})
    run_once(config, now=clock)
    site.page(
        "/a", title=f"{TITLE} 0", text=text + "\n\nMehr davon lesen Sie bald an dieser Stelle"
    )
    if text.endswith("…"):
        site.page("/a", title=f"{TITLE} 0", text=text)
    for _ in range(2):
        clock.advance(hours=2)
        run_once(config, now=clock)
    assert kinds(engine) == []
    assert rows(engine, "SELECT DISTINCT failure FROM observation WHERE failure IS NOT NULL") == [
        ("collapsed",)
    ]
    assert rows(engine, "SELECT state FROM article") == [("blocked",)]


def foreign_wall(site, path):
    """A wall in a language that no list of phrases knows, with a number of its own."""
    names = ("Ankara", "Bursa", "Edirne", "Fethiye", "Giresun", "Hatay", "Isparta", "Kars", "Ordu")
    text = "\n\n".join(
        f"{name} ofisimiz, size daha iyi hizmet sunabilmek için {len(path)} çerez kullanıyor."
        for name in names
    )
    site.page(path, title="Devam etmeden önce", text=text)


def test_a_wall_in_an_unknown_language_is_no_version(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", "/longer")
    run_once(config, now=clock)
    pages = dict(site.answers)
    for path in ("/a", "/longer"):
        foreign_wall(site, path)
    for _ in range(3):
        clock.advance(hours=2)
        run_once(config, now=clock)
    assert kinds(engine) == []
    failures = rows(engine, "SELECT failure FROM observation WHERE failure IS NOT NULL ORDER BY id")
    assert failures[0] == ("other-page",)
    assert {("blocked",)} == set(failures[1:])
    assert rows(engine, "SELECT kind FROM article_event") == [("blocked",), ("blocked",)]
    foreign_wall(site, "/fresh")
    site.feed("/rss", [(f"{site.url}/fresh", TITLE)])
    clock.advance(hours=13)
    run_once(config, now=clock)
    assert rows(engine, "SELECT COUNT(*) FROM article") == [(2,)], "a new page is a known wall"
    site.answers.update(pages)
    clock.advance(hours=2)
    run_once(config, now=clock)
    assert rows(engine, "SELECT DISTINCT state FROM article") == [("live",)]


def test_an_article_made_anew_is_a_version_at_the_second_look(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", texts={"/a": TALKS})
    run_once(config, now=clock)
    site.page("/a", title="Sturm über den Inseln", text=f"{WEATHER} {WEATHER}")
    for _ in range(2):
        clock.advance(hours=2)
        run_once(config, now=clock)
    assert kinds(engine) == ["substantive"]
    assert rows(engine, "SELECT kind FROM article_event") == []


def test_a_hiccup_is_no_disappearance(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a")
    run_once(config, now=clock)
    page = site.answers["/a"]
    site.answers["/a"] = Answer(b"", 404)
    clock.advance(minutes=30)
    run_once(config, now=clock)
    site.answers["/a"] = page
    clock.advance(minutes=50)
    run_once(config, now=clock)
    assert rows(engine, "SELECT * FROM article_event") == []
    assert rows(engine, "SELECT state FROM article") == [("live",)]


def test_a_redesign_raises_an_alarm_and_not_five_walls(site, engine, url, tmp_path, clock):
    paths = [f"/{letter}" for letter in "abcdef"]
    config = prepare(site, url, tmp_path, *paths)
    run_once(config, now=clock)
    pages = {path: site.answers[path] for path in paths}
    for path in paths:
        site.answers[path] = Answer(b"<html><body><div id='app'></div></body></html>")
    for _ in range(3):
        clock.advance(hours=3)
        run_once(config, now=clock)
    assert rows(engine, "SELECT looks, failed, is_open FROM outlet_alarms") in (
        [(4, 4, 1)], [(4, 4, True)], [(5, 4, True)], [(5, 4, 1)], [(6, 4, 1)], [(6, 4, True)],
    )  # fmt: skip
    assert rows(engine, "SELECT COUNT(*) FROM article WHERE state = 'blocked'") == [(0,)]
    assert "no text in 4 of the" in read_status(engine, clock())["alarms"][0]
    site.answers.update(pages)
    clock.advance(hours=3)
    run_once(config, now=clock)
    assert rows(engine, "SELECT COUNT(*) FROM outlet_alarms WHERE cleared_at IS NULL") == [(0,)]


def test_a_feed_that_tells_other_things_wakes_a_parked_article(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/a", schedule="park_after_days = 1.0\n" + SCHEDULE)
    live_through(config, clock, days=3, acts=[])
    assert rows(engine, "SELECT next_check_at FROM article") == [(None,)]
    page = site.page("/a", title=OTHER, text=TALKS)
    site.feed("/rss", [(page, OTHER)])
    live_through(config, clock, days=1, acts=[])
    assert kinds(engine) == ["substantive"]
    assert rows(engine, "SELECT COUNT(*) FROM article_wake") == [(0,)]


def test_a_correction_travels(site, engine, url, tmp_path, clock):
    texts = {"/original": TALKS, "/copy": TALKS, "/quick": TALKS}
    config = prepare(site, url, tmp_path, "/original", texts=texts)
    run_once(config, now=clock)
    entries = [(site.page(path, title=TITLE, text=TALKS), TITLE) for path in texts]
    site.feed("/rss", entries)
    clock.advance(hours=2)
    run_once(config, now=clock)
    clock.advance(hours=2)
    corrected = TALKS.replace("152 Lokomotiven", "122 Lokomotiven")
    site.page("/original", title=TITLE, text=corrected)
    run_once(config, now=clock)
    site.page("/quick", title=TITLE, text=corrected)
    clock.advance(minutes=45)
    run_once(config, times=2, now=clock)
    lags = rows(
        engine,
        "SELECT url, state, lag_seconds, passage FROM correction_lag"
        f" WHERE parent_url = '{site.url}/original' ORDER BY url",
    )
    assert [(url.rpartition("/")[2], state) for url, state, *_ in lags] == [
        ("copy", "carries-old"),
        ("quick", "took-over"),
    ]
    assert lags[1][2] == timedelta(minutes=45).total_seconds()
    assert "122 Lokomotiven" in lags[1][3]
    assert "152 Lokomotiven" in lags[0][3]


def test_a_change_has_the_relatives_looked_at_before_their_time(site, engine, url, tmp_path, clock):
    schedule = f"first_check_seconds = 86400.0\n{SCHEDULE}"
    texts = dict.fromkeys(("/original", "/copy"), TALKS) | {"/other": WEATHER}
    config = prepare(site, url, tmp_path, *texts, texts=texts, schedule=schedule)
    run_once(config, now=clock)
    clock.advance(hours=14)  # the feed is due after 12 hours, a tenth more or less
    changed = site.page("/original", title=OTHER, text=TALKS.replace("152", "122"))
    site.feed("/rss", [(changed, OTHER)])
    run_once(config, now=clock, everything=False)
    looks = rows(
        engine,
        "SELECT a.canonical_url, COUNT(*) FROM observation n JOIN article a ON a.id = n.article_id"
        " GROUP BY a.canonical_url ORDER BY 1",
    )
    assert looks == [(f"{site.url}/copy", 2), (f"{site.url}/original", 2), (f"{site.url}/other", 1)]


def test_a_copy_descends_from_the_version_that_was_there(site, engine, url, tmp_path, clock):
    config = prepare(site, url, tmp_path, "/original", texts={"/original": TALKS})
    run_once(config, now=clock)
    entries = [(site.page(path, title=TITLE, text=TALKS), TITLE) for path in ("/original", "/copy")]
    site.feed("/rss", entries)
    clock.advance(hours=2)
    run_once(config, now=clock)
    clock.advance(hours=2)
    site.page("/original", title=TITLE, text=TALKS + "\n\nAm Abend schwieg der Minister dazu.")
    run_once(config, now=clock)
    late = rows(
        engine,
        "SELECT c.seq, p.seq FROM edge e JOIN version c ON c.id = e.child_version_id"
        " JOIN version p ON p.id = e.parent_version_id"
        " WHERE p.first_observed_at > c.first_observed_at",
    )
    assert late == []
    assert rows(engine, "SELECT url, parent_url FROM derivations") == [
        (f"{site.url}/copy", f"{site.url}/original")
    ]
