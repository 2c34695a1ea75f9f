"""Faults of section F: values no database can hold, full disks, servers that crash or hang."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
import string
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text

from ingest.errors import StorageError
from ingest.model import Candidate, FeedSource, Outlet
from ingest.textclean import MAX_TEXT
from ingest.urls import url_key
from storage.candidates import add_candidates
from storage.columns import storable_text, to_json
from storage.engine import open_engine, read_connection, transaction
from storage.failures import may_retry
from storage.feeds import add_feed, list_feeds
from storage.migrate import upgrade
from storage.readonly import read_only_query
from storage.schema import article, candidate, feed_poll, job_run, outlet, story, version
from storage.upkeep import tidy
from tests.cluster import own_cluster

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent


def add_outlet(connection, domain, name="A paper"):
    connection.execute(outlet.insert().values(domain=domain, name=name))


def count(engine, table=outlet):
    with read_connection(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def refusal(engine, statement):
    """What the database says to a statement; nothing is kept of it."""
    with pytest.raises(StorageError) as refused, transaction(engine) as connection:
        connection.execute(statement)
    assert not may_retry(refused.value), refused.value
    return str(refused.value)


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        pytest.param("a\0b", "ab", id="101 NUL"),
        pytest.param("a\ud800b", "a\ufffdb", id="102 a lone surrogate"),
        pytest.param("Ünï\0 \udfff 北京 🚂", "Ünï \ufffd 北京 🚂", id="both beside other letters"),
    ],
)
def test_text_that_no_database_holds_is_cleaned_on_its_way_in(engine, dirty, clean):
    with transaction(engine) as connection:
        add_outlet(connection, "a.example", name=dirty)
        connection.execute(
            text("INSERT INTO outlet (domain, name) VALUES ('b.example', :name)"), {"name": dirty}
        )
    with read_connection(engine) as connection:
        assert connection.execute(select(outlet.c.name)).scalars().all() == [clean] * 2
        lengths = connection.execute(select(func.length(outlet.c.name))).scalars().all()
        assert lengths == [len(clean)] * 2
        found = select(func.count()).where(outlet.c.name == dirty).select_from(outlet)
        assert connection.execute(found).scalar_one() == 2  # what is asked for is cleaned alike


def test_json_is_cleaned_in_its_keys_too_and_can_be_searched(engine):
    counts = {"a\0b": ["x\ud800", {"n\0": 1}, r"c:\u0000"], "北京": None}
    clean = {"ab": ["x\ufffd", {"n": 1}, r"c:\u0000"], "北京": None}
    with transaction(engine) as connection:
        connection.execute(job_run.insert().values(job="j", started_at=NOON, counts=counts))
    with read_connection(engine) as connection:
        assert connection.execute(select(job_run.c.counts)).scalar_one() == clean
        first = connection.exec_driver_sql("SELECT counts ->> 'ab' FROM job_run").scalar_one()
    assert "x\ufffd" in first


def nested():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"n": float("nan")}, id="not a number"),
        pytest.param([float("-inf")], id="infinity"),
        pytest.param(nested(), id="nested without end"),
    ],
)
def test_what_is_no_json_is_refused(engine, value):
    words = refusal(engine, job_run.insert().values(job="j", started_at=NOON, counts={"v": value}))
    assert "cannot be stored as JSON" in words
    assert count(engine, job_run) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"id": 2**63}, "more than 64 bits", id="one beyond 64 bits"),
        pytest.param({"id": -(2**70)}, "more than 64 bits", id="far below"),
        pytest.param({"name": "n" * (2**24 + 1)}, "too big", id="a text without measure"),
    ],
)
def test_a_number_or_text_beyond_measure_is_refused(engine, values, words):
    row = {"domain": "a.example", "name": "A"} | values
    assert words in refusal(engine, outlet.insert().values(row))
    assert count(engine) == 0


def test_a_number_beyond_its_column_is_refused_or_comes_back_as_it_was(engine):
    row = {"feed_id": 1, "polled_at": NOON, "outcome": "parsed", "entries": 0, "new_entries": 0}
    with transaction(engine) as connection:
        add_feed(connection, feed_source("https://a.example/rss"), origin="user", now=NOON)
    if engine.dialect.name == "postgresql":
        words = refusal(engine, feed_poll.insert().values(row | {"bytes": 2**40, "ms": 0.0}))
        assert "does not fit" in words
        return
    with transaction(engine) as connection:
        connection.execute(feed_poll.insert().values(row | {"bytes": 2**40, "ms": 0.0}))
        assert connection.execute(select(feed_poll.c.bytes)).scalar_one() == 2**40


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"bytes": "abc", "ms": 0.0}, "abc", id="a text for a whole number"),
        pytest.param({"bytes": 1, "ms": "abc"}, "abc", id="a text for a number"),
        pytest.param({"bytes": 1, "ms": float("nan")}, "no number", id="no number at all"),
    ],
)
def test_a_value_of_another_type_is_refused_by_sqlite_too(engine, values, words):
    row = {"feed_id": 1, "polled_at": NOON, "outcome": "parsed", "entries": 0, "new_entries": 0}
    assert words in refusal(engine, feed_poll.insert().values(row | values))
    assert count(engine, feed_poll) == 0


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), id="the first day"),
        pytest.param(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), id="the day before"),
        pytest.param(datetime.max.replace(tzinfo=UTC), id="the last moment"),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=9))), id="the moment after"
        ),
    ],
)
def test_a_time_that_not_every_zone_can_tell_is_refused(engine, moment):
    row = {"slug": "s", "title": "S", "created_at": moment}
    assert "cannot be stored: its year is" in refusal(engine, story.insert().values(row))


@pytest.mark.parametrize("year", [2, 9998])
def test_what_is_stored_of_time_can_be_read_in_every_zone(postgres_url, opened, year):
    engine = opened(postgres_url)
    moment = datetime(year, 1, 1, tzinfo=UTC)
    with transaction(engine) as connection:
        connection.execute(story.insert().values(slug="s", title="S", created_at=moment))
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        there = opened(f"{postgres_url}?options=-c%20TimeZone%3D{zone.replace('+', '%2B')}")
        with read_connection(there) as connection:
            assert connection.execute(select(story.c.created_at)).scalar_one() == moment


@given(st.text(st.characters(exclude_categories=()), max_size=50))
@settings(deadline=None)
def test_any_text_is_storable_once_cleaned_and_cleaning_it_again_changes_nothing(junk):
    clean = storable_text(junk)
    clean.encode()
    assert "\0" not in clean
    assert storable_text(clean) == clean
    assert to_json({junk: junk}) == to_json({clean: clean})


@given(st.text(st.characters(exclude_categories=()), max_size=50))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_from_both_databases_as_it_was_cleaned(engine, junk):
    with engine.connect() as connection:
        connection.execute(job_run.delete())
        connection.execute(job_run.insert().values(job=junk, started_at=NOON, counts={"v": [junk]}))
        row = connection.execute(select(job_run.c.job, job_run.c.counts)).one()
    assert tuple(row) == (storable_text(junk), {"v": [storable_text(junk)]})


# ---------------------------------------------------------------- what is too big for an index


def feed_source(url):
    return FeedSource(url=url, outlet=Outlet(domain="a.example", name="A"))


def long_url(seed=1):
    letters = random.Random(seed).choices(string.ascii_letters + string.digits, k=4000)
    return "https://a.example/" + "".join(letters)


def page(url):
    return Candidate(
        url=url,
        canonical_url=url,
        title="A",
        summary="",
        published=None,
        language=None,
        feed_id=None,
    )


def test_an_address_too_long_for_an_index_is_stored_once(engine):
    urls = [long_url(1), long_url(2)]
    waiting = {url_key(url): page(url) for url in urls}
    for expected in (2, 0):
        with transaction(engine) as connection:
            assert add_candidates(connection, waiting, NOON) == expected
            added = [
                add_feed(connection, feed_source(url), origin="user", now=NOON) for url in urls
            ]
            assert sum(added) == expected
    with read_connection(engine) as connection:
        assert [item.url for item in list_feeds(connection)] == urls


def test_a_text_of_200_000_different_words_is_stored_whole(engine):
    words = " ".join(f"{number:x}" for number in range(200_000))[:MAX_TEXT]
    with transaction(engine) as connection:
        add_outlet(connection, "a.example")
        connection.execute(
            article.insert().values(
                id=1,
                outlet_id=1,
                canonical_url="https://a.example/1",
                check_url="https://a.example/1",
                first_seen_at=NOON,
                state="live",
                state_since=NOON,
                check_interval_seconds=1.0,
            )
        )
        connection.execute(
            version.insert().values(
                article_id=1,
                seq=1,
                content_hash="h",
                title="T",
                text=words,
                words=200_000,
                extractor="e",
                extractor_version="1",
                first_observed_at=NOON,
                last_observed_at=NOON,
            )
        )
    with read_connection(engine) as connection:
        assert connection.execute(select(version.c.text)).scalar_one() == words


def test_what_is_too_big_for_postgres_is_told_by_its_code_and_not_retried(postgres_url, opened):
    words = " ".join(f"word{number:x}" for number in range(200_000))
    statement = text("SELECT to_tsvector('simple', :words)").bindparams(words=words)
    assert "a value is too big for the database" in refusal(opened(postgres_url), statement)


# ---------------------------------------------------------------- SQLite's files


def wal_size(url):
    return Path(url.removeprefix("sqlite:///") + "-wal").stat().st_size


def test_a_long_read_lets_the_write_ahead_log_grow_only_until_it_ends(sqlite_url, opened):
    writer, reader = opened(sqlite_url), opened(sqlite_url)
    event.listen(writer, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=20"))
    with read_connection(reader) as connection:
        connection.execute(select(func.count()).select_from(outlet)).scalar_one()
        for number in range(50):
            with transaction(writer) as writing:
                add_outlet(writing, f"{number}.example", name="n" * 20_000)
        tidy(writer)  # is not held up by the reader, nor an error
        assert wal_size(sqlite_url) > 1_000_000
        assert connection.execute(select(func.count()).select_from(outlet)).scalar_one() == 0
    tidy(writer)
    assert wal_size(sqlite_url) == 0
    assert count(reader) == 50


def test_a_copy_by_the_backup_interface_is_whole_while_the_file_is_written(
    sqlite_url, opened, tmp_path
):
    engine = opened(sqlite_url)
    done = threading.Event()
    written = []

    def write():
        while not done.is_set():
            with transaction(engine) as connection:  # two rows that belong together
                add_outlet(connection, f"{len(written)}.a.example", name="n" * 3000)
                add_outlet(connection, f"{len(written)}.b.example", name="n" * 3000)
            written.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            with (
                closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as live,
                closing(sqlite3.connect(tmp_path / f"copy{number}.db")) as copy,
            ):
                before = len(written)
                live.backup(copy, pages=8, sleep=0.001)
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                rows = copy.execute("SELECT count(*) FROM outlet").fetchone()[0]
                assert rows % 2 == 0
                assert rows >= 2 * before
    finally:
        done.set()
        thread.join()


# ---------------------------------------------------------------- writers that are killed

WRITER = """
import sys
from sqlalchemy import select, func
from storage.dialect import insert
from storage.engine import open_engine, transaction
from storage.schema import outlet
engine = open_engine(sys.argv[1])
for number in range(int(sys.argv[2]), 10_000):
    with transaction(engine) as connection:
        for part in "ab":
            connection.execute(
                insert(connection, outlet)
                .values(domain=f"{number}.{part}.example", name="n" * 500)
                .on_conflict_do_nothing()
            )
    print(number, flush=True)
