"""All that is stored on one article or one verdict, for somebody who has to prove it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from storage.schema import (
    analyst_verdict,
    article,
    article_url,
    edge,
    observation,
    outlet,
    raw,
    seed,
    story,
    version,
)
from storage.views import VIEWS

_ORDERS = {
    "articles": ("story",),
    "article_versions": ("seq",),
    "article_changes": ("to_seq",),
    "article_events": ("decided_at",),
    "looks": ("observed_at", "look_id"),
}


def view_rows(connection: Connection, view: str, article_id: int) -> list[dict[str, Any]]:
    """An article's rows of a view that is about articles, in order."""
    table = VIEWS[view]
    found = connection.execute(
        select(table)
        .where(table.c.article_id == article_id)
        .order_by(*(table.c[name] for name in _ORDERS[view]))
    )
    return [dict(row) for row in found.mappings()]


def known_urls(connection: Connection, article_id: int) -> list[dict[str, Any]]:
    """Each URL that an article is known under, why, and since when."""
    found = connection.execute(
        select(
            article_url.c.url,
            article_url.c.kind,
            article_url.c.first_seen_at,
            article_url.c.last_seen_at,
        )
        .where(article_url.c.article_id == article_id)
        .order_by(article_url.c.id)
    )
    return [dict(row) for row in found.mappings()]


# ---------------------------------------------------------------- captures


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A look whose page was kept; `capture_body` has the page."""

    look_id: int
    seq: int | None  # of the version that it showed
    requested_url: str
    final_url: str
    observed_at: datetime
    source: str
    outcome: str
    status: int | None
    headers: Mapping[str, str]
    sha256: str  # of the page
    size: int


def captures(connection: Connection, article_id: int) -> tuple[Capture, ...]:
    """The looks at an article whose pages were kept, in the order of their times."""
    found = connection.execute(
        select(observation, version.c.seq, raw.c.size)
        .join(raw, raw.c.sha256 == observation.c.raw_sha256)
        .outerjoin(version, version.c.id == observation.c.version_id)
        .where(observation.c.article_id == article_id)
        .order_by(observation.c.observed_at, observation.c.id)
    )
    return tuple(
        Capture(
            look_id=row.id,
            seq=row.seq,
            requested_url=row.requested_url,
            final_url=row.final_url or row.requested_url,
            observed_at=row.observed_at,
            source=row.source,
            outcome=row.outcome,
            status=row.status,
            headers=row.headers or {},
            sha256=row.raw_sha256,
            size=row.size,
        )
        for row in found
    )


def capture_body(connection: Connection, sha256: str) -> bytes:
    """A page as it is stored: zstd of the decoded body."""
    body: bytes = connection.execute(select(raw.c.body).where(raw.c.sha256 == sha256)).scalar_one()
    return body


# ---------------------------------------------------------------- verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two texts of a verdict."""

    name: str  # "version 2 of article 7", "seed 1 of trains"
    title: str
    language: str | None
    outlet: str | None  # None: a seed
    url: str | None
    article_id: int | None
    seq: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVerdict:
    """A verdict as it is stored, with what analysts said of the same pair."""

    edge_id: int
    child: Side
    parent: Side
    relation: str
    score: float
    shared_child: float
    shared_parent: float
    needs_review: bool
    method: str
    method_version: str
    decided_at: datetime
    evidence: Mapping[str, Any]
    analysts: Sequence[Mapping[str, Any]]


def verdicts_on_article(connection: Connection, article_id: int) -> Iterator[KeptVerdict]:
    """The latest verdict on each pair that a version of the article is in."""
    own = select(version.c.id).where(version.c.article_id == article_id)
    yield from _latest(
        connection, or_(edge.c.child_version_id.in_(own), edge.c.parent_version_id.in_(own))
    )


def verdicts_on_pair(connection: Connection, one: int, other: int) -> Iterator[KeptVerdict]:
    """The latest verdicts between the versions of two articles."""
    first = select(version.c.id).where(version.c.article_id == one)
    second = select(version.c.id).where(version.c.article_id == other)
    child, parent = edge.c.child_version_id, edge.c.parent_version_id
    yield from _latest(
        connection,
        or_(and_(child.in_(first), parent.in_(second)), and_(child.in_(second), parent.in_(first))),
    )


def verdict_of_edge(connection: Connection, edge_id: int) -> KeptVerdict | None:
    """The verdict with this id, whether a later one replaced it or not."""
    row = connection.execute(select(edge).where(edge.c.id == edge_id)).one_or_none()
    return None if row is None else _verdict(connection, row)


def _latest(connection: Connection, wanted: ColumnElement[bool]) -> Iterator[KeptVerdict]:
    last: dict[tuple[object, ...], int] = {}
    pairs = select(edge.c.id, edge.c.child_version_id, edge.c.parent_version_id, edge.c.seed_id)
    for row in connection.execute(pairs.where(wanted).order_by(edge.c.id)):
        pair = (row.child_version_id, row.parent_version_id or 0)
        last[(min(pair), max(pair), row.seed_id)] = row.id
    for edge_id in sorted(last.values()):
        found = verdict_of_edge(connection, edge_id)
        if found is not None:
            yield found


def _verdict(connection: Connection, row: Row[Any]) -> KeptVerdict:
    child = _version_side(connection, row.child_version_id)
    parent = (
        _version_side(connection, row.parent_version_id)
        if row.seed_id is None
        else _seed_side(connection, row.seed_id)
    )
    return KeptVerdict(
        edge_id=row.id,
        child=child,
        parent=parent,
        relation=row.relation,
        score=row.score,
        shared_child=row.shared_child,
        shared_parent=row.shared_parent,
        needs_review=row.needs_review,
        method=row.method,
        method_version=row.method_version,
        decided_at=row.decided_at,
        evidence=row.evidence,
        analysts=_analysts(connection, row),
    )


def _version_side(connection: Connection, version_id: int) -> Side:
    row = connection.execute(
        select(version, outlet.c.name, article.c.canonical_url)
        .join(article, article.c.id == version.c.article_id)
        .join(outlet, outlet.c.id == article.c.outlet_id)
        .where(version.c.id == version_id)
    ).one()
    return Side(
        name=f"version {row.seq} of article {row.article_id}",
        title=row.title,
        language=row.language,
        outlet=row.name,
        url=row.canonical_url,
        article_id=row.article_id,
        seq=row.seq,
        text=row.text,
    )


def _seed_side(connection: Connection, seed_id: int) -> Side:
    row = connection.execute(
        select(seed, story.c.slug)
        .join(story, story.c.id == seed.c.story_id)
        .where(seed.c.id == seed_id)
    ).one()
    return Side(
        name=f"seed {row.seq} of {row.slug}",
        title=row.title,
        language=row.language,
        outlet=None,
        url=None,
        article_id=None,
        seq=row.seq,
        text=row.text,
    )


def _analysts(connection: Connection, row: Row[Any]) -> list[dict[str, Any]]:
    child, parent = analyst_verdict.c.child_version_id, analyst_verdict.c.parent_version_id
    same = (
        and_(child == row.child_version_id, analyst_verdict.c.seed_id == row.seed_id)
        if row.seed_id is not None
        else or_(
            and_(child == row.child_version_id, parent == row.parent_version_id),
            and_(child == row.parent_version_id, parent == row.child_version_id),
        )
    )
    found = connection.execute(
        select(
            analyst_verdict.c.relation,
            analyst_verdict.c.author,
            analyst_verdict.c.note,
            analyst_verdict.c.decided_at,
        )
        .where(same)
        .order_by(analyst_verdict.c.id)
    )
    return [dict(item) for item in found.mappings()]
