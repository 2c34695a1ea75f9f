"""The questions of docs/queries.md get their answers on the demonstration's data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine

from storage.engine import open_engine
from tests.postgres import create_database, drop_database
from tests.questions import DOCUMENT, ask, copy_database, read_questions, render

pytestmark = pytest.mark.alone

TEXT = DOCUMENT.read_text(encoding="utf-8")
QUESTIONS = list(read_questions(TEXT))


@pytest.fixture(scope="module")
def sqlite_demo(demonstration: Path) -> Iterator[Engine]:
    """What the demonstration leaves."""
    engine = open_engine(f"sqlite:///{demonstration / 'demo' / 'storywatch.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def postgres_demo(
    sqlite_demo: Engine, postgres_server: URL, postgres_template: str
) -> Iterator[Engine]:
    """The same on Postgres."""
    name = f"storywatch_demo_{uuid.uuid4().hex[:12]}"
    url = create_database(postgres_server, name, template=postgres_template)
    engine = open_engine(url.render_as_string(hide_password=False))
    copy_database(sqlite_demo, engine)
    yield engine
    engine.dispose()
    drop_database(postgres_server, name)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_answer_is_as_documented(question, kind, request):
    engine = request.getfixturevalue(f"{kind}_demo")
    assert ask(engine, question.sql) == question.answer


def test_there_are_enough_questions_and_none_is_without_an_answer():
    assert len(QUESTIONS) >= 25
    assert [q.title for q in QUESTIONS if q.answer.count("\n") < 3] == []
    assert len({question.title for question in QUESTIONS}) == len(QUESTIONS)


def test_every_block_of_sql_belongs_to_a_question():
    assert TEXT.count("```sql\n") == len(QUESTIONS)


def test_both_databases_values_look_the_same():
    assert render(["a", "b"], [(True, 0.5)]) == render(["a", "b"], [(1, 0.5)])
