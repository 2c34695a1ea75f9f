"""Opening databases, transactions, and what a refusal turns into."""

from __future__ import annotations

import random
import string
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import StatementError

from ingest.errors import ConfigError, SchemaError, StorageError
from storage.engine import open_engine, read_connection, transaction
from storage.failures import may_retry
from storage.schema import job_run, outlet, story

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)


def add_outlet(connection, domain, name="A paper"):
    return connection.execute(
        outlet.insert().values(domain=domain, name=name).returning(outlet.c.id)
    ).scalar_one()


def count_outlets(engine):
    with read_connection(engine) as connection:
        return connection.execute(select(func.count()).select_from(outlet)).scalar_one()


def session_of(connection):
    return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()


def end_session(engine, session):
    """Have Postgres end a session; return when it is gone."""
    with transaction(engine) as connection:
        ended = text("SELECT pg_terminate_backend(:session, 5000)")
        assert connection.execute(ended, {"session": session}).scalar_one()


# ---------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("storywatch.db", "cannot be read", id="a path is no URL"),
        pytest.param("", "cannot be read", id="nothing is no URL"),
        pytest.param("mysql://root@localhost/x", "'mysql'", id="MySQL is not supported"),
        pytest.param("postgresql+asyncpg://u@h/x", "asyncpg", id="another driver is not supported"),
        pytest.param("sqlite://", "needs a file", id="SQLite in memory has no second connection"),
        pytest.param("sqlite:///:memory:", "needs a file", id="nor has it by its other name"),
        pytest.param("sqlite:///a.db?mode=ro", "no options", id="SQLite options are refused"),
        pytest.param("postgresql://u@h:port/x", "cannot be read", id="a port is a number"),
    ],
)
def test_a_bad_database_url_is_a_configuration_error(url, words):
    with pytest.raises(ConfigError, match=words):
        open_engine(url)


def test_an_unreadable_url_is_not_repeated_since_it_may_hold_a_password():
    with pytest.raises(ConfigError) as refused:
        open_engine("postgresql://user:secret@host:port/name")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgres_means_psycopg_3(scheme, opened):
    engine = opened(f"{scheme}://user@127.0.0.1/name")
    assert engine.url.drivername == "postgresql+psycopg"


def test_the_folder_of_a_sqlite_file_is_made(tmp_path, opened):
    engine = opened(f"sqlite:///{tmp_path}/new/folder/story.db")
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    assert (tmp_path / "new" / "folder" / "story.db").exists()


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_engine(f"sqlite:///{tmp_path}/file/story.db")


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 10_000)],
)
def test_a_sqlite_connection_is_set_up_for_durable_concurrent_use(sqlite_url, name, value, opened):
    with read_connection(opened(sqlite_url)) as connection:
        assert connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() == value


def test_programs_that_open_a_new_sqlite_file_at_once_wait_for_each_other(tmp_path, opened):
    def open_it(url):
        engine = opened(url)
        together.wait(10)
        with read_connection(engine) as connection:
            return connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()

    together = threading.Barrier(4)
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(40) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        modes = list(threads.map(open_it, urls))
    assert set(modes) == {"wal"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "1min"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("TimeZone", "UTC"),
        ("application_name", "storywatch"),
    ],
)
def test_a_postgres_session_has_limits_and_utc(postgres_url, name, value, opened):
    engine = opened(postgres_url)
    with read_connection(engine) as connection:
        assert connection.exec_driver_sql(f"SHOW {name}").scalar_one() == value


def test_a_parameter_in_a_postgres_url_wins(postgres_url, opened):
    options = "?options=-c%20statement_timeout%3D5s&application_name=mine"
    engine = opened(postgres_url + options)
    with read_connection(engine) as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "5s"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "10s"
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "mine"


# ---------------------------------------------------------------- transactions


def test_a_transaction_is_kept_at_its_end(engine):
    with transaction(engine) as connection:
        add_outlet(connection, "a.example")
    assert count_outlets(engine) == 1


def test_an_exception_undoes_the_whole_transaction(engine):
    with suppress(KeyError), transaction(engine) as connection:
        add_outlet(connection, "a.example")
        raise KeyError
    assert count_outlets(engine) == 0