"""


def test_what_a_killed_writer_acknowledged_is_there_and_there_once(engine, url):
    chance = random.Random(7)
    acknowledged = -1
    for _ in range(4):
        start = acknowledged + 1
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(start)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        with process:
            for _line in range(chance.randint(2, 40)):
                acknowledged = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
    with read_connection(engine) as connection:
        domains = set(connection.execute(select(outlet.c.domain)).scalars())
    wanted = {f"{n}.{part}.example" for n in range(acknowledged + 1) for part in "ab"}
    # A unit may have been committed and killed before it could say so; half a unit may not.
    extra = {f"{acknowledged + 1}.{part}.example" for part in "ab"}
    assert domains in (wanted, wanted | extra)
    if engine.dialect.name == "sqlite":
        with read_connection(engine) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


# ---------------------------------------------------------------- a server that crashes or hangs


@pytest.fixture(scope="module")
def cluster():
    with own_cluster() as running:
        engine = open_engine(running.url)
        upgrade(engine)
        engine.dispose()
        yield running


@pytest.fixture
def own(cluster, opened):
    """An engine on the test's own server, whose outlets are none."""
    engine = opened(cluster.url + "?connect_timeout=2")
    with transaction(engine) as connection:
        connection.execute(outlet.delete())
    return engine


