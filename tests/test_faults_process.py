"""Faults of section E: clocks that are set, jobs that hang, daemons that are stopped or starved."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import event, func, inspect, select

from ingest.backfill.job import begin
from ingest.backfill.run import run_backfill
from ingest.backfill.source_jsonl import JsonSource
from ingest.daemon import Ticks, run_daemon
from ingest.errors import LockLostError
from ingest.log import JSONFormatter, LineFormatter, Throttle
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database, utc_now
from storage import schema
from storage.engine import open_engine, read_connection, transaction
from storage.lock import hold_daemon_lock
from storage.migrate import _scripts, downgrade, head, upgrade
from tests.cluster import own_cluster
from tests.conftest import Clock
from tests.loopback import answer, serve, silence
from tests.running import (
    ACCEPT_ALL,
    TALKS,
    count_rows,
    live_through,
    read_config,
    rows,
    write_config,
)

PATIENCE = 60.0  # seconds; a bound for a hung test, nothing is measured by it
EAGER = "floor_seconds = 1.0\nceiling_seconds = 1.0\nfirst_check_seconds = 1000.0\n"
QUICK = Ticks(
    tick_seconds=0.1,
    drain_seconds=5.0,
    job_seconds=20.0,
    longest_rest_seconds=0.4,
    clock_seconds=0.05,
)


class Held:
    """A lock that nobody disputes."""

    def still_held(self) -> bool:
        return True


async def until(happened: Callable[[], object], *, daemon: asyncio.Task[None] | None = None):
    """Wait for something the daemon does."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "the daemon does not get there"
        assert daemon is None or not daemon.done(), "the daemon ended"
        await asyncio.sleep(0.02)


def watch(file, during, *, ticks=QUICK, now=utc_now, lock=None):
    """Run the real daemon in this process while `during` looks on; return when it has ended."""

    async def go():
        config = read_config(file)
        with open_database(config) as engine, lock(engine) if lock else held() as hold:
            async with open_context(engine, config, now=now) as context:
                daemon = asyncio.ensure_future(run_daemon(context, lock=hold, ticks=ticks))
                try:
                    await during(context)
                finally:
                    context.stopping.set()
                    await daemon

    asyncio.run(go())


@contextmanager
def held():
    yield Held()


def runs(engine, job="poll-due-feeds"):
    """How often a job was started."""
    return rows(engine, f"SELECT count(*) FROM job_run WHERE job = '{job}'")[0][0]


@pytest.fixture
def quiet(site, sqlite_url, tmp_path):
    """A configuration with a feed that has nothing."""
    return write_config(
        tmp_path, feeds=[site.feed("/rss", [])], database_url=sqlite_url, schedule=EAGER
    )


def talks(site, number):
    """An article of its own."""
    return site.page(
        f"/talks/{number}",
        title=f"Nordland verkauft Lokomotiven, Teil {number}",
        text=TALKS.replace("152", str(1000 + number)),
    )


# ---------------------------------------------------------------- ticks and clocks


def test_ticks_missed_while_the_loop_was_blocked_are_made_up_for_once(quiet):
    async def during(context):
        await until(lambda: runs(context.engine) >= 2)
        before = runs(context.engine)
        time.sleep(1.0)  # noqa: ASYNC251 - ten ticks pass
        await until(lambda: runs(context.engine) > before)
        assert runs(context.engine) - before <= 2

    watch(quiet, during)


