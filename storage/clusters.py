"""Articles that carry one text: the links between them, walked; the clusters, kept.

A verdict is between two versions, a link between their articles. Of the verdicts on two versions
the last one counts, whichever of them it calls the child: it is the newest method's. An article
keeps the links of its earlier versions, as it keeps having come from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, case, func, literal, or_, select

from ingest.model import Relation
from storage.dialect import AdvisoryLock, insert
from storage.schema import analyst_verdict, article, article_cluster, edge, version

_Verdict = Row[*tuple[Any, ...]]

_CHUNK = 500  # SQLite takes 32,766 parameters, Postgres plans a short list better


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleLink:
    """The last verdict on a version of one article and a version of another."""

    child: int  # article.id
    parent: int  # article.id
    relation: Relation
    shared_child: float
    shared_parent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleDates:
    """What is known of when an article was published."""

    article_id: int
    published_at: datetime | None
    day_only: bool
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Articles with all of their links that are on the level of the text."""

    article_ids: frozenset[int]  # those that were walked
    links: tuple[ArticleLink, ...]  # of these, some to articles that were not
    dates: tuple[ArticleDates, ...]  # of every article named in either


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The article that another has most of its text from."""

    article_id: int
    relation: Relation
    shared_child: float
    shared_parent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """An article's place in the derivation graph."""

    article_id: int
    cluster_id: int
    size: int  # of the cluster, if the article is its earliest; else 0
    parent: Parent | None


