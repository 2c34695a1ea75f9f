"""Changes, the articles that have the text that changed, and whether the change reached them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from ingest.model import ChangeKind, Relation, Travel
from storage.dialect import insert
from storage.schema import article, change, change_travel, edge, version

_TEXT_LEVEL = tuple(relation.value for relation in Relation if relation.text_level)
TRAVELLING = (ChangeKind.CORRECTION, ChangeKind.SUBSTANTIVE)
"""Kinds of changes that other articles should take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change as far as its travels are followed."""

    id: int
    article_id: int
    from_version_id: int
    to_version_id: int
    changed: tuple[tuple[str, str], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """An article that has text from another."""

    article_id: int
    relation: Relation
    current_version_id: int


def derived_articles(connection: Connection, article_id: int) -> tuple[Derived, ...]:
    """The articles that have text from this one, by the last verdict on each."""
    child, parent = version.alias("child"), version.alias("parent")
    rows = connection.execute(
        select(child.c.article_id, edge.c.relation, article.c.current_version_id)
        .select_from(edge)
        .join(child, child.c.id == edge.c.child_version_id)
        .join(parent, parent.c.id == edge.c.parent_version_id)
        .join(article, article.c.id == child.c.article_id)
        .where(
            parent.c.article_id == article_id,
            child.c.article_id != article_id,
            edge.c.relation.in_(_TEXT_LEVEL),
            edge.c.needs_review.is_(False),
        )
        .order_by(edge.c.id)
    )
    latest = {
        row.article_id: Derived(
            article_id=row.article_id,
            relation=Relation(row.relation),
            current_version_id=row.current_version_id,
        )
        for row in rows
    }
    return tuple(latest.values())


def parents_of(connection: Connection, article_id: int) -> dict[int, Relation]:
    """The articles that this one has text from, by the last verdict on each."""
    child, parent = version.alias("child"), version.alias("parent")
    rows = connection.execute(
        select(parent.c.article_id, edge.c.relation)
        .select_from(edge)
        .join(child, child.c.id == edge.c.child_version_id)
        .join(parent, parent.c.id == edge.c.parent_version_id)
        .where(
            child.c.article_id == article_id,
            parent.c.article_id != article_id,
            edge.c.relation.in_(_TEXT_LEVEL),
            edge.c.needs_review.is_(False),
        )
        .order_by(edge.c.id)
    )
    return {row.article_id: Relation(row.relation) for row in rows}


def changes_of(
    connection: Connection, article_ids: Collection[int], *, limit: int = 20
) -> tuple[StoredChange, ...]:
    """The last changes of these articles that other articles should take over."""
    rows = connection.execute(
        select(change)
        .where(
            change.c.article_id.in_(sorted(article_ids)),
            change.c.kind.in_([kind.value for kind in TRAVELLING]),
        )
        .order_by(change.c.id.desc())
        .limit(limit)
    )
    return tuple(
        StoredChange(
            id=row.id,
            article_id=row.article_id,
            from_version_id=row.from_version_id,
            to_version_id=row.to_version_id,
            changed=tuple((old, new) for old, new in row.sentences_changed),
            added=tuple(row.sentences_added),
            removed=tuple(row.sentences_removed),
        )
        for row in rows
    )


def travels_of(
    connection: Connection, article_id: int, change_ids: Sequence[int]
) -> dict[int, Travel]:
    """What is known of some changes in an article, by change."""
    rows = connection.execute(
        select(change_travel.c.change_id, change_travel.c.state).where(
            change_travel.c.article_id == article_id, change_travel.c.change_id.in_(change_ids)
        )
    )
    return {row.change_id: Travel(row.state) for row in rows}


def add_travel(
    connection: Connection,
    change_id: int,
    derived: Derived,
    *,
    state: Travel,
    passage: str,
    taken_at: datetime | None,
    now: datetime,
) -> None:
    """Note for the first time whether a change is in an article."""
    connection.execute(
        insert(connection, change_travel)
        .values(
            change_id=change_id,
            article_id=derived.article_id,
            relation=derived.relation.value,
            state=state.value,
            passage=passage,
            version_id=derived.current_version_id,
            noted_at=now,
            recorded_at=now,
            taken_version_id=derived.current_version_id if taken_at is not None else None,
            taken_at=taken_at,
        )
        .on_conflict_do_nothing()
    )


def move_travel(
    connection: Connection,
    change_id: int,
    article_id: int,
    *,
    state: Travel,
    passage: str,
    version_id: int,
    taken_at: datetime | None,
    now: datetime,
) -> None:
    """Note that a later version of an article tells other things of a change."""
    values = {
        "state": state.value,
        "passage": passage,
        "taken_at": taken_at,
        "recorded_at": now,
    }
    connection.execute(
        update(change_travel)
        .where(change_travel.c.change_id == change_id, change_travel.c.article_id == article_id)
        .values(**values, taken_version_id=version_id if taken_at is not None else None)
    )