def until_it_succeeds(unit, *, seconds=30):
    """Repeat a unit of work as long as repeating may help; return how often it failed."""
    failures = 0
    deadline = time.monotonic() + seconds
    while True:
        try:
            unit()
        except StorageError as error:
            assert may_retry(error), error
            assert time.monotonic() < deadline
            failures += 1
            time.sleep(0.02)
        else:
            return failures


def test_units_of_work_repeated_over_crashes_of_the_server_are_stored_once(cluster, own):
    chance = random.Random(3)
    done = []
    finished = threading.Event()

    def unit(number):
        with transaction(own) as connection:
            for part in "ab":
                found = select(outlet.c.id).where(outlet.c.domain == f"{number}.{part}.example")
                if connection.execute(found).one_or_none() is None:
                    add_outlet(connection, f"{number}.{part}.example")

    def crash_three_times():
        for _ in range(3):
            until = len(done) + chance.randint(5, 30)
            while len(done) < until and not finished.is_set():
                finished.wait(0.005)
            cluster.crash()
            cluster.start()

    thread = threading.Thread(target=crash_three_times)
    thread.start()
    failures = 0
    try:
        while thread.is_alive() or len(done) < 100:
            number = len(done)
            failures += until_it_succeeds(lambda: unit(number))  # noqa: B023
            done.append(number)
    finally:
        finished.set()
        thread.join()
    assert failures >= 1
    assert count(own) == 2 * len(done)