def lock_clusters(connection: Connection) -> None:
    """Keep other writers from placing articles until the commit.

    SQLite has one writer anyway; on Postgres each of two would miss the links the other adds.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(int(AdvisoryLock.CLUSTERS))))


def every_article(connection: Connection) -> tuple[int, ...]:
    """Id of each article."""
    return tuple(connection.execute(select(article.c.id).order_by(article.c.id)).scalars())


def load_component(
    connection: Connection, article_ids: Collection[int], *, joining: Collection[Relation]
) -> Component:
    """Walk from articles over links of the joining relations until there is nothing new.

    Breadth first and a query for each 500 articles, so the cost is that of what is walked. With no
    joining relation the walk stays where it began.
    """
    walked: set[int] = set()
    links: set[ArticleLink] = set()
    ahead = set(article_ids)
    while ahead:
        found = _links(connection, ahead)
        walked |= ahead
        links.update(found)
        ahead = {end for link in found if link.relation in joining for end in _ends(link)} - walked
    named = walked.union(*map(_ends, links))
    return Component(
        article_ids=frozenset(walked), links=tuple(links), dates=tuple(_dates(connection, named))
    )


def _ends(link: ArticleLink) -> tuple[int, int]:
    return link.child, link.parent


def _links(connection: Connection, article_ids: Collection[int]) -> frozenset[ArticleLink]:
    last: dict[tuple[int, ...], _Verdict] = {}
    for row in _verdicts(connection, edge, article_ids):
        pair = tuple(sorted((row.child_version_id, row.parent_version_id)))
        if pair not in last or last[pair].id < row.id:
            last[pair] = row
    told = {pair: _article_link(row) for pair, row in last.items()}
    corrected: dict[tuple[int, ...], _Verdict] = {}
    for row in _verdicts(connection, analyst_verdict, article_ids):
        pair = tuple(sorted((row.child_version_id, row.parent_version_id)))
        if pair not in corrected or corrected[pair].id < row.id:
            corrected[pair] = row
    for pair, row in corrected.items():
        told[pair] = _correct(told.get(pair), _article_link(row))
    return frozenset(link for link in told.values() if link.relation.text_level)


def _article_link(row: _Verdict) -> ArticleLink:
    return ArticleLink(
        child=row.child,
        parent=row.parent,
        relation=Relation(row.relation),
        shared_child=row.shared_child,
        shared_parent=row.shared_parent,
    )


def _correct(machine: ArticleLink | None, analyst: ArticleLink) -> ArticleLink:
    """The analyst's relation and direction with the machine's shares: nobody measures by eye."""
    if machine is None:
        return analyst
    shares = (machine.shared_child, machine.shared_parent)
    if machine.child != analyst.child:
        shares = (shares[1], shares[0])
    return replace(analyst, shared_child=shares[0], shared_parent=shares[1])


def _verdicts(
    connection: Connection, table: Table, article_ids: Collection[int]
) -> Iterator[_Verdict]:
    """Every verdict on two versions of which one at least is of these articles.

    `table` is edge, or analyst_verdict, which has no shares: a correction without a verdict to
    correct covers everything.
    """
    shares = (
        (table.c.shared_child, table.c.shared_parent)
        if table is edge
        else (literal(1.0).label("shared_child"), literal(1.0).label("shared_parent"))
    )
    child, parent = version.alias("child"), version.alias("parent")
    query = (
        select(
            table.c.id,
            table.c.child_version_id,
            table.c.parent_version_id,
            child.c.article_id.label("child"),
            parent.c.article_id.label("parent"),
            table.c.relation,
            *shares,
        )
        .join(child, child.c.id == table.c.child_version_id)
        .join(parent, parent.c.id == table.c.parent_version_id)
        .where(child.c.article_id != parent.c.article_id)
    )
    for part in _parts(article_ids):
        # one after the other: an OR over two tables would read every edge there is
        yield from connection.execute(query.where(child.c.article_id.in_(part)))
        yield from connection.execute(query.where(parent.c.article_id.in_(part)))


def links_of(connection: Connection, version_id: int) -> tuple[ArticleLink, ...]:
    """The links of an article by one version, with which no verdict was made again."""
    own, other = version.alias(), version.alias()
    rows = [
        row
        for mine, theirs in (
            (edge.c.child_version_id, edge.c.parent_version_id),
            (edge.c.parent_version_id, edge.c.child_version_id),
        )
        for row in connection.execute(
            select(
                (own if mine is edge.c.child_version_id else other).c.article_id.label("child"),
                (other if mine is edge.c.child_version_id else own).c.article_id.label("parent"),
                edge.c.relation,
                edge.c.shared_child,
                edge.c.shared_parent,
            )
            .join(own, own.c.id == mine)
            .join(other, other.c.id == theirs)
            .where(mine == version_id, own.c.article_id != other.c.article_id)
        )
    ]
    links = (_article_link(row) for row in rows)
    return tuple(link for link in links if link.relation.text_level)


def load_dates(connection: Connection, article_ids: Collection[int]) -> tuple[ArticleDates, ...]:
    """What is known of when these were published."""
    return tuple(_dates(connection, article_ids))


def _dates(connection: Connection, article_ids: Collection[int]) -> Iterator[ArticleDates]:
    query = select(
        article.c.id, article.c.published_at, article.c.published_day_only, article.c.first_seen_at
    )
    for part in _parts(article_ids):
        for row in connection.execute(query.where(article.c.id.in_(part))):
            yield ArticleDates(
                article_id=row.id,
                published_at=row.published_at,
                day_only=bool(row.published_day_only),
                first_seen_at=row.first_seen_at,
            )


def _parts(article_ids: Collection[int]) -> Iterator[list[int]]:
    wanted = sorted(article_ids)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]


# ---------------------------------------------------------------- what is kept


def clustermates(connection: Connection, article_ids: Collection[int]) -> frozenset[int]:
    """Articles of the clusters that these were last placed in."""
    other = article_cluster.alias()
    query = select(article_cluster.c.article_id).join(
        other, other.c.cluster_id == article_cluster.c.cluster_id
    )
    return frozenset(
        found
        for part in _parts(article_ids)
        for found in connection.execute(query.where(other.c.article_id.in_(part))).scalars()
    )


def children(connection: Connection, article_ids: Collection[int]) -> frozenset[int]:
    """Articles whose parent was last found to be one of these."""
    query = select(article_cluster.c.article_id)
    return frozenset(
        found
        for part in _parts(article_ids)
        for found in connection.execute(
            query.where(article_cluster.c.parent_article_id.in_(part))
        ).scalars()
    )


def placements(connection: Connection, article_ids: Collection[int]) -> dict[int, Placement]:
    """Where each of these was last placed; not all need be anywhere."""
    return {
        row.article_id: Placement(
            article_id=row.article_id,
            cluster_id=row.cluster_id,
            size=row.size,
            parent=_parent_of(row),
        )
        for part in _parts(article_ids)
        for row in connection.execute(
            select(article_cluster).where(article_cluster.c.article_id.in_(part))
        )
    }


def _parent_of(row: _Verdict) -> Parent | None:
    if row.parent_article_id is None:
        return None
    return Parent(
        article_id=row.parent_article_id,
        relation=Relation(row.parent_relation),
        shared_child=row.parent_shared_child,
        shared_parent=row.parent_shared_parent,
    )


def merge_clusters(
    connection: Connection, cluster_ids: Collection[int], *, into: int, now: datetime
) -> None:
    """Move all articles of some clusters into another, whose earliest article is `into`."""
    connection.execute(
        article_cluster.update()
        .where(article_cluster.c.cluster_id.in_(sorted(cluster_ids)))
        .values(cluster_id=into, earliest=False, size=0, updated_at=now)
    )


def save_clusters(connection: Connection, placements: Iterable[Placement], now: datetime) -> None:
    """Keep where articles are; a row that says so already does not move."""
    rows = [
        {
            "article_id": item.article_id,
            "cluster_id": item.cluster_id,
            "earliest": item.article_id == item.cluster_id,
            "size": item.size,
            "updated_at": now,
            **_parent_columns(item.parent),
            "parent_since": None if item.parent is None else now,
        }
        for item in sorted(placements, key=lambda item: item.article_id)
    ]
    if not rows:
        return
    statement = insert(connection, article_cluster)
    given: dict[str, Any] = {
        column.name: statement.excluded[column.name]
        for column in article_cluster.columns
        if not column.primary_key
    }
    moved = or_(
        *(
            article_cluster.c[name].is_distinct_from(value)
            for name, value in given.items()
            if name not in {"updated_at", "parent_since"}
        )
    )
    own, excluded = article_cluster.c, statement.excluded
    given["parent_since"] = case(
        (own.parent_article_id.is_not_distinct_from(excluded.parent_article_id), own.parent_since),
        else_=excluded.parent_since,
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["article_id"], set_=given, where=moved),
        rows,
    )


def _parent_columns(parent: Parent | None) -> dict[str, object]:
    return {
        "parent_article_id": parent and parent.article_id,
        "parent_relation": parent and parent.relation.value,
        "parent_shared_child": parent and parent.shared_child,
        "parent_shared_parent": parent and parent.shared_parent,
    }
