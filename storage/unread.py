"""Which articles' quotations and figures are still to be found, and in which texts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from storage.schema import article, sayings_read, version


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionText:
    """The text of a stored version."""

    version_id: int
    text: str
    language: str | None


def texts_of(connection: Connection, article_id: int) -> tuple[VersionText, ...]:
    """The texts of an article's versions in the order of their numbers."""
    rows = connection.execute(
        select(version.c.id, version.c.text, version.c.language)
        .where(version.c.article_id == article_id)
        .order_by(version.c.seq)
    )
    return tuple(
        VersionText(version_id=row.id, text=row.text, language=row.language) for row in rows
    )


def versions_of(connection: Connection, article_id: int) -> list[int]:
    """The versions of an article in the order of their numbers."""
    query = select(version.c.id).where(version.c.article_id == article_id).order_by(version.c.seq)
    return list(connection.execute(query).scalars())


def is_read_by(connection: Connection, article_id: int, method_version: str) -> bool:
    """Whether all earlier versions of an article were read by a method."""
    found = connection.scalar(
        select(sayings_read.c.method_version).where(sayings_read.c.article_id == article_id)
    )
    return bool(found == method_version)


def articles_not_read_by(
    connection: Connection, method_version: str, *, after: int, limit: int
) -> list[int]:
    """Articles with a text that this method has not read, in the order of their ids."""
    rows = connection.execute(
        _not_read(method_version).where(article.c.id > after).order_by(article.c.id).limit(limit)
    )
    return [row.id for row in rows]


def count_not_read_by(connection: Connection, method_version: str) -> int:
    """How many they are."""
    waiting = _not_read(method_version).subquery()
    return connection.scalar(select(func.count()).select_from(waiting)) or 0


def _not_read(method_version: str) -> Select[tuple[int]]:
    return (
        select(article.c.id)
        .outerjoin(sayings_read, sayings_read.c.article_id == article.c.id)
        .where(
            sayings_read.c.method_version.is_distinct_from(method_version),
            article.c.current_version_id.is_not(None),
        )
    )