def test_a_pool_filled_before_a_crash_serves_after_it_without_a_failure(cluster, own):
    assert count(own) == 0
    cluster.crash()
    cluster.start()
    assert count(own) == 0


def test_a_frozen_server_is_given_up_and_work_goes_on_when_it_thaws(cluster, opened):
    engine = opened(cluster.url + "?connect_timeout=2")
    impatient = open_engine(cluster.url + "?connect_timeout=2", silence_seconds=0.3)
    before = count(impatient)
    with cluster.frozen():
        started = time.monotonic()
        with pytest.raises(StorageError) as refused:
            count(impatient)  # on a connection that stood open
        assert may_retry(refused.value)
        with pytest.raises(StorageError, match="cannot be reached") as refused:
            count(engine)  # on a new one
        assert may_retry(refused.value)
        assert time.monotonic() - started < 10
    assert count(impatient) == count(engine) == before
    impatient.dispose()


def test_a_statement_that_is_merely_long_is_waited_for(cluster):
    engine = open_engine(cluster.url, silence_seconds=0.2)
    with read_connection(engine) as connection:
        assert connection.exec_driver_sql("SELECT 1 FROM pg_sleep(0.8)").scalar_one() == 1
    engine.dispose()


# ---------------------------------------------------------------- transactions that collide


def insist(engine, unit, codes):
    """Repeat a unit of work until it is through; note the codes it was refused with."""
    attempt = 0
    while True:
        attempt += 1
        try:
            with transaction(engine) as connection:
                unit(connection, attempt)
        except StorageError as error:
            assert may_retry(error), error
            codes.append(error.__cause__.orig.sqlstate)
        else:
            return


def collide(engine, units):
    """Run two units at once; return the codes of refusals, and the names that they left."""
    with transaction(engine) as connection:
        for domain in ("a.example", "b.example"):
            add_outlet(connection, domain, name="")
    codes = []
    threads = [threading.Thread(target=insist, args=(engine, unit, codes)) for unit in units]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read_connection(engine) as connection:
        names = connection.execute(select(outlet.c.name).order_by(outlet.c.domain)).scalars()
        return codes, ["".join(sorted(name)) for name in names]


def rename(connection, domain, letter):
    named = outlet.update().where(outlet.c.domain == domain)
    connection.execute(named.values(name=outlet.c.name + letter))


def test_the_loser_of_a_deadlock_may_be_repeated_whole(postgres_url, opened):
    meeting = threading.Barrier(2)

    def unit(letter, first, second):
        def work(connection, attempt):
            rename(connection, first, letter)
            if attempt == 1:
                meeting.wait(5)
            rename(connection, second, letter)

        return work

    engine = opened(postgres_url + "?options=-c%20deadlock_timeout%3D20ms")
    units = [unit("x", "a.example", "b.example"), unit("y", "b.example", "a.example")]
    assert collide(engine, units) == (["40P01"], ["xy", "xy"])