def test_a_reader_does_not_see_what_is_not_committed_and_does_not_wait_for_it(engine):
    with transaction(engine) as connection:
        add_outlet(connection, "a.example")
        assert count_outlets(engine) == 0
    assert count_outlets(engine) == 1


def test_a_reader_keeps_its_snapshot_while_others_write(engine):
    count = select(func.count()).select_from(outlet)
    with read_connection(engine) as reader:
        before = reader.execute(count).scalar_one()
        with transaction(engine) as connection:
            add_outlet(connection, "a.example")
        assert (before, reader.execute(count).scalar_one()) == (0, 0)


def test_a_reader_cannot_write_and_the_connection_can_again_afterwards(engine):
    with (
        pytest.raises(StorageError, match="cannot be written"),
        read_connection(engine) as connection,
    ):
        add_outlet(connection, "a.example")
    with transaction(engine) as connection:
        add_outlet(connection, "a.example")
    assert count_outlets(engine) == 1


def test_sqlite_writers_that_read_first_take_turns(sqlite_url, opened):
    engine = opened(sqlite_url)
    counted = select(func.count()).select_from(outlet)

    def write():
        for _ in range(20):
            with transaction(engine) as connection:
                number = connection.execute(counted).scalar_one()
                add_outlet(connection, f"{number}.example")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_outlets(engine) == 80


# ---------------------------------------------------------------- values


def test_times_come_back_aware_and_in_utc_whatever_their_zone_was(engine):
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    with transaction(engine) as connection:
        connection.execute(story.insert().values(slug="s", title="S", created_at=there))
    with read_connection(engine) as connection:
        found = connection.execute(select(story.c.created_at)).scalar_one()
    assert found == NOON
    assert found.tzinfo is UTC


def test_a_naive_time_is_a_mistake_in_the_program_not_a_storage_error(engine):
    values = {"slug": "s", "title": "S", "created_at": NOON.replace(tzinfo=None)}
    with pytest.raises(StatementError, match="naive"), transaction(engine) as connection:
        connection.execute(story.insert().values(**values))


def test_json_comes_back_as_it_was_and_is_stored_readable(engine):
    counts = {"北京": 1, "list": [1, None, "é"]}
    with transaction(engine) as connection:
        connection.execute(job_run.insert().values(job="j", started_at=NOON, counts=counts))
    with read_connection(engine) as connection:
        assert connection.execute(select(job_run.c.counts)).scalar_one() == counts
        shown = connection.exec_driver_sql("SELECT CAST(counts AS TEXT) FROM job_run").scalar_one()
    assert "北京" in shown


# ---------------------------------------------------------------- refusals


def test_a_second_row_with_the_same_key_is_a_storage_error_that_is_not_retried(engine):
    with (
        pytest.raises(StorageError, match="contradicts") as refused,
        transaction(engine) as connection,
    ):
        connection.execute(outlet.insert(), [{"domain": "a.example", "name": "A"}] * 2)
    assert not may_retry(refused.value)
    assert count_outlets(engine) == 0


def test_a_foreign_key_without_its_row_isrefusal(opened, engine):
    with pytest.raises(StorageError, match="contradicts"), transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO article_feed (article_id, feed_id, first_seen_at, last_seen_at)"
            " VALUES (1, 1, '2023-09-05 12:00:00', '2023-09-05 12:00:00')"
        )


def test_a_number_beyond_64_bits_is_a_storage_error_that_is_not_retried(engine):
    with pytest.raises(StorageError) as refused, transaction(engine) as connection:
        connection.execute(outlet.insert().values(id=2**70, domain="a.example", name="A"))
    assert not may_retry(refused.value)


def test_a_missing_table_is_a_schema_error(empty_engine):
    with pytest.raises(SchemaError, match="migrate"):
        count_outlets(empty_engine)


