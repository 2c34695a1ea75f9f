"""Every mistake in a configuration is one sentence: the place, the key, what to do."""

from __future__ import annotations

import re

import pytest

from ingest.config import load_config
from ingest.errors import ConfigError

STORY = """
[[stories]]
slug = "harbour"
title = "The harbour"
seed = "seed.txt"
"""
FEED = '{ url = "https://a.example/rss", outlet = "A", domain = "a.example" }'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "seed.txt").write_text("The seed.", "utf-8")
    return tmp_path


def failure(folder, text):
    path = folder / "my.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    return str(caught.value)


def feeds(*items):
    return f"feeds = [{', '.join(items)}]\n{STORY}"


@pytest.mark.parametrize(
    ("text", "key", "advice"),
    [
        pytest.param(
            f"{STORY}[schedule]\ntick_second = 3",
            "schedule.tick_second",
            "unknown key; did you mean tick_seconds?",
            id="a key with a slip",
        ),
        pytest.param(f"{STORY}[zoo]\nape = 1", "zoo", "unknown key; remove it", id="a section"),
        pytest.param(
            f"{STORY}window = {{ from = 2021-03-01, till = 2021-04-01 }}",
            "stories[0] (harbour).window.till",
            "unknown key; did you mean until?",
            id="a key inside a story",
        ),
        pytest.param(
            f'{STORY}[schedule]\ntick_seconds = "15"',
            "schedule.tick_seconds",
            "input should be a valid number, not '15'",
            id="text for a number",
        ),
        pytest.param(
            f'{STORY}[fetch]\nobey_robots = "no"',
            "fetch.obey_robots",
            "input should be a valid boolean, not 'no'",
            id="text for yes or no",
        ),
        pytest.param(
            f"{STORY}[workers]\ncount = -1",
            "workers.count",
            "input should be greater than or equal to 0, not -1",
            id="a number out of bounds",
        ),
        pytest.param(
            f"{STORY}[schedule]\ntick_seconds = nan",
            "schedule.tick_seconds",
            "input should be a finite number, not nan",
            id="not a number",
        ),
        pytest.param(
            f"{STORY}[schedule]\nfloor_seconds = 90000",
            "schedule.floor_seconds",
            "90000 is above schedule.ceiling_seconds, 86400; lower it",
            id="a floor above the ceiling",
        ),
        pytest.param(
            f'{STORY}[fetch]\nallow_networks = ["10.0.0.0/8", "10.0.0.1/8"]',
            "fetch.allow_networks[1]",
            '10.0.0.1/8 has host bits set; write a network, as in "10.0.0.0/8"',
            id="no network",
        ),
        pytest.param(
            f'{STORY}[database]\nurl = "mysql://u:secret@db/x"',
            "database.url",
            "'mysql://u:***@db/x' is no database URL; write sqlite:///path/to/file.db"
            " or postgresql://user@host/name",
            id="another kind of database, its password hidden",
        ),
        pytest.param(
            "stories = []", "stories", "there is none; add a [[stories]] table", id="no story"
        ),
        pytest.param("", "stories", "is missing; add it", id="an empty file"),
        pytest.param(
            STORY.replace("seed.txt", "other.txt"),
            "stories[0] (harbour).seed",
            "no such file: {folder}/other.txt; put the seed's text there",
            id="a missing seed",
        ),
        pytest.param(
            STORY + STORY,
            "stories[1] (harbour).slug",
            "'harbour' is used by stories[0] already; choose another",
            id="two stories of one name",
        ),
        pytest.param(
            STORY.replace('"harbour"', '"The Harbour"'),
            "stories[0] (The Harbour).slug",
            "'The Harbour' does not do;"
            ' use small letters, digits and single hyphens, as in "kim-putin"',
            id="a slug that is none",
        ),
        pytest.param(
            f"{STORY}window = {{ from = 2021-05-01, until = 2021-04-01 }}",
            "stories[0] (harbour).window",
            "from 2021-05-01 is after until 2021-04-01; swap",
            id="a window that ends before it begins",
        ),
        pytest.param(
            f'{STORY}window = {{ from = "last spring" }}',
            "stories[0] (harbour).window.from",
            "'last spring' does not do; write a date without quotes, as in 2023-08-25",
            id="a date that is none",
        ),
        pytest.param(
            f'{STORY}undated = "maybe"',
            "stories[0] (harbour).undated",
            "input should be 'anchors', 'accept' or 'reject', not 'maybe'",
            id="a policy that is none",
        ),
        pytest.param(
            f'{STORY}groups = [{{ key = "a", names = {{ en = ["*"] }} }}]',
            "stories[0] (harbour).groups",
            "'*' has no letters to look for; write letters or remove it",
            id="a name without letters",
        ),
        pytest.param(
            f'{STORY}groups = [{{ key = "a", names = {{ en = "Quill" }} }}]',
            "stories[0] (harbour).groups[0] (a).names.en",
            "input should be a valid array, not 'Quill'",
            id="a name that is no list",
        ),
        pytest.param(
            f'{STORY}groups = [{{ key = "a", names = {{ en = ["x"] }} }},'
            ' { key = "a", names = { en = ["y"] } }]',
            "stories[0] (harbour).groups",
            "the key 'a' is used 2 times; rename one",
            id="two groups of one key",
        ),
        pytest.param(
            f'{STORY}anchors = [{{ key = "a", names = {{ en = ["x"] }} }}]',
            "stories[0] (harbour).anchors",
            "need groups to anchor; add [[stories.groups]]",
            id="anchors without groups",
        ),
        pytest.param(
            feeds('{ url = "a.example/rss", outlet = "A", domain = "a.example" }'),
            "feeds[0] (a.example/rss).url",
            "'a.example/rss' is not an http or https URL; write it in full",
            id="a feed without a scheme",
        ),
        pytest.param(
            feeds('{ url = "https://a.example:99999/", outlet = "A", domain = "a.example" }'),
            "feeds[0] (https://a.example:99999/).url",
            "'https://a.example:99999/' is not a URL (Port out of range 0-65535); correct it",
            id="a feed with a port that is none",
        ),
        pytest.param(
            feeds('{ url = "https://a.example/a b", outlet = "A", domain = "a.example" }'),
            "feeds[0] (https://a.example/a b).url",
            "'https://a.example/a b' contains white space; write it as %20",
            id="a feed with a space",
        ),
        pytest.param(
            feeds(FEED, FEED.replace("https", "http")),
            "feeds[1] (http://a.example/rss).url",
            "listed already as feeds[0]; remove one",
            id="a feed listed twice",
        ),
        pytest.param(
            feeds(FEED, FEED.replace("/rss", "/2").replace('"A"', '"B"')),
            "feeds[1] (https://a.example/2).outlet",
            "'B', but feeds[0] says 'A' of the same domain a.example; make them equal",
            id="an outlet of two names",
        ),
        pytest.param(
            feeds(FEED.replace(' domain = "a.example"', ' country = "GB"')),
            "feeds[0] (https://a.example/rss).domain",
            'is missing; write the registered domain alone, as in "bbc.com"',
            id="a feed without a domain",
        ),
        pytest.param(
            feeds(FEED.replace(" }", ', country = "uk" }')),
            "feeds[0] (https://a.example/rss).country",
            "'uk' does not do; write ISO 3166-1 alpha-2 in capitals, as in \"KR\"",
            id="a country in small letters",
        ),
    ],
)
def test_a_mistake_names_the_file_the_key_and_what_to_do(folder, text, key, advice):
    expected = f"{folder}/my.toml: {key}: {advice.replace('{folder}', str(folder))}"
    assert failure(folder, text) == expected


def test_broken_toml_names_the_line(folder):
    message = failure(folder, "a = [1,\nb = 2")
    assert re.match(rf"{folder}/my.toml: not valid TOML: .*line 2", message)


def test_a_file_that_is_not_utf8_says_so(folder):
    message = failure(folder, 'a = "\udce4"')
    assert message == f"{folder}/my.toml: not UTF-8 (invalid continuation byte); save it as UTF-8"


@pytest.mark.parametrize("by", ["--config", "STORYWATCH_CONFIG"])
def test_a_named_file_that_does_not_exist_is_said_with_who_named_it(folder, by):
    missing = folder / "gone.toml"
    flag = by == "--config"
    with pytest.raises(ConfigError) as caught:
        load_config(
            missing if flag else None, environ={} if flag else {"STORYWATCH_CONFIG": str(missing)}
        )
    assert str(caught.value) == f"{missing}: no such file; {by} must name a configuration file"


def test_a_feeds_password_is_in_no_message(folder):
    feed = FEED.replace("https://", "ftp://ann:secret@")
    message = failure(folder, feeds(feed))
    assert "ftp://***@a.example/rss" in message
    assert "secret" not in message
