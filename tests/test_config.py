"""The configuration: where it is found, what beats what, and what comes out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingest.config import describe_config, load_config
from ingest.errors import ConfigError
from ingest.story import Undated, compile_story, judge_text

ROOT = Path(__file__).resolve().parent.parent

MINIMAL = """
[[stories]]
slug = "harbour"
title = "The harbour"
seed = "seed.txt"
"""

FULL = """
feeds = [
  { url = "https://a.example/rss", outlet = "A", domain = "a.example", language = "en" },
  { url = "https://ann:pw@b.example/rss?token=abc", outlet = "B", domain = "b.example" },
  { url = "https://b.example/world", outlet = "B", domain = "b.example", language = "ko" },
]

[database]
url = "sqlite:///kept/here.db"

[schedule]
tick_seconds = 30

[fetch]
allow_networks = ["127.0.0.0/8"]

[[stories]]
slug = "harbour"
title = "The harbour"
seed = "seed.txt"
window = { from = 2021-03-01, until = 2021-04-30 }
undated = "reject"

[[stories.groups]]
key = "harbour"
names = { en = ["Port Alder"], ru = ["Порт* Алдер*"] }

[[stories.anchors]]
key = "cranes"
weight = 0.7
names = { en = ["crane*"] }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "seed.txt").write_text("The seed.", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, text, name="storywatch.toml"):
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def load(folder, text, *, environ=None, overrides=None):
    return load_config(write(folder, text), environ=environ or {}, overrides=overrides or {})


def test_a_minimal_file_gets_every_default(folder):
    config = load(folder, MINIMAL)
    assert [story.slug for story in config.stories] == ["harbour"]
    assert config.stories[0].rule.groups == ()
    assert (config.schedule.floor_seconds, config.schedule.ceiling_seconds) == (300, 86_400)
    assert (config.fetch.obey_robots, config.fetch.allow_networks) == (True, ())
    assert config.feeds == ()


def test_every_part_of_a_file_arrives(folder):
    config = load(folder, FULL)
    story = config.stories[0]
    assert story.seed == folder / "seed.txt"
    assert (story.rule.window.since, story.rule.window.until) == (
        date(2021, 3, 1),
        date(2021, 4, 30),
    )
    assert story.rule.undated is Undated.REJECT
    assert story.rule.groups[0].names == (("en", ("Port Alder",)), ("ru", ("Порт* Алдер*",)))
    assert [(anchor.weight, anchor.required) for anchor in story.rule.anchors] == [(0.7, False)]
    assert config.schedule.tick_seconds == 30
    assert config.fetch.allow_networks == ("127.0.0.0/8",)
    outlet = config.feeds[0].outlet
    assert (outlet.domain, outlet.name, outlet.language) == ("a.example", "A", "en")


def test_an_outlet_with_feeds_in_several_languages_has_none(folder):
    assert {feed.outlet.language for feed in load(folder, FULL).feeds[1:]} == {None}


def test_a_relative_sqlite_path_starts_at_the_files_folder(folder):
    assert load(folder, FULL).database.url == f"sqlite:///{folder}/kept/here.db"


@pytest.mark.parametrize(
    "url", ["sqlite:////var/lib/x.db", "sqlite:///:memory:", "postgresql://u:p@db/news"]
)
def test_other_database_urls_stay_as_they_are(folder, url):
    assert load(folder, f'{MINIMAL}\n[database]\nurl = "{url}"').database.url == url


def test_the_environment_beats_the_file_and_a_flag_beats_both(folder):
    environ = {
        "STORYWATCH_SCHEDULE__TICK_SECONDS": "45",
        "STORYWATCH_FETCH__ALLOW_NETWORKS": '["10.0.0.0/8"]',
        "STORYWATCH_FETCH__OBEY_ROBOTS": "false",
        "STORYWATCH_DATABASE_URL": "sqlite:////env.db",
        "STORYWATCH_WORKERS__COUNT": "",
    }
    config = load(folder, FULL, environ=environ)
    assert config.schedule.tick_seconds == 45
    assert config.fetch.allow_networks == ("10.0.0.0/8",)
    assert config.fetch.obey_robots is False
    assert config.database.url == "sqlite:////env.db"
    assert config.workers.count == 0
    flagged = load(folder, FULL, environ=environ, overrides={"database.url": "sqlite:////flag.db"})
    assert flagged.database.url == "sqlite:////flag.db"
    assert load(folder, FULL, overrides={"database.url": None}).database.url.endswith("here.db")


