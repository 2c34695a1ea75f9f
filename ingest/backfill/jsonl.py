"""Articles that somebody else extracted, through the daemon's own path.

a file -> givenlines -> Article -> assess (worker) -> settle_article, in one transaction each
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.backfill.givenlines import NO_URL, GivenRecord, read_given_article, read_records
from ingest.backfill.inputs import BadLine
from ingest.context import Context
from ingest.errors import UsageError
from ingest.model import Article, Candidate, ObservationSource, Outcome, Rejection
from ingest.settle_first import settle_article
from ingest.work import assess_given
from storage.versions import Observation

__all__ = ["BackfillSummary", "backfill_jsonl", "read_given_article"]


@dataclass(slots=True)
class BackfillSummary:
    """What a backfill did."""

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)  # one a bad line, naming it


async def backfill_jsonl(
    context: Context, file: Path, *, on_line: Callable[[], None] = lambda: None
) -> BackfillSummary:
    """Store the file's articles; running it again adds nothing but observations.

    Raises UsageError when the file can't be read; a bad line is counted and told.
    """
    summary = BackfillSummary()
    for record in _read_file(file):
        article = _read_record(record, now=context.now())
        if isinstance(article, str):
            summary.errors.append(f"{file}, line {record.line}: {article}")
            on_line()
            continue
        assessment = await context.compute(assess_given, article, context.stories)
        if isinstance(assessment, Rejection):
            summary.errors.append(f"{file}, line {record.line}: {assessment.reason}")
        else:
            outcome = await context.store(_settle, context, article, assessment)
            summary.outcomes[outcome.value] += 1
        on_line()
        if context.stopping.is_set():
            break
    return summary


def _read_record(record: GivenRecord | BadLine, *, now: datetime) -> Article | str:
    if isinstance(record, BadLine):
        return record.reason
    article = read_given_article(record.fields, now=now)
    if isinstance(article, Article) and article.url == NO_URL:
        return "url is missing"
    return article


def _settle(
    connection: Connection, context: Context, article: Article, assessment: Assessment
) -> Outcome:
    candidate = Candidate(
        url=article.url,
        canonical_url=article.canonical_url,
        title=article.title,
        summary="",
        published=article.published,
        language=article.language,
        feed_id=None,
    )
    look = Observation(
        requested_url=article.url,
        observed_at=context.now(),
        outcome=Outcome.NEW_VERSION,
        source=ObservationSource.FILE,
    )
    outcome, _detail = settle_article(
        connection,
        context,
        candidate,
        article=article,
        assessment=assessment,
        look=look,
        redirected_to=None,
    )
    return outcome


def _read_file(file: Path) -> Iterator[GivenRecord | BadLine]:
    try:
        with file.open("rb") as stream:
            yield from read_records(stream)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give the path of a JSONL file") from error
