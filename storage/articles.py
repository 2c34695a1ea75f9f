"""Articles: who they are, under which URLs, and when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from ingest.model import ArticleState, DateBounds, DatedBy, Relevance, Validators
from storage.claims import SETTLED, Terms, interrupted_so_far
from storage.dialect import insert
from storage.schema import article, article_story, article_url, article_wake, story, version
from storage.turns import ANY_TURN, LOOK_AHEAD, Turns, take_in_turn

_LOCK_NAMESPACE = 7_316_001
"""Seed of the hash behind the advisory locks, so that they are told from other programs'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """The part of a version that the next look is compared with."""

    id: int
    seq: int
    content_hash: str
    title: str
    text: str
    language: str | None
    words: int
    modified_at: datetime | None
    extractor: str
    extractor_version: str
    first_observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """An article with its current version."""

    id: int
    outlet_id: int
    canonical_url: str
    check_url: str
    state: ArticleState
    published_at: datetime | None
    published_confidence: float | None
    validators: Validators
    check_interval_seconds: float
    first_seen_at: datetime
    current: StoredVersion
    interrupted: int = 0  # claims in a row whose holder died


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckState:
    """What the next look at an article needs; `next_check_at` None parks it."""

    state: ArticleState
    interval_seconds: float
    next_check_at: datetime | None
    checked_at: datetime
    etag: str | None
    last_modified: str | None


def _select_articles() -> Any:
    return select(
        article.c.id.label("article_id"),
        article.c.outlet_id,
        article.c.canonical_url,
        article.c.check_url,
        article.c.state,
        article.c.published_at.label("article_published_at"),
        article.c.published_confidence,
        article.c.etag,
        article.c.last_modified,
        article.c.check_interval_seconds,
        article.c.first_seen_at,
        interrupted_so_far(article).label("interrupted"),
        version.c.id,
        version.c.seq,
        version.c.content_hash,
        version.c.title,
        version.c.text,
        version.c.language,
        version.c.words,
        version.c.modified_at,
        version.c.extractor,
        version.c.extractor_version,
        version.c.first_observed_at,
    ).join(version, version.c.id == article.c.current_version_id)


def _stored_article(row: Row[Any]) -> StoredArticle:
    return StoredArticle(
        id=row.article_id,
        outlet_id=row.outlet_id,
        canonical_url=row.canonical_url,
        check_url=row.check_url,
        state=ArticleState(row.state),
        published_at=row.article_published_at,
        published_confidence=row.published_confidence,
        validators=Validators(etag=row.etag, last_modified=row.last_modified),
        check_interval_seconds=row.check_interval_seconds,
        first_seen_at=row.first_seen_at,
        interrupted=row.interrupted,
        current=StoredVersion(
            id=row.id,
            seq=row.seq,
            content_hash=row.content_hash,
            title=row.title,
            text=row.text,
            language=row.language,
            words=row.words,
            modified_at=row.modified_at,
            extractor=row.extractor,
            extractor_version=row.extractor_version,
            first_observed_at=row.first_observed_at,
        ),
    )


def lock_urls(connection: Connection, keys: Iterable[str]) -> None:
    """Keep other writers from storing an article under these URL keys until the commit.

    SQLite has one writer anyway; on Postgres two could both find nothing and both add an article.
    """
    if connection.dialect.name != "postgresql":
        return
    for key in sorted(set(keys)):  # sorted: two writers can't deadlock
        connection.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(key, _LOCK_NAMESPACE)))
        )


