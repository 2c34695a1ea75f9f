"""The derivation graph in the database: kept up step by step, the same as made at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from ingest.errors import StorageError
from ingest.relating import add_to_clusters, rebuild_clusters, refresh_clusters
from storage.clusters import lock_clusters
from storage.engine import read_connection, transaction
from storage.schema import article, article_cluster, edge, outlet, seed, story, version
from storage.views import VIEWS

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEEN = NOON + 100 * HOUR
LATER = SEEN + HOUR


def add(connection, table, **values):
    return connection.execute(table.insert().values(**values)).inserted_primary_key[0]


def add_outlet(connection, domain="paper.example", name="The Paper"):
    return add(connection, outlet, domain=domain, name=name)


def add_version(connection, article_id, seq=1, **values):
    defaults = {
        "content_hash": f"hash-{article_id}-{seq}",
        "title": f"Headline {article_id}",
        "text": "Text.",
        "language": "en",
        "words": 1,
        "extractor": "reader",
        "extractor_version": "1.0",
        "first_observed_at": NOON,
        "last_observed_at": NOON,
    }
    return add(connection, version, **{**defaults, **values}, article_id=article_id, seq=seq)


def add_article(connection, published_at=None, *, outlet_id=1, language="en", **values):
    """An article with one version; both have the same id as long as no other version is added."""
    url = f"https://paper.example/{published_at}"
    article_id = add(
        connection, article,
        outlet_id=outlet_id, canonical_url=url, check_url=url, published_at=published_at,
        state="live", state_since=SEEN, check_interval_seconds=900.0,
        **{"first_seen_at": SEEN, **values},
    )  # fmt: skip
    version_id = add_version(connection, article_id, language=language)
    connection.execute(
        article.update().where(article.c.id == article_id).values(current_version_id=version_id)
    )
    return article_id


def relate(connection, child, parent, relation="identical", **values):
    """A verdict on two versions."""
    defaults = {
        "score": 1.0,
        "shared_child": 1.0,
        "shared_parent": 1.0,
        "needs_review": False,
        "method": "alignment",
        "method_version": "1",
        "evidence": {},
        "decided_at": NOON,
    }
    add(
        connection, edge,
        child_version_id=child, parent_version_id=parent, relation=relation,
        **{**defaults, **values},
    )  # fmt: skip


@pytest.fixture
def three(engine):
    """Articles 1, 2 and 3, an hour apart, with nothing in common so far."""
    with transaction(engine) as connection:
        add_outlet(connection)
        for number in range(3):
            add_article(connection, NOON + number * HOUR)
        rebuild_clusters(connection, SEEN)
    return engine


def placed(engine):
    """Each article's cluster, its size and the article's parent."""
    with read_connection(engine) as connection:
        rows = connection.execute(select(article_cluster)).all()
    assert all(row.earliest is (row.article_id == row.cluster_id) for row in rows)
    assert all(row.earliest or row.size == 0 for row in rows)
    sizes = {row.cluster_id: row.size for row in rows if row.earliest}
    return {
        row.article_id: (row.cluster_id, sizes[row.cluster_id], row.parent_article_id)
        for row in rows
    }


def read(engine, name):
    with read_connection(engine) as connection:
        rows = connection.execute(select(VIEWS[name]))
        return sorted((dict(row._mapping) for row in rows), key=str)


# ---------------------------------------------------------------- refreshing


def test_articles_with_nothing_in_common_are_clusters_of_one(three):
    assert placed(three) == {1: (1, 1, None), 2: (2, 1, None), 3: (3, 1, None)}


def test_a_link_joins_two_clusters_whichever_end_is_refreshed(three):
    for link, changed in (((2, 1), 2), ((3, 2), 2)):
        with transaction(three) as connection:
            relate(connection, *link)
            refresh_clusters(connection, [changed], LATER)
    assert placed(three) == {1: (1, 3, None), 2: (1, 3, 1), 3: (1, 3, 2)}


def test_refreshing_tells_which_clusters_were_made(three):
    with transaction(three) as connection:
        relate(connection, 2, 1)
        assert refresh_clusters(connection, [2], LATER) == {1, 2}


def test_the_articles_of_versions_are_linked_and_those_of_earlier_ones_stay_so(three):
    with transaction(three) as connection:
        second = add_version(connection, 1, seq=2)
        relate(connection, second, 1)
        relate(connection, 2, 1)
        relate(connection, 3, second, "near_duplicate", shared_child=0.75)
        refresh_clusters(connection, [2, 3], LATER)
    assert placed(three) == {1: (1, 3, None), 2: (1, 3, 1), 3: (1, 3, 1)}


def test_a_seed_is_no_article(three):
    with transaction(three) as connection:
        talks = add(connection, story, slug="talks", title="Talks", created_at=NOON)
        text = add(
            connection, seed, story_id=talks, seq=1, is_current=True, path="talks.txt",
            sha256="sha", title="Seed", text="Seed.", residue="", loaded_at=NOON,
        )  # fmt: skip
        for child in (1, 2, 3):
            relate(connection, child, None, seed_id=text)
        rebuild_clusters(connection, LATER)
    assert placed(three) == {1: (1, 1, None), 2: (2, 1, None), 3: (3, 1, None)}


@pytest.mark.parametrize("changed", [1, 2])
def test_the_last_verdict_on_two_versions_counts_even_when_turned_round(three, changed):
    with transaction(three) as connection:
        relate(connection, 2, 1)
        relate(connection, 3, 2)
        rebuild_clusters(connection, SEEN)
        relate(connection, 1, 2, "same_story", method_version="2")
        refresh_clusters(connection, [changed], LATER)
    assert placed(three) == {1: (1, 1, None), 2: (2, 2, None), 3: (2, 2, 2)}


def test_a_link_is_turned_when_a_better_date_shows_the_other_was_earlier(three):
    with transaction(three) as connection:
        relate(connection, 2, 1, shared_child=0.5, shared_parent=0.75)
        refresh_clusters(connection, [2], SEEN)
        connection.execute(
            article.update().where(article.c.id == 2).values(published_at=NOON - HOUR)
        )
        refresh_clusters(connection, [2], LATER)
        [row] = connection.execute(
            select(article_cluster).where(article_cluster.c.article_id == 1)
        ).all()
    assert placed(three) == {1: (2, 2, 2), 2: (2, 2, None), 3: (3, 1, None)}
    assert (row.parent_shared_child, row.parent_shared_parent) == (0.75, 0.5)


def test_a_day_counts_as_its_end(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, NOON - 12 * HOUR, published_day_only=True)
        add_article(connection, NOON + 11 * HOUR, published_day_only=False)
        relate(connection, 1, 2)
        rebuild_clusters(connection, LATER)
    assert placed(engine) == {1: (2, 2, 2), 2: (2, 2, None)}


def test_an_excerpt_has_a_parent_but_is_no_copy_of_it(three):
    with transaction(three) as connection:
        relate(connection, 2, 1, "excerpt", shared_child=0.25)
        refresh_clusters(connection, [2], LATER)
    assert placed(three) == {1: (1, 1, None), 2: (2, 1, 1), 3: (3, 1, None)}


def test_an_earlier_article_found_later_becomes_the_parent_of_those_that_quote_it(three):
    with transaction(three) as connection:
        relate(connection, 3, 2)
        refresh_clusters(connection, [3], LATER)
        found = add_article(connection, NOON - HOUR)
        relate(connection, 2, found, "excerpt", shared_child=0.25)
        refresh_clusters(connection, [found], LATER)
    assert placed(three) == {1: (1, 1, None), 2: (2, 2, found), 3: (2, 2, 2), 4: (4, 1, None)}


def test_who_quoted_an_article_loses_it_as_parent_when_the_verdict_is_withdrawn(three):
    with transaction(three) as connection:
        relate(connection, 2, 1, "excerpt")
        refresh_clusters(connection, [2], LATER)
        relate(connection, 2, 1, "unrelated", method_version="2")
        refresh_clusters(connection, [1], LATER)
    assert placed(three) == {1: (1, 1, None), 2: (2, 1, None), 3: (3, 1, None)}


def test_a_row_that_says_so_already_does_not_move(three):
    with transaction(three) as connection:
        relate(connection, 2, 1)
        refresh_clusters(connection, [2], LATER)
        rebuild_clusters(connection, LATER + HOUR)
        rows = connection.execute(select(article_cluster)).all()
    assert {row.article_id: row.updated_at for row in rows} == {1: LATER, 2: LATER, 3: SEEN}


@pytest.mark.parametrize("number", range(5))
def test_refreshing_after_each_link_gives_what_a_rebuild_gives(engine, number):
    chance = random.Random(number)
    relations = ["identical", "near_duplicate", "translation", "excerpt", "excerpt", "same_story"]
    with transaction(engine) as connection:
        add_outlet(connection)
        for _ in range(25):
            added = add_article(
                connection, NOON + chance.randrange(48) * HOUR,
                published_day_only=chance.random() < 0.3,
                first_seen_at=NOON + chance.randrange(60) * HOUR,
            )  # fmt: skip
            refresh_clusters(connection, [added], LATER)
        for step in range(40):
            child, parent = chance.sample(range(1, 26), 2)
            relate(
                connection, child, parent, chance.choice(relations),
                method_version=str(step), shared_child=chance.choice([0.2, 0.9, 1.0]),
            )  # fmt: skip
            refresh_clusters(connection, [chance.choice([child, parent])], LATER)
    kept = placed(engine)
    with transaction(engine) as connection:
        connection.execute(article_cluster.delete())
        assert rebuild_clusters(connection, LATER) == 25
    assert placed(engine) == kept
    assert len({cluster for cluster, _, _ in kept.values()}) < 25


def test_articles_that_were_never_placed_are_found(three):
    with transaction(three) as connection:
        connection.execute(article_cluster.delete())
        relate(connection, 2, 1)
        added = add_article(connection, NOON + HOUR)
        relate(connection, added, 2)
        add_to_clusters(connection, added, version_id=added, now=LATER)
    assert placed(three) == {1: (1, 3, None), 2: (1, 3, 1), added: (1, 3, 2)}


def parents(engine):
    with read_connection(engine) as connection:
        rows = connection.execute(select(article_cluster)).all()
    return {
        row.article_id: (row.parent_relation, row.parent_shared_child, row.parent_shared_parent)
        for row in rows
    }


@pytest.mark.parametrize("number", range(8))
def test_adding_each_version_as_it_is_stored_gives_what_a_rebuild_gives(engine, number):
    chance = random.Random(number)
    relations = ["identical", "near_duplicate", "translation", "excerpt", "excerpt", "same_story"]
    versions: dict[int, int] = {}  # a version's article
    with transaction(engine) as connection:
        add_outlet(connection)
        for _ in range(45):
            if versions and chance.random() < 0.4:
                own = chance.choice(list(versions.values()))
                seq = 1 + sum(article_id == own for article_id in versions.values())
                added = add_version(connection, own, seq=seq)
            else:
                own = add_article(
                    connection, chance.choice([None, NOON + chance.randrange(48) * HOUR]),
                    published_day_only=chance.random() < 0.3,
                    first_seen_at=NOON + chance.randrange(60) * HOUR,
                )  # fmt: skip
                added = connection.execute(select(func.max(version.c.id))).scalar_one()
            for other in chance.sample(list(versions), min(len(versions), chance.randrange(4))):
                pair = (added, other) if chance.random() < 0.6 else (other, added)
                relate(
                    connection, *pair, chance.choice(relations),
                    shared_child=chance.choice([0.2, 0.9, 1.0]),
                    shared_parent=chance.choice([0.3, 1.0]),
                )  # fmt: skip
            versions[added] = own
            add_to_clusters(connection, own, version_id=added, now=LATER)
    kept, kept_parents = placed(engine), parents(engine)
    with transaction(engine) as connection:
        connection.execute(article_cluster.delete())
        rebuild_clusters(connection, LATER)
    assert placed(engine) == kept
    assert parents(engine) == kept_parents
    assert max(size for _, size, _ in kept.values()) > 3


def test_a_cluster_of_thousands_is_walked_without_recursion(engine):
    count = 5_200
    with transaction(engine) as connection:
        add_outlet(connection)
        first = add_article(connection, NOON)
        add_article(connection, NOON + HOUR)
        for table in (article, version):
            [row] = connection.execute(select(table).where(table.c.id == 2)).mappings()
            rows = [{**row, "id": number} for number in range(3, count + 1)]
            if table is version:
                rows = [{**row, "article_id": row["id"]} for row in rows]
            connection.execute(table.insert(), rows)
        relate(connection, 2, first)
        [row] = connection.execute(select(edge)).mappings()
        connection.execute(
            edge.insert(),
            [
                {**row, "id": number, "child_version_id": number, "parent_version_id": number // 2}
                for number in range(3, count + 1)
            ],
        )
        assert len(refresh_clusters(connection, [count], LATER)) == count
    kept = placed(engine)
    assert kept == {
        number: (1, count, number // 2 if number > 1 else None) for number in range(1, count + 1)
    }


def refresh_impatiently(engine):
    with transaction(engine) as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
        refresh_clusters(connection, [], LATER)


def test_two_writers_take_turns_on_postgres(postgres_url, opened):
    engine = opened(postgres_url)
    with transaction(engine) as holder:
        lock_clusters(holder)
        with pytest.raises(StorageError, match="lock"):
            refresh_impatiently(engine)


# ---------------------------------------------------------------- what analysts see


@pytest.fixture
def reprinted(engine):
    """A report, its translation in another paper, a copy of unknown time, and a quotation."""
    with transaction(engine) as connection:
        paper = add_outlet(connection)
        zeitung = add_outlet(connection, "zeitung.example", "Die Zeitung")
        report = add_article(connection, NOON, outlet_id=paper)
        uebersetzt = add_article(connection, NOON + HOUR, outlet_id=zeitung, language="de")
        undated = add_article(connection, outlet_id=paper)
        quoting = add_article(
            connection, NOON - 12 * HOUR, outlet_id=zeitung, published_day_only=True
        )
        relate(connection, uebersetzt, report, "translation", shared_child=0.875)
        relate(connection, undated, report, "identical")
        relate(connection, quoting, report, "excerpt", shared_child=0.25, shared_parent=0.125)
        rebuild_clusters(connection, LATER)
    return engine


def test_a_text_that_several_articles_carry_is_one_row(reprinted):
    assert read(reprinted, "clusters") == [
        {
            "cluster_id": 1,
            "title": "Headline 1",
            "outlet": "The Paper",
            "url": f"https://paper.example/{NOON}",
            "published_at": NOON,
            "published_day_only": None,
            "first_seen_at": SEEN,
            "size": 3,
            "languages": 2,
            "outlets": 2,
        }
    ]


def test_each_article_with_a_parent_is_shown_beside_it(reprinted):
    rows = {row["article_id"]: row for row in read(reprinted, "derivations")}
    assert rows[2] == {
        "article_id": 2,
        "url": f"https://paper.example/{NOON + HOUR}",
        "title": "Headline 2",
        "outlet": "Die Zeitung",
        "language": "de",
        "parent_article_id": 1,
        "parent_url": f"https://paper.example/{NOON}",
        "parent_title": "Headline 1",
        "parent_outlet": "The Paper",
        "parent_language": "en",
        "relation": "translation",
        "shared_article": 0.875,
        "shared_parent": 1.0,
        "lag_seconds": 3600,
        "learned_at": LATER,
    }
    assert [
        (row["article_id"], row["relation"], row["shared_article"], row["lag_seconds"])
        for row in rows.values()
    ] == [(2, "translation", 0.875, 3600), (3, "identical", 1.0, None), (4, "excerpt", 0.25, None)]


def test_a_date_that_is_not_believed_gives_no_lag(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, NOON)
        add_article(connection, SEEN + HOUR)
        relate(connection, 2, 1)
        rebuild_clusters(connection, LATER)
    [row] = read(engine, "derivations")
    assert (row["article_id"], row["lag_seconds"]) == (2, None)
