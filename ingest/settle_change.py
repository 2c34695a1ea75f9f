"""What a look that shows other content leaves behind, inside one transaction.

lines of the page again -> the current version, extended
earlier content         -> an old copy, or after enough looks a return
hardly any text         -> a failed look
anything else           -> the next version, and what changed
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.changes import (
    classify_change,
    content_hash,
    has_notice,
    moves_counter,
    only_page_lines_differ,
)
from ingest.context import Context
from ingest.model import (
    Article,
    Change,
    ChangeKind,
    FailureKind,
    Outcome,
    Rejection,
)
from ingest.pagelines import is_teaser, without_page_lines
from ingest.recheck import (
    COUNTER_MOVED,
    Return,
    always_differs,
    has_collapsed,
    is_old_copy,
    overtaken_return,
    weigh_return,
)
from ingest.relating import refresh_clusters
from ingest.schedule import CheckPlan, plan_check_after_change, plan_check_to_confirm
from ingest.settle_look import Look, Report, plan_unchanged, settle_live, settle_same
from ingest.settle_problem import settle_problem
from ingest.settle_version import store_version
from ingest.travelling import follow_version
from ingest.work import PageReading
from storage.articles import (
    StoredArticle,
    get_article,
    improve_published,
    set_current_version,
)
from storage.lifecycle import text_relatives, usual_words, wake_articles
from storage.repeats import repeat_version
from storage.versions import (
    PastContent,
    add_change,
    add_observation,
    count_changes,
    last_added,
    past_contents,
    past_looks,
)

_IDLE = frozenset({ChangeKind.BOILERPLATE, ChangeKind.MINOR, ChangeKind.REEXTRACTED})
"""Changes that promise no further ones."""
_CONCERNING = frozenset(
    {ChangeKind.CORRECTION, ChangeKind.SUBSTANTIVE, ChangeKind.AGENCY, ChangeKind.REVERTED}
)
"""Changes of what an article says, which those that have its text may take over."""
_FLIPPING = 3  # times that earlier content came and left, after which it is not hurried after


def settle_change(
    connection: Connection,
    context: Context,
    look: Look,
    *,
    article: Article,
    reading: PageReading,
) -> Report:
    """Write a look at content that is not the current version's."""
    stored, page = look.article, look.page
    assert page is not None
    if _is_noise_again(connection, stored, article):
        return _settle_noise(connection, context, look, "only lines of the page differ")
    past = past_contents(connection, stored.id, before=stored.current.id)
    known = _find_known(past, article)
    if known is not None:
        return _settle_return(
            connection, context, look, article=article, reading=reading, known=known
        )
    if is_teaser(article.text, before=stored.current.text) or has_collapsed(
        article.words,
        words_before=stored.current.words,
        usual=usual_words(connection, stored.outlet_id, besides=stored.id),
        explains_itself=has_notice(article.text),
    ):
        collapsed = Rejection(
            kind=FailureKind.COLLAPSED,
            reason=f"{article.words} words are left of {stored.current.words}",
        )
        return settle_problem(
            connection, context, stored, problem=collapsed, page=page, reading=reading
        )
    look = replace(look, article=_catch_up(connection, look.article, past))
    return _settle_version(
        connection,
        context,
        look,
        article=article,
        assessment=reading.assessment,
        seen_before=False,
        since=look.now,
    )


def _is_noise_again(connection: Connection, stored: StoredArticle, article: Article) -> bool:
    """Whether only lines of the page differ, and the article has shown before that they do."""
    return only_page_lines_differ(
        old_title=stored.current.title,
        old_text=stored.current.text,
        new_title=article.title,
        new_text=article.text,
    ) and bool(count_changes(connection, stored.id, ChangeKind.BOILERPLATE))


def _settle_noise(connection: Connection, context: Context, look: Look, reason: str) -> Report:
    """Write a look at which the article itself was as before; its body is not kept."""
    noise = replace(look.observation, outcome=Outcome.NOISE, reason=reason, raw=None)
    return settle_same(connection, context, replace(look, observation=noise))


