"""Pages read by a Dask cluster: what pages do to it, lost workers and schedulers, the commands."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ingest.cluster import client as cluster_client
from ingest.cluster.client import Cluster
from ingest.cluster.work import Limits, program_version, run_call
from ingest.errors import ConfigError, EngineError
from ingest.model import FailureKind, Rejection
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from ingest.work import warm_up
from storage.engine import open_engine
from tests import hostile
from tests.commands import ROOT
from tests.daskcluster import dask_cluster, kill
from tests.running import ACCEPT_ALL, TALKS, read_config, rows, write_config
from tests.test_backfill_run import command, run, wait_until
from tests.test_backfill_sources import ARTICLES, CONTENT, write_warcs
from tests.test_daemon import FAST, many_pages, start
from tests.test_daemon import wait_for as wait_until_there

MAIN = ("from ingest.cli import main", "main()")
COLD = Limits(memory_mib=1024, recycle_after=100, warm_up=None)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster of two workers, for tests that leave it whole."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        yield cluster


def connect(cluster, **changes):
    return Cluster(cluster.address, **({"task_seconds": 20, "limits": COLD} | changes))


def wait_for(happened, seconds=30.0):
    ends = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_what_a_page_does_to_its_process_is_its_own_failure(two):
    with connect(two) as workers:
        assert workers.places == 2
        process = workers.submit(hostile.tell_process).result(30)
        assert process != os.getpid()
        died = workers.submit(hostile.die).result(30)
        assert isinstance(died, Rejection)
        assert (died.kind, "died" in died.reason) == (FailureKind.CRASHED, True)
        late = workers.submit_within(0.5, time.sleep, 30).result(30)
        assert isinstance(late, Rejection)
        assert "overran its time" in late.reason
        raised = workers.submit(int, "x").result(30)
        assert isinstance(raised, Rejection)
        assert "ValueError" in raised.reason
        assert workers.submit(hostile.tell_process).result(30)
        assert all(worker.poll() is None for worker in two.workers)


def test_a_worker_of_another_version_is_refused_and_blames_no_page(two, monkeypatch):
    monkeypatch.setattr(cluster_client, "program_version", lambda: "storywatch 0.0.9")
    with connect(two) as workers, pytest.raises(EngineError, match="asked for was storywatch 0"):
        workers.submit(hostile.tell_process).result(30)
    with pytest.raises(EngineError, match="install the same everywhere"):
        run_call("storywatch 0.0.9", b"never opened")
    assert program_version().startswith("storywatch 0.")


def test_a_lost_worker_loses_no_task(tmp_path):
    marker = tmp_path / "begun"
    with dask_cluster(tmp_path, workers=2) as cluster, connect(cluster) as workers:
        tasks = [workers.submit(hostile.take_time, marker, 0.2) for _ in range(30)]
        wait_for(lambda: marker.exists() and marker.read_text().count("begun") >= 6)
        kill(cluster.workers[0])
        processes = {task.result(60) for task in tasks}
        assert len(processes) == 2
        wait_for(lambda: workers.places == 1)


def test_a_lost_scheduler_ends_what_waits_and_is_found_again(tmp_path):
    marker = tmp_path / "begun"
    with dask_cluster(tmp_path, workers=1) as cluster, connect(cluster) as workers:
        tasks = [workers.submit(hostile.take_time, marker, 1.0) for _ in range(5)]
        wait_for(marker.exists)
        assert cluster.scheduler is not None
        kill(cluster.scheduler)
        for task in tasks:
            with pytest.raises(EngineError):
                task.result(60)
        with pytest.raises(EngineError):
            workers.submit(hostile.tell_process).result(60)
        cluster.start_scheduler()
        cluster.start_worker()

        def answers():
            try:
                return workers.submit(hostile.tell_process).result(30) > 0
            except EngineError:
                return False

        wait_for(answers, seconds=60)


def test_a_cluster_without_workers_is_not_waited_for_for_ever(tmp_path):
    with (
        dask_cluster(tmp_path, workers=0) as cluster,
        connect(cluster, patience_seconds=1) as workers,
        pytest.raises(EngineError, match="has no worker for"),
    ):
        workers.submit(hostile.tell_process).result(60)


def test_a_plain_worker_of_dask_will_do_if_it_may_start_processes(tmp_path):
    with dask_cluster(tmp_path, workers=0) as cluster, connect(cluster) as workers:
        plain = cluster.start_plain_worker()
        with pytest.raises(EngineError, match="start it by `storywatch worker`, or with DASK"):
            workers.submit(hostile.tell_process).result(60)
        plain.terminate()
        plain.wait(30)
        cluster.start_plain_worker(DASK_DISTRIBUTED__WORKER__DAEMON="False")
        assert isinstance(workers.submit(hostile.die).result(60), Rejection)
        assert workers.submit(hostile.tell_process).result(60)


def test_an_absent_scheduler_is_said_at_once():
    with pytest.raises(EngineError, match="start one by `dask scheduler`"):
        Cluster("tcp://127.0.0.1:9", task_seconds=1, limits=COLD)


# ---------------------------------------------------------------- the commands


def cluster_arguments(cluster):
    return ["--engine", "dask", "--scheduler", cluster.address]


def test_a_backfill_on_a_cluster_that_loses_a_worker_comes_to_the_same(site, engine, url, tmp_path):
    folder = write_warcs(site, tmp_path / "crawl")
    here = tmp_path / "here"
    here.mkdir()
    alone = write_config(
        here, feeds=[], database_url=f"sqlite:///{here}/alone.db", story=ACCEPT_ALL
    )
    run(alone, "warc", str(folder))
    config = write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL)
    with dask_cluster(tmp_path, workers=2) as cluster:
        process = subprocess.Popen(
            command(config, "warc", str(folder), *cluster_arguments(cluster)),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: rows(engine, "SELECT count(*) FROM version")[0][0] > 1, process)
        kill(cluster.workers[0])
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0, told
    assert f"new-version: {ARTICLES}" in told
    whole = open_engine(f"sqlite:///{here}/alone.db")
    assert rows(engine, CONTENT) == rows(whole, CONTENT)
    whole.dispose()


def test_a_backfill_that_loses_its_cluster_goes_on_later(site, engine, url, tmp_path):
    folder = write_warcs(site, tmp_path / "crawl")
    config = write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL)
    with dask_cluster(tmp_path, workers=1) as cluster:
        arguments = ["warc", str(folder), *cluster_arguments(cluster)]
        process = subprocess.Popen(
            command(config, *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: rows(engine, "SELECT count(*) FROM version")[0][0] > 0, process)
        assert cluster.scheduler is not None
        kill(cluster.scheduler)
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 1, told
    assert cluster.address in told
    run(config, "warc", str(folder), "--resume")  # on this machine
    assert rows(engine, "SELECT count(*) FROM article") == [(ARTICLES,)]


def test_a_pass_over_feeds_on_a_cluster_and_without_one(site, two, url, engine, tmp_path):
    page = site.page("/talks", title="Nordland verhandelt", text=TALKS)
    feed = site.feed("/feed", [(page, "Nordland verhandelt")])
    config = read_config(write_config(tmp_path, feeds=[feed], database_url=url, story=ACCEPT_ALL))
    warm = Limits(memory_mib=1024, recycle_after=100, warm_up=warm_up)

    async def go(address, limits):
        with open_database(config) as database:
            async with open_context(database, config) as context:
                with Cluster(address, task_seconds=20, limits=limits) as workers:
                    await run_pass(replace(context, workers=workers), everything=True)

    with dask_cluster(tmp_path, workers=1) as lost:

        async def lose():
            with open_database(config) as database:
                async with open_context(database, config) as context:
                    with Cluster(lost.address, task_seconds=20, limits=warm) as workers:
                        assert lost.scheduler is not None
                        kill(lost.scheduler)
                        await run_pass(replace(context, workers=workers), everything=True)

        with pytest.raises(EngineError):
            asyncio.run(lose())
    assert rows(engine, "SELECT count(*) FROM discard") == [(0,)]  # nothing is blamed on the page
    asyncio.run(go(two.address, warm))
    assert rows(engine, "SELECT title FROM version") == [("Nordland verhandelt",)]


def test_the_daemon_takes_its_cluster_from_the_configuration(tmp_path):
    file = write_config(
        tmp_path, feeds=[], database_url=f"sqlite:///{tmp_path}/a.db", story=ACCEPT_ALL
    )
    text = file.read_text()
    file.write_text(text.replace("[workers]\n", '[workers]\nengine = "dask"\n'))
    with pytest.raises(ConfigError, match=r"workers.scheduler: name the cluster's scheduler"):
        read_config(file)
    file.write_text(text.replace("[workers]\n", '[workers]\nscheduler = "tcp://a:1"\n'))
    with pytest.raises(ConfigError, match='of no use without engine = "dask"'):
        read_config(file)
    file.write_text(
        text.replace("[workers]\n", '[workers]\nengine = "dask"\nscheduler = "tcp://127.0.0.1:9"\n')
    )
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "--config", file, "run"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr


def test_a_worker_leaves_when_it_is_told_to_and_when_its_scheduler_is_gone(tmp_path):
    with dask_cluster(tmp_path, workers=2) as cluster:
        told, left = cluster.workers
        told.send_signal(signal.SIGTERM)
        assert told.wait(30) == 0
        assert cluster.scheduler is not None
        kill(cluster.scheduler)
        assert left.wait(60) == 1
    log = (tmp_path / "worker-1.log").read_text()
    assert f"storywatch: error: the scheduler at {cluster.address} is gone" in log


def test_a_worker_needs_an_address_and_dask():
    def worker(*before):
        return subprocess.run(
            [sys.executable, "-c", "\n".join([*before, *MAIN]), "worker", "10.0.0.5"],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    refused = worker()
    assert refused.returncode == 2
    assert "10.0.0.5 is no scheduler's address" in refused.stderr
    missing = worker("import sys", "sys.modules['distributed'] = None")
    assert missing.returncode == 2
    assert "pip install 'storywatch[dask]'" in missing.stderr


def test_a_daemon_rests_while_its_cluster_is_gone_and_goes_on_with_it(site, sqlite_url, tmp_path):
    listed = many_pages(site, 2)
    feed = site.feed("/rss", listed[:1])
    config = write_config(
        tmp_path, feeds=[feed], database_url=sqlite_url, story="\n" + ACCEPT_ALL, schedule=FAST
    )
    engine = open_engine(sqlite_url)

    def stored(count):
        return lambda: rows(engine, "SELECT count(*) FROM version") == [(count,)]

    with dask_cluster(tmp_path, workers=1) as cluster:
        own = f'[workers]\nengine = "dask"\nscheduler = "{cluster.address}"\n'
        config.write_text(config.read_text().replace("[workers]\n", own))
        assert run(config, "urls", "/dev/null")["outcomes"] == {}  # it takes the setting too
        process = start(config)
        try:
            wait_until_there(stored(1), process)
            assert cluster.scheduler is not None
            kill(cluster.scheduler)
            site.feed("/rss", listed)  # so that there is something to do
            failed = "SELECT count(*) > 0 FROM job_run WHERE error LIKE 'EngineError%'"
            wait_until_there(lambda: rows(engine, failed) == [(1,)], process)
            cluster.start_scheduler()
            cluster.start_worker()
            wait_until_there(stored(2), process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()
    assert rows(engine, "SELECT count(*) FROM discard") == [(0,)]
    engine.dispose()
