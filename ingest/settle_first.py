"""What the first look at a candidate leaves behind, inside one transaction.

Failure | Rejection -> observation; tried again later, or a discard
known URL           -> another URL of that article
off story           -> observation and discard
on story            -> article, version, fingerprint, verdicts, observation
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import Connection

from ingest.assess import Assessment, decide_memberships, discard_off_story
from ingest.context import Context
from ingest.dates import CONFIDENCE, bound_published
from ingest.errors import BadURLError
from ingest.model import (
    Article,
    ArticleState,
    Candidate,
    DatedBy,
    DateSource,
    Discard,
    Failure,
    FailureKind,
    FetchedPage,
    NotModified,
    ObservationSource,
    Outcome,
    Outlet,
    Rejection,
    Relevance,
    Stage,
)
from ingest.observations import page_observation, problem_observation
from ingest.otherpage import page_mark
from ingest.schedule import plan_check_after_change, plan_retry
from ingest.settle_version import store_version
from ingest.travelling import follow_version
from ingest.urls import canonicalize, registered_domain, url_key
from ingest.work import PageReading
from storage.articles import (
    CheckState,
    add_article,
    add_urls,
    find_article,
    lock_urls,
    record_check,
    set_memberships,
)
from storage.candidates import (
    ClaimedCandidate,
    SeenEntry,
    add_discards,
    drop_candidate,
    note_seen_in_feed,
    postpone_candidate,
)
from storage.feeds import ensure_outlet
from storage.lifecycle import stands_elsewhere
from storage.versions import Observation, add_observation

Report = tuple[Outcome, str]


def settle_first_look(
    connection: Connection,
    context: Context,
    claimed: ClaimedCandidate,
    *,
    fetched: FetchedPage | Failure | NotModified,
    reading: PageReading | Rejection | None,
) -> Report:
    """Write the outcome of a first look; the candidate leaves the queue or waits for another."""
    content = reading.content if isinstance(reading, PageReading) else reading
    if isinstance(content, Article) and is_known_wall(connection, content):
        content = Rejection(
            kind=FailureKind.BLOCKED, reason=f"a known wall: {content.title[:80]!r}"
        )
    if isinstance(fetched, Failure) or not isinstance(content, Article):
        problem = fetched if isinstance(fetched, Failure) else content
        assert isinstance(problem, Failure | Rejection)
        page = fetched if isinstance(fetched, FetchedPage) else None
        return _settle_problem(connection, context, claimed, problem=problem, page=page)
    assert isinstance(fetched, FetchedPage)
    assert isinstance(reading, PageReading)
    assert reading.assessment is not None
    look = page_observation(fetched, reading, Outcome.NEW_VERSION)
    report = settle_article(
        connection,
        context,
        claimed.candidate,
        article=_dated_by_feed(content, claimed.candidate),
        assessment=reading.assessment,
        look=look,
        redirected_to=fetched.final_url if fetched.redirects else None,
    )
    drop_candidate(connection, claimed.id)
    return report


def settle_article(
    connection: Connection,
    context: Context,
    candidate: Candidate,
    *,
    article: Article,
    assessment: Assessment,
    look: Observation,
    redirected_to: str | None,
) -> Report:
    """Store an article that was read, wherever it came from; shared by daemon and backfill."""
    now, learnt_at = look.observed_at, context.now()
    urls = known_under(candidate, article, redirected_to)
    lock_urls(connection, urls)
    existing = find_article(connection, urls)
    if existing is not None:
        add_urls(connection, existing.id, urls, now)
        _note_feed(connection, existing.id, candidate, now)
        add_observation(
            connection,
            replace(look, outcome=Outcome.ALIAS, raw=None),
            recorded_at=learnt_at,
            article_id=existing.id,
        )
        return Outcome.ALIAS, f"another URL of {existing.canonical_url}"
    memberships = decide_memberships(assessment)
    if not memberships:
        refused = discard_off_story(
            candidate, assessment.relevances, stage=Stage.TEXT, rule_version=context.rule_version
        )
        # Not the body: what is not on the story is none of the archive's business.
        off_story = replace(look, outcome=Outcome.OFF_STORY, raw=None)
        add_observation(connection, off_story, recorded_at=learnt_at)
        add_discards(connection, {key_of(candidate): refused}, learnt_at)
        return Outcome.OFF_STORY, refused.rule
    return _store_new(
        connection,
        context,
        candidate,
        article=article,
        assessment=assessment,
        memberships=memberships,
        look=look,
        urls=urls,
    )


def is_known_wall(connection: Connection, article: Article) -> bool:
    """Whether other addresses of the outlet showed this page in place of their articles."""
    mark = page_mark(article.title, article.text)
    domain = registered_domain(article.canonical_url)
    return stands_elsewhere(connection, mark, domain=domain, besides=None)


def _dated_by_feed(article: Article, candidate: Candidate) -> Article:
    """The article with its feed's date of change, where the page states none."""
    if article.modified is not None or candidate.modified is None:
        return article
    modified = DatedBy(
        value=candidate.modified,
        source=DateSource.FEED,
        confidence=CONFIDENCE[DateSource.FEED],
    )
    return replace(article, modified=modified)


