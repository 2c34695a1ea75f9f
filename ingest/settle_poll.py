"""What a poll of a feed means, written in one transaction.

FeedReading -> entries -> Candidate | Discard ─┐
     └> feedmoves: where to poll from now on ──┴─> rows
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import screen_entry
from ingest.context import Context
from ingest.feedmoves import MovePolicy, Standing, after_answer, after_failure
from ingest.model import (
    Candidate,
    Feed,
    FeedDocument,
    Fetched,
    FetchedPage,
    NotModified,
    Rejection,
    Validators,
)
from ingest.pollfailure import PollFailure, find_failure
from ingest.relisting import note_known
from ingest.schedule import (
    FeedPlan,
    plan_after_failure,
    plan_after_not_modified,
    plan_after_success,
    plan_while_gone,
)
from ingest.settle_first import seen_entry
from ingest.sorting import SortedEntries, sort_entries
from ingest.work import FeedReading
from storage.candidates import (
    KnownURLs,
    add_candidates,
    add_discards,
    known_urls,
)
from storage.polls import FeedState, PollRecord, record_poll

_MOVES = MovePolicy()
_GARBLED = "\ufffd"  # what could not be decoded
_MOST_UNREAD = 50  # dates kept of a poll


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """What one poll gave."""

    url: str
    outcome: str  # parsed, same-body, not-modified, failed
    entries: int = 0
    queued: int = 0
    discarded: int = 0
    error: str | None = None
    harmed: bool | None = None  # whether its body killed or stalled the worker; None: unread
    detail: str = ""  # what became of the feed itself


def settle_poll(
    connection: Connection,
    context: Context,
    feed: Feed,
    *,
    fetched: Fetched,
    reading: FeedReading | Rejection | None,
    now: datetime,
) -> FeedReport:
    """Write one poll: entries, discards and validators in the caller's transaction."""
    failed = find_failure(fetched, reading)
    if failed is not None:
        return _settle_failure(connection, context, feed, failed=failed, now=now)
    if isinstance(fetched, NotModified) or (
        isinstance(fetched, FetchedPage)
        and isinstance(reading, FeedReading)
        and reading.document is None
    ):
        return _settle_unchanged(
            connection, context, feed, fetched=fetched, reading=reading, now=now
        )
    assert isinstance(fetched, FetchedPage)
    assert isinstance(reading, FeedReading)
    assert isinstance(reading.document, FeedDocument)
    document = reading.document
    sorted_out = sort_entries(document, feed, rule_version=context.rule_version)
    known = known_urls(
        connection,
        [*sorted_out.candidates, *sorted_out.discards],
        rule_version=context.rule_version,
    )
    fresh = {key: item for key, item in sorted_out.candidates.items() if key not in known}
    discards = {key: item for key, item in sorted_out.discards.items() if key not in known}
    wanted: dict[str, Candidate] = {}
    for key, item in fresh.items():
        refused = screen_entry(item, context.stories, rule_version=context.rule_version)
        if refused is None:
            wanted[key] = item
        else:
            discards[key] = refused
    queued = add_candidates(connection, wanted, now)
    discarded = add_discards(connection, discards, now)
    known_entries = [
        seen_entry(known.articles[key], item)
        for key, item in sorted_out.candidates.items()
        if key in known.articles
    ]
    told_anew = note_known(connection, context, feed, known_entries, now=now)
    plan = plan_after_success(
        interval_seconds=feed.interval_seconds,
        entries=len(document.entries),
        new_entries=queued + discarded + told_anew,
        now=now,
        budget=context.poll_budget,
        jitter=context.chance(),
    )
    standing = _standing(feed, fetched, now=now)
    # What may have been cut must not be taken for the whole: its validators would hide the rest.
    whole = not (document.bozo and fetched.length_unknown)
    record_poll(
        connection,
        feed.id,
        poll=PollRecord(
            polled_at=now,
            outcome="parsed",
            status=fetched.status,
            entries=len(document.entries),
            new_entries=queued + discarded,
            entries_cut=document.cut,
            entries_garbled=sum(_GARBLED in item.title + item.summary for item in document.entries),
            length_unknown=fetched.length_unknown,
            unread_dates=_new_unread(sorted_out, known),
            size=reading.size,
            ms=fetched.elapsed_ms,
            error=f"not well-formed: {document.bozo}" if document.bozo else None,
        ),
        state=_state(
            plan,
            standing,
            validators=fetched.validators if whole else Validators(),
            body_hash=reading.body_hash if whole else None,
            full_fetch=True,
        ),
    )
    return FeedReport(
        url=feed.url,
        outcome="parsed",
        entries=len(document.entries),
        queued=queued,
        discarded=discarded,
        detail=_tell(standing),
    )


