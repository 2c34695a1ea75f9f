"""Analysts' corrections: written by command or plain SQL, they outlast every rule and score it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from ingest.errors import StorageError
from ingest.model import Evidence, Relation, Verdict
from ingest.verdict_score import score, wilson
from storage.analyst_verdicts import corrections
from storage.edges import NewEdge, add_edges
from storage.engine import read_connection, transaction
from storage.schema import (
    analyst_verdict,
    article,
    article_story,
    outlet,
    seed,
    story,
    version,
)
from storage.views import VIEWS
from tests.commands import command_runner
from tests.running import write_config

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)


def add(connection, table, **values):
    return connection.execute(table.insert().values(**values)).inserted_primary_key[0]


def add_version(connection, article_id, seq):
    version_id = add(
        connection, version,
        article_id=article_id, seq=seq, content_hash=f"{article_id}-{seq}", title=f"News {seq}",
        text="Text.", language="en", words=1, extractor="reader", extractor_version="1",
        first_observed_at=NOON, last_observed_at=NOON,
    )  # fmt: skip
    connection.execute(
        article.update().where(article.c.id == article_id).values(current_version_id=version_id)
    )
    return version_id


def add_article(connection, outlet_id, number, *, stories, versions=1):
    url = f"https://paper.example/{number}"
    article_id = add(
        connection, article,
        outlet_id=outlet_id, canonical_url=url, check_url=url, first_seen_at=NOON, state="live",
        state_since=NOON, check_interval_seconds=900.0,
    )  # fmt: skip
    for seq in range(1, versions + 1):
        add_version(connection, article_id, seq)
    for story_id in stories:
        connection.execute(
            article_story.insert().values(
                article_id=article_id, story_id=story_id, score=1.0, rule="names",
                rule_version="1", matched=[], decided_at=NOON,
            )
        )  # fmt: skip
    return article_id


def add_story(connection, slug):
    """A story whose seed was edited once."""
    story_id = add(connection, story, slug=slug, title=slug.title(), created_at=NOON)
    for seq in (1, 2):
        seed_id = add(
            connection, seed,
            story_id=story_id, seq=seq, is_current=seq == 2, path="seed.txt", sha256=f"{slug}{seq}",
            title=f"Seed of {slug}", text="Seed.", residue="", loaded_at=NOON,
        )  # fmt: skip
    return story_id, seed_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a database holds: articles 1 (versions 1 and 2), 2 (version 3), 3 of two stories (4)."""

    engine: Engine
    trains: int  # the current seed
    ships: int


@pytest.fixture
def held(engine) -> Held:
    with transaction(engine) as connection:
        paper = add(connection, outlet, domain="paper.example", name="The Paper")
        trains, trains_seed = add_story(connection, "trains")
        ships, ships_seed = add_story(connection, "ships")
        add_article(connection, paper, 1, stories=[trains], versions=2)
        add_article(connection, paper, 2, stories=[])
        add_article(connection, paper, 3, stories=[trains, ships])
    return Held(engine=engine, trains=trains_seed, ships=ships_seed)


def judge(held, child, relation, *, rule="1", parent=None, of_seed=None):
    """A verdict of the machine."""
    with transaction(held.engine) as connection:
        verdict = Verdict(
            relation=Relation(relation), score=1.0, shared_a=1.0, shared_b=1.0,
            needs_review=False, method="rule", method_version=rule,
            evidence=Evidence(passages=(), shared_numbers=(), note=""),
        )  # fmt: skip
        new = NewEdge(
            child_version_id=child, parent_version_id=parent, seed_id=of_seed, verdict=verdict
        )
        add_edges(connection, [new], NOON)


def write_sql(held, statement):
    with transaction(held.engine) as connection:
        connection.exec_driver_sql(statement)


def correct(held, child, relation, *, parent="NULL", of_seed="NULL"):
    """A correction as an analyst types it, with nothing that can be left out."""
    write_sql(
        held,
        "INSERT INTO analyst_verdict (child_version_id, parent_version_id, seed_id, relation)"
        f" VALUES ({child}, {parent}, {of_seed}, '{relation}')",
    )


def in_force(held):
    """(machine's, analyst's) relation of each pair with a correction."""
    with read_connection(held.engine) as connection:
        return [(item.machine.value, item.relation.value) for item in corrections(connection)]


