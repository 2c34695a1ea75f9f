"""The verdicts between versions, and which are still missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, or_, select

from ingest.model import Verdict
from storage.dialect import insert
from storage.schema import article_story, edge, feature, version


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEdge:
    """A verdict to append: on two versions, or on a version and a seed."""

    child_version_id: int
    parent_version_id: int | None = None
    seed_id: int | None = None
    verdict: Verdict


def add_edges(connection: Connection, edges: Iterable[NewEdge], now: datetime) -> None:
    """Append verdicts; the same pair under the same method is kept once."""
    rows = [
        {
            "child_version_id": item.child_version_id,
            "parent_version_id": item.parent_version_id,
            "seed_id": item.seed_id,
            "relation": item.verdict.relation.value,
            "score": item.verdict.score,
            "shared_child": item.verdict.shared_a,
            "shared_parent": item.verdict.shared_b,
            "needs_review": item.verdict.needs_review,
            "method": item.verdict.method,
            "method_version": item.verdict.method_version,
            "evidence": asdict(item.verdict.evidence),
            "decided_at": now,
        }
        for item in edges
    ]
    if rows:
        connection.execute(insert(connection, edge).on_conflict_do_nothing(), rows)


def versions_without_verdict(
    connection: Connection, *, story_id: int, seed_id: int, method_version: str, limit: int
) -> list[int]:
    """Versions of a story's articles that were not compared with this seed by this method."""
    rows = connection.execute(
        select(version.c.id)
        .join(
            article_story,
            and_(
                article_story.c.article_id == version.c.article_id,
                article_story.c.story_id == story_id,
            ),
        )
        .outerjoin(
            edge,
            and_(
                edge.c.child_version_id == version.c.id,
                edge.c.seed_id == seed_id,
                edge.c.method_version == method_version,
            ),
        )
        .where(edge.c.id.is_(None))
        .order_by(version.c.id)
        .limit(limit)
    )
    return [row.id for row in rows]


def related_versions(connection: Connection, version_id: int) -> list[int]:
    """Versions that a verdict of any method relates to this one, either way round."""
    pairs = connection.execute(
        select(edge.c.child_version_id, edge.c.parent_version_id).where(
            edge.c.parent_version_id.is_not(None),
            or_(edge.c.child_version_id == version_id, edge.c.parent_version_id == version_id),
        )
    )
    return sorted({end for pair in pairs for end in pair} - {version_id})


def is_derived(connection: Connection, child_article_id: int, parent_article_id: int) -> bool:
    """Whether a version of one article has a verdict as the child of a version of the other."""
    child, parent = version.alias("child"), version.alias("parent")
    query = (
        select(edge.c.id)
        .join(child, child.c.id == edge.c.child_version_id)
        .join(parent, parent.c.id == edge.c.parent_version_id)
        .where(child.c.article_id == child_article_id, parent.c.article_id == parent_article_id)
        .limit(1)
    )
    return connection.execute(query).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Why a version's article belongs to a story."""

    story_id: int
    rule: str
    score: float


def memberships_of(connection: Connection, version_id: int) -> tuple[Membership, ...]:
    """The stories of a version's article."""
    rows = connection.execute(
        select(article_story.c.story_id, article_story.c.rule, article_story.c.score)
        .join(version, version.c.article_id == article_story.c.article_id)
        .where(version.c.id == version_id)
        .order_by(article_story.c.story_id)
    )
    return tuple(Membership(story_id=row.story_id, rule=row.rule, score=row.score) for row in rows)


def versions_not_judged_by(
    connection: Connection, rule: str, *, since: datetime | None, after: int, limit: int
) -> list[int]:
    """Versions whose relations were not told by this rule, or that have no features."""
    rows = connection.execute(
        _not_judged(rule, since=since)
        .where(version.c.id > after)
        .order_by(version.c.id)
        .limit(limit)
    )
    return [row.id for row in rows]


def count_not_judged_by(connection: Connection, rule: str, *, since: datetime | None) -> int:
    """How many versions wait to be judged by this rule."""
    waiting = _not_judged(rule, since=since).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def _not_judged(rule: str, *, since: datetime | None) -> Select[tuple[int]]:
    query = (
        select(version.c.id)
        .outerjoin(feature, feature.c.version_id == version.c.id)
        .where(feature.c.judged_by.is_distinct_from(rule))
    )
    return query if since is None else query.where(version.c.first_observed_at >= since)


def mark_judged(connection: Connection, version_id: int, rule: str) -> None:
    """Note which rule told a version's relations."""
    connection.execute(
        feature.update().where(feature.c.version_id == version_id).values(judged_by=rule)
    )
