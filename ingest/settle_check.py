"""What a later look at an article leaves behind, inside one transaction.

304 | same content -> the version is extended
other content      -> the next version, and what changed
404 twice, 410     -> gone; blocked -> blocked; both keep the last version current
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.changes import classify_change, content_hash
from ingest.context import Context
from ingest.model import (
    Article,
    ArticleState,
    Failure,
    FailureKind,
    Fetched,
    FetchedPage,
    NotModified,
    Outcome,
    Rejection,
)
from ingest.relating import refresh_clusters
from ingest.schedule import (
    CheckPlan,
    plan_check_after_change,
    plan_check_after_failure,
    plan_check_after_unchanged,
)
from ingest.settle_first import problem_observation
from ingest.settle_version import page_observation, store_version
from ingest.work import PageReading
from storage.articles import CheckState, StoredArticle, improve_published, record_check
from storage.versions import (
    Observation,
    add_change,
    add_observation,
    extend_version,
    last_failure,
    seen_before,
)

Report = tuple[Outcome, str]


def settle_check(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    fetched: Fetched,
    reading: PageReading | Rejection | None,
) -> Report:
    """Write the outcome of a later look."""
    if isinstance(fetched, Failure):
        return _settle_problem(connection, context, stored, problem=fetched, page=None)
    if isinstance(fetched, NotModified):
        look = Observation(
            requested_url=fetched.requested_url,
            observed_at=fetched.fetched_at,
            outcome=Outcome.NOT_MODIFIED,
            status=304,
            ms=fetched.elapsed_ms,
        )
        return _settle_same(connection, context, stored, look=look, page=None)
    content = reading.content if isinstance(reading, PageReading) else reading
    if not isinstance(content, Article):
        assert content is not None
        return _settle_problem(connection, context, stored, problem=content, page=fetched)
    assert isinstance(reading, PageReading)
    look = page_observation(fetched, reading, Outcome.UNCHANGED)
    if content_hash(content.title, content.text) == stored.current.content_hash:
        return _settle_same(connection, context, stored, look=look, page=fetched)
    return _settle_change(
        connection, context, stored, article=content, reading=reading, look=look, page=fetched
    )


def _settle_same(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    look: Observation,
    page: FetchedPage | None,
) -> Report:
    now = look.observed_at
    extend_version(connection, stored.current.id, now)
    add_observation(connection, look, article_id=stored.id, version_id=stored.current.id)
    plan = plan_check_after_unchanged(
        interval_seconds=stored.check_interval_seconds,
        first_seen_at=stored.first_seen_at,
        now=now,
        budget=context.check_budget,
        jitter=context.chance(),
    )
    _record(connection, stored, plan, state=ArticleState.LIVE, now=now, page=page)
    return look.outcome, ""


def _settle_change(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    article: Article,
    reading: PageReading,
    look: Observation,
    page: FetchedPage,
) -> Report:
    now = look.observed_at
    current = stored.current
    assert reading.assessment is not None
    change = classify_change(
        old_title=current.title,
        old_text=current.text,
        new_title=article.title,
        new_text=article.text,
        old_extractor=f"{current.extractor} {current.extractor_version}",
        new_extractor=f"{article.extractor} {article.extractor_version}",
        seen_before=seen_before(connection, stored.id, content_hash(article.title, article.text)),
        language=article.language,
    )
    if change is None:  # differs in what normalisation drops
        return _settle_same(connection, context, stored, look=look, page=page)
    version_id = store_version(
        connection,
        context,
        stored.id,
        article=article,
        assessment=reading.assessment,
        now=now,
    )
    add_change(connection, stored.id, change, from_version=current.id, to_version=version_id)
    add_observation(
        connection,
        replace(look, outcome=Outcome.NEW_VERSION),
        article_id=stored.id,
        version_id=version_id,
    )
    if improve_published(connection, stored, article.published):
        refresh_clusters(connection, [stored.id], now)
    plan = plan_check_after_change(now=now, budget=context.check_budget, jitter=context.chance())
    _record(connection, stored, plan, state=ArticleState.LIVE, now=now, page=page)
    return Outcome.NEW_VERSION, f"{change.kind}: {change.reason}"


def _settle_problem(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    problem: Failure | Rejection,
    page: FetchedPage | None,
) -> Report:
    now = problem.at if isinstance(problem, Failure) else context.now()
    previous = last_failure(connection, stored.id)
    state = state_after(problem.kind, before=stored.state, previous=previous)
    add_observation(
        connection,
        problem_observation(stored.check_url, problem, page, now),
        article_id=stored.id,
    )
    plan = plan_check_after_failure(
        interval_seconds=stored.check_interval_seconds,
        first_seen_at=stored.first_seen_at,
        kind=problem.kind,
        retry_after_seconds=problem.retry_after_seconds if isinstance(problem, Failure) else None,
        repeated=previous == problem.kind.value,
        now=now,
        budget=context.check_budget,
        jitter=context.chance(),
    )
    # Nothing may vouch for a body that was not understood: the next look is unconditional.
    _record(connection, stored, plan, state=state, now=now, page=None, forget=True)
    return Outcome.FAILED, f"{problem.kind}: {problem.reason}"


def state_after(kind: FailureKind, *, before: ArticleState, previous: str | None) -> ArticleState:
    """The article's state after a failed look: 410 is final, a 404 needs a second one."""
    if kind is FailureKind.GONE:
        return ArticleState.GONE
    if kind in {FailureKind.NOT_FOUND, FailureKind.SOFT_404}:
        return ArticleState.GONE if previous == kind.value else before
    if kind is FailureKind.BLOCKED:
        return ArticleState.BLOCKED
    return before


def _record(
    connection: Connection,
    stored: StoredArticle,
    plan: CheckPlan,
    *,
    state: ArticleState,
    now: datetime,
    page: FetchedPage | None,
    forget: bool = False,
) -> None:
    validators = page.validators if page is not None else stored.validators
    record_check(
        connection,
        stored.id,
        CheckState(
            state=state,
            interval_seconds=plan.interval_seconds,
            next_check_at=plan.next_check_at,
            checked_at=now,
            etag=None if forget else validators.etag,
            last_modified=None if forget else validators.last_modified,
        ),
    )