def _find_known(past: tuple[PastContent, ...], article: Article) -> PastContent | None:
    """The earlier version with this content; counters and links of the page aside."""
    own = content_hash(article.title, article.text)
    core = content_hash(article.title, without_page_lines(article.text))
    for item in past:
        if own == item.content_hash:
            return item
        if core == content_hash(item.title, without_page_lines(item.text)):
            return item
    return None


def _settle_return(
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
        return _settle_version(
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
        article_id=stored.id,
        version_id=known.version_id,
    )
    # The validators stay those of the current version: a 304 says that it is there.
    settle_live(
        connection,
        look,
        _plan_return(context, look, weighed),
        validators=stored.validators,
    )
    return outcome, detail


def _plan_return(context: Context, look: Look, weighed: Return) -> CheckPlan:
    """The next look soon, unless the content is known to flip."""
    if weighed.flips >= _FLIPPING:
        return plan_unchanged(context, look)
    return plan_check_to_confirm(
        interval_seconds=look.article.check_interval_seconds,
        wait_seconds=context.check_budget.first_seconds,
        now=look.now,
        budget=context.check_budget,
        jitter=context.chance(),
    )


def _catch_up(
    connection: Connection, stored: StoredArticle, past: tuple[PastContent, ...]
) -> StoredArticle:
    """Write the return that new content overtook, and return the article as it then stood."""
    overtaken = overtaken_return(past_looks(connection, stored.id))
    if overtaken is None:
        return stored
    version_id, since = overtaken
    back = next((item for item in past if item.version_id == version_id), None)
    if back is None:
        return stored
    _store_return(connection, stored, back=back, since=since)
    current = get_article(connection, stored.id)
    assert current is not None
    return replace(current, validators=stored.validators)


def _settle_version(
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
        return _settle_noise(connection, context, look, COUNTER_MOVED)
    version_id = store_version(
        connection, context, stored.id, article=article, assessment=assessment, now=since
    )
    extend_to = replace(look.observation, outcome=Outcome.NEW_VERSION)
    add_observation(connection, extend_to, article_id=stored.id, version_id=version_id)
    add_change(connection, stored.id, change, from_version=stored.current.id, to_version=version_id)
    follow_version(connection, stored.id, version_id, look.now)
    if improve_published(connection, stored, article.published):
        refresh_clusters(connection, [stored.id], look.now)
    if change.kind in _CONCERNING:
        wake_articles(
            connection,
            text_relatives(connection, stored.id),
            reason=f"{change.kind} in a relative, article {stored.id}",
            now=look.now,
            rested=timedelta(seconds=context.check_budget.first_seconds / 2),
        )
    if change.kind in _IDLE:
        plan = plan_unchanged(context, look)
    else:
        plan = plan_check_after_change(
            now=look.now, budget=context.check_budget, jitter=context.chance()
        )
    settle_live(connection, look, plan)
    return Outcome.NEW_VERSION, f"{change.kind}: {change.reason}"


def _store_return(
    connection: Connection,
    stored: StoredArticle,
    *,
    back: PastContent,
    since: datetime,
) -> None:
    """Write a return that is over: the earlier version once more, between the last and the next."""
    change = _compare(
        stored, title=back.title, text=back.text, extractor=current_extractor(stored), seen=True
    )
    assert change is not None
    repeated = repeat_version(connection, back.version_id, first_observed_at=since, seen_at=since)
    set_current_version(connection, stored.id, repeated)
    add_change(connection, stored.id, change, from_version=stored.current.id, to_version=repeated)


def _tell_change(stored: StoredArticle, article: Article, *, seen_before: bool) -> Change | None:
    extractor = f"{article.extractor} {article.extractor_version}"
    return _compare(
        stored, title=article.title, text=article.text, extractor=extractor, seen=seen_before
    )


def _compare(
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
            connection, stored.id, change, from_version=stored.current.id, to_version=version_id
        )
    renewed = get_article(connection, stored.id)
    assert renewed is not None
    return renewed