def find_article(connection: Connection, keys: Iterable[str]) -> StoredArticle | None:
    """The article known under any of the URL keys; the oldest if they name several."""
    query = (
        _select_articles()
        .join(article_url, article_url.c.article_id == article.c.id)
        .where(article_url.c.url_key.in_(sorted(set(keys))))
        .order_by(article.c.id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored_article(row)


def known_addresses(connection: Connection) -> tuple[tuple[str, ...], ...]:
    """The addresses of every article, the first found first."""
    rows = connection.execute(
        select(article_url.c.article_id, article_url.c.url).order_by(
            article_url.c.article_id, article_url.c.id
        )
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.article_id, []).append(row.url)
    return tuple(map(tuple, found.values()))


def get_article(connection: Connection, article_id: int) -> StoredArticle | None:
    """The article with this id."""
    row = connection.execute(_select_articles().where(article.c.id == article_id)).one_or_none()
    return None if row is None else _stored_article(row)


def claim_due_articles(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    terms: Terms,
    turns: Turns = ANY_TURN,
    checked_before: datetime | None = None,
) -> tuple[StoredArticle, ...]:
    """Claim the articles whose next look is due: the woken ones first, then the longest overdue.

    Outlets, told by their ids, take turns. With `checked_before`, those that were last looked at
    before it, due or not.
    """
    woken = _is_woken(now)
    due = (
        or_(article.c.next_check_at <= now, woken)
        if checked_before is None
        else or_(article.c.last_checked_at.is_(None), article.c.last_checked_at < checked_before)
    )
    so_far = interrupted_so_far(article)
    wanted = and_(
        due,
        or_(article.c.leased_until.is_(None), article.c.leased_until <= now),
        terms.admit(so_far),
    )
    order = (case((woken, 0), else_=1), article.c.next_check_at, article.c.id)
    waiting = connection.execute(
        select(article.c.id, article.c.outlet_id)
        .where(
            wanted,
            article.c.current_version_id.is_not(None),
            article.c.outlet_id.not_in(sorted(turns.closed)),
        )
        .order_by(*order)
        .limit(LOOK_AHEAD)
    )
    chosen = take_in_turn(((row.id, row.outlet_id) for row in waiting), turns=turns, limit=limit)
    if not chosen:
        return ()
    query = (
        _select_articles()
        .where(article.c.id.in_(chosen), wanted)  # another process may have been quicker
        .order_by(*order)
        .with_for_update(skip_locked=True, of=article)
    )
    found = tuple(_stored_article(row) for row in connection.execute(query))
    if found:
        connection.execute(
            update(article)
            .where(article.c.id.in_([item.id for item in found]))
            .values(leased_until=now + terms.lease, claim_epoch=terms.epoch, interrupted=so_far)
        )
    return found


def has_suspected_articles(connection: Connection, now: datetime, *, alone_after: int) -> bool:
    """Whether any is due to be looked at alone."""
    due = or_(article.c.next_check_at <= now, _is_woken(now))
    suspected = and_(due, interrupted_so_far(article) >= alone_after)
    return connection.execute(select(article.c.id).where(suspected).limit(1)).first() is not None


def _is_woken(now: datetime) -> ColumnElement[bool]:
    return article.c.id.in_(select(article_wake.c.article_id).where(article_wake.c.woken_at <= now))


def keep_suspected(connection: Connection, article_id: int, interrupted: int) -> None:
    """Let the next look be made alone, after one that was given up."""
    connection.execute(
        update(article).where(article.c.id == article_id).values(interrupted=interrupted)
    )


def add_article(
    connection: Connection,
    *,
    outlet_id: int,
    canonical_url: str,
    check_url: str,
    published: DatedBy | None,
    bounds: DateBounds,
    now: datetime,
    recorded_at: datetime,
) -> int:
    """Store a new article, live and without a version yet; return its id.

    `now` is the look that showed it, `recorded_at` when it is learnt.
    """
    return int(
        connection.execute(
            article.insert()
            .values(
                outlet_id=outlet_id,
                canonical_url=canonical_url,
                check_url=check_url,
                first_seen_at=now,
                state=ArticleState.LIVE.value,
                state_since=now,
                check_interval_seconds=0.0,
                next_check_at=now,
                recorded_at=recorded_at,
                **_published_columns(published, bounds),
            )
            .returning(article.c.id)
        ).scalar_one()
    )


def _published_columns(published: DatedBy | None, bounds: DateBounds) -> dict[str, Any]:
    within = {"published_earliest": bounds.earliest, "published_latest": bounds.latest}
    if published is None:
        return within
    return within | {
        "published_at": published.value,
        "published_source": published.source.value,
        "published_confidence": published.confidence,
        "published_day_only": published.day_only,
    }


def improve_published(
    connection: Connection,
    stored: StoredArticle,
    published: DatedBy | None,
    *,
    bounds: DateBounds,
) -> bool:
    """Keep the better of two publication dates; return whether it changed."""
    if published is None or published.confidence <= (stored.published_confidence or 0.0):
        return False
    connection.execute(
        update(article)
        .where(article.c.id == stored.id)
        .values(**_published_columns(published, bounds))
    )
    return True


def add_urls(
    connection: Connection,
    article_id: int,
    urls: Mapping[str, tuple[str, str]],
    now: datetime,
) -> None:
    """Note URLs (key -> (url, kind)) of an article; one that is another article's stays there."""
    for key, (url, kind) in sorted(urls.items()):
        statement = insert(connection, article_url).values(
            article_id=article_id,
            url_key=key,
            url=url,
            kind=kind,
            first_seen_at=now,
            last_seen_at=now,
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["url_key"],
                # An archive tells of times before those that are known.
                set_={
                    "first_seen_at": case(
                        (article_url.c.first_seen_at > now, now), else_=article_url.c.first_seen_at
                    ),
                    "last_seen_at": case(
                        (article_url.c.last_seen_at < now, now), else_=article_url.c.last_seen_at
                    ),
                },
                where=article_url.c.article_id == article_id,
            )
        )


def set_current_version(connection: Connection, article_id: int, version_id: int) -> None:
    """Make a version the current one."""
    connection.execute(
        update(article).where(article.c.id == article_id).values(current_version_id=version_id)
    )


def record_check(connection: Connection, article_id: int, check: CheckState) -> None:
    """Write when to look again; the claim is given back, and what woke the article is answered."""
    values: dict[str, Any] = {
        "check_interval_seconds": check.interval_seconds,
        "next_check_at": check.next_check_at,
        "last_checked_at": check.checked_at,
        **SETTLED,
        "etag": check.etag,
        "last_modified": check.last_modified,
        "state": check.state.value,
        "state_since": case(
            (article.c.state == check.state.value, article.c.state_since), else_=check.checked_at
        ),
    }
    connection.execute(update(article).where(article.c.id == article_id).values(**values))
    connection.execute(delete(article_wake).where(article_wake.c.article_id == article_id))


def set_memberships(
    connection: Connection, article_id: int, memberships: Sequence[Relevance], now: datetime
) -> None:
    """Note the stories an article belongs to; the first decision for a story stands."""
    for item in memberships:
        story_id = select(story.c.id).where(story.c.slug == item.story).scalar_subquery()
        connection.execute(
            insert(connection, article_story)
            .values(
                article_id=article_id,
                story_id=story_id,
                score=item.score,
                rule=item.rule,
                rule_version=item.rule_version,
                matched=list(item.matched),
                decided_at=now,
            )
            .on_conflict_do_nothing()
        )


def count_articles(connection: Connection) -> dict[str, int]:
    """Articles by state."""
    rows = connection.execute(select(article.c.state, func.count()).group_by(article.c.state))
    return {str(state): int(count) for state, count in rows}