def read(held, name):
    with read_connection(held.engine) as connection:
        return [dict(row._mapping) for row in connection.execute(select(VIEWS[name]))]


def shown(held, name, **wanted):
    """(machine's, analyst's, final) relation of the rows of a view with the wanted values."""
    machine = "relation_to_seed" if name == "articles" else "relation"
    return [
        (row[machine], row["analyst_relation"], row["final_relation"])
        for row in read(held, name)
        if wanted.items() <= row.items()
    ]


# ---------------------------------------------------------------- plain SQL


def test_a_plain_insert_is_a_correction_made_now(held):
    write_sql(
        held,
        "INSERT INTO analyst_verdict (child_version_id, parent_version_id, relation)"
        " VALUES (2, 3, 'translation')",
    )
    write_sql(
        held,
        "INSERT INTO analyst_verdict (child_version_id, seed_id, relation)"
        f" VALUES (2, {held.trains}, 'excerpt')",
    )
    with read_connection(held.engine) as connection:
        between, of_seed = corrections(connection)
    assert (between.child_version_id, between.parent_version_id, between.seed_id) == (2, 3, None)
    assert (between.relation, between.machine) == (Relation.TRANSLATION, Relation.UNRELATED)
    assert (between.author, between.note) == ("", "")
    assert abs(datetime.now(UTC) - between.decided_at) < timedelta(minutes=5)
    assert (of_seed.parent_version_id, of_seed.seed_id) == (None, held.trains)
    assert (of_seed.child, of_seed.parent) == ("News 2", "Seed of trains")


@pytest.mark.parametrize("relation", list(Relation))
def test_every_relation_is_taken(held, relation):
    correct(held, 2, relation.value, parent=3)
    assert in_force(held) == [("unrelated", relation.value)]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("2, NULL, NULL, 'excerpt'", id="compared with nothing"),
        pytest.param("2, 3, 1, 'excerpt'", id="compared with a version and a seed"),
        pytest.param("2, 3, NULL, 'copied'", id="a relation there is not"),
        pytest.param("99, 3, NULL, 'excerpt'", id="a version there is not"),
        pytest.param("2, NULL, 99, 'excerpt'", id="a seed there is not"),
    ],
)
def test_a_row_without_sense_is_refused(held, values):
    with pytest.raises(StorageError):
        write_sql(
            held,
            "INSERT INTO analyst_verdict (child_version_id, parent_version_id, seed_id, relation)"
            f" VALUES ({values})",
        )
    assert in_force(held) == []


# ---------------------------------------------------------------- what counts


def test_the_last_correction_of_a_pair_counts_either_way_round(held):
    correct(held, 2, "identical", parent=3)
    correct(held, 2, "excerpt", of_seed=held.trains)
    correct(held, 3, "same_story", parent=2)
    assert in_force(held) == [("unrelated", "excerpt"), ("unrelated", "same_story")]


def test_the_last_verdict_of_the_machine_counts_either_way_round(held):
    judge(held, 2, "identical", parent=3, rule="1")
    judge(held, 3, "near_duplicate", parent=2, rule="2")
    judge(held, 2, "translation", of_seed=held.ships)
    correct(held, 2, "excerpt", parent=3)
    correct(held, 2, "same_story", of_seed=held.trains)
    assert in_force(held) == [("near_duplicate", "excerpt"), ("unrelated", "same_story")]


@pytest.mark.parametrize("view", ["articles", "seed_relations"])
def test_a_correction_against_the_seed_outlasts_a_new_rule_in(view, held):
    judge(held, 2, "identical", of_seed=held.trains)
    assert shown(held, view, article_id=1) == [("identical", None, "identical")]
    correct(held, 2, "unrelated", of_seed=held.trains)
    correct(held, 2, "same_story", of_seed=held.trains)
    correct(held, 2, "excerpt", of_seed=held.ships)
    correct(held, 2, "translation", parent=3)
    assert shown(held, view, article_id=1) == [("identical", "same_story", "same_story")]
    judge(held, 2, "near_duplicate", of_seed=held.trains, rule="2")
    assert shown(held, view, article_id=1) == [("near_duplicate", "same_story", "same_story")]


