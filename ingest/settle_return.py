"""What a look at an earlier version's content leaves behind, inside the caller's transaction.

An old copy out of a cache, or, after enough looks in a row, a return.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.changes import content_hash
from ingest.context import Context
from ingest.model import Article, ChangeKind, Outcome
from ingest.noting import note_repeat
from ingest.pagelines import without_page_lines
from ingest.recheck import Return, is_old_copy, overtaken_return, weigh_return
from ingest.schedule import CheckPlan, plan_check_to_confirm
from ingest.settle_look import Look, Report, plan_unchanged, settle_live
from ingest.settle_next import compare_with_current, current_extractor, settle_version
from ingest.work import PageReading
from storage.articles import StoredArticle, get_article, set_current_version
from storage.repeats import repeat_version
from storage.versions import (
    PastContent,
    add_change,
    add_observation,
    count_changes,
    past_looks,
)

_FLIPPING = 3  # times that earlier content came and left, after which it is not hurried after


def find_known(past: tuple[PastContent, ...], article: Article) -> PastContent | None:
    """The earlier version with this content; counters and links of the page aside."""
    own = content_hash(article.title, article.text)
    core = content_hash(article.title, without_page_lines(article.text))
    for item in past:
        if own == item.content_hash:
            return item
        if core == content_hash(item.title, without_page_lines(item.text)):
            return item
    return None


def settle_return(
    connection: Connection,
    context: Context,
    look: Look,
    *,
    article: Article,
    reading: PageReading,
    known: PastContent,
) -> Report:
    stored, page = look.article, look.page
    assert page is not None
    old_copy = is_old_copy(
        headers=page.headers,
        fetched_at=look.now,
        modified_at=article.modified.value if article.modified else None,
        current_seen_at=stored.current.first_observed_at,
        current_modified_at=stored.current.modified_at,
        current_last_modified=stored.validators.last_modified,
    )
    weighed = weigh_return(
        past_looks(connection, stored.id),
        version_id=known.version_id,
        returns=count_changes(connection, stored.id, ChangeKind.REVERTED),
        old_copy=old_copy,
        now=look.now,
    )
    if weighed.settled:
        return settle_version(
            connection,
            context,
            look,
            article=article,
            assessment=reading.assessment,
            seen_before=True,
            since=weighed.first_seen_at,
        )
    outcome = Outcome.STALE if old_copy else Outcome.UNSETTLED
    told = "an old copy" if old_copy else "an earlier version"
    detail = f"{told}, look {weighed.looks} of the {weighed.needed} that it takes"
    add_observation(
        connection,
        replace(look.observation, outcome=outcome, reason=detail, raw=None),
        recorded_at=context.now(),
        article_id=stored.id,
        version_id=known.version_id,
    )
    # The validators stay those of the current version: a 304 says that it is there.
    settle_live(
        connection,
        context,
        look,
        _plan_return(connection, context, look, weighed),
        validators=stored.validators,
    )
    return outcome, detail


def _plan_return(
    connection: Connection, context: Context, look: Look, weighed: Return
) -> CheckPlan:
    """The next look soon, unless the content is known to flip."""
    if weighed.flips >= _FLIPPING:
        return plan_unchanged(connection, context, look)
    return plan_check_to_confirm(
        interval_seconds=look.article.check_interval_seconds,
        wait_seconds=context.check_budget.first_seconds,
        now=look.now,
        budget=context.check_budget,
        jitter=context.chance(),
    )


def catch_up(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    past: tuple[PastContent, ...],
) -> StoredArticle:
    """Write the return that new content overtook, and return the article as it then stood."""
    overtaken = overtaken_return(past_looks(connection, stored.id))
    if overtaken is None:
        return stored
    version_id, since = overtaken
    back = next((item for item in past if item.version_id == version_id), None)
    if back is None:
        return stored
    _store_return(connection, stored, back=back, since=since, recorded_at=context.now())
    current = get_article(connection, stored.id)
    assert current is not None
    return replace(current, validators=stored.validators)


def _store_return(
    connection: Connection,
    stored: StoredArticle,
    *,
    back: PastContent,
    since: datetime,
    recorded_at: datetime,
) -> None:
    """Write a return that is over: the earlier version once more, between the last and the next."""
    change = compare_with_current(
        stored, title=back.title, text=back.text, extractor=current_extractor(stored), seen=True
    )
    assert change is not None
    repeated = repeat_version(
        connection,
        back.version_id,
        first_observed_at=since,
        seen_at=since,
        recorded_at=recorded_at,
    )
    set_current_version(connection, stored.id, repeated)
    note_repeat(connection, stored.id, repeated)
    add_change(
        connection,
        stored.id,
        change,
        from_version=stored.current.id,
        to_version=repeated,
        recorded_at=recorded_at,
    )
