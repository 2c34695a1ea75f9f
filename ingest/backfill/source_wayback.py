"""The source `wayback`: what a web archive has of addresses, each capture with its own time.

targets -> CdxQuery -> captures of the index -> Capture, replayed when its turn comes
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ingest.backfill.cdx import CaptureRow
from ingest.backfill.cdxcursor import read_cursor
from ingest.backfill.cdxquery import CdxQuery
from ingest.backfill.items import Capture, Cursor, Skipped, Step
from ingest.backfill.memento import reject_row
from ingest.backfill.wayback import WaybackArchive
from ingest.errors import SourceError
from ingest.model import ObservationSource


@dataclass(frozen=True, kw_only=True)
class WaybackSource:
    """Queries to one archive."""

    archive: WaybackArchive
    queries: Sequence[CdxQuery]
    asked: Mapping[str, Any]  # what a person asked for: it makes the job
    name = "wayback"

    @property
    def spec(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.asked

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the index; the cursor is that of the query in hand.

        Raises SourceError when the index does not answer.
        """
        start = cursor["query"] if cursor else 0
        for number in range(start, len(self.queries)):
            place = None
            if cursor and number == start and cursor["index"] is not None:
                place = read_cursor(cursor["index"])
            query = self.queries[number]
            async for row, after in self.archive.captures(query, place):
                if not isinstance(row, CaptureRow):
                    raise SourceError(
                        f"the index of {query.url}: {row.reason}; --resume asks again"
                    )
                yield Step(
                    item=self._item(row),
                    cursor={"query": number, "index": after.as_dict()},
                    share=number / len(self.queries) or None,
                )
            yield Step(
                item=None,
                cursor={"query": number + 1, "index": None},
                share=(number + 1) / len(self.queries),
            )

    def _item(self, row: CaptureRow) -> Capture | Skipped:
        rejection = reject_row(row)
        if rejection is not None:
            return Skipped(reason=rejection.kind.value)
        return Capture(
            source=ObservationSource.WAYBACK,
            load=partial(self.archive.replay, row),
            named=f"{row.url} of {row.at:%Y-%m-%d %H:%M:%S}",
            known_by=(row.url, row.at),
        )
