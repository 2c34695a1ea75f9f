"""What every later look ends with: the check is written, and what the look means for others.

Inside the caller's transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ingest.context import Context
from ingest.model import ArticleState, EventKind, FetchedPage, Outcome, Validators
from ingest.recheck import REDESIGN_WITHIN, count_degraded, is_degraded
from ingest.schedule import CheckPlan, find_rhythm, plan_check_after_unchanged
from ingest.vouching import Record, vouches_for
from storage.articles import CheckState, StoredArticle, record_check
from storage.lifecycle import (
    add_event,
    clear_alarm,
    has_alarm,
    last_failures,
    raise_alarm,
)
from storage.versions import Observation, add_observation, extend_version
from storage.vouching import last_changes, listings_of

log = logging.getLogger("storywatch.articles")

Report = tuple[Outcome, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A later look at an article, about to be written."""

    article: StoredArticle
    observation: Observation
    page: FetchedPage | None = None

    @property
    def now(self) -> datetime:
        """When it was made."""
        return self.observation.observed_at


def settle_same(connection: Connection, context: Context, look: Look) -> Report:
    """Write a look that showed the current version; its validators vouch for it."""
    stored = look.article
    extend_version(connection, stored.current.id, look.now)
    add_observation(
        connection,
        look.observation,
        recorded_at=context.now(),
        article_id=stored.id,
        version_id=stored.current.id,
    )
    plan = plan_unchanged(connection, context, look)
    settle_live(connection, context, look, plan)
    return look.observation.outcome, look.observation.reason or ""


def plan_unchanged(connection: Connection, context: Context, look: Look) -> CheckPlan:
    """The plan after a look that made no difference."""
    interval = look.article.check_interval_seconds
    vouched = any(
        vouches_for(
            Record(told=item.told, untold=item.untold),
            poll_seconds=item.interval_seconds,
            check_seconds=interval,
        )
        for item in listings_of(connection, look.article.id)
    )
    return plan_check_after_unchanged(
        interval_seconds=interval,
        since=look.article.current.first_observed_at,
        now=look.now,
        budget=context.check_budget,
        jitter=context.chance(),
        vouched=vouched,
        rhythm_seconds=find_rhythm(last_changes(connection, look.article.id), now=look.now),
    )


def settle_live(
    connection: Connection,
    context: Context,
    look: Look,
    plan: CheckPlan,
    *,
    validators: Validators | None = None,
) -> None:
    """Write the check of an article that could be read; one that was gone or blocked is back."""
    stored = look.article
    if validators is None:
        validators = look.page.validators if look.page is not None else stored.validators
    write_check(
        connection, stored, plan, state=ArticleState.LIVE, now=look.now, validators=validators
    )
    if stored.state is not ArticleState.LIVE:
        add_event(
            connection,
            stored.id,
            EventKind.BACK,
            first_sign_at=look.now,
            decided_at=look.now,
            recorded_at=context.now(),
            reason=f"readable again; it was {stored.state}",
        )
    if has_alarm(connection, stored.outlet_id):
        watch_outlet(connection, stored, look.now)


def write_check(
    connection: Connection,
    stored: StoredArticle,
    plan: CheckPlan,
    *,
    state: ArticleState,
    now: datetime,
    validators: Validators,
) -> None:
    """Write when the article is looked at again, and how it stands."""
    record_check(
        connection,
        stored.id,
        CheckState(
            state=state,
            interval_seconds=plan.interval_seconds,
            next_check_at=plan.next_check_at,
            checked_at=now,
            etag=validators.etag,
            last_modified=validators.last_modified,
        ),
    )


def watch_outlet(connection: Connection, stored: StoredArticle, now: datetime) -> None:
    """Raise an alarm when the outlet's pages can't be read any more, clear it when they can."""
    alarmed = has_alarm(connection, stored.outlet_id)
    failures = last_failures(
        connection, stored.outlet_id, blocked_after=None if alarmed else now - REDESIGN_WITHIN
    )
    failed, looked = count_degraded(failures)
    if is_degraded(failures) and not alarmed:
        detail = f"no text in {failed} of the {looked} articles last looked at"
        raise_alarm(
            connection,
            stored.outlet_id,
            looks=looked,
            failed=failed,
            detail=detail,
            now=now,
        )
        log.warning("outlet of %s: %s; redesigned?", stored.canonical_url, detail)
    elif alarmed and not is_degraded(failures):
        clear_alarm(connection, stored.outlet_id, now)
        log.info("outlet of %s: its articles can be read again", stored.canonical_url)
