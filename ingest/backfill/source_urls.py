"""The source `urls`: addresses from a file or standard input."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ingest.backfill.inputs import BadLine
from ingest.backfill.items import Cursor, Skipped, Step
from ingest.backfill.leads import Lead, lead_of_entry
from ingest.backfill.loading import load_feed
from ingest.backfill.urllists import read_url_list
from ingest.context import Context
from ingest.errors import UsageError
from ingest.model import FeedDocument, FeedSource


@dataclass(frozen=True, kw_only=True)
class UrlSource:
    """A list by its path; "-" is standard input, which can't be resumed."""

    context: Context
    file: str
    column: str | None = None
    name = "urls"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The file by its path; standard input is another job each time."""
        if self.file == "-":
            return {"file": "-", "at": self.context.now().isoformat()}
        return {"file": str(Path(self.file).resolve()), "column": self.column}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the list; the cursor counts what of it is done.

        Of a list of feeds what they list today is taken. Raises UsageError when it can't be read.
        """
        done = cursor["done"] if cursor else 0
        with ExitStack() as stack:
            stream, size = self._open(stack)
            try:
                items = read_url_list(stream, now=self.context.now(), column=self.column)
                for number, item in enumerate(items, start=1):
                    if number <= done:
                        continue
                    place = {"done": number}
                    share = stream.tell() / size if size else None
                    if isinstance(item, Lead):
                        yield Step(item=item, cursor=place, share=share)
                    elif isinstance(item, BadLine):
                        told = f"{self.file}, line {item.line}: {item.reason}"
                        bad = Skipped(reason="bad line", error=told)
                        yield Step(item=bad, cursor=place, share=share)
                    else:
                        for lead in await self._read_feed(item):
                            yield Step(item=lead, cursor={"done": number - 1})
                        yield Step(item=None, cursor=place, share=share)
            except OSError as error:
                raise UsageError(f"{self.file}: {error.strerror}") from error

    def _open(self, stack: ExitStack) -> tuple[BinaryIO, int]:
        if self.file == "-":
            return sys.stdin.buffer, 0
        path = Path(self.file)
        try:
            return stack.enter_context(path.open("rb")), path.stat().st_size
        except OSError as error:
            told = f"{path}: {error.strerror}; give the path of a list of addresses, or -"
            raise UsageError(told) from error

    async def _read_feed(self, feed: FeedSource) -> list[Lead | Skipped]:
        document = await load_feed(self.context, feed.url)
        if not isinstance(document, FeedDocument):
            return [Skipped(reason="bad feed", error=f"{feed.url}: {document.reason}")]
        return [lead_of_entry(entry, document) for entry in document.entries]
