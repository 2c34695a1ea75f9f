"""What happens to articles beside their text: events, an outlet's alarms, and what wakes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, true, update

from ingest.model import ArticleState, EventKind, FailureKind, Relation
from storage.dialect import insert
from storage.schema import (
    article,
    article_event,
    article_wake,
    edge,
    observation,
    outlet,
    outlet_alarm,
    version,
)

_SAME_TEXT = (Relation.IDENTICAL, Relation.NEAR_DUPLICATE, Relation.TRANSLATION)


def add_event(
    connection: Connection,
    article_id: int,
    kind: EventKind,
    *,
    first_sign_at: datetime,
    decided_at: datetime,
    recorded_at: datetime,
    reason: str,
) -> None:
    """Append what happened to an article."""
    connection.execute(
        article_event.insert().values(
            article_id=article_id,
            kind=kind.value,
            first_sign_at=first_sign_at,
            decided_at=decided_at,
            recorded_at=recorded_at,
            reason=reason,
        )
    )


def usual_words(
    connection: Connection, outlet_id: int, *, besides: int, limit: int = 50
) -> tuple[int, ...]:
    """Words of the outlet's other articles as they stand, the latest ones."""
    return tuple(
        connection.execute(
            select(version.c.words)
            .join(article, article.c.current_version_id == version.c.id)
            .where(article.c.outlet_id == outlet_id, article.c.id != besides)
            .order_by(article.c.id.desc())
            .limit(limit)
        ).scalars()
    )


def stands_elsewhere(
    connection: Connection, page_mark: str, *, domain: str, besides: int | None
) -> bool:
    """Whether a page that is no article was seen at the address of another of the outlet's."""
    query = (
        select(observation.c.id)
        .join(article, article.c.id == observation.c.article_id)
        .join(outlet, outlet.c.id == article.c.outlet_id)
        .where(observation.c.page_mark == page_mark, outlet.c.domain == domain)
    )
    if besides is not None:
        query = query.where(article.c.id != besides)
    return connection.execute(query.limit(1)).first() is not None


def last_failures(
    connection: Connection, outlet_id: int, *, blocked_after: datetime | None, limit: int = 12
) -> tuple[FailureKind | None, ...]:
    """How the last look at each of the outlet's articles ended, the latest looked at first.

    With `blocked_after`, without those that were walled off before, each by itself.
    """
    latest = (
        select(observation.c.failure)
        .where(observation.c.article_id == article.c.id)
        .order_by(observation.c.observed_at.desc(), observation.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(latest)
        .select_from(article)
        .where(
            article.c.outlet_id == outlet_id,
            article.c.last_checked_at.is_not(None),
            true()
            if blocked_after is None
            else or_(
                article.c.state != ArticleState.BLOCKED.value,
                article.c.state_since > blocked_after,
            ),
        )
        .order_by(article.c.last_checked_at.desc(), article.c.id.desc())
        .limit(limit)
    ).scalars()
    return tuple(FailureKind(kind) if kind else None for kind in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An outlet whose pages can't be read any more."""

    domain: str
    raised_at: datetime
    detail: str


def has_alarm(connection: Connection, outlet_id: int) -> bool:
    """Whether an alarm of the outlet stands."""
    return (
        connection.execute(
            select(outlet_alarm.c.id).where(
                outlet_alarm.c.outlet_id == outlet_id, outlet_alarm.c.cleared_at.is_(None)
            )
        ).first()
        is not None
    )


def raise_alarm(
    connection: Connection, outlet_id: int, *, looks: int, failed: int, detail: str, now: datetime
) -> None:
    """Raise an alarm of the outlet."""
    connection.execute(
        outlet_alarm.insert().values(
            outlet_id=outlet_id, raised_at=now, looks=looks, failed=failed, detail=detail
        )
    )


def clear_alarm(connection: Connection, outlet_id: int, now: datetime) -> None:
    """Clear what alarm of the outlet stands."""
    connection.execute(
        update(outlet_alarm)
        .where(outlet_alarm.c.outlet_id == outlet_id, outlet_alarm.c.cleared_at.is_(None))
        .values(cleared_at=now)
    )


def open_alarms(connection: Connection) -> tuple[Alarm, ...]:
    """The alarms that stand, the oldest first."""
    rows = connection.execute(
        select(outlet.c.domain, outlet_alarm.c.raised_at, outlet_alarm.c.detail)
        .join(outlet, outlet.c.id == outlet_alarm.c.outlet_id)
        .where(outlet_alarm.c.cleared_at.is_(None))
        .order_by(outlet_alarm.c.raised_at, outlet_alarm.c.id)
    )
    return tuple(
        Alarm(domain=row.domain, raised_at=row.raised_at, detail=row.detail) for row in rows
    )


def text_relatives(connection: Connection, article_id: int, *, limit: int = 50) -> tuple[int, ...]:
    """Articles that carry the same text as this one by a verdict, the latest first.

    Not those that have an excerpt: a change seldom falls on it.
    """
    child, parent = version.alias(), version.alias()
    related = (
        select(child.c.article_id.label("a"), parent.c.article_id.label("b"))
        .select_from(edge)
        .join(child, child.c.id == edge.c.child_version_id)
        .join(parent, parent.c.id == edge.c.parent_version_id)
        .where(
            edge.c.relation.in_([relation.value for relation in _SAME_TEXT]),
            edge.c.needs_review.is_(False),
            or_(child.c.article_id == article_id, parent.c.article_id == article_id),
        )
    )
    ends = {end for row in connection.execute(related) for end in row} - {article_id}
    return tuple(sorted(ends, reverse=True)[:limit])


def last_checks(connection: Connection, article_ids: Collection[int]) -> dict[int, datetime | None]:
    """When each of the articles was last looked at again."""
    rows = connection.execute(
        select(article.c.id, article.c.last_checked_at)
        .where(article.c.id.in_(sorted(article_ids)))
        .order_by(article.c.id)
    )
    return {row.id: row.last_checked_at for row in rows}


def wake_articles(connection: Connection, due: Mapping[int, datetime], *, reason: str) -> None:
    """Have articles, by id, looked at from a moment on and before all others.

    One that waits already keeps its moment and reason.
    """
    for article_id, woken_at in sorted(due.items()):
        connection.execute(
            insert(connection, article_wake)
            .values(article_id=article_id, woken_at=woken_at, reason=reason)
            .on_conflict_do_nothing()
        )
