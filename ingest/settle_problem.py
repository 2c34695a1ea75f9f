"""What a later look that gave no article leaves behind, inside one transaction.

The article keeps its version. Gone and blocked are said after two signs, the second after the
grace period; a wall is never a version.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from ingest.context import Context
from ingest.model import ArticleState, EventKind, Failure, FetchedPage, Outcome, Rejection
from ingest.observations import problem_observation
from ingest.recheck import DEGRADED, StateDecision, decide_state
from ingest.schedule import CheckPlan, plan_check_after_failure, plan_check_to_confirm
from ingest.settle_look import Look, Report, watch_outlet, write_check
from ingest.trip import NO_VALIDATORS
from ingest.work import PageReading
from storage.articles import StoredArticle
from storage.lifecycle import add_event, has_alarm
from storage.versions import add_observation, past_looks

_EVENTS = {ArticleState.GONE: EventKind.GONE, ArticleState.BLOCKED: EventKind.BLOCKED}


def settle_problem(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    problem: Failure | Rejection,
    page: FetchedPage | None,
    reading: PageReading | None = None,
    mark: str | None = None,
) -> Report:
    """Write a failed look: observation, state, event, alarm, and when to look again.

    `mark` is that of a page which has nothing of the article.
    """
    now = problem.at if isinstance(problem, Failure) else context.now()
    seen = problem_observation(stored.check_url, problem, page, now, reading=reading)
    look = Look(article=stored, observation=replace(seen, page_mark=mark), page=page)
    learnt_at = context.now()
    add_observation(connection, look.observation, recorded_at=learnt_at, article_id=stored.id)
    decision = decide_state(
        past_looks(connection, stored.id),
        before=stored.state,
        grace_seconds=context.check_budget.grace_seconds,
        alarmed=has_alarm(connection, stored.outlet_id),
    )
    reason = f"{problem.kind}: {problem.reason}"
    if decision.state is not stored.state:
        assert decision.first_sign_at is not None
        add_event(
            connection,
            stored.id,
            _EVENTS[decision.state],
            first_sign_at=decision.first_sign_at,
            decided_at=now,
            recorded_at=learnt_at,
            reason=reason,
        )
    retry_after = problem.retry_after_seconds if isinstance(problem, Failure) else None
    # A hiccup says nothing of the page; where nothing was understood, nothing may vouch for it.
    temporary = isinstance(problem, Failure) and problem.kind.temporary
    write_check(
        connection,
        stored,
        _plan(context, look, decision, retry_after=retry_after),
        state=decision.state,
        now=now,
        validators=stored.validators if temporary else NO_VALIDATORS,
    )
    if problem.kind in DEGRADED:
        watch_outlet(connection, stored, now)
    return Outcome.FAILED, reason


def _plan(
    context: Context, look: Look, decision: StateDecision, *, retry_after: float | None
) -> CheckPlan:
    stored, budget = look.article, context.check_budget
    if not decision.proven and stored.check_interval_seconds:
        return plan_check_to_confirm(
            interval_seconds=stored.check_interval_seconds,
            wait_seconds=max(budget.grace_seconds, retry_after or 0.0),
            now=look.now,
            budget=budget,
            jitter=context.chance(),
        )
    return plan_check_after_failure(
        interval_seconds=stored.check_interval_seconds,
        since=stored.current.first_observed_at,
        retry_after_seconds=retry_after,
        now=look.now,
        budget=budget,
        jitter=context.chance(),
        lost=decision.state is not ArticleState.LIVE,
    )
