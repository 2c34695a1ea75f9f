"""The derivation graph: groups of one text, the earliest of each, and one parent an article."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.derivation import JOINING, Link, Member, choose_parent, clusters
from ingest.model import Relation

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2023, 9, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def member(article_id, published_at=None, *, day_only=False, first_seen_at=NOON + 100 * HOUR):
    return Member(
        article_id=article_id,
        published_at=published_at,
        day_only=day_only,
        first_seen_at=first_seen_at,
    )


def link(child, parent, relation=Relation.IDENTICAL, shared_child=1.0, shared_parent=1.0):
    return Link(
        child=child,
        parent=parent,
        relation=relation,
        shared_child=shared_child,
        shared_parent=shared_parent,
    )


def found(members, links):
    return {group.earliest: set(group.members) for group in clusters(members, links)}


def parent_of(child, links, members):
    chosen = choose_parent(child, links, {item.article_id: item for item in members})
    return None if chosen is None else chosen.parent


# ---------------------------------------------------------------- when an article was out


@pytest.mark.parametrize(
    ("article", "known_at"),
    [
        pytest.param(member(1, NOON), NOON, id="an exact time"),
        pytest.param(
            member(1, MIDNIGHT, day_only=True),
            MIDNIGHT + timedelta(days=1, microseconds=-1),
            id="a day: its end",
        ),
        pytest.param(
            member(1, MIDNIGHT, day_only=True, first_seen_at=NOON),
            NOON,
            id="a day, seen before its end: the first look",
        ),
        pytest.param(member(1, first_seen_at=NOON), NOON, id="no date: the first look"),
        pytest.param(
            member(1, NOON + SECOND, first_seen_at=NOON), NOON, id="a date after the first look"
        ),
        pytest.param(
            member(1, MIDNIGHT + 24 * HOUR, day_only=True, first_seen_at=NOON),
            NOON,
            id="a day after the first look",
        ),
    ],
)
def test_when_an_article_was_out_for_certain(article, known_at):
    assert article.known_at == known_at


# ---------------------------------------------------------------- clusters


@pytest.mark.parametrize("relation", Relation)
def test_which_relations_join_two_articles(relation):
    joined = relation in {Relation.IDENTICAL, Relation.NEAR_DUPLICATE, Relation.TRANSLATION}
    members = [member(1, NOON), member(2, NOON - HOUR)]
    assert found(members, [link(1, 2, relation)]) == ({2: {1, 2}} if joined else {1: {1}, 2: {2}})


def test_of_articles_out_at_once_the_one_stored_first_is_the_earliest():
    assert found([member(2, NOON), member(1, NOON)], [link(1, 2)]) == {1: {1, 2}}


def test_a_chain_of_links_is_one_cluster_however_long():
    count = 20_000
    members = [member(number, NOON + number * SECOND) for number in range(count)]
    links = [link(number + 1, number) for number in range(count - 1)]
    assert found(members, reversed(links)) == {0: set(range(count))}


# ---------------------------------------------------------------- parents

SOURCES = [member(number, NOON + number * HOUR) for number in range(1, 5)]


@pytest.mark.parametrize(
    ("links", "parent"),
    [
        pytest.param([], None, id="nothing in common with anything"),
        pytest.param([link(3, 4)], None, id="only a later one"),
        pytest.param([link(1, 3)], 1, id="a link the other way round"),
        pytest.param([link(3, 1, Relation.SAME_STORY)], None, id="the same story is no parent"),
        pytest.param(
            [
                link(3, 1, Relation.IDENTICAL, shared_child=0.80),
                link(3, 2, Relation.EXCERPT, shared_child=0.81),
            ],
            2,
            id="who covers more, whatever the relation",
        ),
        pytest.param(
            [
                link(3, 1, Relation.TRANSLATION, shared_child=0.904),
                link(3, 2, Relation.NEAR_DUPLICATE, shared_child=0.903),
            ],
            2,
            id="as much to the hundredth: the more direct relation",
        ),
        pytest.param([link(3, 2), link(3, 1)], 1, id="alike: the earliest"),
        pytest.param(
            [
                link(2, 3, shared_child=1.0, shared_parent=0.5),
                link(3, 1, shared_child=0.6, shared_parent=0.2),
            ],
            1,
            id="the child's share counts, not the parent's",
        ),
    ],
)
def test_the_parent_of_an_article(links, parent):
    assert parent_of(3, links, SOURCES) == parent


def test_a_link_is_given_back_as_seen_from_the_child():
    members = {item.article_id: item for item in SOURCES}
    chosen = choose_parent(
        3, [link(1, 3, Relation.EXCERPT, shared_child=0.25, shared_parent=0.75)], members
    )
    assert chosen == link(3, 1, Relation.EXCERPT, shared_child=0.75, shared_parent=0.25)


# ---------------------------------------------------------------- whatever the graph

TIMES = st.integers(0, 72).map(lambda hours: MIDNIGHT + hours * HOUR)
SHARES = st.sampled_from([0.0, 0.3, 0.9, 0.904, 1.0])


@st.composite
def graphs(draw):
    """Members and links, many of them out at the same time."""
    ids = draw(st.lists(st.integers(1, 30), min_size=1, max_size=12, unique=True))
    members = [
        member(
            article_id,
            draw(st.none() | TIMES),
            day_only=draw(st.booleans()),
            first_seen_at=draw(TIMES),
        )
        for article_id in ids
    ]
    ends = st.sampled_from(ids)
    links = draw(
        st.lists(
            st.builds(link, ends, ends, st.sampled_from(Relation), SHARES, SHARES), max_size=30
        )
    )
    return members, links


def parents(members, links):
    known = {item.article_id: item for item in members}
    return {
        child: choose_parent(
            child, [one for one in links if child in (one.child, one.parent)], known
        )
        for child in known
    }


@given(graphs())
def test_each_article_is_in_one_cluster_whose_earliest_is_in_it(graph):
    members, links = graph
    groups = clusters(members, links)
    listed = sorted(article_id for group in groups for article_id in group.members)
    assert listed == sorted(item.article_id for item in members)
    order = {item.article_id: item.order for item in members}
    for group in groups:
        assert min(group.members, key=order.__getitem__) == group.earliest


@given(graphs())
def test_articles_are_in_one_cluster_exactly_when_joining_links_connect_them(graph):
    members, links = graph
    reached = {item.article_id: {item.article_id} for item in members}
    for _ in members:
        for one in links:
            if one.relation in JOINING:
                together = reached[one.child] | reached[one.parent]
                for article_id in together:
                    reached[article_id] = together
    groups = clusters(members, links)
    assert {frozenset(group) for group in reached.values()} == {one.members for one in groups}


@given(graphs())
def test_following_parents_never_leads_back(graph):
    chosen = parents(*graph)
    for start in chosen:
        passed, at = {start}, chosen[start]
        while at is not None:
            assert at.parent not in passed
            passed.add(at.parent)
            at = chosen[at.parent]


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_does_not_matter(graph, random):
    members, links = graph
    other = [one.turned() if random.random() < 0.5 else one for one in links]
    random.shuffle(other)
    shuffled = random.sample(members, len(members))
    assert clusters(members, links) == clusters(shuffled, other)
    assert parents(members, links) == parents(shuffled, other)