def test_a_correction_stands_where_the_machine_compared_nothing(held):
    correct(held, 2, "translation", of_seed=held.trains)
    assert shown(held, "articles", article_id=1) == [(None, "translation", "translation")]


@pytest.mark.parametrize("ends", [(2, 3), (3, 2)])
def test_a_correction_between_versions_outlasts_a_new_rule(held, ends):
    judge(held, 2, "identical", parent=3)
    assert shown(held, "relations") == [("identical", None, "identical")]
    correct(held, ends[0], "same_story", parent=ends[1])
    correct(held, 2, "excerpt", parent=4)
    judge(held, 2, "near_duplicate", parent=3, rule="2")
    assert shown(held, "relations") == [("near_duplicate", "same_story", "same_story")]


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with command_runner(tmp_path_factory.mktemp("printed")) as run:
        yield run


@pytest.fixture
def verdict(held, run, tmp_path: Path):
    """Run `storywatch verdict` on the database."""
    url = held.engine.url.render_as_string(hide_password=False)
    write_config(tmp_path, feeds=[], database_url=url)
    return lambda *arguments: run(tmp_path, "verdict", *arguments)


def succeed(done):
    assert (done.exit_code, done.errors) == (0, "")
    return done.output


@pytest.mark.parametrize(
    ("child", "parent", "kept"),
    [
        pytest.param("1", "2", (2, 3, None), id="articles"),
        pytest.param("v1", "v3", (1, 3, None), id="versions"),
        pytest.param("1", "seed", (2, None, "trains"), id="the seed of the article's story"),
        pytest.param("v1", "seed", (1, None, "trains"), id="the same for a version"),
        pytest.param("2", "seed:ships", (3, None, "ships"), id="the seed of a story by name"),
    ],
)
def test_set_keeps_a_correction_of(held, verdict, child, parent, kept):
    succeed(verdict("set", child, parent, "excerpt", "--note", "quoted", "--author", "Ada"))
    with read_connection(held.engine) as connection:
        [row] = connection.execute(select(analyst_verdict)).all()
    child_version_id, parent_version_id, slug = kept
    assert (row.child_version_id, row.parent_version_id) == (child_version_id, parent_version_id)
    assert row.seed_id == (slug and getattr(held, slug))
    assert (row.relation, row.note, row.author) == ("excerpt", "quoted", "Ada")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param("99 2 excerpt", ["99", "no such article", "storywatch sql"], id="child"),
        pytest.param("1 99 excerpt", ["99", "no such article", "storywatch sql"], id="parent"),
        pytest.param("v99 2 excerpt", ["v99", "no such version", "article_versions"], id="version"),
        pytest.param(f"{10**30} 2 excerpt", ["article's id", "v12"], id="a number beyond all ids"),
        pytest.param("news 2 excerpt", ["news", "article's id", "v12"], id="no id"),
        pytest.param("seed 2 excerpt", ["seed", "article's id", "v12"], id="the seed as child"),
        pytest.param("1 seed:cars excerpt", ["seed:ships or seed:trains"], id="story"),
        pytest.param("2 seed excerpt", ["0 stories", "seed:ships or seed:trains"], id="no story"),
        pytest.param("3 seed excerpt", ["2 stories", "seed:ships or seed:trains"], id="stories"),
        pytest.param("v1 1 excerpt", ["one article"], id="one article twice"),
        pytest.param("1 2 copied", ["copied", "same_story"], id="relation"),
        pytest.param("1 2", ["Missing argument", "same_story"], id="no relation"),
    ],
)
def test_set_says_what_is_wrong_and_what_to_do(held, verdict, arguments, told):
    done = verdict("set", *arguments.split())
    assert done.exit_code == 2
    assert "Traceback" not in done.errors
    assert [words for words in told if words not in done.errors] == []
    assert in_force(held) == []


def test_set_moves_the_clusters(held, verdict):
    succeed(verdict("set", "1", "2", "identical"))
    assert [row["size"] for row in read(held, "clusters")] == [2]
    succeed(verdict("set", "2", "1", "unrelated"))
    assert read(held, "clusters") == []