def _store_new(
    connection: Connection,
    context: Context,
    candidate: Candidate,
    *,
    article: Article,
    assessment: Assessment,
    memberships: tuple[Relevance, ...],
    look: Observation,
    urls: dict[str, tuple[str, str]],
) -> Report:
    now, learnt_at = look.observed_at, context.now()
    domain = registered_domain(article.canonical_url)
    outlet_id = ensure_outlet(connection, Outlet(domain=domain, name=article.site_name or domain))
    article_id = add_article(
        connection,
        outlet_id=outlet_id,
        canonical_url=article.canonical_url,
        check_url=_answering_url(article, look),
        published=article.published,
        bounds=bound_published(article.published, known_by=now),
        now=now,
        recorded_at=learnt_at,
    )
    add_urls(connection, article_id, urls, now)
    _note_feed(connection, article_id, candidate, now)
    set_memberships(connection, article_id, memberships, learnt_at)
    version_id = store_version(
        connection, context, article_id, article=article, assessment=assessment, now=now
    )
    follow_version(connection, article_id, version_id, learnt_at)
    add_observation(
        connection, look, recorded_at=learnt_at, article_id=article_id, version_id=version_id
    )
    live = look.source is ObservationSource.LIVE
    plan = plan_check_after_change(now=now, budget=context.check_budget, jitter=context.chance())
    headers = look.headers or {}
    record_check(
        connection,
        article_id,
        CheckState(
            state=ArticleState.LIVE,
            interval_seconds=plan.interval_seconds,
            next_check_at=plan.next_check_at if live else now,
            checked_at=now,
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
        ),
    )
    return Outcome.NEW_VERSION, article.title


def _answering_url(article: Article, look: Observation) -> str:
    """The address to ask when looking again: the canonical one if it is surely the same page.

    A canonical URL has lost "m." and AMP, and a site need not answer there.
    """
    answered = urlsplit(look.final_url or look.requested_url)
    canonical = urlsplit(article.canonical_url)
    same = (answered.netloc, answered.path) == (canonical.netloc, canonical.path)
    return article.canonical_url if same else answered.geturl()


def known_under(
    candidate: Candidate, article: Article, redirected_to: str | None
) -> dict[str, tuple[str, str]]:
    """Every URL the article goes by: key -> (url, kind); the page's own word comes first."""
    kind = "feed" if candidate.feed_id is not None else "given"
    urls = {url_key(article.canonical_url): (article.canonical_url, "canonical")}
    urls.setdefault(key_of(candidate), (candidate.url, kind))
    if redirected_to is not None:
        try:
            final = canonicalize(redirected_to)
        except BadURLError:
            return urls
        urls.setdefault(url_key(final), (redirected_to, "redirect"))
    return urls


def key_of(candidate: Candidate) -> str:
    """The key of a candidate's URL."""
    return url_key(candidate.canonical_url)


def _note_feed(
    connection: Connection, article_id: int, candidate: Candidate, now: datetime
) -> None:
    if candidate.feed_id is not None:
        note_seen_in_feed(
            connection, [seen_entry(article_id, candidate)], feed_id=candidate.feed_id, now=now
        )


def seen_entry(article_id: int, candidate: Candidate) -> SeenEntry:
    """A feed's entry of a stored article; what is hashed changes when the article does."""
    modified = candidate.modified.isoformat() if candidate.modified else ""
    told = "\n".join((candidate.title, candidate.summary, modified))
    return SeenEntry(
        article_id=article_id,
        guid=candidate.guid,
        entry_hash=sha256(told.encode("utf-8", "replace")).hexdigest(),
        modified_at=candidate.modified,
    )


def _settle_problem(
    connection: Connection,
    context: Context,
    claimed: ClaimedCandidate,
    *,
    problem: Failure | Rejection,
    page: FetchedPage | None,
) -> Report:
    now = problem.at if isinstance(problem, Failure) else context.now()
    seen = problem_observation(claimed.candidate.url, problem, page, now)
    add_observation(connection, seen, recorded_at=context.now())
    detail = f"{problem.kind}: {problem.reason}"
    retry_at = plan_retry(
        claimed.attempts,
        kind=problem.kind,
        retry_after_seconds=problem.retry_after_seconds if isinstance(problem, Failure) else None,
        now=now,
        budget=context.retry_budget,
        jitter=context.chance(),
    )
    if retry_at is not None:
        postpone_candidate(connection, claimed.id, retry_at)
        return Outcome.FAILED, f"{detail}; again at {retry_at:%Y-%m-%d %H:%M:%S}"
    candidate = claimed.candidate
    refused = Discard(
        url=candidate.url,
        canonical_url=candidate.canonical_url,
        title=candidate.title,
        stage=Stage.FETCH if page is None else Stage.EXTRACT,
        rule=problem.kind.value,
        score=None,
        rule_version=context.rule_version,
        detail=f"{problem.reason} (attempt {claimed.attempts})",
        feed_id=candidate.feed_id,
    )
    add_discards(connection, {key_of(candidate): refused}, now)
    drop_candidate(connection, claimed.id)
    return Outcome.FAILED, detail
