"""Feeds: what is listed, and what is due."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, not_, select, update

from ingest.model import Feed, FeedEvent, FeedEventKind, FeedPlace, FeedSource, Outlet
from storage.dialect import insert
from storage.feed_events import add_feed_event, is_polled_as_another
from storage.schema import feed, outlet


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
    moved_to: str | None  # polled there instead
    gone_since: datetime | None


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
    one that a user removed stays removed. An active feed that moved stands for its new address
    too, whichever of the two is configured.
    """
    known = {row.url: row for row in connection.execute(select(feed))}
    moved = {row.moved_to: row for row in known.values() if row.state == "active" and row.moved_to}
    added = resumed = 0
    for source in sources:
        row = known.get(source.url) or moved.get(source.url)
        if row is None:
            added += add_feed(connection, source, origin="config", now=now)
            continue
        ensure_outlet(connection, source.outlet)
        if row.state == "paused":
            _set_state(connection, row.id, "active")
            _note(connection, row.id, FeedEventKind.RESUMED, "it is configured again", now=now)
            resumed += 1
    listed = {source.url for source in sources}
    gone = [
        row.id
        for row in known.values()
        if row.origin == "config" and row.state == "active" and not listed & {row.url, row.moved_to}
    ]
    for feed_id in gone:
        _set_state(connection, feed_id, "paused")
        _note(connection, feed_id, FeedEventKind.PAUSED, "it left the configuration", now=now)
    return SyncResult(added=added, paused=len(gone), resumed=resumed)


def add_feed(connection: Connection, source: FeedSource, *, origin: str, now: datetime) -> bool:
    """Add a feed, due at once; a removed one comes back. False when it is polled already.

    A feed that somebody adds by hand is theirs from then on: no configuration pauses it.
    """
    by = "by the configuration" if origin == "config" else "by a user"
    found = connection.execute(
        select(feed).where(feed.c.url_sha256 == url_digest(source.url))
    ).one_or_none()
    if found is not None:
        if found.state == "active":
            return False
        _set_state(connection, found.id, "active", origin=origin)
        _note(connection, found.id, FeedEventKind.RESUMED, by, now=now)
        return True
    if find_moved(connection, source.url) is not None:
        return False
    feed_id = connection.execute(
        feed.insert()
        .values(
            outlet_id=ensure_outlet(connection, source.outlet),
            url=source.url,
            url_sha256=url_digest(source.url),
            origin=origin,
            state="active",
            interval_seconds=0.0,
            next_poll_at=now,
            failures=0.0,
            added_at=now,
        )
        .returning(feed.c.id)
    ).scalar_one()
    _note(connection, feed_id, FeedEventKind.ADDED, by, now=now)
    return True


def find_moved(connection: Connection, url: str) -> str | None:
    """The listed address of the active feed that moved to this one; None when none did."""
    return connection.execute(
        select(feed.c.url)
        .where(feed.c.moved_to == url, feed.c.state == "active")
        .order_by(feed.c.id)
        .limit(1)
    ).scalar_one_or_none()


def remove_feed(connection: Connection, url: str, *, now: datetime) -> bool:
    """Stop polling a feed, named by either of its addresses, and keep its history.

    False when it is not listed.
    """
    listed = find_moved(connection, url)
    row = None
    for address in (url, listed):
        if row is None and address is not None:
            row = connection.execute(
                select(feed.c.id).where(
                    feed.c.url_sha256 == url_digest(address), feed.c.state != "removed"
                )
            ).one_or_none()
    if row is None:
        return False
    _set_state(connection, row.id, "removed")
    _note(connection, row.id, FeedEventKind.REMOVED, "by a user", now=now)
    return True


def _set_state(connection: Connection, feed_id: int, state: str, **values: str) -> None:
    connection.execute(update(feed).where(feed.c.id == feed_id).values(state=state, **values))


def _note(
    connection: Connection, feed_id: int, kind: FeedEventKind, detail: str, *, now: datetime
) -> None:
    add_feed_event(connection, feed_id, FeedEvent(kind=kind, detail=detail), now=now)


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
            moved_to=row.moved_to,
            gone_since=row.gone_since,
        )
        for row in rows
    )


def due_feeds(
    connection: Connection, now: datetime, *, everything: bool = False
) -> tuple[Feed, ...]:
    """The active feeds whose time has come, the longest overdue first; each address once."""
    query = _select_feeds().where(feed.c.state == "active", not_(is_polled_as_another()))
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
            due_at=row.next_poll_at,
            changes_told=row.changes_told,
            changes_untold=row.changes_untold,
            place=FeedPlace(
                moved_to=row.moved_to,
                target=row.move_target,
                sightings=row.move_sightings,
                sighted_since=row.move_sighted_since,
                gone_since=row.gone_since,
            ),
        )
        for row in connection.execute(query)
    )


def count_due(connection: Connection, now: datetime) -> int:
    """How many active feeds are to be polled by now."""
    return connection.execute(
        select(func.count()).where(
            feed.c.state == "active", feed.c.next_poll_at <= now, not_(is_polled_as_another())
        )
    ).scalar_one()


def count_feeds(connection: Connection) -> dict[str, int]:
    """Feeds by state."""
    rows = connection.execute(select(feed.c.state, func.count()).group_by(feed.c.state))
    return {str(state): int(count) for state, count in rows}
