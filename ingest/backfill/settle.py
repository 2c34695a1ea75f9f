"""Writing what a backfill brings: leads into the queue, captures and given articles as articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from sqlalchemy import Connection

from ingest.ahead import judge_ahead
from ingest.assess import Assessment, screen_entry
from ingest.backfill.items import Capture
from ingest.backfill.leads import Lead
from ingest.context import Context
from ingest.errors import BadURLError
from ingest.model import (
    Article,
    Candidate,
    Discard,
    FailureKind,
    FetchedPage,
    ObservationSource,
    Outcome,
    Rejection,
)
from ingest.settle_capture import settle_capture
from ingest.settle_first import settle_article
from ingest.sorting import discard_bad_url, url_key_of_text
from ingest.urls import canonicalize, registered_domain, url_key
from ingest.work import PageReading, assess_given, read_article
from storage.articles import StoredArticle, find_article
from storage.candidates import add_candidates, add_discards, known_urls
from storage.timeline import has_capture
from storage.versions import Observation

KNOWN = "known"
"""What was there before."""

InTurn = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Leads by what is to become of them; the rest is counted only."""

    wanted: dict[str, Candidate]  # by URL key
    discards: dict[str, Discard]
    counts: Counter[str]


def weigh_leads(connection: Connection, context: Context, leads: Sequence[Lead]) -> Weighed:
    """Tell leads that are new and may be of a story from those that are known or refused."""
    counts: Counter[str] = Counter()
    candidates: dict[str, Candidate] = {}
    discards: dict[str, Discard] = {}
    for lead in leads:
        try:
            canonical = canonicalize(lead.url)
        except BadURLError as error:
            counts[FailureKind.BAD_URL.value] += 1
            discards[url_key_of_text(lead.url)] = discard_bad_url(
                lead.url,
                error,
                title=lead.title,
                rule_version=context.rule_version,
                feed_id=None,
            )
            continue
        candidates.setdefault(url_key(canonical), candidate_of(lead, canonical))
    known = known_urls(connection, candidates, rule_version=context.rule_version)
    wanted = {}
    for key, item in candidates.items():
        if key in known:
            counts[KNOWN] += 1
            continue
        refused = screen_entry(item, context.stories, rule_version=context.rule_version)
        if refused is None:
            wanted[key] = item
        else:
            discards[key] = refused
            counts[Outcome.OFF_STORY.value] += 1
    return Weighed(wanted=wanted, discards=discards, counts=counts)


def queue_leads(connection: Connection, context: Context, leads: Sequence[Lead]) -> Counter[str]:
    """Queue the addresses that are new and may be of a story; return how many of what kind."""
    weighed = weigh_leads(connection, context, leads)
    add_candidates(connection, weighed.wanted, context.now())
    add_discards(connection, weighed.discards, context.now())
    return weighed.counts + Counter({"queued": len(weighed.wanted)})


def candidate_of(lead: Lead, canonical: str) -> Candidate:
    """A lead as a candidate like any other."""
    return Candidate(
        url=lead.url,
        canonical_url=canonical,
        title=lead.title,
        summary="",
        published=lead.published,
        language=lead.language,
        feed_id=None,
        modified=lead.modified,
        domain=registered_domain(canonical),
    )


async def write_capture(
    context: Context, capture: Capture, *, in_turn: InTurn
) -> tuple[str, str | None]:
    """Load, read and write a capture; return what it was, and what is wrong with it."""
    if capture.known_by is not None and await _is_known(context, capture, *capture.known_by):
        return KNOWN, None
    page = await capture.load()
    if not isinstance(page, FetchedPage):
        return f"not loaded: {page.kind}", f"{capture.named}: {page.reason}"
    if await _is_known(context, capture, page.requested_url, page.fetched_at):
        return KNOWN, None
    try:
        candidate = candidate_of(Lead(url=page.requested_url), canonicalize(page.requested_url))
    except BadURLError as error:
        return FailureKind.BAD_URL.value, f"{capture.named}: {error}"
    # Most pages of a crawl that get here name the story beside their text only.
    reading = await _read(context, page, spare_model=capture.source is ObservationSource.WARC)
    if isinstance(reading, PageReading) and not _was_spared(reading):
        stored = await context.store(_find_known, candidate, reading)
        reading = await judge_ahead(context, reading, stored=stored, now=page.fetched_at)
    await in_turn()
    if _was_spared(reading):
        stored = await context.store(_find_known, candidate, reading)
        if stored is not None:  # it may be a version, whatever it names
            reading = await _read(context, page, spare_model=False)
    page = page.emptied()
    report = await context.store(
        settle_capture, context, candidate, page=page, reading=reading, source=capture.source
    )
    return (KNOWN if report is None else report[0].value), None


async def _read(
    context: Context, page: FetchedPage, *, spare_model: bool
) -> PageReading | Rejection:
    return await context.compute(
        read_article,
        page,
        feed_date=None,
        stories=context.stories,
        max_bytes=context.limits.max_decoded_bytes,
        keep_raw=context.limits.keep_raw,
        spare_model=spare_model,
    )


def _was_spared(reading: PageReading | Rejection) -> TypeGuard[PageReading]:
    """Whether it was judged without the model; so is all where there is none."""
    if not isinstance(reading, PageReading) or reading.assessment is None:
        return False
    return not reading.assessment.features.model


async def _is_known(context: Context, capture: Capture, url: str, at: datetime) -> bool:
    return await context.store(has_capture, url=url, at=at, source=capture.source)


def _find_known(
    connection: Connection, candidate: Candidate, reading: PageReading
) -> StoredArticle | None:
    keys = [url_key(candidate.canonical_url)]
    if isinstance(reading.content, Article):
        keys.append(url_key(reading.content.canonical_url))
    return find_article(connection, keys)


async def settle_given(
    context: Context, article: Article, *, in_turn: InTurn
) -> tuple[str, str | None]:
    """Judge and write an article that somebody else extracted; return what it was, as above."""
    assessment = await context.compute(assess_given, article, context.stories)
    await in_turn()
    if isinstance(assessment, Rejection):
        return f"not judged: {assessment.kind}", f"{article.url}: {assessment.reason}"
    return await context.store(write_given, context, article, assessment), None


def write_given(
    connection: Connection, context: Context, article: Article, assessment: Assessment
) -> str:
    """Write a given article in the caller's transaction; return what it was."""
    candidate = Candidate(
        url=article.url,
        canonical_url=article.canonical_url,
        title=article.title,
        summary="",
        published=article.published,
        language=article.language,
        feed_id=None,
    )
    key = url_key(article.canonical_url)
    known = known_urls(connection, [key], rule_version=context.rule_version)
    if key in known.articles or key in known.discarded:
        return KNOWN  # one that waits in the queue has no text yet
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
    return outcome.value
