"""What a poll of a feed leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from ingest.model import FeedEvent, FeedPlace, Validators
from storage.feed_days import sum_up_day
from storage.feed_events import add_feed_event
from storage.schema import feed, feed_poll


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """One poll as it is written down."""

    polled_at: datetime
    outcome: str  # parsed, same-body, not-modified, failed
    status: int | None = None
    entries: int = 0
    new_entries: int = 0
    entries_cut: int = 0  # beyond the limit, not read
    entries_garbled: int = 0  # with characters that could not be decoded
    unread_dates: tuple[tuple[str, str], ...] = ()  # (URL, date as it stands) of new entries
    length_unknown: bool | None = None  # None: no body
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
    place: FeedPlace
    events: tuple[FeedEvent, ...] = ()


def record_poll(
    connection: Connection, feed_id: int, *, poll: PollRecord, state: FeedState
) -> None:
    """Write a poll and what the next one needs.

    Call it in the transaction that stores the poll's entries: an ETag kept apart from them would
    turn a crash into a 304 and lose the entries for good. So are the feed's moves, with their
    events.
    """
    connection.execute(
        feed_poll.insert().values(
            feed_id=feed_id,
            polled_at=poll.polled_at,
            outcome=poll.outcome,
            status=poll.status,
            entries=poll.entries,
            new_entries=poll.new_entries,
            entries_cut=poll.entries_cut,
            entries_garbled=poll.entries_garbled,
            unread_dates=[list(pair) for pair in poll.unread_dates],
            length_unknown=poll.length_unknown,
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
        "moved_to": state.place.moved_to,
        "move_target": state.place.target,
        "move_sightings": state.place.sightings,
        "move_sighted_since": state.place.sighted_since,
        "gone_since": state.place.gone_since,
    }
    if poll.outcome != "failed":
        values["last_success_at"] = poll.polled_at
    if state.full_fetch:
        values["last_full_fetch_at"] = poll.polled_at
    connection.execute(update(feed).where(feed.c.id == feed_id).values(**values))
    sum_up_day(connection, feed_id, poll.polled_at)  # the feed's row is locked now
    for event in state.events:
        add_feed_event(connection, feed_id, event, now=poll.polled_at)
