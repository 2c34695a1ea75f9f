"""What a backfill would do: its source is read, and nothing fetched from it or written."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing

from sqlalchemy import Connection

from ingest.backfill.items import Capture, Skipped, Source
from ingest.backfill.leads import Lead
from ingest.backfill.settle import weigh_leads
from ingest.context import Context

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
    weighed = weigh_leads(connection, context, leads)
    return weighed.counts + Counter({"pages to fetch": len(weighed.wanted)})
