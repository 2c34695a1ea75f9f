"""Feeds: what is listed, what is due, and what a poll left behind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from ingest.model import Feed, FeedSource, Outlet, Validators
from storage.dialect import insert
from storage.schema import feed, feed_poll, outlet


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What bringing the table in line with the configuration changed."""

    added: int
    paused: int
    resumed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFeed:
    """A feed as `feeds list` and `feeds export` show it."""

    url: str
    outlet: Outlet
    state: str
    origin: str
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """One poll as it is written down."""

    polled_at: datetime
    outcome: str  # parsed, same-body, not-modified, failed
    status: int | None = None
    entries: int = 0
    new_entries: int = 0
    size: int = 0
    ms: float = 0.0
    failure: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the next poll of a feed will need to know."""

    interval_seconds: float
    next_poll_at: datetime
    failures: float
    validators: Validators
    body_hash: str | None
    full_fetch: bool


def url_digest(url: str) -> str:
    """Hash of a URL exactly as it stands: an index entry for a long URL would be refused."""
    return hashlib.sha256(url.encode()).hexdigest()


def ensure_outlet(connection: Connection, value: Outlet) -> int:
    """Return the outlet's id; what the configuration knows of it replaces what was guessed."""
    found = connection.execute(select(outlet).where(outlet.c.domain == value.domain)).one_or_none()
    known = {
        name: setting
        for name, setting in (("country", value.country), ("language", value.language))
        if setting is not None
    }
    if found is not None:
        if value.name not in {value.domain, found.name}:
            known["name"] = value.name
        fresh = {
            name: setting for name, setting in known.items() if getattr(found, name) != setting
        }
        if fresh:
            connection.execute(update(outlet).where(outlet.c.id == found.id).values(**fresh))
        return int(found.id)
    connection.execute(
        insert(connection, outlet)
        .values(domain=value.domain, name=value.name, **known)
        .on_conflict_do_nothing()
    )
    return int(
        connection.execute(select(outlet.c.id).where(outlet.c.domain == value.domain)).scalar_one()
    )


def sync_feeds(connection: Connection, sources: Sequence[FeedSource], now: datetime) -> SyncResult:
    """Bring the table in line with the configured feeds.

    A configured feed that is new is added; one that left the configuration is paused, not lost;
    one that a user removed stays removed.
    """
    known = {row.url: row for row in connection.execute(select(feed))}
    added = resumed = 0
    for source in sources:
        row = known.get(source.url)
        if row is None:
            added += add_feed(connection, source, origin="config", now=now)
            continue
        ensure_outlet(connection, source.outlet)
        if row.state == "paused":
            _set_state(connection, row.id, "active")
            resumed += 1
    listed = {source.url for source in sources}
    gone = [
        row.id
        for row in known.values()
        if row.origin == "config" and row.state == "active" and row.url not in listed
    ]
    for feed_id in gone:
        _set_state(connection, feed_id, "paused")
    return SyncResult(added=added, paused=len(gone), resumed=resumed)


def add_feed(connection: Connection, source: FeedSource, *, origin: str, now: datetime) -> bool:
    """Add a feed, due at once; a removed one comes back. False when it is there already."""
    digest = url_digest(source.url)
    found = connection.execute(select(feed).where(feed.c.url_sha256 == digest)).one_or_none()
    if found is not None:
        if found.state == "active":
            return False
        _set_state(connection, found.id, "active")
        return True
    connection.execute(
        feed.insert().values(
            outlet_id=ensure_outlet(connection, source.outlet),
            url=source.url,
            url_sha256=digest,
            origin=origin,
            state="active",
            interval_seconds=0.0,
            next_poll_at=now,
            failures=0.0,
            added_at=now,
        )
    )
    return True


def remove_feed(connection: Connection, url: str) -> bool:
    """Stop polling a feed and keep its history. False when it is not listed."""
    row = connection.execute(
        select(feed.c.id).where(feed.c.url_sha256 == url_digest(url), feed.c.state != "removed")
    ).one_or_none()
    if row is None:
        return False
    _set_state(connection, row.id, "removed")
    return True


def _set_state(connection: Connection, feed_id: int, state: str) -> None:
    connection.execute(update(feed).where(feed.c.id == feed_id).values(state=state))


def _outlet_of(row: Row[Any]) -> Outlet:
    return Outlet(
        domain=row.domain, name=row.name, country=row.country, language=row.outlet_language
    )


def _select_feeds() -> Any:
    return (
        select(
            feed,
            outlet.c.domain,
            outlet.c.name,
            outlet.c.country,
            outlet.c.language.label("outlet_language"),
        )
        .join(outlet, outlet.c.id == feed.c.outlet_id)
        .order_by(feed.c.id)
    )


def list_feeds(connection: Connection) -> tuple[ListedFeed, ...]:
    """Every feed that was not removed."""
    rows = connection.execute(_select_feeds().where(feed.c.state != "removed"))
    return tuple(
        ListedFeed(
            url=row.url,
            outlet=_outlet_of(row),
            state=row.state,
            origin=row.origin,
            last_error=row.last_error,
        )
        for row in rows
    )


def due_feeds(
    connection: Connection, now: datetime, *, everything: bool = False
) -> tuple[Feed, ...]:
    """The active feeds whose time has come, the longest overdue first."""
    query = _select_feeds().where(feed.c.state == "active")
    if not everything:
        query = query.where(feed.c.next_poll_at <= now)
    query = query.order_by(None).order_by(feed.c.next_poll_at, feed.c.id)
    return tuple(
        Feed(
            id=row.id,
            url=row.url,
            outlet=_outlet_of(row),
            etag=row.etag,
            last_modified=row.last_modified,
            body_hash=row.body_hash,
            interval_seconds=row.interval_seconds,
            failures=row.failures,
            last_full_fetch_at=row.last_full_fetch_at,
            changes_told=row.changes_told,
            changes_untold=row.changes_untold,
        )
        for row in connection.execute(query)
    )


def record_poll(
    connection: Connection, feed_id: int, *, poll: PollRecord, state: FeedState
) -> None:
    """Write a poll and what the next one needs.

    Call it in the transaction that stores the poll's entries: an ETag kept apart from them would
    turn a crash into a 304 and lose the entries for good.
    """
    connection.execute(
        feed_poll.insert().values(
            feed_id=feed_id,
            polled_at=poll.polled_at,
            outcome=poll.outcome,
            status=poll.status,
            entries=poll.entries,
            new_entries=poll.new_entries,
            bytes=poll.size,
            ms=poll.ms,
            failure=poll.failure,
            error=poll.error,
        )
    )
    values: dict[str, Any] = {
        "interval_seconds": state.interval_seconds,
        "next_poll_at": state.next_poll_at,
        "failures": state.failures,
        "etag": state.validators.etag,
        "last_modified": state.validators.last_modified,
        "body_hash": state.body_hash,
        "last_polled_at": poll.polled_at,
        "last_error": poll.error,
    }
    if poll.outcome != "failed":
        values["last_success_at"] = poll.polled_at
    if state.full_fetch:
        values["last_full_fetch_at"] = poll.polled_at
    connection.execute(update(feed).where(feed.c.id == feed_id).values(**values))


def count_feeds(connection: Connection) -> dict[str, int]:
    """Feeds by state."""
    rows = connection.execute(select(feed.c.state, func.count()).group_by(feed.c.state))
    return {str(state): int(count) for state, count in rows}
