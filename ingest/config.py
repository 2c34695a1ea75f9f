"""The configuration: read once by the entry points, then handed on in parts.

    flags > environment > file ─> tables (checked here) ─> Config of frozen parts

The environment names a key by its path, as in `STORYWATCH_SCHEDULE__TICK_SECONDS`; the database
URL has the short name `STORYWATCH_DATABASE_URL`; `STORYWATCH_DATABASE_URL_FILE` names a file of it.
Values are not coerced: `tick_seconds = "15"` is an error, so that `obey_robots = "no"` is one too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as table

from ingest.model import FeedSource, Outlet
from ingest.settings import Settings, read_settings, resolve_database_url
from ingest.settings_check import (
    check_database_url,
    check_engine,
    check_feeds,
    check_interval,
    check_networks,
    check_slugs,
    check_story,
    describe_problem,
)
from ingest.settings_text import describe_config
from ingest.story import NameGroup, StoryRule, Undated
from ingest.window import DateWindow

__all__ = ["Config", "StoryConfig", "describe_config", "load_config"]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class DatabasePart:
    """Where everything is kept."""

    url: str = Field(default="sqlite:///data/storywatch.db", min_length=1)
    keep_raw: bool = True  # the bodies that texts were extracted from


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class SchedulePart:
    """When feeds are polled and articles looked at again."""

    tick_seconds: float = Field(default=15, gt=0)
    floor_seconds: float = Field(default=300, ge=1)  # the shortest interval of a feed
    ceiling_seconds: float = Field(default=86_400, ge=1)  # and the longest
    full_fetch_seconds: float = Field(default=86_400, gt=0)  # validators lie
    first_check_seconds: float = Field(default=1_200, ge=1)
    check_growth: float = Field(default=1.2, ge=1)
    check_growth_vouched: float = Field(default=2.0, ge=1)
    park_after_days: float = Field(default=40, gt=0)  # since the last version
    gone_grace_seconds: float = Field(default=3_600, gt=0)  # from the first sign to the second
    retry_first_seconds: float = Field(default=120, gt=0)
    retry_attempts: int = Field(default=8, ge=0)
    drain_seconds: float = Field(default=10, ge=0)


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class FetchPart:
    """How to behave towards other people's servers."""

    user_agent: str = Field(default="storywatch (news research)", min_length=1)
    allow_networks: tuple[str, ...] = ()  # CIDRs inside which private addresses may be fetched
    total_seconds: float = Field(default=30, gt=0)  # for one request with its redirects
    max_page_bytes: int = Field(default=10 * 2**20, gt=0)  # on the wire
    max_feed_bytes: int = Field(default=10 * 2**20, gt=0)  # on the wire
    max_decoded_bytes: int = Field(default=20 * 2**20, gt=0)  # after decompression
    concurrency: int = Field(default=16, ge=1)
    per_host_concurrency: int = Field(default=2, ge=1)
    per_host_interval_seconds: float = Field(default=1, ge=0)
    obey_robots: bool = True


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class WorkersPart:
    """The processes that parse what was fetched."""

    count: int = Field(default=0, ge=0)  # 0: one for each core
    page_seconds: float = Field(default=20, gt=0)
    memory_mib: int = Field(default=1_024, ge=64)
    recycle_after: int = Field(default=200, ge=1)  # tasks
    engine: Literal["process", "dask"] = "process"  # of this machine, or of a cluster
    scheduler: str = ""  # of the cluster


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _GroupTable:
    key: str = Field(min_length=1)
    names: dict[str, tuple[str, ...]] = Field(min_length=1)
    required: bool = True
    weight: float = Field(default=0.5, ge=0, le=1)


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _WindowTable:
    since: date | None = Field(default=None, alias="from")
    until: date | None = None


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _StoryTable:
    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    seed: str = Field(min_length=1)
    window: _WindowTable = Field(default_factory=_WindowTable)
    threshold: float = Field(default=0.5, ge=0, le=1)
    undated: Undated = Undated.ANCHORS
    undated_evidence: float = Field(default=0.9, ge=0)
    groups: tuple[_GroupTable, ...] = ()
    anchors: tuple[_GroupTable, ...] = ()


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _FeedTable:
    url: str
    outlet: str = Field(min_length=1)
    domain: str = Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?$")
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")


