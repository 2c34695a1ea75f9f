"""Bringing the configured stories and feeds into the database before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from ingest.assess import StorySetup, relate_to_seed, seed_text
from ingest.model import FeedSource
from ingest.noting import note_seed
from ingest.verdict.encoder import shared_encoder
from ingest.verdict.features import is_current, lookup_keys
from ingest.verdict.judge import METHOD_VERSION, JudgedText, judge, prepare_text
from ingest.verdict.rule import load_rule
from storage.edges import NewEdge, add_edges, memberships_of, versions_without_verdict
from storage.engine import transaction
from storage.feeds import sync_feeds
from storage.lookup import StoredText, add_features, load_texts
from storage.stories import StoredStory, store_story

_BATCH = 200  # verdicts a transaction: a restart goes on where it was killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What the database made of the configuration."""

    stored: tuple[StoredStory, ...]  # in the order of the stories
    new_seeds: tuple[str, ...]  # slugs whose seed is new or edited
    rejudged: int  # verdicts added because a seed or the method changed


def prepare_database(
    engine: Engine,
    *,
    stories: Sequence[StorySetup],
    feeds: Sequence[FeedSource],
    now: datetime,
) -> Preparation:
    """Store stories, seeds and feeds; judge what was not yet judged against these seeds.

    Doing it twice changes nothing. Raises StorageError.
    """
    with transaction(engine) as connection:
        sync_feeds(connection, feeds, now)
        stored = [
            store_story(connection, title=item.rule.title, text=item.seed, now=now)
            for item in stories
        ]
        for item, setup in zip(stored, stories, strict=True):
            note_seed(connection, item.seed_id, setup.seed.text, language=setup.seed.language)
    rejudged = sum(
        _judge_missing(engine, item, setup, now=now)
        for item, setup in zip(stored, stories, strict=True)
    )
    return Preparation(
        stored=tuple(stored),
        new_seeds=tuple(item.slug for item in stored if item.seed_is_new),
        rejudged=rejudged,
    )


def _judge_missing(engine: Engine, stored: StoredStory, setup: StorySetup, *, now: datetime) -> int:
    judged = 0
    while True:
        with transaction(engine) as connection:
            batch = _judge_batch(connection, stored, setup, now=now)
        judged += batch
        if batch < _BATCH:
            return judged


def _judge_batch(
    connection: Connection, stored: StoredStory, setup: StorySetup, *, now: datetime
) -> int:
    missing = versions_without_verdict(
        connection,
        story_id=stored.id,
        seed_id=stored.seed_id,
        method_version=METHOD_VERSION,
        limit=_BATCH,
    )
    if not missing:
        return 0
    seed = seed_text(setup.seed, shared_encoder())
    for item in load_texts(connection, missing):
        own = ready_text(connection, item)
        member = next(
            found
            for found in memberships_of(connection, item.version_id)
            if found.story_id == stored.id
        )
        verdict = relate_to_seed(
            judge(own, seed, rule=load_rule()), rule=member.rule, score=member.score
        )
        edge = NewEdge(child_version_id=item.version_id, seed_id=stored.seed_id, verdict=verdict)
        add_edges(connection, [edge], now)
    return len(missing)


def ready_text(connection: Connection, stored: StoredText) -> JudgedText:
    """A stored version ready to be judged; features it lacks, or outdated ones, are made anew."""
    encoder = shared_encoder()
    found = stored.features
    if found is not None and is_current(found, encoder):
        return JudgedText(
            text=stored.text,
            title=stored.title,
            language=stored.language,
            features=replace(found, lookup=lookup_keys(found.anchors)),
        )
    own = prepare_text(
        stored.text,
        title=stored.title,
        language=stored.language,
        rule=load_rule(),
        encoder=encoder,
    )
    add_features(connection, stored.version_id, own.features, judged_by=None)
    return own