class Wall:
    """A clock that goes on, and can be set."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


@pytest.fixture
def wall(monkeypatch):
    """The clock that both the daemon and its scheduler look at."""
    clock = Wall()

    class Shown(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + clock.offset

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Shown)
    return clock


def test_a_clock_set_back_an_hour_stops_no_polling(site, quiet, wall, caplog):
    async def during(context):
        await until(lambda: site.requests["/rss"] >= 2)
        wall.offset = -timedelta(hours=1)
        before = site.requests["/rss"]
        await until(lambda: site.requests["/rss"] >= before + 3)

    watch(quiet, during, now=wall)
    assert "the clock was set by -3600 s" in caplog.text


def test_a_clock_set_ahead_two_hours_brings_one_poll(site, sqlite_url, tmp_path, wall):
    hourly = "floor_seconds = 1800\nceiling_seconds = 86400\n"
    feed = site.feed("/rss", [])
    config = write_config(tmp_path, feeds=[feed], database_url=sqlite_url, schedule=hourly)

    async def during(context):
        await until(lambda: runs(context.engine) >= 3)
        assert site.requests["/rss"] == 1
        wall.offset = timedelta(hours=2)
        await until(lambda: site.requests["/rss"] == 2)
        before = runs(context.engine)
        await until(lambda: runs(context.engine) >= before + 5)
        assert site.requests["/rss"] == 2

    watch(config, during, now=wall)


def test_what_a_clock_that_was_ahead_put_off_is_due_at_the_next_start(site, url, engine, tmp_path):
    feed = site.feed("/rss", [(talks(site, 1), "Nordland 1")])
    config = write_config(tmp_path, feeds=[feed], database_url=url, schedule="floor_seconds = 60")
    wrong = Clock(utc_now() + timedelta(days=365))

    async def run_with_a_wrong_clock():
        with open_database(read_config(config)) as opened:
            async with open_context(opened, read_config(config), now=wrong) as context:
                await run_pass(context)

    asyncio.run(run_with_a_wrong_clock())
    assert site.requests["/talks/1"] == 1

    async def during(_context):
        await until(lambda: site.requests["/rss"] == 2 and site.requests["/talks/1"] == 2)

    watch(config, during)


def test_a_change_to_summer_time_moves_nothing(site, sqlite_url, tmp_path, monkeypatch):
    feed = site.feed("/rss", [])
    config = write_config(
        tmp_path,
        feeds=[feed],
        database_url=sqlite_url,
        schedule="floor_seconds = 600\nceiling_seconds = 1800",
    )
    try:
        for zone, start in (
            ("Europe/Berlin", datetime(2024, 3, 31, 0, 30, tzinfo=UTC)),
            ("Europe/Berlin", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
        ):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            live_through(config, Clock(start), days=0.1, acts=[])
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        polled = connection.execute("SELECT polled_at FROM feed_poll ORDER BY id").fetchall()
    connection.close()
    moments = [datetime.fromisoformat(at) for (at,) in polled]
    gaps = [after - before for before, after in pairwise(moments)]
    usual = [gap for gap in gaps if gap < timedelta(days=1)]  # besides the summer between the two
    assert len(usual) >= 6
    assert all(timedelta(minutes=10) < gap < timedelta(minutes=60) for gap in usual)


def test_what_is_due_is_kept_in_columns_and_nothing_is_pickled(quiet, opened, sqlite_url):
    async def during(context):
        await until(lambda: runs(context.engine) >= 1)

    watch(quiet, during)
    tables = set(inspect(opened(sqlite_url)).get_table_names())
    kept = {table.name for table in schema.metadata.sorted_tables} | {"alembic_version"}
    assert {name for name in tables if not name.startswith("version_search")} == kept
    root = Path(__file__).parent.parent
    for folder in ("ingest", "storage"):
        for file in (root / folder).rglob("*.py"):
            # What is sent to a cluster is pickled, and kept nowhere.
            is_sent = file.parent.name == "cluster"
            assert is_sent or "import pickle" not in file.read_text(), file
            assert "jobstore=" not in file.read_text(), file


# ---------------------------------------------------------------- jobs that hang


def listing(url):
    """A feed of one page."""
    body = (
        f"<rss version='2.0'><channel><title>F</title><item><title>Nordland</title>"
        f"<link>{url}</link></item></channel></rss>"
    )
    return answer(body.encode(), content_type="application/rss+xml")


def page():
    """An article as a server answers it."""
    paragraphs = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    html = (
        "<html lang='de'><head><title>Nordland verkauft Lokomotiven</title></head><body><article>"
        f"<h1>Nordland verkauft Lokomotiven</h1>{paragraphs}</article></body></html>"
    )
    return answer(html.encode(), content_type="text/html; charset=utf-8")


def test_a_job_that_hangs_is_cancelled_reported_and_started_again(sqlite_url, tmp_path, caplog):
    async def go():
        async with serve({"/rss": silence}) as site:
            config = write_config(
                tmp_path, feeds=[site.base + "/rss"], database_url=sqlite_url, schedule=EAGER
            )
            with open_database(read_config(config)) as engine:
                async with open_context(engine, read_config(config)) as context:
                    ticks = Ticks(tick_seconds=0.1, job_seconds=0.3, drain_seconds=0.2)
                    daemon = asyncio.ensure_future(run_daemon(context, lock=Held(), ticks=ticks))
                    await until(lambda: site.paths.count("/rss") >= 1 and runs(engine) >= 2)
                    context.stopping.set()
                    await daemon
                    return rows(
                        engine,
                        "SELECT outcome, error FROM job_run WHERE job = 'poll-due-feeds'"
                        " ORDER BY id",
                    )[0]

    assert asyncio.run(go()) == ("failed", "cancelled after 0 s")
    assert "poll-due-feeds failed: cancelled after 0 s" in caplog.text


def test_a_page_under_way_when_the_daemon_is_stopped_is_finished(url, engine, tmp_path):
    async def go():
        asked, released = asyncio.Event(), asyncio.Event()

        async def late(_ask, writer):
            asked.set()
            await released.wait()
            writer.write(page())
            await writer.drain()

        routes = {"/late": late}
        async with serve(routes) as site:
            routes["/rss"] = listing(site.base + "/late")
            config = write_config(
                tmp_path, feeds=[site.base + "/rss"], database_url=url, schedule=EAGER
            )
            with open_database(read_config(config)) as opened:
                async with open_context(opened, read_config(config)) as context:
                    daemon = asyncio.ensure_future(
                        run_daemon(
                            context, lock=Held(), ticks=Ticks(tick_seconds=0.1, drain_seconds=20)
                        )
                    )
                    await asked.wait()
                    context.stopping.set()
                    await asyncio.sleep(0)
                    assert not daemon.done()
                    released.set()
                    await daemon

    asyncio.run(go())
    counts = count_rows(engine)
    assert (counts["article"], counts["version"], counts["candidate"]) == (1, 1, 0)


def start(config):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "--config", str(config), "--log-level", "WARNING", "run"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=config.parent,
    )


def test_a_page_that_never_comes_holds_up_no_stop(url, engine, tmp_path):
    async def go():
        routes = {"/never": silence}
        async with serve(routes) as site:
            routes["/rss"] = listing(site.base + "/never")
            config = write_config(
                tmp_path,
                feeds=[site.base + "/rss"],
                database_url=url,
                schedule=EAGER + "tick_seconds = 0.2\ndrain_seconds = 0.5\n",
            )
            daemon = start(config)
            await until(lambda: "/never" in site.paths)
            asked = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            _out, errors = await asyncio.to_thread(daemon.communicate, timeout=PATIENCE)
            return daemon.returncode, errors, time.monotonic() - asked

    code, errors, seconds = asyncio.run(go())
    assert code == 0, errors
    assert "did not finish in time" in errors
    assert "Traceback" not in errors
    assert seconds < 15
    counts = count_rows(engine)
    assert (counts["article"], counts["version"], counts["candidate"]) == (0, 0, 1)


# ---------------------------------------------------------------- locks, schema, company


def test_a_daemon_that_lost_its_lock_stops(site, engine, url, tmp_path):
    config = write_config(tmp_path, feeds=[site.feed("/rss", [])], database_url=url, schedule=EAGER)

    def lose():
        if engine.dialect.name == "sqlite":
            Path(f"{engine.url.database}.lock").unlink()
            return
        with transaction(engine) as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
                " WHERE locktype = 'advisory' AND objsubid = 1"
            )

    async def during(context):
        await until(lambda: runs(context.engine) >= 2)
        lose()
        await asyncio.wait_for(context.stopping.wait(), PATIENCE)

    with pytest.raises(LockLostError, match="lock is lost"):
        watch(config, during, lock=hold_daemon_lock)


def test_a_daemon_refuses_a_schema_that_is_not_its_own(site, engine, url, tmp_path):
    config = write_config(tmp_path, feeds=[site.feed("/rss", [])], database_url=url)
    downgrade(engine, _scripts().get_revision(head()).down_revision)
    daemon = start(config)
    _out, errors = daemon.communicate(timeout=PATIENCE)
    assert daemon.returncode == 1
    assert "run `storywatch db upgrade`" in errors
    assert site.requests["/rss"] == 0


def test_a_backfill_beside_the_daemon_gives_neither_deadlocks_nor_doubles(
    site, engine, url, tmp_path
):
    pages = [talks(site, number) for number in range(12)]
    feeds = [
        site.feed("/rss/1", [(item, "Nordland") for item in pages]),
        site.feed("/rss/2", [(item, "Nordland") for item in reversed(pages)]),
    ]
    config = write_config(
        tmp_path, feeds=feeds, database_url=url, schedule=EAGER, story="\n" + ACCEPT_ALL
    )
    lines = [
        {
            "url": item,
            "title": f"Nordland verkauft Lokomotiven, Teil {number}",
            "text": TALKS.replace("152", str(1000 + number)),
        }
        for number, item in enumerate(pages)
    ]
    file = tmp_path / "articles.jsonl"
    file.write_text("\n".join(map(json.dumps, reversed(lines))), encoding="utf-8")

    async def during(context):
        parsed = read_config(config)
        with open_database(parsed) as opened:
            async with open_context(opened, parsed) as second:
                source = JsonSource(context=second, file=file)
                job = await begin(second, source, limit=None, resume=False, restart=False)
                done, complete = await run_backfill(second, source, job, in_hand=4, limit=None)
        assert complete
        assert done.errors == []
        await until(lambda: all(site.requests[f"/talks/{n}"] for n in range(12)))
        await until(lambda: count_rows(context.engine)["candidate"] == 0)

    watch(config, during, lock=hold_daemon_lock)
    assert count_rows(engine)["article"] == 12
    assert rows(engine, "SELECT count(DISTINCT canonical_url) FROM article") == [(12,)]
    assert rows(engine, "SELECT count(*) FROM job_run WHERE error IS NOT NULL") == [(0,)]


# ---------------------------------------------------------------- a database that fails


def test_a_daemon_whose_disk_is_full_rests_and_goes_on_when_there_is_room(
    site, sqlite_url, tmp_path, caplog
):
    feed = site.feed("/rss", [])
    config = write_config(tmp_path, feeds=[feed], database_url=sqlite_url, schedule=EAGER)
    room = {"pages": 100_000}

    async def during(context):
        event.listen(
            context.engine,
            "checkout",
            lambda raw, *_: raw.execute(f"PRAGMA max_page_count={room['pages']}"),
        )
        await until(lambda: runs(context.engine) >= 2)
        room["pages"] = 1  # SQLite raises it to the file's size: no page can be added
        site.feed("/rss", [(talks(site, number), "Nordland") for number in range(6)])
        await until(lambda: caplog.text.count("the disk is full") >= 4)
        asked = site.requests["/rss"]
        await until(lambda: caplog.text.count("the disk is full") >= 8)
        assert site.requests["/rss"] - asked <= 4  # each refusal asks the sites once at most
        with read_connection(context.engine) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        room["pages"] = 100_000
        await until(lambda: sum(site.requests[f"/talks/{n}"] for n in range(6)) >= 6)
        counted = select(func.count()).select_from(schema.version)
        await until(lambda: _scalar(context.engine, counted) == 6)

    watch(config, during)


def test_a_large_write_ahead_log_is_told_of(quiet, caplog, monkeypatch):
    monkeypatch.setattr("storage.engine._BUSY_TIMEOUT_MS", 20)  # how long folding it in may wait

    ticks = Ticks(tick_seconds=0.1, housekeeping_seconds=0.2, large_log_bytes=100_000)

    async def during(context):
        reader = context.engine.connect().execution_options(storywatch_read_only=True)
        with reader, reader.begin():
            reader.execute(select(func.count()).select_from(schema.outlet)).scalar_one()
            row = {"domain": "a.example", "name": "n" * 500_000}
            await context.store(lambda connection: connection.execute(schema.outlet.insert(), row))
            await until(lambda: "somebody has been reading for long" in caplog.text)

    watch(quiet, during, ticks=ticks)


def _scalar(engine, query):
    with read_connection(engine) as connection:
        return connection.execute(query).scalar_one()


def test_a_server_that_crashes_under_the_daemon_costs_nothing(site, tmp_path):
    pages = [(talks(site, number), "Nordland") for number in range(12)]
    feeds = [site.feed(f"/rss/{number}", pages[number::2]) for number in range(2)]
    with own_cluster() as cluster:
        engine = open_engine(cluster.url)
        upgrade(engine)
        config = write_config(
            tmp_path,
            feeds=feeds,
            database_url=cluster.url,
            schedule=EAGER,
            story="\n" + ACCEPT_ALL,
        )

        async def crash(context):
            await until(lambda: sum(site.requests[f"/talks/{n}"] for n in range(12)) >= 3)
            await asyncio.to_thread(cluster.crash)
            await asyncio.to_thread(cluster.start)
            await asyncio.wait_for(context.stopping.wait(), PATIENCE)

        with pytest.raises(LockLostError, match="lock is lost"):
            watch(config, crash, lock=hold_daemon_lock)

        async def finish(context):
            await until(lambda: count_rows(context.engine)["article"] == 12)
            await until(lambda: count_rows(context.engine)["candidate"] == 0)

        watch(config, finish, lock=hold_daemon_lock)  # as the supervisor would start it again
        counts = count_rows(engine)
        assert (counts["article"], counts["version"], counts["discard"]) == (12, 12, 0)
        engine.dispose()


# ---------------------------------------------------------------- the log


def logger_to(stream, formatter, **limits):
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(Throttle(**limits))
    logger = logging.Logger("storywatch.test")
    logger.addHandler(handler)
    return logger


def test_a_hundred_thousand_complaints_are_a_hundred_lines_and_a_count():
    stream = io.StringIO()
    logger = logger_to(stream, LineFormatter())
    record = logger.makeRecord("n", logging.ERROR, "f.py", 1, "feed %d failed", (1,), None)
    record.created = 0.0
    for number in range(100_000):
        record.args = (number,)
        logger.handle(record)
    record.created = 61.0
    logger.handle(record)
    other = logger.makeRecord("n", logging.ERROR, "f.py", 2, "something else", (), None)
    logger.handle(other)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 102
    assert lines[-2].endswith("(and 99900 more like it before)")
    assert lines[-1].endswith("something else")


def test_news_is_never_held_back():
    stream = io.StringIO()
    logger = logger_to(stream, LineFormatter(), most=1)
    for number in range(5):
        logger.info("feed %d parsed", number)
    assert len(stream.getvalue().splitlines()) == 5


@pytest.mark.parametrize("formatter", [LineFormatter(), JSONFormatter()], ids=["lines", "JSON"])
def test_no_secret_of_a_url_is_logged_not_even_in_a_traceback(formatter):
    stream = io.StringIO()
    logger = logger_to(stream, formatter)
    address = "https://user:hunter2@a.example/rss?page=2&access_token=s3cret&api_key=k3y#top"
    try:
        int(address)
    except ValueError:
        logger.exception("cannot fetch %s", address)
    shown = stream.getvalue()
    assert not any(secret in shown for secret in ("hunter2", "s3cret", "k3y"))
    assert shown.count("https://***@a.example/rss?page=2&access_token=***&api_key=***#top") == 2
