"""Judging stored versions again, as after a new release of the rule: verdicts are added, none lost.

Each batch is one transaction that also notes who was judged, so a run that is killed goes on where
it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from ingest.assess import StorySetup, relate_to_seed, seed_text
from ingest.candidates import SignatureIndex
from ingest.comparing import relate_version
from ingest.relating import refresh_clusters
from ingest.stories import ready_text
from ingest.verdict.encoder import shared_encoder
from ingest.verdict.judge import judge
from ingest.verdict.rule import Rule, load_rule
from ingest.verdict.shingles import fingerprint
from storage.edges import (
    NewEdge,
    add_edges,
    count_not_judged_by,
    mark_judged,
    memberships_of,
    versions_not_judged_by,
)
from storage.engine import transaction
from storage.lookup import StoredText, load_texts

_BATCH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RejudgeSummary:
    """What a run did."""

    versions: int
    edges: int  # relations found between versions, not counting those to seeds


def count_waiting(engine: Engine, *, since: datetime | None) -> int:
    """How many versions the rule in force has not judged. Raises StorageError."""
    with transaction(engine) as connection:
        return count_not_judged_by(connection, load_rule().version, since=since)


def rejudge(
    engine: Engine,
    *,
    stories: dict[int, tuple[int, StorySetup]],
    since: datetime | None,
    limit: int,
    now: Callable[[], datetime],
    on_version: Callable[[], None] = lambda: None,
) -> RejudgeSummary:
    """Judge every version that the rule in force has not judged, oldest first.

    Twice over the archive: the features come first, for a version is compared with later ones too.
    `stories` maps a story's id to its current seed's id and its setup; `on_version` is called for
    each version in each of the two passes. Raises StorageError.
    """
    rule = load_rule()
    index = SignatureIndex()
    versions = edges = 0

    def prepare_one(connection: Connection, stored: StoredText) -> None:
        ready_text(connection, stored)
        on_version()

    def judge_one(connection: Connection, stored: StoredText) -> None:
        nonlocal versions, edges
        edges += _judge_version(
            connection, index, stored, stories, rule=rule, limit=limit, now=now()
        )
        versions += 1
        on_version()

    for step in (prepare_one, judge_one):
        after = 0
        while True:
            with transaction(engine) as connection:
                batch = versions_not_judged_by(
                    connection, rule.version, since=since, after=after, limit=_BATCH
                )
                for stored in load_texts(connection, batch):
                    step(connection, stored)
            if not batch:
                break
            after = batch[-1]
    return RejudgeSummary(versions=versions, edges=edges)


def _judge_version(
    connection: Connection,
    index: SignatureIndex,
    stored: StoredText,
    stories: dict[int, tuple[int, StorySetup]],
    *,
    rule: Rule,
    limit: int,
    now: datetime,
) -> int:
    own = ready_text(connection, stored)
    for member in memberships_of(connection, stored.version_id):
        if member.story_id not in stories:
            continue
        seed_id, setup = stories[member.story_id]
        verdict = judge(own, seed_text(setup.seed, shared_encoder()), rule=rule)
        told = relate_to_seed(verdict, rule=member.rule, score=member.score)
        edge = NewEdge(child_version_id=stored.version_id, seed_id=seed_id, verdict=told)
        add_edges(connection, [edge], now)
    edges = relate_version(
        connection,
        index,
        replace(stored, features=own.features),
        hashes=fingerprint(stored.text, language=stored.language),
        limit=limit,
        now=now,
        judged={},
    )
    mark_judged(connection, stored.version_id, rule.version)
    refresh_clusters(connection, [stored.article_id], now)
    return edges
