"""Comparing a version with stored ones: with which, which of two is the child, what relation.

own text -> find_pairs -> Pair -> judge -> an edge for each relation

Judging takes longer than all the rest of a look. So the pairs of a new version are judged before it
is written, in a worker; the writer finds them once more, and judges what was stored in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ingest.candidates import SignatureIndex, find_candidates
from ingest.model import Fingerprint, Relation, Verdict
from ingest.verdict.features import are_comparable
from ingest.verdict.judge import JudgedText, judge
from ingest.verdict.rule import load_rule
from storage.edges import NewEdge, add_edges, is_derived, related_versions
from storage.lookup import StoredText, had_text, load_texts

PairKey = tuple[int, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two versions to compare; side a of the evidence is the child, whichever was found first."""

    child: StoredText
    parent: StoredText
    other: StoredText  # the one of the two that was stored before
    related: bool  # by an earlier verdict

    @property
    def key(self) -> PairKey:
        """The stored version, and whether it is the child."""
        return self.other.version_id, self.other is self.child


def find_pairs(
    connection: Connection,
    index: SignatureIndex,
    own: StoredText,
    *,
    hashes: Fingerprint,
    limit: int,
) -> list[Pair]:
    """Return the stored versions that a version is to be compared with; it has its features."""
    assert own.features is not None
    candidates = find_candidates(
        connection,
        index,
        hashes=hashes,
        features=own.features,
        article_id=own.article_id,
        limit=limit,
    )
    related = related_versions(connection, own.version_id)  # by an earlier rule
    pairs = []
    for other in load_texts(connection, list(dict.fromkeys([*candidates, *related]))):
        if other.features is None or not are_comparable(own.features, other.features):
            continue  # stored by an older release: rejudge makes them anew
        # Found later but published earlier: the stored one descends from it.
        child, parent = (other, own) if is_older(own, other) else (own, other)
        if not had_text(connection, parent, child.first_observed_at):
            if is_derived(connection, child.article_id, parent.article_id):
                continue  # from the version that there was then
            child, parent = parent, child
        related_before = other.version_id in related
        pairs.append(Pair(child=child, parent=parent, other=other, related=related_before))
    return pairs


def judge_pairs(pairs: Sequence[Pair]) -> dict[PairKey, Verdict]:
    """Judge every pair: what a worker does."""
    return {pair.key: _judge_pair(pair) for pair in pairs}


def relate_version(
    connection: Connection,
    index: SignatureIndex,
    own: StoredText,
    *,
    hashes: Fingerprint,
    limit: int,
    now: datetime,
    judged: Mapping[PairKey, Verdict],
) -> int:
    """Compare a version with its candidates; write an edge for each relation; return how many.

    Pairs that are in `judged` are not judged again.
    """
    edges, written = [], 0
    for pair in find_pairs(connection, index, own, hashes=hashes, limit=limit):
        verdict = judged.get(pair.key) or _judge_pair(pair)
        is_related = verdict.relation is not Relation.UNRELATED or verdict.needs_review
        if not is_related and not pair.related:
            continue  # only what an earlier rule said must be withdrawn
        edges.append(
            NewEdge(
                child_version_id=pair.child.version_id,
                parent_version_id=pair.parent.version_id,
                verdict=verdict,
            )
        )
        written += is_related
    add_edges(connection, edges, now)
    return written


def _judge_pair(pair: Pair) -> Verdict:
    return judge(_judged(pair.child), _judged(pair.parent), rule=load_rule())


def _judged(stored: StoredText) -> JudgedText:
    assert stored.features is not None
    return JudgedText(
        text=stored.text, title=stored.title, language=stored.language, features=stored.features
    )


def is_older(own: StoredText, other: StoredText) -> bool:
    """Whether an article was published before another; without dates, whether seen before it."""
    if own.published_at is None or other.published_at is None:
        return own.first_seen_at < other.first_seen_at
    return own.published_at < other.published_at
