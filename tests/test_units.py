"""A unit of work is repeated where that helps, and stored once, whatever its connection does."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter

import pytest
from sqlalchemy import select, text

from ingest.backfill.givenlines import read_given_article
from ingest.backfill.settle import write_given
from ingest.errors import StorageError
from ingest.runtime import open_context, open_database, utc_now
from ingest.work import assess_given
from storage.engine import open_engine, transaction
from storage.epoch import take_epoch
from storage.migrate import upgrade
from storage.runs import start_run
from storage.schema import feature, job_run, outlet
from storage.units import Patience, run_unit
from tests.cluster import own_cluster
from tests.proxy import Cut, proxy_to
from tests.running import ACCEPT_ALL, TALKS, WEATHER, read_config, write_config

PATIENCE = Patience(outage=30.0, between_looks=0.05)


def append(connection, job="j"):
    """Append a row that nothing keeps from being there twice."""
    return start_run(connection, job, utc_now())


def stored(engine):
    with transaction(engine) as connection:
        return Counter(connection.execute(select(job_run.c.job)).scalars())


def take(engine):
    with transaction(engine) as connection:
        return take_epoch(connection, holder="test", now=utc_now())


@pytest.fixture(params=[False, True], ids=["a command", "a daemon"])
def by(request):
    """Give the epoch to write by, of a daemon or none."""
    return take if request.param else lambda _engine: None


# ---------------------------------------------------------------- collisions


def test_a_deadlock_is_repeated_whole_after_a_wait(postgres_url, opened):
    engine = opened(postgres_url + "?options=-c%20deadlock_timeout%3D20ms")
    domains = ["a.example", "b.example"]
    with transaction(engine) as connection:
        for domain in domains:
            connection.execute(outlet.insert().values(domain=domain, name=""))
    meeting, waits, calls = threading.Barrier(2), [], []

    def rename(connection, domain, letter):
        named = outlet.update().where(outlet.c.domain == domain)
        connection.execute(named.values(name=outlet.c.name + letter))

    def work(letter, first, second):
        def both(connection):
            calls.append(letter)
            append(connection, letter)
            rename(connection, first, letter)
            if calls.count(letter) == 1:
                meeting.wait(30)
            rename(connection, second, letter)

        run_unit(engine, both, sleep=waits.append, chance=lambda: 0.5)

    threads = [
        threading.Thread(target=work, args=("x", *domains)),
        threading.Thread(target=work, args=("y", *reversed(domains))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(calls) in (["x", "x", "y"], ["x", "y", "y"])
    assert waits == [pytest.approx(0.05)]
    assert stored(engine) == {"x": 1, "y": 1}


def test_a_busy_file_is_tried_again_a_few_times(sqlite_url, opened, monkeypatch):
    monkeypatch.setattr("storage.engine._BUSY_TIMEOUT_MS", 10)
    engine, other = opened(sqlite_url), opened(sqlite_url)
    waits = []

    with other.connect() as blocking:
        held = blocking.begin()

        def sleep(seconds):
            waits.append(seconds)
            if len(waits) == 2:
                held.rollback()

        run_unit(engine, append, sleep=sleep, chance=lambda: 0.0)
    assert waits == [pytest.approx(0.025), pytest.approx(0.075)]
    assert stored(engine) == {"j": 1}


def test_a_collision_without_end_is_raised(sqlite_url, opened, monkeypatch):
    monkeypatch.setattr("storage.engine._BUSY_TIMEOUT_MS", 10)
    engine, other = opened(sqlite_url), opened(sqlite_url)
    waits = []
    with (
        other.connect() as blocking,
        blocking.begin(),
        pytest.raises(StorageError, match="locked"),
    ):
        run_unit(engine, append, patience=Patience(collisions=3), sleep=waits.append)
    assert len(waits) == 3


@pytest.mark.parametrize("fault", ["a value that is refused", "an error of ours"])
def test_other_errors_are_raised_at_once_and_undone(engine, fault):
    calls, undone = [], []

    def work(connection):
        calls.append(append(connection))
        if fault == "an error of ours":
            raise ZeroDivisionError
        connection.execute(job_run.insert().values(job=None))

    with pytest.raises((StorageError, ZeroDivisionError)):
        run_unit(engine, work, undo=lambda: undone.append(1), sleep=pytest.fail)
    assert (len(calls), undone) == (1, [1])
    assert stored(engine) == {}


# ---------------------------------------------------------------- connections that are lost


def test_a_connection_lost_between_two_statements_is_made_good(postgres_url, opened, by):
    with proxy_to(postgres_url) as proxy:
        engine, calls, undone = opened(proxy.url), [], []
        epoch = by(engine)

        def work(connection):
            append(connection)
            calls.append(1)
            if len(calls) == 1:
                proxy.cut_all()
            append(connection)
            return len(calls)

        undo = undone.append
        result = run_unit(engine, work, epoch=epoch, patience=PATIENCE, undo=lambda: undo(1))
    assert (result, undone) == (2, [1])
    assert stored(opened(postgres_url)) == {"j": 2}


@pytest.mark.parametrize("cut", Cut)
def test_a_connection_cut_at_commit_leaves_the_unit_stored_once(postgres_url, opened, by, cut):
    with proxy_to(postgres_url) as proxy:
        engine, calls = opened(proxy.url), []
        epoch = by(engine)
        proxy.next_commit = cut

        def work(connection):
            calls.append(append(connection))
            return calls[-1]

        result = run_unit(engine, work, epoch=epoch, patience=PATIENCE)
        assert proxy.cuts == 1
    assert len(calls) == (1 if cut is Cut.AFTER else 2)
    assert result == calls[-1]
    assert stored(opened(postgres_url)) == {"j": 1}


def test_of_many_units_cut_at_random_none_is_lost_or_doubled(postgres_url, opened):
    chance = random.Random(11)
    with proxy_to(postgres_url) as proxy:
        engine = opened(proxy.url)
        epoch = take(engine)
        for number in range(40):
            proxy.next_commit = chance.choice([*Cut, None])
            run_unit(engine, lambda c, n=number: append(c, str(n)), epoch=epoch, patience=PATIENCE)
        assert proxy.cuts >= 20
    assert stored(opened(postgres_url)) == {str(number): 1 for number in range(40)}


def test_a_server_that_does_not_come_back_in_time_is_an_error(postgres_url, opened):
    with proxy_to(postgres_url) as proxy:
        engine, undone = opened(proxy.url), []

        def work(connection):
            append(connection)
            proxy.close()
            append(connection)

        with pytest.raises(StorageError):
            run_unit(
                engine,
                work,
                patience=Patience(outage=0.2, between_looks=0.05),
                undo=lambda: undone.append(1),
            )
    assert undone == [1]
    assert stored(opened(postgres_url)) == {}


# ---------------------------------------------------------------- servers that crash


@pytest.fixture(scope="module")
def cluster():
    with own_cluster() as running:
        engine = open_engine(running.url)
        upgrade(engine)
        engine.dispose()
        yield running


@pytest.fixture
def own(cluster, opened):
    engine = opened(cluster.url)
    with transaction(engine) as connection:
        connection.execute(job_run.delete())
    return engine


def restart(cluster):
    cluster.crash()
    cluster.start()


def test_a_server_restarted_between_two_statements_costs_nothing(cluster, own, by):
    epoch, calls = by(own), []

    def work(connection):
        append(connection)
        calls.append(1)
        if len(calls) == 1:
            restart(cluster)
        append(connection)

    run_unit(own, work, epoch=epoch, patience=PATIENCE)
    assert len(calls) == 2
    assert stored(own) == {"j": 2}


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_a_server_that_crashes_at_commit_leaves_a_daemons_unit_stored_once(
    cluster, own, opened, cut
):
    epoch = take(own)
    with proxy_to(cluster.url) as proxy:
        engine = opened(proxy.url)
        proxy.next_commit, proxy.at_cut = cut, lambda: restart(cluster)
        run_unit(engine, append, epoch=epoch, patience=PATIENCE)
        assert proxy.cuts == 1
    assert stored(own) == {"j": 1}


def test_a_number_given_away_again_after_a_crash_is_not_taken_for_ours(cluster, own, opened):
    epoch = take(own)

    def crash_and_use_up_numbers():
        restart(cluster)
        with opened(cluster.url).connect() as connection:
            for _ in range(50):
                connection.execute(text("SELECT pg_current_xact_id()"))
                connection.commit()

    with proxy_to(cluster.url) as proxy:
        engine = opened(proxy.url)
        proxy.next_commit, proxy.at_cut = Cut.BEFORE, crash_and_use_up_numbers
        try:
            run_unit(engine, append, epoch=epoch, patience=PATIENCE)
        except StorageError:
            assert stored(own) == {}  # nobody could tell, and that is said
        else:
            assert stored(own) == {"j": 1}


# ---------------------------------------------------------------- what is kept in memory


def test_signatures_of_a_transaction_that_was_rolled_back_are_forgotten(engine, url, tmp_path):
    config = read_config(write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL))

    def signature(number):
        with transaction(engine) as connection:
            return connection.execute(
                select(feature.c.version_id, feature.c.signature).order_by(feature.c.version_id)
            ).all()[number]

    async def go():
        with open_database(config) as opened:
            async with open_context(opened, config) as context:

                async def settle(name, text_, *, fail=False):
                    article = read_given_article(
                        {"url": f"https://{name}.example/1", "title": name, "text": text_},
                        now=utc_now(),
                    )
                    assessment = await context.compute(assess_given, article, context.stories)

                    def work(connection):
                        write_given(connection, context, article, assessment)
                        context.signatures.refresh(connection)
                        if fail:
                            raise ZeroDivisionError

                    await context.store(work)

                with pytest.raises(ZeroDivisionError):
                    await settle("lost", TALKS, fail=True)
                assert context.signatures.size == 0
                await settle("kept", WEATHER)
                version_id, bits = signature(0)
                assert context.signatures.size == 1
                assert context.signatures.nearest(bits, limit=5) == [(version_id, 0)]

    asyncio.run(go())
