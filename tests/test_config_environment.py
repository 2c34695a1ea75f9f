"""A mistake in the environment or a flag is said of the variable or the flag, not of the file."""

from __future__ import annotations

import pytest

from ingest.config import load_config
from ingest.errors import ConfigError

STORY = """
[[stories]]
slug = "harbour"
title = "The harbour"
seed = "seed.txt"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "seed.txt").write_text("The seed.", "utf-8")
    return tmp_path


def failure(folder, text, *, environ=None, overrides=None):
    path = folder / "my.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ=environ or {}, overrides=overrides or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param(
            {"STORYWATCH_SCHEDULE__TICK": "3"},
            "environment variable STORYWATCH_SCHEDULE__TICK: schedule.tick: unknown key;"
            " did you mean tick_seconds?",
            id="an unknown key",
        ),
        pytest.param(
            {"STORYWATCH_SCHEDULE__TICK_SECONDS": "soon"},
            "environment variable STORYWATCH_SCHEDULE__TICK_SECONDS: schedule.tick_seconds:"
            " input should be a valid number, not 'soon'",
            id="a word for a number",
        ),
        pytest.param(
            {"STORYWATCH_STORIES__SLUG": "x"},
            "environment variable STORYWATCH_STORIES__SLUG: names no setting; the form is"
            " STORYWATCH_DATABASE__KEY, STORYWATCH_SCHEDULE__KEY, STORYWATCH_FETCH__KEY,"
            " STORYWATCH_WORKERS__KEY",
            id="a list, which only the file can hold",
        ),
        pytest.param(
            {"STORYWATCH_DATABASE_URL": "x", "STORYWATCH_DATABASE_URL_FILE": "y"},
            "environment: both STORYWATCH_DATABASE_URL and STORYWATCH_DATABASE_URL_FILE are set;"
            " keep one",
            id="two database URLs",
        ),
        pytest.param(
            {"STORYWATCH_DATABASE_URL_FILE": "/nowhere/url"},
            "environment variable STORYWATCH_DATABASE_URL_FILE: /nowhere/url cannot be read:"
            " [Errno 2] No such file or directory: '/nowhere/url'",
            id="a secret file that is not there",
        ),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(folder, environ, message):
    assert failure(folder, STORY, environ=environ) == message


def test_a_mistake_in_a_flag_names_the_flag_and_hides_its_password(folder):
    message = failure(folder, STORY, overrides={"database.url": "mysql://u:secret@db"})
    assert message.startswith("flag for database.url: database.url: 'mysql://u:***@db' is no")


def test_a_section_that_is_no_table_is_said(folder):
    message = failure(
        folder, f"schedule = 3\n{STORY}", environ={"STORYWATCH_SCHEDULE__TICK_SECONDS": "3"}
    )
    assert message.endswith("[schedule] is not a table in the configuration file")
