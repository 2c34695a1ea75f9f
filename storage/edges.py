"""Fingerprints, the lookup of similar versions, and the verdicts between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from ingest.model import Fingerprint, Verdict
from storage.dialect import insert
from storage.schema import article, article_story, edge, fingerprint, shingle, version

_LOOKUP_HASHES = 600
"""Hashes looked up for one text; the smallest ones, which are a fair sample of a FracMinHash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarVersion:
    """A stored version that shares material with a text."""

    version_id: int
    article_id: int
    title: str
    text: str
    language: str | None
    published_at: datetime | None
    first_observed_at: datetime
    shared_hashes: int


def add_fingerprint(connection: Connection, version_id: int, value: Fingerprint) -> None:
    """Store what finding copies of a version needs."""
    connection.execute(
        fingerprint.insert().values(
            version_id=version_id,
            text_hash=value.text_hash,
            language=value.language,
            words=value.words,
            shingles=len(value.shingles),
            method_version=value.method_version,
        )
    )
    if value.shingles:
        connection.execute(
            shingle.insert(),
            [{"hash": item, "version_id": version_id} for item in sorted(set(value.shingles))],
        )


def find_similar(
    connection: Connection,
    value: Fingerprint,
    *,
    article_id: int,
    limit: int,
    min_shared: int,
) -> tuple[SimilarVersion, ...]:
    """Versions of other articles that share hashes, the most alike first, one an article."""
    hashes = value.shingles[:_LOOKUP_HASHES]
    counts = (
        select(shingle.c.version_id, func.count().label("shared"))
        .where(shingle.c.hash.in_(hashes))
        .group_by(shingle.c.version_id)
        .having(func.count() >= min(min_shared, max(len(hashes), 1)))
        .order_by(func.count().desc(), shingle.c.version_id)
        .limit(limit * 4)
        .subquery()
    )
    rows = connection.execute(
        select(version, article.c.published_at.label("article_published_at"), counts.c.shared)
        .join(counts, counts.c.version_id == version.c.id)
        .join(article, article.c.id == version.c.article_id)
        .where(version.c.article_id != article_id)
        .order_by(counts.c.shared.desc(), version.c.id)
    ).all()
    best: dict[int, SimilarVersion] = {}
    for row in rows:
        best.setdefault(
            row.article_id,
            SimilarVersion(
                version_id=row.id,
                article_id=row.article_id,
                title=row.title,
                text=row.text,
                language=row.language,
                published_at=row.article_published_at,
                first_observed_at=row.first_observed_at,
                shared_hashes=row.shared,
            ),
        )
    return tuple(best.values())[:limit]


def add_edge(
    connection: Connection,
    *,
    child_version_id: int,
    parent_version_id: int | None = None,
    seed_id: int | None = None,
    verdict: Verdict,
    now: datetime,
) -> None:
    """Append a verdict; the same pair under the same method is kept once."""
    connection.execute(
        insert(connection, edge)
        .values(
            child_version_id=child_version_id,
            parent_version_id=parent_version_id,
            seed_id=seed_id,
            relation=verdict.relation.value,
            score=verdict.score,
            shared_child=verdict.shared_a,
            shared_parent=verdict.shared_b,
            needs_review=verdict.needs_review,
            method=verdict.method,
            method_version=verdict.method_version,
            evidence=asdict(verdict.evidence),
            decided_at=now,
        )
        .on_conflict_do_nothing()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionText:
    """A version's text, to be judged again."""

    version_id: int
    title: str
    text: str
    language: str | None


def versions_without_verdict(
    connection: Connection, *, story_id: int, seed_id: int, method_version: str
) -> Iterator[VersionText]:
    """Versions of a story's articles that were not compared with this seed by this method."""
    rows = connection.execute(
        select(version.c.id, version.c.title, version.c.text, version.c.language)
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
    )
    for row in rows:
        yield VersionText(version_id=row.id, title=row.title, text=row.text, language=row.language)
