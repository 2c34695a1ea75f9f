"""Running the real daemon, as a process of its own, against the newsroom.

Newsroom (this process) <─ HTTP ─ storywatch run (child) ─> SQLite file ─> report, check
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from ingest.config import Config
from ingest.demo.newsroom import Newsroom
from ingest.errors import OperationError
from ingest.model import FeedSource
from ingest.seeds import read_seed

_FAST_SCHEDULE = {
    "tick_seconds": 1.0,
    "floor_seconds": 1.0,
    "ceiling_seconds": 3.0,
    "first_check_seconds": 1.0,
    "gone_grace_seconds": 1.0,
    "retry_first_seconds": 1.0,
    "retry_attempts": 3,
    "drain_seconds": 10.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """What a demonstration leaves behind."""

    database: Path
    config: Path
    daemon_exit_code: int
    acts_played: int
    acts: int


async def run_demo(
    folder: Path,
    config: Config,
    *,
    seconds: float,
    on_act: Callable[[int, int], None],
    newsroom: Newsroom,
) -> DemoRun:
    """Serve the newsroom, run the daemon on it until its last act was seen, stop it by SIGTERM.

    Raises OperationError when the daemon ends by itself.
    """
    database = folder / "storywatch.db"
    file = write_config(folder, config, feeds=newsroom.feed_sources(), database=database)
    daemon = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ingest",
        "--config",
        str(file),
        "--log-level",
        "WARNING",
        "run",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        deadline = asyncio.get_running_loop().time() + seconds
        played = await _play(newsroom, daemon, deadline=deadline, on_act=on_act)
    finally:
        if daemon.returncode is None:
            daemon.send_signal(signal.SIGTERM)
        code = await daemon.wait()
    return DemoRun(
        database=database,
        config=file,
        daemon_exit_code=code,
        acts_played=played,
        acts=newsroom.acts,
    )


async def _play(
    newsroom: Newsroom,
    daemon: asyncio.subprocess.Process,
    *,
    deadline: float,
    on_act: Callable[[int, int], None],
) -> int:
    clock = asyncio.get_running_loop().time
    for act in range(newsroom.acts):
        on_act(act, newsroom.acts)
        while not newsroom.settled():
            if daemon.returncode is not None:
                raise OperationError(f"the daemon ended by itself, exit code {daemon.returncode}")
            if clock() > deadline:
                return act
            await asyncio.sleep(0.05)  # the daemon is another process: its requests are polled for
        if act + 1 < newsroom.acts:
            newsroom.advance()
    return newsroom.acts


def write_config(
    folder: Path, config: Config, *, feeds: tuple[FeedSource, ...], database: Path
) -> Path:
    """The shipped configuration with the newsroom's feeds, a fast schedule and its own file."""
    raw: dict[str, Any] = tomllib.loads(config.source.read_text(encoding="utf-8"))
    raw["database"] = {"url": f"sqlite:///{database.resolve()}"}
    raw["schedule"] = {**raw.get("schedule", {}), **_FAST_SCHEDULE}
    raw["fetch"] = {
        **raw.get("fetch", {}),
        "allow_networks": ["127.0.0.0/8"],
        "per_host_interval_seconds": 0.0,
        "per_host_concurrency": 16,  # all outlets are one host here
    }
    for story, item in zip(raw["stories"], config.stories, strict=True):
        story["seed"] = str(item.seed.resolve())
    raw["feeds"] = [
        {
            "url": feed.url,
            "outlet": feed.outlet.name,
            "domain": feed.outlet.domain,
            "country": feed.outlet.country,
            "language": feed.outlet.language,
        }
        for feed in feeds
    ]
    file = folder / "config.toml"
    file.write_text(tomli_w.dumps(raw), encoding="utf-8")
    return file


def clear_folder(folder: Path) -> None:
    """Make the folder, and remove what an earlier demonstration left in it, nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("storywatch.db", "storywatch.db-wal", "storywatch.db-shm", "config.toml"):
        (folder / name).unlink(missing_ok=True)


def make_newsroom(config: Config) -> Newsroom:
    """The newsroom that carries the configured seed."""
    story = config.stories[0]
    seed = read_seed(story.seed, story=story.slug)
    return Newsroom(seed.title, seed.text)
