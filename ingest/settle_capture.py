"""What a capture of an archive leaves behind, inside one transaction: a look with its own time.

no article known under its URLs -> as a first look, dated by the capture
known, and no article in it     -> a failed look; the article's state and schedule are the daemon's
known, shows a version          -> the version reaches to the capture's time
known, shows something else     -> a version with its place in the history, or a doubtful look

The same archive may be read again, beside the daemon or before it: what is written down already is
left alone, and the order in which captures come in changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from ingest.changes import content_hash, only_page_lines_differ
from ingest.context import Context
from ingest.model import (
    Article,
    Candidate,
    ChangeKind,
    Discard,
    FailureKind,
    FetchedPage,
    ObservationSource,
    Outcome,
    Rejection,
    Stage,
)
from ingest.observations import page_observation
from ingest.otherpage import is_other_page, page_mark
from ingest.pagelines import has_notice, is_teaser
from ingest.placing import Run, Where, find_place
from ingest.recheck import has_collapsed
from ingest.relating import refresh_clusters
from ingest.settle_first import Report, is_known_wall, key_of, known_under, settle_article
from ingest.settle_past import Capture, settle_past
from ingest.work import PageReading
from storage.articles import add_urls, find_article, lock_urls
from storage.candidates import add_discards
from storage.lifecycle import usual_words
from storage.timeline import (
    DoubtfulLook,
    TimedVersion,
    doubtful_looks,
    has_capture,
    lock_history,
    make_room,
    move_first_seen,
    split_version,
    stretch_version,
    timed_versions,
)
from storage.versions import Observation, add_observation, count_changes

_LOOKS_OF_A_RETURN = 2


def settle_capture(
    connection: Connection,
    context: Context,
    candidate: Candidate,
    *,
    page: FetchedPage,
    reading: PageReading | Rejection,
    source: ObservationSource,
) -> Report | None:
    """Write a capture; None when it was written before."""
    if has_capture(connection, url=page.requested_url, at=page.fetched_at, source=source):
        return None
    known_reading = reading if isinstance(reading, PageReading) else None
    look = replace(page_observation(page, known_reading, Outcome.NEW_VERSION), source=source)
    content = reading.content if isinstance(reading, PageReading) else reading
    if isinstance(content, Article) and is_known_wall(connection, content):
        content = Rejection(
            kind=FailureKind.BLOCKED, reason=f"a known wall: {content.title[:80]!r}"
        )
    final = page.final_url if page.redirects else None
    if isinstance(content, Rejection):
        return _settle_problem(connection, context, candidate, problem=content, look=look)
    assert known_reading is not None
    assert known_reading.assessment is not None
    urls = known_under(candidate, content, final)
    lock_urls(connection, urls)
    stored = find_article(connection, urls)
    if stored is None:
        return settle_article(
            connection,
            context,
            candidate,
            article=content,
            assessment=known_reading.assessment,
            look=look,
            redirected_to=final,
        )
    lock_history(connection, stored.id)
    add_urls(connection, stored.id, urls, page.fetched_at)
    capture = Capture(
        stored=stored, article=content, assessment=known_reading.assessment, look=look
    )
    report = _settle_known(connection, context, capture)
    if report[0] is not Outcome.FAILED and move_first_seen(connection, stored.id, page.fetched_at):
        refresh_clusters(connection, [stored.id], context.now())
    return report


def _settle_problem(
    connection: Connection,
    context: Context,
    candidate: Candidate,
    *,
    problem: Rejection,
    look: Observation,
) -> Report:
    """A capture without an article: nothing can be tried again, so an unknown URL is a discard."""
    stored = find_article(connection, [key_of(candidate)])
    failed = replace(
        look, outcome=Outcome.FAILED, failure=problem.kind.value, reason=problem.reason, raw=None
    )
    add_observation(
        connection,
        failed,
        recorded_at=context.now(),
        article_id=None if stored is None else stored.id,
    )
    detail = f"{problem.kind}: {problem.reason}"
    if stored is None:
        refused = Discard(
            url=candidate.url,
            canonical_url=candidate.canonical_url,
            title=candidate.title,
            stage=Stage.EXTRACT,
            rule=problem.kind.value,
            score=None,
            rule_version=context.rule_version,
            detail=f"{problem.reason} (a capture of {look.observed_at:%Y-%m-%d %H:%M})",
            feed_id=None,
        )
        add_discards(connection, {key_of(candidate): refused}, context.now())
    return Outcome.FAILED, detail


def _settle_known(connection: Connection, context: Context, capture: Capture) -> Report:
    versions = {item.id: item for item in timed_versions(connection, capture.stored.id)}
    place = find_place(
        [_run(item) for item in versions.values()],
        content_hash=content_hash(capture.article.title, capture.article.text),
        at=capture.look.observed_at,
    )
    before, after, earlier = (
        None if run is None else versions[run.version_id]
        for run in (place.run, place.following, place.earlier)
    )
    if place.where is Where.SAME:
        assert before is not None
        return _settle_same(connection, context, capture, before, outcome=Outcome.UNCHANGED)
    report = _settle_no_version(connection, context, capture, before, after)
    if report is not None:
        return report
    if place.where is Where.WITHIN:
        assert before is not None
        if earlier is not None:
            return _settle_doubtful(connection, context, capture, earlier)
        at = capture.look.observed_at
        later = split_version(connection, before, capture.stored.id, at, recorded_at=context.now())
        rest = replace(before, id=later, seq=before.seq + 2)
        return settle_past(
            connection, context, capture, before=before, after=rest, seq=before.seq + 1
        )
    looks: tuple[DoubtfulLook, ...] = ()
    if earlier is not None:
        assert before is not None
        looks = _agreeing_looks(connection, capture, earlier, before=before, after=after)
        if len(looks) + 1 < _LOOKS_OF_A_RETURN:
            return _settle_doubtful(connection, context, capture, earlier)
    if after is not None:
        make_room(connection, capture.stored.id, seq=after.seq)
    return settle_past(
        connection,
        context,
        capture,
        before=before,
        after=after,
        seq=None if after is None else after.seq,
        returned=looks,
    )


def _run(version: TimedVersion) -> Run:
    return Run(
        version_id=version.id,
        seq=version.seq,
        content_hash=version.content_hash,
        first_observed_at=version.first_observed_at,
        last_observed_at=version.last_observed_at,
    )


def _settle_same(
    connection: Connection,
    context: Context,
    capture: Capture,
    version: TimedVersion,
    *,
    outcome: Outcome,
    reason: str | None = None,
) -> Report:
    stretch_version(connection, version.id, capture.look.observed_at)
    seen = replace(capture.look, outcome=outcome, reason=reason, raw=None)
    add_observation(
        connection,
        seen,
        recorded_at=context.now(),
        article_id=capture.stored.id,
        version_id=version.id,
    )
    return outcome, f"version {version.seq}"


def _settle_doubtful(
    connection: Connection, context: Context, capture: Capture, earlier: TimedVersion
) -> Report:
    """One look at what was there before, which may be an old copy."""
    reason = f"what version {earlier.seq} showed; it may be an old copy"
    seen = replace(capture.look, outcome=Outcome.UNSETTLED, reason=reason, raw=None)
    add_observation(
        connection,
        seen,
        recorded_at=context.now(),
        article_id=capture.stored.id,
        version_id=earlier.id,
    )
    return Outcome.UNSETTLED, reason


def _agreeing_looks(
    connection: Connection,
    capture: Capture,
    earlier: TimedVersion,
    *,
    before: TimedVersion,
    after: TimedVersion | None,
) -> tuple[DoubtfulLook, ...]:
    """The other looks in a gap that showed the same earlier version, unless one showed another."""
    looks = doubtful_looks(
        connection,
        capture.stored.id,
        after=before.last_observed_at,
        before=None if after is None else after.first_observed_at,
    )
    return looks if all(look.version_id == earlier.id for look in looks) else ()


def _settle_no_version(
    connection: Connection,
    context: Context,
    capture: Capture,
    before: TimedVersion | None,
    after: TimedVersion | None,
) -> Report | None:
    """A look that shows a neighbour with other lines of the page, or nothing of the article."""
    for neighbour in (before, after):
        if neighbour is not None and _is_noise(connection, capture, neighbour):
            reason = "only lines of the page differ"
            return _settle_same(
                connection, context, capture, neighbour, outcome=Outcome.NOISE, reason=reason
            )
    nearest = before or after
    assert nearest is not None, "an article has a version"
    problem, mark = _find_problem(connection, capture, nearest)
    if problem is None:
        return None
    failed = replace(
        capture.look,
        outcome=Outcome.FAILED,
        failure=problem.kind.value,
        reason=problem.reason,
        page_mark=mark,
    )
    add_observation(connection, failed, recorded_at=context.now(), article_id=capture.stored.id)
    return Outcome.FAILED, f"{problem.kind}: {problem.reason}"


def _is_noise(connection: Connection, capture: Capture, neighbour: TimedVersion) -> bool:
    return only_page_lines_differ(
        old_title=neighbour.title,
        old_text=neighbour.text,
        new_title=capture.article.title,
        new_text=capture.article.text,
    ) and bool(count_changes(connection, capture.stored.id, ChangeKind.BOILERPLATE))


def _find_problem(
    connection: Connection, capture: Capture, nearest: TimedVersion
) -> tuple[Rejection | None, str | None]:
    """Why what a capture shows is no version of the article, and the mark of another page."""
    article, stored = capture.article, capture.stored
    if is_teaser(article.text, before=nearest.text) or has_collapsed(
        article.words,
        words_before=nearest.words,
        usual=usual_words(connection, stored.outlet_id, besides=stored.id),
        explains_itself=has_notice(article.text),
    ):
        reason = f"{article.words} words, {nearest.words} at the nearest look"
        return Rejection(kind=FailureKind.COLLAPSED, reason=reason), None
    if is_other_page(
        old_title=nearest.title,
        old_text=nearest.text,
        new_title=article.title,
        new_text=article.text,
    ):
        reason = f"another page, nothing of the article is in it: {article.title[:80]!r}"
        mark = page_mark(article.title, article.text)
        return Rejection(kind=FailureKind.OTHER_PAGE, reason=reason), mark
    return None, None