def test_the_database_url_may_stand_in_a_file_of_its_own(folder):
    secret = write(folder, "postgresql://u:secret@db/news\n", "url")
    config = load(folder, FULL, environ={"STORYWATCH_DATABASE_URL_FILE": str(secret)})
    assert config.database.url == "postgresql://u:secret@db/news"


def test_a_named_file_beats_the_environment_which_beats_the_folder(folder):
    write(folder, MINIMAL.replace("harbour", "local"), "config.toml")
    named = write(folder, MINIMAL.replace("harbour", "named"), "named.toml")
    flagged = write(folder, MINIMAL.replace("harbour", "flagged"), "flagged.toml")
    environ = {"STORYWATCH_CONFIG": str(named)}
    found = [
        load_config(path, environ=env).stories[0].slug
        for path, env in ((flagged, environ), (None, environ), (None, {}))
    ]
    assert found == ["flagged", "named", "local"]


def test_a_file_with_a_byte_order_mark_is_read(folder):
    (folder / "bom.toml").write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(folder / "bom.toml", environ={}).stories[0].slug == "harbour"


def test_several_stories_are_watched_at_once(folder):
    config = load(folder, MINIMAL + MINIMAL.replace("harbour", "valley"))
    assert [story.slug for story in config.stories] == ["harbour", "valley"]


def test_a_described_configuration_shows_no_secret_and_reads_back_as_toml(folder):
    environ = {"STORYWATCH_DATABASE_URL": "postgresql://u:s3c/r@t@db/news?sslpassword=hid"}
    text = describe_config(load(folder, FULL, environ=environ))
    assert "postgresql://u:***@db/news" in text
    assert "https://***@b.example/rss?token=***" in text
    assert not any(secret in text for secret in ("s3c", "r@t", "hid", "ann", "pw@", "abc"))
    again = write(folder, text, "again.toml")
    assert load_config(again, environ={}).schedule.tick_seconds == 30


def test_the_shipped_configuration_is_sound_and_covers_the_world():
    config = load_config(ROOT / "config.toml", environ={})
    countries = {feed.outlet.country for feed in config.feeds}
    languages = {feed.outlet.language for feed in config.feeds} - {None}
    assert len(config.feeds) >= 60
    assert len(countries) >= 20
    assert len(languages) >= 12
    assert all(len(group.names) >= 12 for group in config.stories[0].rule.groups)


def test_the_shipped_story_knows_its_own_seed_without_being_told_the_date():
    story = load_config(ROOT / "config.toml", environ={}).stories[0]
    title, _, text = story.seed.read_text("utf-8").partition("\n")
    found = judge_text(compile_story(story.rule), title=title, text=text, published=None)
    assert found.rule == "undated-names"


def test_without_any_file_the_shipped_one_is_used(folder):
    assert load_config(None, environ={}).source == ROOT / "config.toml"


def test_the_packages_own_configuration_keeps_its_data_in_the_users_folder(folder, monkeypatch):
    package = folder / "site" / "ingest"
    (package / "shipped").mkdir(parents=True)
    (package / "shipped" / "seed.txt").write_text("The seed.", "utf-8")
    write(package / "shipped", MINIMAL, "config.toml")
    monkeypatch.setattr("ingest.settings.files", lambda name: package)
    home = load_config(None, environ={"HOME": "/home/ann"})
    assert home.database.url == "sqlite:////home/ann/.local/share/storywatch/data/storywatch.db"
    xdg = load_config(None, environ={"XDG_DATA_HOME": "/data", "HOME": "/home/ann"})
    assert xdg.database.url == "sqlite:////data/storywatch/data/storywatch.db"
    assert xdg.stories[0].seed == package / "shipped" / "seed.txt"


def test_no_file_anywhere_is_said(folder, monkeypatch):
    monkeypatch.setattr("ingest.settings.files", lambda name: folder / "nowhere" / "ingest")
    with pytest.raises(ConfigError, match="no configuration found; name a file with --config"):
        load_config(None, environ={})
