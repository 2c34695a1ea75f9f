"""Articles that somebody else extracted, one JSON object a line, through the daemon's own path.

{"url", "title", "text", "published_at"?, "language"?, "author"?} -> Article -> assess (worker)
    -> settle_article, in one transaction each
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.context import Context
from ingest.dates import parse_date
from ingest.errors import BadURLError, UsageError
from ingest.language import detect_language
from ingest.model import (
    Article,
    Candidate,
    DateSource,
    ObservationSource,
    Outcome,
    Rejection,
)
from ingest.settle_first import settle_article
from ingest.textclean import clean_text
from ingest.urls import canonicalize
from ingest.work import assess_given
from storage.versions import Observation

EXTRACTOR = "given"
_NO_URL = "https://text.invalid/"  # a text without an address (RFC 2606)


@dataclass(slots=True)
class BackfillSummary:
    """What a backfill did."""

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)  # one a bad line, naming it


def read_given_article(line: dict[str, Any], *, now: datetime) -> Article | str:
    """An Article from one object, or what is wrong with it; `url` may be missing."""
    for name in ("url", "title", "text", "language", "author", "published_at"):
        if not isinstance(line.get(name), str | None):
            return f"{name} must be a string"
    text = clean_text(line.get("text") or "")
    if not text.strip():
        return "text is missing or empty"
    url = line.get("url") or _NO_URL
    try:
        canonical = canonicalize(url)
    except BadURLError as error:
        return str(error)
    given = line.get("published_at") or line.get("date")
    published = None
    if given:
        published = parse_date(given, source=DateSource.GIVEN, now=now, confidence=0.9)
        if published is None:
            return (
                f"published_at {given!r} is no ISO 8601 date, or one before 1990 or in the future"
            )
    return Article(
        url=url,
        canonical_url=canonical,
        title=clean_text(line.get("title") or "")[:1000],
        byline=line.get("author"),
        site_name=None,
        published=published,
        modified=None,
        language=line.get("language") or detect_language(text),
        text=text,
        words=len(text.split()),
        extractor=EXTRACTOR,
        extractor_version="1",
    )


async def backfill_jsonl(
    context: Context, file: Path, *, on_line: Callable[[], None] = lambda: None
) -> BackfillSummary:
    """Store the file's articles; running it again adds nothing but observations.

    Raises UsageError when the file can't be read; a bad line is counted and told.
    """
    summary = BackfillSummary()
    for number, line in _read_lines(file, summary):
        article = read_given_article(line, now=context.now())
        if isinstance(article, Article) and article.url == _NO_URL:
            article = "url is missing"
        if isinstance(article, str):
            summary.errors.append(f"{file}, line {number}: {article}")
            on_line()
            continue
        assessment = await context.compute(assess_given, article, context.stories)
        if isinstance(assessment, Rejection):
            summary.errors.append(f"{file}, line {number}: {assessment.reason}")
        else:
            outcome = await context.store(_settle, context, article, assessment)
            summary.outcomes[outcome.value] += 1
        on_line()
        if context.stopping.is_set():
            break
    return summary


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


def _read_lines(file: Path, summary: BackfillSummary) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with file.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                if not raw.strip():
                    continue
                try:
                    line = json.loads(raw)
                except ValueError as error:
                    summary.errors.append(f"{file}, line {number}: not JSON: {error}")
                    continue
                if isinstance(line, dict):
                    yield number, line
                else:
                    summary.errors.append(f"{file}, line {number}: not a JSON object")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give the path of a JSONL file") from error
