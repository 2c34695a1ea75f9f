"""The SQL of docs/search.md finds something on the database that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.engine import transaction
from storage.readonly import read_only_query
from tests.running import TALKS
from tests.test_docs import read_blocks
from tests.test_search import publish
from tests.test_views import NOON, add_edge, add_outlet, add_seed, add_story, join_story

BLOCKS = [
    block
    for block in read_blocks(Path(__file__).parent.parent / "docs" / "search.md")
    if block.language == "sql"
]
WRITTEN_FOR = {"sqlite": "MATCH", "postgresql": "@@"}


@pytest.fixture
def edited(engine):
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        article_id, version_id = publish(
            connection, paper, "Nordland verhandelt", TALKS, "de", published_at=NOON
        )
        story_id = add_story(connection)
        join_story(connection, article_id, story_id)
        seed_id = add_seed(connection, story_id, 1, is_current=True)
        add_edge(connection, version_id, seed_id, "identical")
        text = TALKS.replace("zwölf Züge", "dreizehn Züge")
        publish(connection, paper, "Nordland verkauft", text, "de", article_id=article_id)
    return engine


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_query_finds_something_where_it_is_for(edited, block):
    [dialect] = [name for name, sign in WRITTEN_FOR.items() if sign in block.text]
    if dialect != edited.dialect.name:
        return
    _columns, rows = read_only_query(edited, block.text)
    assert list(rows)


def test_there_is_a_query_of_each_kind_for_both_databases():
    found = [[block for block in BLOCKS if sign in block.text] for sign in WRITTEN_FOR.values()]
    assert len(found[0]) == 3
    assert len(found[1]) == 4
