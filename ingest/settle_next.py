"""Writing the next version of an article with what changed, inside the caller's transaction.

Article -> classify_change -> version, change, travels -> relatives woken -> next look
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.changes import classify_change, moves_counter
from ingest.context import Context
from ingest.dates import bound_published
from ingest.model import Article, Change, ChangeKind, Outcome
from ingest.recheck import COUNTER_MOVED, always_differs
from ingest.relating import refresh_clusters
from ingest.schedule import plan_check_after_change
from ingest.settle_look import Look, Report, plan_unchanged, settle_live, settle_same
from ingest.settle_version import store_version
from ingest.travelling import follow_version
from ingest.waking import wake
from storage.articles import StoredArticle, get_article, improve_published
from storage.lifecycle import text_relatives
from storage.versions import add_change, add_observation, last_added, past_looks

_IDLE = frozenset({ChangeKind.BOILERPLATE, ChangeKind.MINOR, ChangeKind.REEXTRACTED})
"""Changes that promise no further ones."""
_CONCERNING = frozenset(
    {ChangeKind.CORRECTION, ChangeKind.SUBSTANTIVE, ChangeKind.AGENCY, ChangeKind.REVERTED}
)
"""Changes of what an article says, which those that have its text may take over."""


def settle_version(
    connection: Connection,
    context: Context,
    look: Look,
    *,
    article: Article,
    assessment: Assessment | None,
    seen_before: bool,
    since: datetime,
) -> Report:
    stored = look.article
    assert assessment is not None
    change = _tell_change(stored, article, seen_before=seen_before)
    if change is None:  # differs in what normalisation drops
        return settle_same(connection, context, look)
    if moves_counter(change, last_added(connection, stored.id)) and always_differs(
        past_looks(connection, stored.id)
    ):
        return settle_noise(connection, context, look, COUNTER_MOVED)
    version_id = store_version(
        connection, context, stored.id, article=article, assessment=assessment, now=since
    )
    extend_to = replace(look.observation, outcome=Outcome.NEW_VERSION)
    learnt_at = context.now()
    add_observation(
        connection,
        extend_to,
        recorded_at=learnt_at,
        article_id=stored.id,
        version_id=version_id,
    )
    add_change(
        connection,
        stored.id,
        change,
        from_version=stored.current.id,
        to_version=version_id,
        recorded_at=learnt_at,
    )
    follow_version(connection, stored.id, version_id, learnt_at)
    bounds = bound_published(article.published, known_by=stored.first_seen_at)
    if improve_published(connection, stored, article.published, bounds=bounds):
        refresh_clusters(connection, [stored.id], look.now)
    if change.kind in _CONCERNING:
        relatives = text_relatives(connection, stored.id)
        reason = f"{change.kind} in a relative, article {stored.id}"
        wake(connection, context, dict.fromkeys(relatives), reason=reason, now=look.now)
    if change.kind in _IDLE:
        plan = plan_unchanged(connection, context, look)
    else:
        plan = plan_check_after_change(
            now=look.now, budget=context.check_budget, jitter=context.chance()
        )
    settle_live(connection, context, look, plan)
    return Outcome.NEW_VERSION, f"{change.kind}: {change.reason}"


def settle_noise(connection: Connection, context: Context, look: Look, reason: str) -> Report:
    """Write a look at which the article itself was as before; its body is not kept."""
    noise = replace(look.observation, outcome=Outcome.NOISE, reason=reason, raw=None)
    return settle_same(connection, context, replace(look, observation=noise))


def settle_reextraction(
    connection: Connection,
    context: Context,
    stored: StoredArticle,
    *,
    article: Article,
    assessment: Assessment,
) -> StoredArticle:
    """Write what today's extractor reads in a stored body; return the article as it stands then.

    No look was made: the schedule stays as it is.
    """
    now = context.now()
    present = get_article(connection, stored.id)
    assert present is not None
    if present.current.id != stored.current.id:
        return present  # something newer came in between
    change = _tell_change(stored, article, seen_before=False)
    if change is not None:
        version_id = store_version(
            connection, context, stored.id, article=article, assessment=assessment, now=now
        )
        add_change(
            connection,
            stored.id,
            change,
            from_version=stored.current.id,
            to_version=version_id,
            recorded_at=now,
        )
    renewed = get_article(connection, stored.id)
    assert renewed is not None
    return renewed


def _tell_change(stored: StoredArticle, article: Article, *, seen_before: bool) -> Change | None:
    extractor = f"{article.extractor} {article.extractor_version}"
    return compare_with_current(
        stored, title=article.title, text=article.text, extractor=extractor, seen=seen_before
    )


def compare_with_current(
    stored: StoredArticle, *, title: str, text: str, extractor: str, seen: bool
) -> Change | None:
    current = stored.current
    return classify_change(
        old_title=current.title,
        old_text=current.text,
        new_title=title,
        new_text=text,
        old_extractor=current_extractor(stored),
        new_extractor=extractor,
        seen_before=seen,
    )


def current_extractor(stored: StoredArticle) -> str:
    """What made the text of the current version."""
    return f"{stored.current.extractor} {stored.current.extractor_version}"
