"""The source `html`: pages that somebody saved, by the addresses that they carry."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingest.backfill.items import Capture, Cursor, Skipped, Step
from ingest.backfill.savedpages import SkippedFile, find_saved_pages, read_saved_page
from ingest.context import Context
from ingest.model import FetchedPage, ObservationSource, Rejection


@dataclass(frozen=True, kw_only=True)
class SavedPageSource:
    """A folder of pages."""

    context: Context
    folder: Path
    name = "html"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The folder by its path: what was added since is what a next run finds."""
        return {"folder": str(self.folder.resolve())}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the files by their names; the cursor counts those that are done.

        Raises UsageError when the folder can't be read.
        """
        done = cursor["done"] if cursor else 0
        for number, found in enumerate(find_saved_pages(self.folder), start=1):
            if number <= done:
                continue
            item: Capture | Skipped
            if isinstance(found, SkippedFile):
                item = Skipped(reason=found.reason)
            else:
                item = Capture(
                    source=ObservationSource.FILE, load=partial(self._load, found), named=str(found)
                )
            yield Step(item=item, cursor={"done": number})

    async def _load(self, path: Path) -> FetchedPage | Rejection:
        saved = await self.context.compute(
            read_saved_page, path, folder=self.folder, now=self.context.now()
        )
        return saved if isinstance(saved, Rejection) else saved.page