def test_a_transaction_that_could_not_be_serialised_may_be_repeated_whole(postgres_url, opened):
    meeting = threading.Barrier(2)

    def unit(letter, domain):
        def work(connection, attempt):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            connection.execute(select(outlet.c.name)).all()
            rename(connection, domain, letter)
            if attempt == 1:
                meeting.wait(5)

        return work

    codes, names = collide(opened(postgres_url), [unit("x", "a.example"), unit("y", "b.example")])
    assert set(codes) == {"40001"}
    assert names == ["x", "y"]


def test_many_who_queue_the_same_pages_at_once_queue_each_once(engine):
    pages = {f"key{number}": page(f"https://a.example/{number}") for number in range(40)}
    added, failed = [], []

    def queue(seed):
        keys = random.Random(seed).sample(sorted(pages), k=len(pages))
        for start in range(0, len(keys), 10):
            part = {key: pages[key] for key in keys[start : start + 10]}
            try:
                with transaction(engine) as connection:
                    new = add_candidates(connection, part, NOON)
                added.append(new)
            except StorageError as error:
                failed.append(error)

    threads = [threading.Thread(target=queue, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(added) == count(engine, candidate) == len(pages)


# ---------------------------------------------------------------- schema and readers

MIGRATE = """
import os, sys
from sqlalchemy import event
from storage.engine import open_engine
from storage.migrate import upgrade
engine = open_engine(sys.argv[1])
seen = []
@event.listens_for(engine, "after_cursor_execute")
def die(*arguments):
    seen.append(1)
    if len(seen) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
upgrade(engine)
"""


@pytest.mark.parametrize("statements", [15, 60])
def test_a_migration_killed_half_way_leaves_nothing_and_can_be_done_again(empty_engine, statements):
    url = empty_engine.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", MIGRATE, url, str(statements)], cwd=ROOT)
    assert died.returncode == -signal.SIGKILL
    with read_connection(empty_engine) as connection:
        catalogue = (
            "SELECT count(*) FROM sqlite_master"
            if empty_engine.dialect.name == "sqlite"
            else "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        assert connection.exec_driver_sql(catalogue).scalar_one() == 0
    assert upgrade(empty_engine) is True


@pytest.fixture
def analyst_url(postgres_url, opened):
    """The address of a user who may read one view."""
    engine = opened(postgres_url)
    name = "analyst_" + re.sub(r"\W", "", postgres_url)[-12:]
    with transaction(engine) as connection:
        connection.exec_driver_sql(f'CREATE ROLE "{name}" LOGIN CONNECTION LIMIT 1')
        connection.exec_driver_sql(f'GRANT SELECT ON articles TO "{name}"')
    yield postgres_url.replace("postgres@", f"{name}@")
    with transaction(engine) as connection:
        connection.exec_driver_sql(f'DROP OWNED BY "{name}"')
        connection.exec_driver_sql(f'DROP ROLE "{name}"')


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO outlet (domain, name) VALUES ('a.example', 'A')",
        "UPDATE outlet SET name = 'mine'",
        "DELETE FROM article",
        "SELECT rolpassword FROM pg_authid",
        "SELECT url FROM feed",
        "CREATE TABLE mine (n int)",
    ],
)
def test_an_analyst_user_reads_the_views_it_was_given_and_does_nothing_else(
    analyst_url, opened, sql
):
    engine = opened(analyst_url)
    with transaction(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM articles").scalar_one() == 0
    with (
        pytest.raises(StorageError, match="may not do this"),
        transaction(engine) as connection,
    ):
        connection.exec_driver_sql(sql)


def await_no_connection(engine, owner):
    """Close all of an engine's; at the server they are gone a moment later."""
    engine.dispose()
    theirs = "SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user"
    theirs += " AND datname = current_database()"
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.exec_driver_sql(theirs).scalar_one():
            connection.exec_driver_sql("SELECT pg_sleep(0.01)")


def test_an_analyst_user_who_hogs_is_stopped_and_has_no_more_connections(
    analyst_url, postgres_url, opened
):
    engine, owner = opened(analyst_url), opened(postgres_url)
    _columns, rows = read_only_query(engine, "SELECT count(*) FROM articles")
    assert list(rows) == [(0,)]
    await_no_connection(engine, owner)
    with pytest.raises(Exception, match="longer than"):
        read_only_query(engine, "SELECT pg_sleep(5)", timeout_seconds=0.05)
    await_no_connection(engine, owner)
    with (
        read_connection(engine) as connection,
        pytest.raises(StorageError, match="too many connections"),
        read_connection(opened(analyst_url)),
    ):
        connection.exec_driver_sql("SELECT 1")
