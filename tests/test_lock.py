"""One daemon a database, and a lock that ends with whoever holds it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from ingest.errors import AlreadyRunningError, StorageError
from storage.engine import transaction
from storage.lock import hold_daemon_lock

HOLD = """
import sys
from storage.engine import open_engine
from storage.lock import hold_daemon_lock
with hold_daemon_lock(open_engine(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

LOCKED = "pg_locks WHERE locktype = 'advisory' AND objsubid = 1"


@contextmanager
def holding_process(engine):
    """Another process that holds the lock until it is killed."""
    url = engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def await_release(engine):
    """Return when Postgres has noticed the death of the session that holds the lock."""
    if engine.dialect.name == "postgresql":
        with transaction(engine) as connection:
            key = connection.exec_driver_sql(f"SELECT objid FROM {LOCKED}").scalar()
            if key is not None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def take(engine):
    with hold_daemon_lock(engine) as lock:
        return lock.still_held()


def test_a_free_lock_is_taken_and_held(engine):
    assert take(engine) is True


def test_a_second_daemon_is_refused_and_told_who_is_first(engine):
    with holding_process(engine) as process:
        with pytest.raises(AlreadyRunningError, match=f"process {process.pid} on "):
            take(engine)
        assert process.poll() is None


def test_the_same_process_cannot_hold_it_twice_either(engine, opened):
    other = opened(engine.url.render_as_string(hide_password=False))
    with (
        hold_daemon_lock(engine),
        pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}"),
        hold_daemon_lock(other),
    ):
        pass


def test_a_lock_given_back_can_be_taken_again(engine):
    assert [take(engine), take(engine)] == [True, True]


def test_a_daemon_killed_outright_leaves_no_lock_behind(engine):
    with holding_process(engine) as process:
        process.kill()
        process.wait()
        await_release(engine)
        assert take(engine) is True


def test_work_goes_on_beside_the_lock(engine):
    with hold_daemon_lock(engine) as lock:
        with transaction(engine) as connection:
            connection.exec_driver_sql(
                "INSERT INTO outlet (domain, name) VALUES ('a.example', 'A')"
            )
        assert lock.still_held()


def test_daemons_of_two_databases_do_not_hinder_each_other(engine, opened, tmp_path):
    other = opened(f"sqlite:///{tmp_path / 'other.db'}")
    with hold_daemon_lock(engine):
        assert take(other) is True


def test_a_lock_file_that_was_removed_is_noticed(sqlite_url, opened):
    engine = opened(sqlite_url)
    with hold_daemon_lock(engine) as lock:
        Path(f"{engine.url.database}.lock").unlink()
        assert lock.still_held() is False


def test_a_lock_file_that_was_replaced_is_noticed(sqlite_url, opened):
    engine = opened(sqlite_url)
    path = Path(f"{engine.url.database}.lock")
    with hold_daemon_lock(engine) as lock:
        path.unlink()
        path.touch()
        assert lock.still_held() is False


def test_a_lock_file_that_cannot_be_opened_is_a_storage_error(sqlite_url, opened):
    engine = opened(sqlite_url)
    Path(f"{engine.url.database}.lock").mkdir()
    with pytest.raises(StorageError, match=r"\.lock cannot be opened"):
        take(engine)


def test_a_postgres_session_that_was_ended_has_lost_the_lock(postgres_url, opened):
    engine = opened(postgres_url)
    with hold_daemon_lock(engine) as lock:
        with transaction(engine) as connection:
            ended = f"SELECT pg_terminate_backend(pid, 5000) FROM {LOCKED}"
            assert connection.exec_driver_sql(ended).scalar_one() is True
        assert [lock.still_held(), lock.still_held()] == [False, False]
        assert take(engine) is True  # another daemon may go on


def test_an_unreachable_server_gives_no_lock_but_a_storage_error(opened):
    with pytest.raises(StorageError, match="cannot be reached"):
        take(opened("postgresql://user@127.0.0.1:1/name"))
