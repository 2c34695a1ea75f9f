"""Why a poll gave nothing: what was fetched and what was read, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.model import Failure, FailureKind, Fetched, FetchedPage, NotAFeed, Rejection
from ingest.work import FeedReading


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """A poll that failed."""

    kind: FailureKind
    reason: str
    status: int | None
    retry_after: float | None
    ms: float


def find_failure(fetched: Fetched, reading: FeedReading | Rejection | None) -> PollFailure | None:
    """The failure of a poll; None when there is a feed, or word that it is unchanged."""
    if isinstance(fetched, Failure):
        return PollFailure(
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
    return PollFailure(
        kind=problem.kind,
        reason=problem.reason,
        status=status,
        retry_after=None,
        ms=fetched.elapsed_ms,
    )