@table(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _File:
    stories: tuple[_StoryTable, ...]
    feeds: tuple[_FeedTable, ...] = ()
    database: DatabasePart = Field(default_factory=DatabasePart)
    schedule: SchedulePart = Field(default_factory=SchedulePart)
    fetch: FetchPart = Field(default_factory=FetchPart)
    workers: WorkersPart = Field(default_factory=WorkersPart)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryConfig:
    """A story to watch: its seed file and the rule that finds it."""

    slug: str
    title: str
    seed: Path  # absolute
    rule: StoryRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of the configuration; each function receives the part it needs."""

    source: Path  # the file it was read from
    database: DatabasePart
    schedule: SchedulePart
    fetch: FetchPart
    workers: WorkersPart
    stories: tuple[StoryConfig, ...]
    feeds: tuple[FeedSource, ...]


def load_config(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """Read the configuration; `overrides` are flags by dotted key, as in "database.url".

    Without a path: STORYWATCH_CONFIG, ./config.toml, the one shipped. Raises ConfigError.
    """
    settings = read_settings(path, environ=environ, overrides=overrides)
    content = _validate(settings)
    check_database_url(settings, content.database.url)
    check_interval(
        settings, floor=content.schedule.floor_seconds, ceiling=content.schedule.ceiling_seconds
    )
    check_networks(settings, content.fetch.allow_networks)
    check_engine(settings, engine=content.workers.engine, scheduler=content.workers.scheduler)
    feeds = _feeds(content.feeds)
    check_feeds(settings, feeds)
    check_slugs(settings, [story.slug for story in content.stories])
    return Config(
        source=settings.path,
        database=_located(settings, content.database),
        schedule=content.schedule,
        fetch=content.fetch,
        workers=content.workers,
        stories=tuple(_story(settings, *numbered) for numbered in enumerate(content.stories)),
        feeds=feeds,
    )


def _validate(settings: Settings) -> _File:
    """Check types and bounds, strictly as JSON: there a list is a tuple and a string a date."""
    adapter = TypeAdapter(_File)
    try:
        return adapter.validate_json(json.dumps(settings.values, default=str))
    except ValidationError as error:
        problem = error.errors()[0]
        raise describe_problem(
            settings,
            location=problem["loc"],
            kind=problem["type"],
            message=problem["msg"],
            found=problem["input"],
            schema=adapter.json_schema(),
        ) from error


def _located(settings: Settings, part: DatabasePart) -> DatabasePart:
    if "database.url" in settings.origins:
        return part  # relative to where the caller stands, as any path on a command line
    return replace(part, url=resolve_database_url(part.url, settings.data_folder))


def _feeds(listed: Sequence[_FeedTable]) -> tuple[FeedSource, ...]:
    """Give all feeds of a domain one language, or none where they differ: an outlet has one."""
    languages: dict[str, set[str | None]] = {}
    for item in listed:
        languages.setdefault(item.domain, set()).add(item.language)
    return tuple(
        FeedSource(
            url=item.url,
            outlet=Outlet(
                domain=item.domain,
                name=item.outlet,
                country=item.country,
                language=item.language if len(languages[item.domain]) == 1 else None,
            ),
        )
        for item in listed
    )


def _story(settings: Settings, number: int, item: _StoryTable) -> StoryConfig:
    rule = StoryRule(
        slug=item.slug,
        title=item.title,
        groups=tuple(map(_group, item.groups)),
        anchors=tuple(replace(_group(anchor), required=False) for anchor in item.anchors),
        window=DateWindow(since=item.window.since, until=item.window.until),
        threshold=item.threshold,
        undated=item.undated,
        undated_evidence=item.undated_evidence,
    )
    seed = (settings.path.parent / Path(item.seed).expanduser()).resolve()
    check_story(settings, number, rule, seed=seed)
    return StoryConfig(slug=item.slug, title=item.title, seed=seed, rule=rule)


def _group(item: _GroupTable) -> NameGroup:
    names = tuple(item.names.items())
    return NameGroup(key=item.key, names=names, required=item.required, weight=item.weight)
