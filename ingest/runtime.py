"""Putting the engines together from a configuration: the one place that knows all its parts."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from ingest.assess import StorySetup, rules_version
from ingest.cluster import require_dask
from ingest.compute import WorkerPool, Workers
from ingest.config import Config
from ingest.context import Context, Limits
from ingest.fetch import Fetcher, FetchPolicy
from ingest.inhand import InHand
from ingest.language import forget_model
from ingest.schedule import CheckBudget, PollBudget, RetryBudget
from ingest.seeds import read_seed
from ingest.stories import Preparation, prepare_database
from ingest.work import warm_up
from storage.engine import open_engine
from storage.migrate import current, require_head, upgrade
from storage.readers import refuse_tables, require_contract, sees_views_only


def utc_now() -> datetime:
    """The clock of every entry point."""
    return datetime.now(UTC)


@contextmanager
def open_database(config: Config) -> Iterator[Engine]:
    """Open the configured database at the schema this program needs; a new one is created.

    Raises SchemaError when it is at another schema, UsageError when this user sees its views only,
    StorageError when it can't be reached.
    """
    engine = open_engine(config.database.url)
    try:
        refuse_tables(engine)
        if current(engine) is None:
            upgrade(engine)
        require_head(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def open_views(config: Config) -> Iterator[Engine]:
    """Open the database for a command that does with its views: an analyst's rights are enough.

    For who has more it is `open_database`. Raises SchemaError and StorageError, as that does.
    """
    engine = open_engine(config.database.url, reading=True)
    try:
        if sees_views_only(engine):
            require_contract(engine)
            yield engine
            return
    finally:
        engine.dispose()
    with open_database(config) as whole:
        yield whole


def load_stories(config: Config) -> tuple[StorySetup, ...]:
    """Read the seed of every configured story.

    Raises SeedError.
    """
    stories = tuple(
        StorySetup(rule=item.rule, seed=read_seed(item.seed, story=item.slug))
        for item in config.stories
    )
    forget_model()  # other texts are read by the workers
    return stories


def prepare(
    engine: Engine, config: Config, *, now: datetime | None = None
) -> tuple[tuple[StorySetup, ...], Preparation]:
    """Bring stories, seeds and feeds of the configuration into the database, as of now."""
    stories = load_stories(config)
    at = utc_now() if now is None else now
    return stories, prepare_database(engine, stories=stories, feeds=config.feeds, now=at)


def make_workers(config: Config) -> Workers:
    """What reads pages: worker processes of this machine, or a cluster.

    Raises EngineError when no cluster answers, UsageError when the library for it is missing.
    """
    part = config.workers
    if part.engine == "process":
        return make_processes(config)
    require_dask()
    from ingest.cluster.client import Cluster  # noqa: PLC0415 - the library is optional
    from ingest.cluster.work import Limits  # noqa: PLC0415

    limits = Limits(memory_mib=part.memory_mib, recycle_after=part.recycle_after, warm_up=warm_up)
    return Cluster(part.scheduler, task_seconds=part.page_seconds, limits=limits)


def make_processes(config: Config, *, count: int | None = None, warm: bool = True) -> WorkerPool:
    """The worker processes, as many as configured or `count`; they start with their first task.

    Warm ones have loaded what reading an article takes.
    """
    return WorkerPool(
        workers=count or config.workers.count or os.cpu_count() or 1,
        task_seconds=config.workers.page_seconds,
        memory_mib=config.workers.memory_mib,
        recycle_after=config.workers.recycle_after,
        warm_up=warm_up if warm else None,
    )


@asynccontextmanager
async def open_context(
    engine: Engine,
    config: Config,
    *,
    now: Callable[[], datetime] = utc_now,
    chance: Callable[[], float] = random.random,
) -> AsyncIterator[Context]:
    """Everything the pipeline works with, closed again at the end."""
    schedule = config.schedule
    pool = make_workers(config)
    try:
        stories, preparation = prepare(engine, config, now=now())
        with ThreadPoolExecutor(1, thread_name_prefix="storage") as writer:
            async with Fetcher(fetch_policy(config), now=now) as fetcher:
                yield Context(
                    engine=engine,
                    writer=writer,
                    workers=pool,
                    fetcher=fetcher,
                    stories=stories,
                    seed_ids=tuple(item.seed_id for item in preparation.stored),
                    rule_version=rules_version(stories),
                    poll_budget=PollBudget(
                        floor_seconds=schedule.floor_seconds,
                        ceiling_seconds=schedule.ceiling_seconds,
                        full_fetch_seconds=schedule.full_fetch_seconds,
                    ),
                    check_budget=CheckBudget(
                        first_seconds=schedule.first_check_seconds,
                        growth=schedule.check_growth,
                        vouched_growth=schedule.check_growth_vouched,
                        park_after_seconds=schedule.park_after_days * 86400,
                        grace_seconds=schedule.gone_grace_seconds,
                    ),
                    retry_budget=RetryBudget(
                        first_seconds=schedule.retry_first_seconds,
                        attempts=schedule.retry_attempts,
                    ),
                    limits=Limits(
                        max_feed_bytes=config.fetch.max_feed_bytes,
                        max_decoded_bytes=config.fetch.max_decoded_bytes,
                        lease=timedelta(seconds=max(300, config.fetch.total_seconds * 4)),
                        keep_raw=config.database.keep_raw,
                    ),
                    feeds_in_hand=_in_hand(config),
                    candidates_in_hand=_in_hand(config),
                    articles_in_hand=_in_hand(config),
                    now=now,
                    chance=chance,
                )
    finally:
        pool.shutdown(cancel_futures=True)


def _in_hand(config: Config) -> InHand:
    # Twice what may be fetched at once: while some are fetched, others are read and stored.
    return InHand(places=config.fetch.concurrency, per_source=2 * config.fetch.per_host_concurrency)


def fetch_policy(config: Config) -> FetchPolicy:
    """The part of the configuration that the way out to the network needs."""
    part = config.fetch
    return FetchPolicy(
        user_agent=part.user_agent,
        allow_networks=part.allow_networks,
        total_seconds=part.total_seconds,
        max_wire_bytes=part.max_page_bytes,
        concurrency=part.concurrency,
        per_host_concurrency=part.per_host_concurrency,
        per_host_interval_seconds=part.per_host_interval_seconds,
        obey_robots=part.obey_robots,
    )
