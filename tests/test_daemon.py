"""The daemon as a real process: stopped by signals, killed, started twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import own_cluster
from tests.running import ACCEPT_ALL, TALKS, count_rows, rows, run_once, write_config
from tests.site import Site

pytestmark = pytest.mark.alone

FAST = (
    "tick_seconds = 0.2\nfloor_seconds = 1.0\nceiling_seconds = 1.0\nfirst_check_seconds = 1.0\n"
    "drain_seconds = 10.0\nretry_first_seconds = 0.1\n"
)
PATIENCE = 60.0  # seconds; a bound for a hung test, nothing is measured by it


def start(config: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "--config", str(config), "--log-level", "WARNING", "run"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=config.parent,
    )


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something another process does; fail when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if process.poll() is not None:
            raise AssertionError(f"the daemon ended: {process.communicate()[1]}")
        assert time.monotonic() < deadline, "the daemon does not get there"
        time.sleep(0.02)


def many_pages(site: Site, count: int) -> list[tuple[str, str]]:
    """Articles that differ in one number."""
    return [
        (
            site.page(
                f"/talks/{number}",
                title=f"Nordland verkauft Lokomotiven, Teil {number}",
                text=TALKS.replace("152", str(1000 + number)),
            ),
            f"Nordland {number}",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_daemon_with_exit_code_0_and_nothing_half_written(
    name, site, engine, url, tmp_path: Path
):
    feed = site.feed("/rss", many_pages(site, 12))
    config = write_config(tmp_path, feeds=[feed], database_url=url, schedule=FAST)
    daemon = start(config)
    wait_for(lambda: sum(site.requests.values()) >= 4, daemon)
    daemon.send_signal(getattr(signal, name))
    _out, errors = daemon.communicate(timeout=PATIENCE)
    assert daemon.returncode == 0, errors
    orphans = rows(
        engine,
        "SELECT count(*) FROM article WHERE current_version_id IS NULL"
        " OR id NOT IN (SELECT article_id FROM observation WHERE article_id IS NOT NULL)",
    )
    assert orphans == [(0,)]


def test_a_second_daemon_on_the_same_database_is_refused(site, engine, url, tmp_path: Path):
    feed = site.feed("/rss", many_pages(site, 1))
    config = write_config(tmp_path, feeds=[feed], database_url=url, schedule=FAST)
    first = start(config)
    try:
        wait_for(lambda: site.requests["/rss"] > 0, first)
        second = start(config)
        _out, errors = second.communicate(timeout=PATIENCE)
        assert second.returncode == 1
        assert "storywatch: error:" in errors
        assert first.poll() is None
    finally:
        first.terminate()
        first.communicate(timeout=PATIENCE)


def test_killed_at_twenty_random_moments_nothing_is_lost_or_stored_twice(
    site, sqlite_url, tmp_path: Path
):
    random_moment = random.Random(20230905)
    links = many_pages(site, 60)
    feeds = [site.feed(f"/rss/{number}", links[number::3]) for number in range(3)]
    config = write_config(
        tmp_path, feeds=feeds, database_url=sqlite_url, schedule=FAST, story=ACCEPT_ALL
    )
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    for _kill in range(20):
        before = sum(site.requests.values())
        enough = random_moment.randint(1, 12)
        daemon = start(config)
        wait_for(lambda: sum(site.requests.values()) - before >= enough, daemon)  # noqa: B023
        daemon.kill()
        daemon.communicate(timeout=PATIENCE)
        with sqlite3.connect(database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    assert_each_article_is_there_once(config, sqlite_url, count=60)


def test_killed_and_with_its_server_crashed_nothing_is_lost_or_stored_twice(site, tmp_path: Path):
    random_moment = random.Random(20230905)
    links = many_pages(site, 24)
    feeds = [site.feed(f"/rss/{number}", links[number::3]) for number in range(3)]
    with own_cluster() as cluster:
        config = write_config(
            tmp_path, feeds=feeds, database_url=cluster.url, schedule=FAST, story=ACCEPT_ALL
        )
        for round_ in range(4):
            before = sum(site.requests.values())
            enough = random_moment.randint(1, 12)
            daemon = start(config)
            wait_for(lambda: sum(site.requests.values()) - before >= enough, daemon)  # noqa: B023
            if round_ == 2:
                cluster.crash()
                cluster.start()
            daemon.kill()
            daemon.communicate(timeout=PATIENCE)
        assert_each_article_is_there_once(config, cluster.url, count=24)


def assert_each_article_is_there_once(config: Path, url: str, *, count: int) -> None:
    """Finish what is left to do, and look for what was lost or stored twice."""
    from storage.engine import open_engine  # noqa: PLC0415

    engine = open_engine(url)
    try:
        with engine.begin() as connection:  # what the killed daemon had claimed is due again
            connection.exec_driver_sql("UPDATE candidate SET leased_until = NULL, due_at = seen_at")
            connection.exec_driver_sql("UPDATE article SET leased_until = NULL")
        run_once(config)
        counts = count_rows(engine)
        assert counts["article"] == counts["version"] == count
        assert counts["candidate"] == 0
        assert counts["discard"] == 0
        assert rows(engine, "SELECT count(DISTINCT canonical_url) FROM article") == [(count,)]
        doubles = rows(
            engine,
            "SELECT count(*) FROM version v JOIN version w"
            " ON v.content_hash = w.content_hash AND v.id < w.id",
        )
        assert doubles == [(0,)]
    finally:
        engine.dispose()
