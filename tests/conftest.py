"""Fixtures every test may use: databases of both kinds, and a clock that is set by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import URL, Engine

import ingest.runtime
from storage.engine import open_engine
from storage.migrate import upgrade
from tests.copies import Copies
from tests.postgres import create_database, drop_database, running_server
from tests.questions import run_demo
from tests.site import Site, serve_site

# No test is timed: on a busy machine the first example may take as long as it likes.
hypothesis.settings.register_profile("storywatch", deadline=None)
hypothesis.settings.load_profile("storywatch")


@pytest.fixture(autouse=True, scope="session")
def _kept_model() -> Iterator[None]:
    """Keep the model of languages: a start gives its memory back, and here there are hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest.runtime, "forget_model", lambda: None)
        yield


class Clock:
    """A clock that stands still until it is moved; call it for the time."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def set(self, now: datetime) -> None:
        """Set the time."""
        self.now = now

    def advance(self, duration: timedelta | None = None, **parts: float) -> datetime:
        """Move on by a duration, or by parts as in `advance(hours=1)`; return the new time."""
        self.now += timedelta(**parts) if duration is None else duration
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon of a day in the default story."""
    return Clock(datetime(2023, 9, 5, 12, 0, tzinfo=UTC))


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


# ---------------------------------------------------------------- Postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A server, started by the first test that needs it."""
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[str]:
    """Name of a migrated, empty database to copy."""
    name = f"storywatch_template_{uuid.uuid4().hex[:12]}"
    url = create_database(postgres_server, name)
    engine = open_engine(_shown(url))
    upgrade(engine)
    engine.dispose()
    yield name
    drop_database(postgres_server, name)


def _database(server: URL, template: str | None) -> Iterator[str]:
    name = f"storywatch_test_{uuid.uuid4().hex[:12]}"
    yield _shown(create_database(server, name, template=template))
    drop_database(server, name)


@pytest.fixture
def empty_postgres_url(postgres_server: URL) -> Iterator[str]:
    """URL of a database without any table."""
    yield from _database(postgres_server, None)


@pytest.fixture
def postgres_url(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    """URL of a migrated, empty database."""
    yield from _database(postgres_server, postgres_template)


# ---------------------------------------------------------------- SQLite


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated, empty database file."""
    path = tmp_path_factory.mktemp("template") / "storywatch.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection to close folds the write-ahead log into the file
    return path.read_bytes()


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """URL of a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'storywatch.db'}"


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: bytes) -> str:
    """URL of a migrated, empty database."""
    path = tmp_path / "storywatch.db"
    path.write_bytes(sqlite_template)
    return f"sqlite:///{path}"


# ---------------------------------------------------------------- both


@pytest.fixture
def opened() -> Iterator[Callable[[str], Engine]]:
    """Open engines by URL; they are closed after the test."""
    engines: list[Engine] = []

    def open_one(url: str) -> Engine:
        engines.append(open_engine(url))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


def _engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated, empty database: the test runs once on each kind."""
    yield from _engine(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def url(engine: Engine) -> str:
    """The address of the test's database."""
    return _shown(engine.url)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on loopback whose pages the test can change."""
    with serve_site() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def empty_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database without any table: the test runs once on each kind."""
    yield from _engine(request.getfixturevalue(f"empty_{request.param}_url"))


@pytest.fixture(scope="session")
def copies(postgres_server: URL) -> Iterator[Copies]:
    """Content that is made once for all tests that begin with it."""
    made = Copies(postgres_server)
    yield made
    made.drop()


# ---------------------------------------------------------------- what the demonstration leaves


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demonstration was run: `demo/` has its database."""
    folder = tmp_path_factory.mktemp("demonstration")
    run_demo(folder / "demo")
    return folder
