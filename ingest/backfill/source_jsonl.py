"""The source `jsonl`: articles that somebody else extracted, in this program's form or theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.backfill.givenlines import NO_URL, GivenRecord, read_given_article, read_records
from ingest.backfill.inputs import BadLine
from ingest.backfill.items import Cursor, Given, Skipped, Step
from ingest.context import Context
from ingest.errors import UsageError
from ingest.model import Article


@dataclass(frozen=True, kw_only=True)
class JsonSource:
    """A file of articles, in its order."""

    context: Context
    file: Path
    name = "jsonl"

    @property
    def spec(self) -> Mapping[str, Any]:
        """The file by its path."""
        return {"file": str(self.file.resolve())}

    async def steps(self, cursor: Cursor | None) -> AsyncGenerator[Step, None]:
        """Go through the records; the cursor counts those that are done.

        Raises UsageError when the file can't be read.
        """
        done = cursor["done"] if cursor else 0
        try:
            size = max(self.file.stat().st_size, 1)
            with self.file.open("rb") as stream:
                for number, record in enumerate(read_records(stream), start=1):
                    if number > done:
                        yield Step(
                            item=self._read(record),
                            cursor={"done": number},
                            share=stream.tell() / size,
                        )
        except OSError as error:
            told = f"{self.file}: {error.strerror}; give the path of a JSONL file"
            raise UsageError(told) from error

    def _read(self, record: GivenRecord | BadLine) -> Given | Skipped:
        found: Article | str
        if isinstance(record, BadLine):
            found = record.reason
        else:
            found = read_given_article(record.fields, now=self.context.now())
        if isinstance(found, Article) and found.url == NO_URL:
            found = "url is missing"
        if isinstance(found, Article):
            return Given(article=found)
        return Skipped(reason="bad line", error=f"{self.file}, line {record.line}: {found}")
