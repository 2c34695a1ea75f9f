"""A daemon that was taken over writes nothing any more, at once and in the middle of a job."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from ingest.daemon import Ticks, run_daemon
from ingest.errors import LockLostError
from ingest.runtime import open_context, open_database, utc_now
from storage.engine import transaction
from storage.epoch import take_epoch
from storage.schema import daemon_epoch, outlet
from storage.units import run_unit
from tests.loopback import serve
from tests.running import ACCEPT_ALL, count_rows, read_config, rows, write_config
from tests.test_faults_process import EAGER, Held, listing, page, runs, until

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds; a bound for a hung test, nothing is measured by it


def take_over(engine, holder="another"):
    with transaction(engine) as connection:
        return take_epoch(connection, holder=holder, now=utc_now())


def add_outlet(connection, domain="a.example"):
    connection.execute(outlet.insert().values(domain=domain, name="A"))


def outlets(engine):
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(outlet)).scalar_one()


@asynccontextmanager
async def context_of(config):
    with open_database(read_config(config)) as opened:
        async with open_context(opened, read_config(config)) as context:
            yield context


def test_each_take_over_raises_the_epoch_and_says_whose_it_is(engine):
    assert [take_over(engine), take_over(engine, "process 7 on b")] == [1, 2]
    assert rows(engine, "SELECT id, epoch, holder FROM daemon_epoch") == [(1, 2, "process 7 on b")]


def test_a_unit_of_an_earlier_epoch_is_refused_before_it_does_anything(engine):
    first = take_over(engine)
    run_unit(engine, add_outlet, epoch=first)
    take_over(engine, "process 7 on b")
    called = []
    with pytest.raises(LockLostError, match="taken over by process 7 on b; nothing was written"):
        run_unit(engine, called.append, epoch=first)
    assert called == []
    run_unit(engine, lambda connection: add_outlet(connection, "b.example"))  # a command may
    assert outlets(engine) == 2


def test_an_epoch_that_is_gone_is_lost(engine):
    with pytest.raises(LockLostError, match="taken over; nothing"):
        run_unit(engine, add_outlet, epoch=1)


def test_a_take_over_waits_for_the_transaction_in_hand(engine):
    first = take_over(engine)
    begun, go_on = threading.Event(), threading.Event()
    order = []

    def work(connection):
        begun.set()
        go_on.wait(PATIENCE)
        add_outlet(connection)
        order.append("written")

    def usurp():
        begun.wait(PATIENCE)
        take_over(engine)
        order.append("taken over")

    threads = [
        threading.Thread(target=run_unit, args=(engine, work), kwargs={"epoch": first}),
        threading.Thread(target=usurp),
    ]
    for thread in threads:
        thread.start()
    begun.wait(PATIENCE)
    await_waiting(engine)
    go_on.set()
    for thread in threads:
        thread.join()
    assert order == ["written", "taken over"]
    assert outlets(engine) == 1
    with pytest.raises(LockLostError):
        run_unit(engine, add_outlet, epoch=first)


def await_waiting(engine):
    """Return when the take-over waits; on SQLite, which doesn't tell, at once."""
    if engine.dialect.name == "sqlite":
        return
    deadline = time.monotonic() + PATIENCE
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(waiting).scalar_one():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_context_that_was_taken_over_is_told_to_stop(engine, url, tmp_path):
    config = write_config(tmp_path, feeds=[], database_url=url)

    async def go():
        async with context_of(config) as first, context_of(config) as second:
            first.fence.epoch = await first.store(take_epoch, holder="first", now=utc_now())
            await first.store(add_outlet)
            second.fence.epoch = await second.store(take_epoch, holder="second", now=utc_now())
            with pytest.raises(LockLostError, match="by second"):
                await first.store(add_outlet, "b.example")
            assert first.stopping.is_set()
            await second.store(add_outlet, "c.example")
            assert not second.stopping.is_set()

    asyncio.run(go())
    assert rows(engine, "SELECT domain FROM outlet ORDER BY 1") == [("a.example",), ("c.example",)]


