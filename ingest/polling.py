"""One poll of a feed, from request to stored candidates.

Feed -> fetch -> read_feed (worker) -> entries -> Candidate | Discard -> one transaction
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import screen_entry
from ingest.context import Context
from ingest.errors import BadURLError
from ingest.inhand import did_harm
from ingest.model import (
    Candidate,
    Discard,
    Entry,
    Failure,
    FailureKind,
    Feed,
    FeedDocument,
    Fetched,
    FetchedPage,
    NotAFeed,
    NotModified,
    Rejection,
    Stage,
    Validators,
)
from ingest.schedule import (
    FeedPlan,
    needs_full_fetch,
    plan_after_failure,
    plan_after_not_modified,
    plan_after_success,
)
from ingest.settle_first import seen_entry
from ingest.urls import canonicalize, registered_domain, url_key
from ingest.vouching import Record, was_told
from ingest.waking import wake
from ingest.work import FeedReading, read_feed
from storage.candidates import (
    SeenEntry,
    add_candidates,
    add_discards,
    known_urls,
    note_seen_in_feed,
)
from storage.feeds import FeedState, PollRecord, record_poll
from storage.vouching import changes_since_read, record_listing

_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
)


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


async def poll_feed(context: Context, feed: Feed) -> FeedReport:
    """Poll one feed and queue what it holds; a failing feed is a report, not an exception."""
    now = context.now()
    full = needs_full_fetch(feed.last_full_fetch_at, now=now, budget=context.poll_budget)
    validators = (
        Validators() if full else Validators(etag=feed.etag, last_modified=feed.last_modified)
    )
    fetched = await context.fetcher.fetch(
        feed.url,
        validators=validators,
        accept=_ACCEPT,
        max_wire_bytes=context.limits.max_feed_bytes,
    )
    if isinstance(fetched, FetchedPage):
        reading = await context.compute(
            read_feed,
            fetched,
            known_hash=None if full else feed.body_hash,
            max_bytes=context.limits.max_decoded_bytes,
            now=now,
        )
    else:
        reading = None
    report = await context.store(
        settle_poll, context, feed, fetched=fetched, reading=reading, now=now
    )
    return replace(report, harmed=did_harm(fetched, reading))


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
    failed = _find_failure(fetched, reading)
    if failed is not None:
        return _settle_failure(connection, context, feed, failed=failed, now=now)
    if isinstance(fetched, NotModified) or (
        isinstance(reading, FeedReading) and reading.document is None
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
    told_anew = _note_known(connection, context, feed, known_entries, now=now)
    plan = plan_after_success(
        interval_seconds=feed.interval_seconds,
        entries=len(document.entries),
        new_entries=queued + discarded + told_anew,
        now=now,
        budget=context.poll_budget,
        jitter=context.chance(),
    )
    record_poll(
        connection,
        feed.id,
        poll=PollRecord(
            polled_at=now,
            outcome="parsed",
            status=fetched.status,
            entries=len(document.entries),
            new_entries=queued + discarded,
            size=reading.size,
            ms=fetched.elapsed_ms,
            error=f"not well-formed: {document.bozo}" if document.bozo else None,
        ),
        state=_state(
            plan, validators=fetched.validators, body_hash=reading.body_hash, full_fetch=True
        ),
    )
    return FeedReport(
        url=feed.url,
        outcome="parsed",
        entries=len(document.entries),
        queued=queued,
        discarded=discarded,
    )


def _note_known(
    connection: Connection, context: Context, feed: Feed, seen: list[SeenEntry], *, now: datetime
) -> int:
    """Note the entries of stored articles, count what the feed told of changes, wake what it tells.

    Returns how many articles it tells other things of.
    """
    changes = changes_since_read(connection, feed.id, [item.article_id for item in seen])
    told_anew = note_seen_in_feed(connection, seen, feed_id=feed.id, now=now)
    told = [
        was_told(
            told_at=item.told_at,
            last_read_before=item.last_read_before,
            told_now=item.article_id in told_anew,
        )
        for item in changes
    ]
    record = Record(told=feed.changes_told, untold=feed.changes_untold).add(told)
    record_listing(connection, feed.id, told=record.told, untold=record.untold, now=now)
    wake(connection, context, told_anew, reason="its feed says other things of it", now=now)
    return len(told_anew)


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedEntries:
    """The entries of a document by URL key; an unusable URL is a discard at once."""

    candidates: dict[str, Candidate]
    discards: dict[str, Discard]


def sort_entries(document: FeedDocument, feed: Feed, *, rule_version: str) -> SortedEntries:
    """Give every entry its canonical URL; the first of several entries of one URL counts."""
    candidates: dict[str, Candidate] = {}
    discards: dict[str, Discard] = {}
    language = document.language or feed.outlet.language
    for entry in document.entries:
        try:
            canonical = canonicalize(entry.url)
        except BadURLError as error:
            discards[url_key_of_text(entry.url)] = _bad_url(entry, feed, error, rule_version)
            continue
        candidates.setdefault(
            url_key(canonical),
            Candidate(
                url=entry.url,
                canonical_url=canonical,
                title=entry.title,
                summary=entry.summary,
                published=entry.published,
                language=language,
                feed_id=feed.id,
                guid=entry.guid,
                modified=entry.modified,
                domain=registered_domain(canonical),
            ),
        )
    return SortedEntries(candidates=candidates, discards=discards)


def url_key_of_text(text: str) -> str:
    """A key for a string that is no URL, so that it is discarded once."""
    return f"bad:{text[:200]}"


def _bad_url(entry: Entry, feed: Feed, error: BadURLError, rule_version: str) -> Discard:
    return Discard(
        url=entry.url,
        canonical_url=entry.url,
        title=entry.title,
        stage=Stage.ENTRY,
        rule=FailureKind.BAD_URL.value,
        score=None,
        rule_version=rule_version,
        detail=str(error),
        feed_id=feed.id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    kind: FailureKind
    reason: str
    status: int | None
    retry_after: float | None
    ms: float


def _find_failure(fetched: Fetched, reading: FeedReading | Rejection | None) -> _Failed | None:
    if isinstance(fetched, Failure):
        return _Failed(
            kind=fetched.kind,
            reason=fetched.reason,
            status=fetched.status,
            retry_after=fetched.retry_after_seconds,
            ms=fetched.elapsed_ms or 0.0,
        )
    problem = reading.document if isinstance(reading, FeedReading) else reading
    if isinstance(problem, NotAFeed):
        problem = Rejection(kind=FailureKind.NOT_A_FEED, reason=problem.reason)
    if not isinstance(problem, Rejection):
        return None
    status = fetched.status if isinstance(fetched, FetchedPage) else None
    return _Failed(
        kind=problem.kind,
        reason=problem.reason,
        status=status,
        retry_after=None,
        ms=fetched.elapsed_ms,
    )


def _settle_failure(
    connection: Connection, context: Context, feed: Feed, *, failed: _Failed, now: datetime
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
            validators=Validators(etag=feed.etag, last_modified=feed.last_modified),
            body_hash=feed.body_hash,
            full_fetch=False,
        ),
    )
    return FeedReport(url=feed.url, outcome="failed", error=f"{failed.kind}: {failed.reason}")


def _settle_unchanged(
    connection: Connection,
    context: Context,
    feed: Feed,
    *,
    fetched: Fetched,
    reading: FeedReading | Rejection | None,
    now: datetime,
) -> FeedReport:
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
            ms=fetched.elapsed_ms or 0.0,
        ),
        state=_state(
            plan,
            validators=page.validators
            if page is not None
            else Validators(etag=feed.etag, last_modified=feed.last_modified),
            body_hash=feed.body_hash,
            full_fetch=page is not None,
        ),
    )
    return FeedReport(url=feed.url, outcome=outcome)


def _state(
    plan: FeedPlan, *, validators: Validators, body_hash: str | None, full_fetch: bool
) -> FeedState:
    return FeedState(
        interval_seconds=plan.interval_seconds,
        next_poll_at=plan.next_poll_at,
        failures=plan.failures,
        validators=validators,
        body_hash=body_hash,
        full_fetch=full_fetch,
    )
