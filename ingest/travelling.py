"""Following changes into the articles that have the text, inside the caller's transaction.

version of the parent changed -> each derived article: carries the old text, or has the new one?
version of a derived article  -> each change of its parents, asked again
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ingest.model import Relation, Travel
from ingest.travel import Edit, Traced, trace_change
from ingest.verdict.compare import sentence_log_odds, unpack
from ingest.verdict.features import are_comparable
from ingest.verdict.rule import load_rule
from ingest.verdict.text import split_sentences
from storage.lookup import StoredText, load_texts
from storage.travel import (
    Derived,
    StoredChange,
    add_travel,
    changes_of,
    derived_articles,
    move_travel,
    parents_of,
    travels_of,
)

_OPEN = frozenset({Travel.CARRIES_OLD, Travel.UNCLEAR})


def follow_version(connection: Connection, article_id: int, version_id: int, now: datetime) -> None:
    """Ask of a new version which changes of others it has, and of others whether they have its."""
    for item in derived_articles(connection, article_id):
        _follow(connection, changes_of(connection, [article_id], limit=1), item, now)
    parents = parents_of(connection, article_id)
    for change in changes_of(connection, parents):
        own = Derived(
            article_id=article_id,
            relation=parents[change.article_id],
            current_version_id=version_id,
        )
        _follow(connection, [change], own, now)


def follow_changes(connection: Connection, article_id: int, now: datetime) -> None:
    """Ask of the articles that have an article's text which of its changes they have.

    Those that were asked before are not asked again.
    """
    changes = changes_of(connection, [article_id])
    for item in derived_articles(connection, article_id):
        _follow(connection, changes, item, now)


def _follow(
    connection: Connection, changes: Sequence[StoredChange], derived: Derived, now: datetime
) -> None:
    known = travels_of(connection, derived.article_id, [change.id for change in changes])
    for change in changes:
        before = known.get(change.id)
        if before is not None and before not in _OPEN:
            continue
        texts = load_texts(
            connection, [change.from_version_id, change.to_version_id, derived.current_version_id]
        )
        old, new, other = texts
        traced = _trace(change, old, new, other, derived.relation)
        if before is None:
            took = traced.state is Travel.TOOK_OVER
            add_travel(
                connection,
                change.id,
                derived,
                state=traced.state,
                passage=traced.passage,
                taken_at=other.first_observed_at if took else None,
                now=now,
            )
        elif traced.state is not before:
            # what carried the old passage and does not have it any more took the removal over
            gone = before is Travel.CARRIES_OLD and traced.state is Travel.NEVER_HAD
            state = Travel.TOOK_OVER if gone else traced.state
            move_travel(
                connection,
                change.id,
                derived.article_id,
                state=state,
                passage=traced.passage,
                version_id=derived.current_version_id,
                taken_at=other.first_observed_at if state is Travel.TOOK_OVER else None,
                now=now,
            )


def _trace(
    change: StoredChange,
    old: StoredText,
    new: StoredText,
    other: StoredText,
    relation: Relation,
) -> Traced:
    sentences = split_sentences(other.text)
    across = relation is Relation.TRANSLATION or old.language != other.language
    old_odds = _odds(old, other, len(sentences)) if across else {}
    new_odds = _odds(new, other, len(sentences)) if across else {}
    paired = {sentence for pair in change.changed for sentence in pair}
    pairs: list[tuple[str | None, str | None]] = [*change.changed]
    pairs += [(item, None) for item in change.removed if item not in paired]
    pairs += [(None, item) for item in change.added if item not in paired]
    edits = [
        Edit(
            old=before,
            new=after,
            old_odds=old_odds.get(before or "", ()),
            new_odds=new_odds.get(after or "", ()),
        )
        for before, after in pairs
        if not across or before in old_odds or after in new_odds
    ]
    if not edits:
        return Traced(state=Travel.UNCLEAR, passage="")  # nothing to compare across languages by
    return trace_change(edits, sentences, whole=relation is not Relation.EXCERPT)


def _odds(text: StoredText, other: StoredText, count: int) -> dict[str, tuple[float, ...]]:
    """By sentence of a text, the log-odds that each of the other's sentences says the same."""
    if text.features is None or other.features is None:
        return {}
    if not are_comparable(text.features, other.features):
        return {}
    rule = load_rule()
    single, _ = sentence_log_odds(unpack(text.features, rule), unpack(other.features, rule), rule)
    sentences = split_sentences(text.text)
    if single.shape != (len(sentences), count):
        return {}  # a long text has features of its beginning only
    return {
        sentence: tuple(map(float, row)) for sentence, row in zip(sentences, single, strict=True)
    }
