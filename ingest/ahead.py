"""Judging ahead: what a look found is compared with stored versions before it is written.

PageReading -> find_pairs (writer) -> judge_pairs (worker) -> PageReading with its verdicts
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from ingest.assess import decide_memberships
from ingest.comparing import find_pairs, judge_pairs
from ingest.context import Context
from ingest.model import Article, Rejection
from ingest.settle_version import text_to_compare
from ingest.work import PageReading
from storage.articles import StoredArticle

log = logging.getLogger("storywatch.pass")


async def judge_ahead(
    context: Context,
    reading: PageReading,
    *,
    stored: StoredArticle | None,
    now: datetime,
) -> PageReading:
    """Return a reading with the verdicts that its text will need if it is stored.

    `stored` is the article whose next version it may be; None: it may become one. A worker that
    fails leaves the pairs to the writer, which judges whatever is missing.
    """
    assessment = reading.assessment
    if not isinstance(reading.content, Article) or assessment is None:
        return reading
    if stored is None and not decide_memberships(assessment):
        return reading
    own = text_to_compare(
        reading.content,
        assessment,
        version_id=0,  # has none yet
        article_id=0 if stored is None else stored.id,
        first_observed_at=now,
        seq=1 if stored is None else stored.current.seq + 1,
        first_seen_at=now if stored is None else stored.first_seen_at,
    )
    pairs = await context.store(
        find_pairs,
        context.signatures,
        own,
        hashes=assessment.fingerprint,
        limit=context.limits.similar_limit,
    )
    if not pairs:
        return reading
    judged = await context.compute(judge_pairs, pairs)
    if isinstance(judged, Rejection):
        log.warning("%s: not judged ahead: %s", reading.content.canonical_url, judged.reason)
        return reading
    return replace(reading, assessment=replace(assessment, judged=judged))
