"""The queue of URLs to fetch for the first time, and the URLs that were decided against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, func, or_, select, update

from ingest.model import Candidate, DatedBy, DateSource, Discard
from storage.claims import SETTLED, Terms, interrupted_so_far
from storage.dialect import insert
from storage.schema import article_feed, article_url, candidate, discard
from storage.turns import ANY_TURN, LOOK_AHEAD, Turns, take_in_turn

_CHUNK = 500  # SQLite takes 32,766 parameters; a feed of 5,000 entries stays well inside


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCandidate:
    """A candidate claimed for one attempt."""

    id: int
    candidate: Candidate
    attempts: int  # this one included
    interrupted: int  # claims in a row before, whose holder died


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownURLs:
    """Which of some URL keys are decided or waiting already."""

    articles: Mapping[str, int]  # url key -> article id
    waiting: frozenset[str]  # in the queue
    discarded: frozenset[str]  # under the rules of today

    def __contains__(self, key: str) -> bool:
        """Whether anything is known of the key."""
        return key in self.articles or key in self.waiting or key in self.discarded


def known_urls(connection: Connection, keys: Iterable[str], *, rule_version: str) -> KnownURLs:
    """Look the keys up among articles, queue and discards; an older rule's discards don't count."""
    wanted = sorted(set(keys))
    articles: dict[str, int] = {}
    waiting: set[str] = set()
    discarded: set[str] = set()
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        found = connection.execute(
            select(article_url.c.url_key, article_url.c.article_id).where(
                article_url.c.url_key.in_(part)
            )
        )
        articles.update({row.url_key: row.article_id for row in found})
        waiting.update(
            connection.scalars(select(candidate.c.url_key).where(candidate.c.url_key.in_(part)))
        )
        discarded.update(
            connection.scalars(
                select(discard.c.url_key).where(
                    discard.c.url_key.in_(part), discard.c.rule_version == rule_version
                )
            )
        )
    return KnownURLs(articles=articles, waiting=frozenset(waiting), discarded=frozenset(discarded))


def add_candidates(
    connection: Connection, candidates: Mapping[str, Candidate], now: datetime
) -> int:
    """Queue candidates by URL key, due at once; return how many were new.

    Sorted by key, so that two writers can't deadlock.
    """
    rows = [
        {
            "url_key": key,
            "url": item.url,
            "canonical_url": item.canonical_url,
            "title": item.title,
            "summary": item.summary,
            "published_at": item.published.value if item.published else None,
            "published_source": item.published.source.value if item.published else None,
            "published_confidence": item.published.confidence if item.published else None,
            "published_day_only": item.published.day_only if item.published else None,
            "modified_at": item.modified,
            "domain": item.domain,
            "language": item.language,
            "feed_id": item.feed_id,
            "guid": item.guid,
            "seen_at": now,
            "due_at": now,
            "attempts": 0,
        }
        for key, item in sorted(candidates.items())
    ]
    added = 0
    for row in rows:
        statement = insert(connection, candidate).values(row).on_conflict_do_nothing()
        added += connection.execute(statement).rowcount
    return added


def claim_candidates(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    terms: Terms,
    turns: Turns = ANY_TURN,
) -> tuple[ClaimedCandidate, ...]:
    """Claim due candidates for one attempt each; an expired lease counts as due.

    Domains take turns, the longest due first. The attempt is counted now, so that a page that kills
    the process is given up in the end.
    """
    so_far = interrupted_so_far(candidate)
    wanted = and_(
        candidate.c.due_at <= now,
        or_(candidate.c.leased_until.is_(None), candidate.c.leased_until <= now),
        terms.admit(so_far),
    )
    waiting = connection.execute(
        select(candidate.c.id, candidate.c.domain)
        .where(wanted, candidate.c.domain.not_in(sorted(turns.closed)))
        .order_by(candidate.c.due_at, candidate.c.id)
        .limit(LOOK_AHEAD)
    )
    chosen = take_in_turn(((row.id, row.domain) for row in waiting), turns=turns, limit=limit)
    if not chosen:
        return ()
    rows = connection.execute(
        select(candidate, so_far.label("so_far"))
        .where(candidate.c.id.in_(chosen), wanted)  # another process may have been quicker
        .order_by(candidate.c.due_at, candidate.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        connection.execute(
            update(candidate)
            .where(candidate.c.id.in_([row.id for row in rows]))
            .values(
                leased_until=now + terms.lease,
                claim_epoch=terms.epoch,
                interrupted=so_far,
                # the attempt of a lease that ran out came to nothing, and counts as interrupted
                attempts=candidate.c.attempts
                + case((candidate.c.leased_until.is_(None), 1), else_=0),
            )
        )
    return tuple(
        ClaimedCandidate(
            id=row.id,
            attempts=row.attempts + (row.leased_until is None),
            interrupted=row.so_far,
            candidate=Candidate(
                url=row.url,
                canonical_url=row.canonical_url,
                title=row.title,
                summary=row.summary,
                published=DatedBy(
                    value=row.published_at,
                    source=DateSource(row.published_source),
                    confidence=row.published_confidence,
                    day_only=row.published_day_only,
                )
                if row.published_at is not None
                else None,
                language=row.language,
                feed_id=row.feed_id,
                guid=row.guid,
                modified=row.modified_at,
                domain=row.domain,
            ),
        )
        for row in rows
    )


def postpone_candidate(connection: Connection, candidate_id: int, due_at: datetime) -> None:
    """Give the claim back after an outcome, to be tried again later."""
    connection.execute(
        update(candidate).where(candidate.c.id == candidate_id).values(due_at=due_at, **SETTLED)
    )


def drop_candidate(connection: Connection, candidate_id: int) -> None:
    """Take a decided candidate off the queue; belongs in the transaction of the decision."""
    connection.execute(delete(candidate).where(candidate.c.id == candidate_id))


def has_suspected_candidates(connection: Connection, now: datetime, *, alone_after: int) -> bool:
    """Whether any waits to be tried alone."""
    due = and_(candidate.c.due_at <= now, interrupted_so_far(candidate) >= alone_after)
    return connection.execute(select(candidate.c.id).where(due).limit(1)).first() is not None


def add_discards(connection: Connection, discards: Mapping[str, Discard], now: datetime) -> int:
    """Write down URLs that are not kept, once per rule version; return how many were new."""
    added = 0
    for key, item in sorted(discards.items()):
        statement = (
            insert(connection, discard)
            .values(
                url_key=key,
                url=item.url,
                canonical_url=item.canonical_url,
                title=item.title,
                stage=item.stage.value,
                rule=item.rule,
                score=item.score,
                rule_version=item.rule_version,
                detail=item.detail,
                feed_id=item.feed_id,
                discarded_at=now,
            )
            .on_conflict_do_nothing()
        )
        added += connection.execute(statement).rowcount
    return added


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEntry:
    """A feed's entry of an article that is stored."""

    article_id: int
    guid: str | None
    entry_hash: str  # of what the entry says
    modified_at: datetime | None  # as the entry states it


