"""Bringing the configured stories and feeds into the database before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Engine

from ingest.assess import StorySetup, seed_text
from ingest.model import FeedSource
from ingest.verdict.judge import METHOD_VERSION, JudgedText, judge
from storage.edges import add_edge, versions_without_verdict
from storage.engine import transaction
from storage.feeds import sync_feeds
from storage.stories import StoredStory, store_story

_BATCH = 200  # verdicts a transaction: a restart goes on where it was killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What the database made of the configuration."""

    seed_ids: tuple[int, ...]  # in the order of the stories
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
    rejudged = sum(
        _judge_missing(engine, item, setup, now=now)
        for item, setup in zip(stored, stories, strict=True)
    )
    return Preparation(
        seed_ids=tuple(item.seed_id for item in stored),
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
    missing = list(
        islice(
            versions_without_verdict(
                connection,
                story_id=stored.id,
                seed_id=stored.seed_id,
                method_version=METHOD_VERSION,
            ),
            _BATCH,
        )
    )
    for item in missing:
        own = JudgedText(text=item.text, title=item.title, language=item.language)
        add_edge(
            connection,
            child_version_id=item.version_id,
            seed_id=stored.seed_id,
            verdict=judge(own, seed_text(setup)),
            now=now,
        )
    return len(missing)
