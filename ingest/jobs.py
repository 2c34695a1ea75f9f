"""What the daemon's jobs do: a pass each over feeds, waiting pages and articles, and housekeeping.

Figures come back for `job_run`; `ingest.daemon` says when, writes them down and supervises.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from ingest.context import Context
from ingest.noting import read_unread_beside
from ingest.passes import PassSummary, Report, drain_queue, poll_due_feeds, recheck_articles
from ingest.polling import FeedReport
from storage.upkeep import tidy

log = logging.getLogger("storywatch.daemon")

Job = Callable[[Context], Awaitable[Mapping[str, int]]]


async def poll_feeds(
    context: Context, *, claim_seconds: float, on_queued: Callable[[], None]
) -> Mapping[str, int]:
    """Poll the feeds that are due; `on_queued` is told of pages to fetch."""

    def on_report(kind: str, report: Report) -> None:
        _log_report(kind, report)
        if isinstance(report, FeedReport) and report.queued:
            on_queued()

    summary = PassSummary()
    await poll_due_feeds(
        context,
        summary,
        everything=False,
        on_report=on_report,
        claim_seconds=claim_seconds,
    )
    return summary.counts()


async def fetch_candidates(context: Context, *, claim_seconds: float) -> Mapping[str, int]:
    """Look at the pages that wait."""
    summary = PassSummary()
    await drain_queue(context, summary, on_report=_log_report, claim_seconds=claim_seconds)
    return summary.counts()


async def look_at_articles(context: Context, *, claim_seconds: float) -> Mapping[str, int]:
    """Look again at the articles that are due."""
    summary = PassSummary()
    await recheck_articles(
        context,
        summary,
        checked_before=None,
        on_report=_log_report,
        claim_seconds=claim_seconds,
    )
    return summary.counts()


async def keep_house(context: Context, *, large_log_bytes: int) -> Mapping[str, int]:
    """Tidy the database up, tell of a write-ahead log above a size, read what an upgrade left."""
    await asyncio.get_running_loop().run_in_executor(context.writer, tidy, context.engine)
    left = _log_bytes(context)
    if left > large_log_bytes:
        log.warning(
            "SQLite's write-ahead log has %d MiB: somebody has been reading for long", left >> 20
        )
    return {"log_bytes": left, "read_again": await read_unread_beside(context)}


def _log_bytes(context: Context) -> int:
    """What is left of SQLite's write-ahead log; none on Postgres."""
    url = context.engine.url
    if url.get_backend_name() != "sqlite":
        return 0
    file = Path(f"{url.database}-wal")
    return file.stat().st_size if file.exists() else 0


def _log_report(kind: str, report: Report) -> None:
    detail = getattr(report, "error", None) or getattr(report, "detail", "")
    log.info("%s %s: %s%s", kind, report.url, report.outcome, f" ({detail})" if detail else "")
