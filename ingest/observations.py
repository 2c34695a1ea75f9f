"""A look as it is written down: what a fetched page or a failure becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ingest.model import Failure, FetchedPage, Outcome, Rejection
from ingest.work import PageReading
from storage.versions import Observation, RawBody


def page_observation(
    page: FetchedPage, reading: PageReading | None, outcome: Outcome, *, keep_raw: bool = True
) -> Observation:
    """The look at a page that was fetched."""
    raw = None
    if (
        keep_raw
        and reading is not None
        and reading.raw_sha256 is not None
        and reading.raw_zstd is not None
    ):
        raw = RawBody(sha256=reading.raw_sha256, compressed=reading.raw_zstd, size=reading.raw_size)
    return Observation(
        requested_url=page.requested_url,
        final_url=page.final_url,
        observed_at=page.fetched_at,
        outcome=outcome,
        status=page.status,
        size=page.size,
        ms=page.elapsed_ms,
        headers=page.headers,
        raw=raw,
        length_unknown=page.length_unknown,
    )


def problem_observation(
    url: str,
    problem: Failure | Rejection,
    page: FetchedPage | None,
    now: datetime,
    *,
    reading: PageReading | None = None,
) -> Observation:
    """The look at a page that gave no article; with the reading, its body is kept as proof."""
    if isinstance(problem, Failure):
        return Observation(
            requested_url=url,
            final_url=problem.final_url,
            observed_at=now,
            outcome=Outcome.FAILED,
            status=problem.status,
            failure=problem.kind.value,
            reason=problem.reason,
            ms=problem.elapsed_ms,
        )
    assert page is not None
    seen = page_observation(page, reading, Outcome.FAILED)
    return replace(seen, requested_url=url, failure=problem.kind.value, reason=problem.reason)