def test_a_daemon_taken_over_in_the_middle_of_a_page_stores_nothing_of_it(engine, url, tmp_path):
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
                tmp_path,
                feeds=[site.base + "/rss"],
                database_url=url,
                schedule=EAGER,
                story=ACCEPT_ALL,
            )
            async with context_of(config) as context:
                ticks = Ticks(tick_seconds=3600, drain_seconds=PATIENCE)
                daemon = asyncio.ensure_future(run_daemon(context, lock=Held(), ticks=ticks))
                await asked.wait()
                await asyncio.to_thread(take_over, engine, "process 7 on b")
                before = count_rows(engine)
                released.set()
                with pytest.raises(LockLostError, match="by process 7 on b"):
                    await asyncio.wait_for(daemon, PATIENCE)
            assert count_rows(engine) == before
            assert before["article"] == before["observation"] == 0
            assert before["candidate"] == 1

    asyncio.run(go())


def test_a_lock_that_does_not_answer_blocks_neither_the_loop_nor_the_stop(engine, url, tmp_path):
    class Frozen:
        """A lock whose database says nothing for as long as it is asked."""

        def __init__(self):
            self.asked, self.thawed = 0, threading.Event()

        def still_held(self):
            self.asked += 1
            self.thawed.wait(PATIENCE)
            return True

    lock = Frozen()
    config = write_config(tmp_path, feeds=[], database_url=url)

    async def go():
        async with context_of(config) as context:
            ticks = Ticks(tick_seconds=0.05, lock_seconds=0.05, longest_rest_seconds=0.1)
            daemon = asyncio.ensure_future(run_daemon(context, lock=lock, ticks=ticks))
            try:
                slowest = 0.0
                await until(lambda: lock.asked)
                for _ in range(20):
                    before = time.monotonic()
                    await asyncio.sleep(0.02)
                    slowest = max(slowest, time.monotonic() - before)
                assert slowest < PATIENCE / 3
                assert runs(engine) == 0  # nothing is begun while nobody knows
                assert lock.asked == 1
                lock.thawed.set()
                await until(lambda: runs(engine) >= 1, daemon=daemon)
            finally:
                lock.thawed.set()
                context.stopping.set()
                await daemon

    asyncio.run(go())


def start(config):
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "--config", str(config), "--log-level", "WARNING", "run"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=config.parent,
    )


def steal_lock(engine):
    """Let another daemon in, as a removed file or an ended session would."""
    if engine.dialect.name == "sqlite":
        Path(f"{engine.url.database}.lock").unlink()
        return
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1"
        )


def test_of_two_real_daemons_the_stale_one_ends_with_exit_code_1(engine, url, tmp_path):
    async def go():
        asked, released = asyncio.Event(), asyncio.Event()

        async def late(_ask, writer):
            first = not asked.is_set()
            asked.set()
            if first:
                await released.wait()
            writer.write(page())
            await writer.drain()

        routes = {"/late": late}
        async with serve(routes) as site:
            routes["/rss"] = listing(site.base + "/late")
            configs = []
            for name, seconds in (("stale", 3600), ("fresh", 1)):  # the first asks its lock once
                (tmp_path / name).mkdir()
                configs.append(
                    write_config(
                        tmp_path / name,
                        feeds=[site.base + "/rss"],
                        database_url=url,
                        schedule=EAGER + f"tick_seconds = {seconds}\n",
                        story=ACCEPT_ALL,
                    )
                )
            stale = start(configs[0])
            await asyncio.wait_for(asked.wait(), PATIENCE)
            steal_lock(engine)
            fresh = start(configs[1])
            try:
                stored = select(func.count()).select_from(daemon_epoch)
                await until(lambda: _scalar(engine, stored.where(daemon_epoch.c.epoch == 2)))
                await until(lambda: count_rows(engine)["article"] == 1)  # the second one's
                observed = rows(engine, "SELECT count(*) FROM observation")
                released.set()
                _out, errors = await asyncio.to_thread(stale.communicate, timeout=PATIENCE)
                assert stale.returncode == 1, errors
                assert f"taken over by process {fresh.pid} on " in errors
                assert "Traceback" not in errors
                assert rows(engine, "SELECT count(*) FROM observation") == observed
                assert fresh.poll() is None
            finally:
                fresh.terminate()
                await asyncio.to_thread(fresh.communicate, timeout=PATIENCE)
                stale.kill()
                stale.communicate()

    asyncio.run(go())


def _scalar(engine, query):
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()
