"""What an article said at a moment decides whether another can descend from it."""

from __future__ import annotations

import pytest

from storage.engine import read_connection, transaction
from storage.lookup import had_text, load_texts
from tests.rows import HOUR, MINUTE, NOON, add_article, add_outlet, add_story, add_version


@pytest.fixture
def edited(engine):
    """An article whose headline changes after an hour, and whose text after two."""
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        article_id = add_article(connection)
        first = load_texts(connection, [article_id])[0]
        add_version(connection, article_id, at=NOON + HOUR, title="Another", text=first.text)
        add_version(connection, article_id, at=NOON + 2 * HOUR, text="Another text.")
    return engine


@pytest.mark.parametrize(
    ("version_id", "at", "expected"),
    [
        (1, NOON - HOUR, True),  # nobody knows how long the first had been there
        (2, NOON + MINUTE, True),  # under another headline
        (3, NOON + MINUTE, False),
        (3, NOON + 2 * HOUR, True),
    ],
)
def test_a_text_was_there_under_whatever_headline(edited, version_id, at, expected):
    with read_connection(edited) as connection:
        [stored] = load_texts(connection, [version_id])
        assert had_text(connection, stored, at) is expected