def test_list_shows_what_is_in_force(held, verdict):
    judge(held, 2, "identical", parent=3)
    succeed(verdict("set", "1", "2", "excerpt"))
    succeed(verdict("set", "2", "1", "translation", "--note", "via Reuters", "--author", "Ada"))
    [line] = succeed(verdict("list")).splitlines()
    for words in ("translation", "identical", "News 2", "via Reuters"):
        assert words in line
    item = json.loads(succeed(verdict("list", "--json")))
    assert (item["child_version_id"], item["parent_version_id"], item["seed_id"]) == (3, 2, None)
    assert (item["relation"], item["machine"]) == ("translation", "identical")
    assert (item["note"], item["author"]) == ("via Reuters", "Ada")


def test_without_corrections_nothing_is_listed_and_score_says_how_to_add_one(verdict):
    assert succeed(verdict("list")) == succeed(verdict("list", "--json")) == ""
    assert "storywatch verdict set" in succeed(verdict("score"))
    empty = {"pairs": 0, "relations": [], "confusion": []}
    assert json.loads(succeed(verdict("score", "--json"))) == empty


def test_score_tells_precision_and_recall_and_what_was_taken_for_what(held, verdict):
    judge(held, 2, "identical", parent=3)
    judge(held, 2, "identical", of_seed=held.trains)
    correct(held, 3, "identical", parent=2)
    correct(held, 2, "excerpt", of_seed=held.trains)
    correct(held, 2, "same_story", parent=4)
    told = json.loads(succeed(verdict("score", "--json")))
    assert told["pairs"] == 3
    scores = {item["relation"]: item for item in told["relations"]}
    assert list(scores) == ["identical", "excerpt", "same_story", "unrelated"]
    precision = scores["identical"]["precision"]
    assert (precision["hits"], precision["count"], precision["share"]) == (1, 2, 0.5)
    assert (round(precision["low"], 3), round(precision["high"], 3)) == (0.095, 0.905)
    assert scores["identical"]["recall"]["share"] == 1.0
    assert scores["excerpt"]["precision"]["share"] is None
    assert scores["excerpt"]["recall"]["share"] == 0.0
    assert told["confusion"] == [
        {"machine": "identical", "analyst": "excerpt", "pairs": 1},
        {"machine": "identical", "analyst": "identical", "pairs": 1},
        {"machine": "unrelated", "analyst": "same_story", "pairs": 1},
    ]
    table = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in succeed(verdict("score")).splitlines()
    ]
    assert ["identical", "1/2 0.50", "0.09 to 0.91", "1/1 1.00", "0.21 to 1.00"] in table
    assert ["identical", "1", "1", "0", "0"] in table  # told so: once rightly, once an excerpt
    assert ["unrelated", "0", "0", "1", "0"] in table


# ---------------------------------------------------------------- the score

PAIRS = st.lists(st.tuples(st.sampled_from(Relation), st.sampled_from(Relation)), max_size=60)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(hits, count, low, high):
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3."""
    found = wilson(hits, count)
    assert math.isclose(found.low, low, abs_tol=1e-4)
    assert math.isclose(found.high, high, abs_tol=1e-4)


@given(PAIRS)
def test_scores_count_each_pair_once(pairs):
    found = score(pairs)
    assert found.pairs == sum(found.confusion.values()) == len(pairs)
    assert {item.relation for item in found.relations} == {end for pair in pairs for end in pair}
    assert sum(item.precision.count for item in found.relations) == len(pairs)
    assert sum(item.recall.count for item in found.relations) == len(pairs)
    for item in found.relations:
        right = found.confusion.get((item.relation, item.relation), 0)
        assert item.precision.hits == item.recall.hits == right


@given(PAIRS)
def test_the_recall_of_one_is_the_precision_of_the_other(pairs):
    there, back = score(pairs), score([(analyst, machine) for machine, analyst in pairs])
    assert [(item.relation, item.precision, item.recall) for item in there.relations] == [
        (item.relation, item.recall, item.precision) for item in back.relations
    ]


@given(PAIRS, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    assert score(shuffled) == score(pairs)


@given(st.integers(0, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_its_mirror(counts):
    hits, count = counts
    found, mirrored = wilson(hits, count), wilson(count - hits, count)
    assert 0.0 <= found.low <= found.high <= 1.0
    assert math.isclose(found.low, 1.0 - mirrored.high, abs_tol=1e-9)
    if count:
        assert found.share == hits / count
        assert found.low <= found.share <= found.high
    else:
        assert (found.share, found.low, found.high) == (None, 0.0, 1.0)
