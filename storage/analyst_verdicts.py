"""Analysts' corrections of verdicts, and how the machine's compare with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ingest.model import Relation
from storage.schema import (
    analyst_verdict,
    article,
    article_story,
    edge,
    seed,
    story,
    version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The last word of an analyst on a pair, and of the machine."""

    id: int
    child_version_id: int
    parent_version_id: int | None
    seed_id: int | None
    child: str  # headlines
    parent: str
    relation: Relation
    machine: Relation  # unrelated when the machine compared them and kept nothing, or never did
    author: str
    note: str
    decided_at: datetime


def add_analyst_verdict(
    connection: Connection,
    *,
    child_version_id: int,
    parent_version_id: int | None,
    seed_id: int | None,
    relation: Relation,
    author: str,
    note: str,
    now: datetime,
) -> None:
    """Append a correction of one pair: a version and another, or a version and a seed."""
    connection.execute(
        analyst_verdict.insert().values(
            child_version_id=child_version_id,
            parent_version_id=parent_version_id,
            seed_id=seed_id,
            relation=relation.value,
            author=author,
            note=note,
            decided_at=now,
        )
    )


def find_version(
    connection: Connection, *, article_id: int | None = None, version_id: int | None = None
) -> tuple[int, int] | None:
    """Return (version, its article) of a version, or of an article's current version."""
    query = select(version.c.id, version.c.article_id)
    if version_id is not None:
        query = query.where(version.c.id == version_id)
    else:
        query = query.join(article, article.c.current_version_id == version.c.id).where(
            article.c.id == article_id
        )
    row = connection.execute(query).first()
    return None if row is None else (row.id, row.article_id)


def current_seeds(connection: Connection, *, article_id: int | None = None) -> dict[str, int]:
    """The current seed of each story by its slug, or only of the stories an article belongs to."""
    query = (
        select(story.c.slug, seed.c.id)
        .join(seed, seed.c.story_id == story.c.id)
        .where(seed.c.is_current)
        .order_by(story.c.slug)
    )
    if article_id is not None:
        query = query.join(article_story, article_story.c.story_id == story.c.id).where(
            article_story.c.article_id == article_id
        )
    return {row.slug: row.id for row in connection.execute(query)}


def corrections(connection: Connection) -> Iterator[Correction]:
    """The last correction of each pair with the machine's last verdict on it.

    Two versions are one pair whichever of them is called the child.
    """
    last: dict[tuple[int, int, int], int] = {}
    for row in connection.execute(select(analyst_verdict).order_by(analyst_verdict.c.id)).all():
        last[_pair(row.child_version_id, row.parent_version_id, row.seed_id)] = row.id
    child, parent = version.alias("child"), version.alias("parent")
    query = (
        select(
            analyst_verdict,
            child.c.title.label("child_title"),
            parent.c.title.label("parent_title"),
            seed.c.title.label("seed_title"),
        )
        .join(child, child.c.id == analyst_verdict.c.child_version_id)
        .outerjoin(parent, parent.c.id == analyst_verdict.c.parent_version_id)
        .outerjoin(seed, seed.c.id == analyst_verdict.c.seed_id)
        .order_by(analyst_verdict.c.id)
    )
    wanted = set(last.values())
    for row in connection.execute(query).all():
        if row.id not in wanted:
            continue
        yield Correction(
            id=row.id,
            child_version_id=row.child_version_id,
            parent_version_id=row.parent_version_id,
            seed_id=row.seed_id,
            child=row.child_title,
            parent=row.parent_title if row.seed_id is None else row.seed_title,
            relation=Relation(row.relation),
            machine=_machine(connection, row.child_version_id, row.parent_version_id, row.seed_id),
            author=row.author,
            note=row.note,
            decided_at=row.decided_at,
        )


def _pair(child: int, parent: int | None, seed_id: int | None) -> tuple[int, int, int]:
    if parent is None:
        return child, 0, seed_id or 0
    return min(child, parent), max(child, parent), 0


def _machine(
    connection: Connection, child: int, parent: int | None, seed_id: int | None
) -> Relation:
    both = [(child, parent), (parent, child)] if parent is not None else []
    ids = [
        connection.scalar(
            select(func.max(edge.c.id)).where(
                edge.c.child_version_id == one, edge.c.parent_version_id == other
            )
        )
        for one, other in both
    ]
    if seed_id is not None:
        ids.append(
            connection.scalar(
                select(func.max(edge.c.id)).where(
                    edge.c.child_version_id == child, edge.c.seed_id == seed_id
                )
            )
        )
    newest = max((item for item in ids if item is not None), default=None)
    if newest is None:
        return Relation.UNRELATED
    return Relation(
        connection.execute(select(edge.c.relation).where(edge.c.id == newest)).scalar_one()
    )
