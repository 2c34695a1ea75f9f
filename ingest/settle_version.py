"""Writing a version with everything that hangs on it, inside the caller's transaction.

version -> fingerprint, features -> candidates -> judge -> edges -> clusters
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.candidates import SignatureIndex, find_candidates
from ingest.changes import content_hash
from ingest.context import Context
from ingest.model import Article, Features, Fingerprint, Relation
from ingest.relating import refresh_clusters
from ingest.verdict.features import are_comparable
from ingest.verdict.judge import JudgedText, judge
from ingest.verdict.rule import load_rule
from storage.articles import set_current_version
from storage.edges import add_edge, is_derived, related_versions
from storage.lookup import StoredText, add_features, add_fingerprint, load_texts
from storage.versions import add_version, place_of


def store_version(
    connection: Connection,
    context: Context,
    article_id: int,
    *,
    article: Article,
    assessment: Assessment,
    now: datetime,
) -> int:
    """Store a version, what it is compared by and its verdicts; make it current; return its id."""
    version_id = add_version(
        connection,
        article_id,
        article,
        content_hash=content_hash(article.title, article.text),
        now=now,
    )
    set_current_version(connection, article_id, version_id)
    for seed_id, verdict in zip(context.seed_ids, assessment.seed_verdicts, strict=True):
        add_edge(connection, child_version_id=version_id, seed_id=seed_id, verdict=verdict, now=now)
    place = place_of(connection, version_id)
    own = StoredText(
        version_id=version_id,
        article_id=article_id,
        title=article.title,
        text=article.text,
        language=article.language,
        published_at=exact_date(article),
        first_observed_at=now,
        seq=place.seq,
        first_seen_at=place.first_seen_at,
        features=assessment.features,
    )
    relate_version(
        connection,
        context.signatures,
        own,
        hashes=assessment.fingerprint,
        features=assessment.features,
        limit=context.limits.similar_limit,
        now=now,
    )
    add_fingerprint(connection, version_id, assessment.fingerprint)
    add_features(connection, version_id, assessment.features, judged_by=load_rule().version)
    refresh_clusters(connection, [article_id], now)
    return version_id


def relate_version(
    connection: Connection,
    index: SignatureIndex,
    own: StoredText,
    *,
    hashes: Fingerprint,
    features: Features,
    limit: int,
    now: datetime,
) -> int:
    """Compare a version with its candidates; write an edge for each relation; return how many."""
    candidates = find_candidates(
        connection,
        index,
        hashes=hashes,
        features=features,
        article_id=own.article_id,
        limit=limit,
    )
    own = replace(own, features=features)
    related = related_versions(connection, own.version_id)  # by an earlier rule
    written = 0
    for other in load_texts(connection, list(dict.fromkeys([*candidates, *related]))):
        if other.features is None or not are_comparable(features, other.features):
            continue  # stored by an older release: rejudge makes them anew
        # Found later but published earlier: the stored one descends from it.
        child, parent = (other, own) if is_older(own, other) else (own, other)
        if not existed_for(parent, child):
            if is_derived(connection, child.article_id, parent.article_id):
                continue  # from the version that there was then
            child, parent = parent, child
        # Side a of the evidence is the child, whichever of the two was found first.
        verdict = judge(_judged(child), _judged(parent), rule=load_rule())
        is_related = verdict.relation is not Relation.UNRELATED or verdict.needs_review
        if not is_related and other.version_id not in related:
            continue  # only what an earlier rule said must be withdrawn
        add_edge(
            connection,
            child_version_id=child.version_id,
            parent_version_id=parent.version_id,
            verdict=verdict,
            now=now,
        )
        written += is_related
    return written


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


def existed_for(parent: StoredText, child: StoredText) -> bool:
    """Whether a version can be what the other descends from: a later one did not exist then.

    Of the first version nobody knows how long it had been there when it was first seen.
    """
    return parent.seq == 1 or parent.first_observed_at <= child.first_observed_at


def exact_date(article: Article) -> datetime | None:
    """When an article was published, if the time of day is known."""
    published = article.published
    return None if published is None or published.day_only else published.value