def note_seen_in_feed(
    connection: Connection, seen: Sequence[SeenEntry], *, feed_id: int, now: datetime
) -> dict[int, datetime | None]:
    """Note that articles stand in a feed; return those of which it says other things than before.

    With each, when it changed by the feed's own word: None unless that date moved. Absence from a
    later poll changes nothing.
    """
    by_article = {item.article_id: item for item in seen}
    rows = connection.execute(
        select(
            article_feed.c.article_id, article_feed.c.entry_hash, article_feed.c.modified_at
        ).where(
            article_feed.c.feed_id == feed_id, article_feed.c.article_id.in_(sorted(by_article))
        )
    ).all()
    told = {}
    for row in rows:
        item = by_article[row.article_id]
        if row.entry_hash not in {None, item.entry_hash}:
            moved = item.modified_at is not None and item.modified_at != row.modified_at
            told[row.article_id] = item.modified_at if moved else None
    for article_id, item in sorted(by_article.items()):
        statement = insert(connection, article_feed).values(
            article_id=article_id,
            feed_id=feed_id,
            guid=item.guid,
            first_seen_at=now,
            last_seen_at=now,
            entry_hash=item.entry_hash,
            modified_at=item.modified_at,
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["article_id", "feed_id"],
                set_={
                    "last_seen_at": now,
                    "entry_hash": item.entry_hash,
                    "modified_at": item.modified_at,
                    **({"told_at": now} if article_id in told else {}),
                },
            )
        )
    return told


def count_candidates(connection: Connection) -> int:
    """How many URLs wait."""
    return connection.execute(select(func.count()).select_from(candidate)).scalar_one()


def next_candidate_at(connection: Connection) -> datetime | None:
    """When the next waiting URL is due."""
    due: datetime | None = connection.execute(select(func.min(candidate.c.due_at))).scalar_one()
    return due