def _new_unread(sorted_out: SortedEntries, known: KnownURLs) -> tuple[tuple[str, str], ...]:
    """The dates that could not be read of entries that are new: kept once, not at each poll."""
    new = [pair for key, pair in sorted_out.unread_dates.items() if key not in known]
    return tuple(new[:_MOST_UNREAD])


def _settle_failure(
    connection: Connection, context: Context, feed: Feed, *, failed: PollFailure, now: datetime
) -> FeedReport:
    plan = plan_after_failure(
        failures=feed.failures,
        kind=failed.kind,
        retry_after_seconds=failed.retry_after,
        interval_seconds=feed.interval_seconds,
        now=now,
        budget=context.poll_budget,
        jitter=context.chance(),
    )
    standing = after_failure(
        feed.url,
        feed.place,
        kind=failed.kind,
        reason=failed.reason,
        failures=plan.failures,
        now=now,
        policy=_MOVES,
    )
    if standing.place.gone_since is not None:
        plan = plan_while_gone(
            failures=plan.failures,
            interval_seconds=feed.interval_seconds,
            now=now,
            budget=context.poll_budget,
            jitter=context.chance(),
        )
    # what vouched for the address that is given up says nothing of another one
    same_place = standing.place.moved_to == feed.place.moved_to
    record_poll(
        connection,
        feed.id,
        poll=PollRecord(
            polled_at=now,
            outcome="failed",
            status=failed.status,
            ms=failed.ms,
            failure=failed.kind.value,
            error=failed.reason,
        ),
        state=_state(
            plan,
            standing,
            validators=validators_of(feed) if same_place else Validators(),
            body_hash=feed.body_hash,
            full_fetch=False,
        ),
    )
    error = "; ".join(filter(None, (f"{failed.kind}: {failed.reason}", _tell(standing))))
    return FeedReport(url=feed.url, outcome="failed", error=error)


def _settle_unchanged(
    connection: Connection,
    context: Context,
    feed: Feed,
    *,
    fetched: FetchedPage | NotModified,
    reading: FeedReading | Rejection | None,
    now: datetime,
) -> FeedReport:
    standing = _standing(feed, fetched, now=now)
    plan = plan_after_not_modified(
        interval_seconds=feed.interval_seconds,
        now=now,
        budget=context.poll_budget,
        jitter=context.chance(),
    )
    page = fetched if isinstance(fetched, FetchedPage) else None
    outcome = "not-modified" if page is None else "same-body"
    record_poll(
        connection,
        feed.id,
        poll=PollRecord(
            polled_at=now,
            outcome=outcome,
            status=304 if page is None else page.status,
            size=reading.size if isinstance(reading, FeedReading) else 0,
            length_unknown=None if page is None else page.length_unknown,
            ms=fetched.elapsed_ms or 0.0,
        ),
        state=_state(
            plan,
            standing,
            validators=validators_of(feed) if page is None else page.validators,
            body_hash=feed.body_hash,
            full_fetch=page is not None,
        ),
    )
    return FeedReport(url=feed.url, outcome=outcome, detail=_tell(standing))


def _standing(feed: Feed, fetched: FetchedPage | NotModified, *, now: datetime) -> Standing:
    return after_answer(
        feed.url,
        feed.place,
        redirects=fetched.redirects,
        final_url=fetched.final_url,
        permanent=fetched.permanent,
        now=now,
        policy=_MOVES,
    )


def _tell(standing: Standing) -> str:
    return "; ".join(f"{event.kind}: {event.detail}" for event in standing.events)


def validators_of(feed: Feed) -> Validators:
    """What to send along with the next request."""
    return Validators(etag=feed.etag, last_modified=feed.last_modified)


def _state(
    plan: FeedPlan,
    standing: Standing,
    *,
    validators: Validators,
    body_hash: str | None,
    full_fetch: bool,
) -> FeedState:
    return FeedState(
        interval_seconds=plan.interval_seconds,
        next_poll_at=plan.next_poll_at,
        failures=plan.failures,
        validators=validators,
        body_hash=body_hash,
        full_fetch=full_fetch,
        place=standing.place,
        events=standing.events,
    )