def test_a_locked_sqlite_file_is_a_storage_error_that_may_be_retried(sqlite_url, opened):
    holder, other = opened(sqlite_url), opened(sqlite_url)
    event.listen(other, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=20"))
    with (
        transaction(holder),
        pytest.raises(StorageError, match="locked by another program") as refused,
        transaction(other),
    ):
        pass
    assert may_retry(refused.value)
    with transaction(other) as connection:  # and the connection is usable afterwards
        add_outlet(connection, "a.example")
    assert count_outlets(holder) == 1


def test_a_full_disk_is_a_storage_error_and_work_goes_on_when_there_is_room(sqlite_url, opened):
    engine = opened(sqlite_url)
    room = {"pages": 0}
    event.listen(
        engine, "checkout", lambda raw, *_: raw.execute(f"PRAGMA max_page_count={room['pages']}")
    )
    room["pages"] = 1  # SQLite raises it to the file's size: no page can be added
    stored = []

    def fill():
        for number in range(1000):
            with transaction(engine) as connection:
                add_outlet(connection, f"{number}.example", name="n" * 3000)
            stored.append(number)

    with pytest.raises(StorageError, match="full") as refused:
        fill()
    assert may_retry(refused.value)
    room["pages"] = 10_000
    with transaction(engine) as connection:
        add_outlet(connection, "last.example", name="n" * 3000)
    assert count_outlets(engine) == len(stored) + 1
    with read_connection(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


def test_a_file_that_is_no_database_is_named(tmp_path, opened):
    path = tmp_path / "story.db"
    path.write_bytes(b"this is a text file, and a long one" * 100)
    with (
        pytest.raises(StorageError, match="the file is not a SQLite") as refused,
        transaction(opened(f"sqlite:///{path}")),
    ):
        pass
    assert not may_retry(refused.value)


def test_an_index_entry_too_long_for_postgres_is_not_retried_for_ever(postgres_url, opened):
    engine = opened(postgres_url)
    letters = random.Random(1).choices(string.ascii_letters + string.digits, k=9000)
    with pytest.raises(StorageError, match="too big") as refused, transaction(engine) as connection:
        add_outlet(connection, "".join(letters))
    assert not may_retry(refused.value)


def test_a_lock_on_postgres_is_given_up_and_may_be_retried(postgres_url, opened):
    engine = opened(postgres_url + "?options=-c%20lock_timeout%3D50ms")
    with transaction(engine) as connection:
        connection.exec_driver_sql("LOCK TABLE outlet")
        with (
            pytest.raises(StorageError, match="locked by another program") as refused,
            transaction(engine) as other,
        ):
            add_outlet(other, "a.example")
    assert may_retry(refused.value)


def test_a_lost_postgres_connection_may_be_retried_and_the_pool_recovers(postgres_url, opened):
    engine, other = opened(postgres_url), opened(postgres_url)

    def write_while_the_server_ends_the_session():
        with transaction(engine) as connection:
            end_session(other, session_of(connection))
            add_outlet(connection, "a.example")

    with pytest.raises(StorageError) as refused:
        write_while_the_server_ends_the_session()
    assert may_retry(refused.value)
    with transaction(engine) as connection:
        add_outlet(connection, "a.example")
    assert count_outlets(engine) == 1


def test_a_connection_lost_between_two_transactions_is_not_noticed(postgres_url, opened):
    engine, other = opened(postgres_url), opened(postgres_url)
    with transaction(engine) as connection:
        session = session_of(connection)
    end_session(other, session)
    assert count_outlets(engine) == 0


def refusal(opened, url):
    with pytest.raises(StorageError) as refused, transaction(opened(url)):
        pass
    return refused.value


def test_an_unreachable_server_is_told_and_may_be_retried(opened):
    error = refusal(opened, "postgresql://user:secret@127.0.0.1:1/name")
    assert "cannot be reached" in str(error)
    assert "secret" not in str(error)
    assert may_retry(error)


def test_an_unknown_user_is_told_and_not_retried(postgres_server, opened):
    url = postgres_server.set(username="storywatch_nobody", password="wrong")
    error = refusal(opened, url.render_as_string(hide_password=False))
    assert "refused the user name or the password" in str(error)
    assert not may_retry(error)


def test_an_unknown_database_is_told_and_not_retried(postgres_server, opened):
    url = postgres_server.set(database="storywatch_nowhere")
    error = refusal(opened, url.render_as_string(hide_password=False))
    assert "no such database" in str(error)
    assert not may_retry(error)
