"""Writing a version with everything that hangs on it, inside the caller's transaction.

version -> edges to the seeds -> edges to stored versions -> fingerprint, features -> clusters
        -> what it quotes and counts
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ingest.assess import Assessment
from ingest.changes import content_hash
from ingest.comparing import relate_version
from ingest.context import Context
from ingest.model import Article
from ingest.noting import note_version
from ingest.relating import add_to_clusters
from ingest.verdict.rule import load_rule
from storage.articles import set_current_version
from storage.edges import NewEdge, add_edges
from storage.lookup import StoredText, add_features, add_fingerprint
from storage.versions import add_version, place_of


def store_version(
    connection: Connection,
    context: Context,
    article_id: int,
    *,
    article: Article,
    assessment: Assessment,
    now: datetime,
    seq: int | None = None,
) -> int:
    """Store a version, what it is compared by and its verdicts; return its id.

    The article's next version becomes its current one; one of the past has its number, `seq`, which
    is free. `now` is the look that showed it.
    """
    decided_at = context.now()
    version_id = add_version(
        connection,
        article_id,
        article,
        content_hash=content_hash(article.title, article.text),
        now=now,
        recorded_at=decided_at,
        seq=seq,
    )
    if seq is None:
        set_current_version(connection, article_id, version_id)
    verdicts = zip(context.seed_ids, assessment.seed_verdicts, strict=True)
    edges = [
        NewEdge(child_version_id=version_id, seed_id=seed_id, verdict=verdict)
        for seed_id, verdict in verdicts
    ]
    add_edges(connection, edges, decided_at)
    place = place_of(connection, version_id)
    own = text_to_compare(
        article,
        assessment,
        version_id=version_id,
        article_id=article_id,
        first_observed_at=now,
        seq=place.seq,
        first_seen_at=place.first_seen_at,
    )
    relate_version(
        connection,
        context.signatures,
        own,
        hashes=assessment.fingerprint,
        limit=context.limits.similar_limit,
        now=decided_at,
        judged=assessment.judged,
    )
    add_fingerprint(connection, version_id, assessment.fingerprint)
    add_features(connection, version_id, assessment.features, judged_by=load_rule().version)
    add_to_clusters(connection, article_id, version_id=version_id, now=decided_at)
    note_version(connection, article_id, version_id, assessment.sayings)
    return version_id


def text_to_compare(
    article: Article,
    assessment: Assessment,
    *,
    version_id: int,
    article_id: int,
    first_observed_at: datetime,
    seq: int,
    first_seen_at: datetime,
) -> StoredText:
    """A read article as what it is compared as, once it is stored or before."""
    published = article.published
    return StoredText(
        version_id=version_id,
        article_id=article_id,
        title=article.title,
        text=article.text,
        language=article.language,
        published_at=None if published is None or published.day_only else published.value,
        first_observed_at=first_observed_at,
        seq=seq,
        first_seen_at=first_seen_at,
        features=assessment.features,
    )
