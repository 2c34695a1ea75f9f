"""Writing a version of the past, between two others or at an end of the history, with its changes.

Inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.changes import classify_change
from ingest.context import Context
from ingest.model import Article, Change, Outcome
from ingest.settle_first import Report
from ingest.settle_version import store_version
from ingest.travelling import follow_changes, follow_version
from storage.articles import StoredArticle
from storage.timeline import DoubtfulLook, TimedVersion, replace_change, stretch_version
from storage.versions import Observation, add_change, add_observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture of a known article, about to be written."""

    stored: StoredArticle
    article: Article
    assessment: Assessment
    look: Observation


def settle_past(
    connection: Connection,
    context: Context,
    capture: Capture,
    *,
    before: TimedVersion | None,
    after: TimedVersion | None,
    seq: int | None,
    returned: Sequence[DoubtfulLook] = (),
) -> Report:
    """Store a version between two others, or at an end of the history, with the changes around.

    `seq` is a free number, None at the end. `returned` are the looks that showed the same before,
    of content that was there once already.
    """
    stored, article = capture.stored, capture.article
    at = capture.look.observed_at
    first = min([at, *(look.observed_at for look in returned)])
    version_id = store_version(
        connection,
        context,
        stored.id,
        article=article,
        assessment=capture.assessment,
        now=first,
        seq=seq,
    )
    learnt_at = context.now()
    add_observation(
        connection,
        capture.look,
        recorded_at=learnt_at,
        article_id=stored.id,
        version_id=version_id,
    )
    for look in (at, *(item.observed_at for item in returned)):
        stretch_version(connection, version_id, look)
    own = _Side(
        version_id=version_id,
        title=article.title,
        text=article.text,
        extractor=f"{article.extractor} {article.extractor_version}",
    )
    detail = "the earliest"
    if before is not None:
        change = _compare(_side(before), own, seen_before=bool(returned))
        add_change(
            connection,
            stored.id,
            change,
            from_version=before.id,
            to_version=version_id,
            recorded_at=learnt_at,
        )
        detail = f"{change.kind}: {change.reason}"
    if after is None:
        follow_version(connection, stored.id, version_id, learnt_at)
        return Outcome.NEW_VERSION, detail
    is_back = before is not None and before.content_hash == after.content_hash
    change = _compare(own, _side(after), seen_before=is_back)
    seam = {"from_version": version_id, "to_version": after.id}
    if not replace_change(connection, change, **seam, recorded_at=learnt_at):
        add_change(connection, stored.id, change, **seam, recorded_at=learnt_at)
    follow_changes(connection, stored.id, learnt_at)
    return Outcome.NEW_VERSION, detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One of two neighbours."""

    version_id: int
    title: str
    text: str
    extractor: str


def _side(version: TimedVersion) -> _Side:
    return _Side(
        version_id=version.id,
        title=version.title,
        text=version.text,
        extractor=version.extractor,
    )


def _compare(old: _Side, new: _Side, *, seen_before: bool) -> Change:
    change = classify_change(
        old_title=old.title,
        old_text=old.text,
        new_title=new.title,
        new_text=new.text,
        old_extractor=old.extractor,
        new_extractor=new.extractor,
        seen_before=seen_before,
    )
    assert change is not None, "neighbours of equal content are one run"
    return change
