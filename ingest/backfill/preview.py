"""What a backfill would do: its source is read, and nothing fetched from it or written."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing

from sqlalchemy import Connection

from ingest.assess import screen_entry
from ingest.backfill.items import Capture, Skipped, Source
from ingest.backfill.leads import Lead
from ingest.backfill.settle import KNOWN, candidate_of
from ingest.context import Context
from ingest.errors import BadURLError
from ingest.model import FailureKind, Outcome
from ingest.urls import canonicalize, url_key
from storage.candidates import known_urls

_BATCH = 500


async def preview_backfill(context: Context, source: Source, *, limit: int | None) -> Counter[str]:
    """Count what a source has, by what would become of it. Raises UsageError and StorageError."""
    counts: Counter[str] = Counter()
    leads: list[Lead] = []
    taken = 0
    async with aclosing(source.steps(None)) as steps:
        async for step in steps:
            if context.stopping.is_set() or taken == limit:
                break
            taken += 1
            item = step.item
            if isinstance(item, Lead):
                leads.append(item)
                if len(leads) == _BATCH:
                    counts += await context.store(_weigh, context, leads)
                    leads = []
            elif isinstance(item, Skipped):
                counts[f"skipped: {item.reason}"] += item.count
            elif isinstance(item, Capture):
                counts["captures to read"] += 1
            else:
                counts["texts to judge"] += 1
    return counts + await context.store(_weigh, context, leads)


def _weigh(connection: Connection, context: Context, leads: list[Lead]) -> Counter[str]:
    counts: Counter[str] = Counter()
    wanted = {}
    for lead in leads:
        try:
            canonical = canonicalize(lead.url)
        except BadURLError:
            counts[FailureKind.BAD_URL.value] += 1
            continue
        wanted[url_key(canonical)] = candidate_of(lead, canonical)
    known = known_urls(connection, wanted, rule_version=context.rule_version)
    for key, item in wanted.items():
        if key in known:
            counts[KNOWN] += 1
        elif screen_entry(item, context.stories, rule_version=context.rule_version) is None:
            counts["pages to fetch"] += 1
        else:
            counts[Outcome.OFF_STORY.value] += 1
    return counts
