"""A Postgres server of a test's own, to be killed, frozen and started again.

The one that all tests share must survive them. This one writes commits before it acknowledges
them; fsync stays off, since the machine does not lose power here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from tests.postgres import _await, _free_port, _server_user, find_binaries

_SETTINGS = {"fsync": "off", "listen_addresses": "127.0.0.1", "shared_buffers": "16MB"}


class Cluster:
    """A server on loopback that the test may mistreat; its data may be there already."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.settings = _SETTINGS | dict(settings or {})
        self.binaries = find_binaries()
        self.port = _free_port()
        self.server: subprocess.Popen[bytes] | None = None
        user = _server_user()
        self._identity: dict[str, Any] = {}
        if user is not None:
            shutil.chown(folder, user)
            group = pwd.getpwnam(user).pw_gid
            self._identity = {"user": user, "group": group, "extra_groups": []}
        if not (folder / "data").exists():
            self._run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.binaries / program, "-D", self.folder / "data", *arguments]
        subprocess.run(
            command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self._identity
        )

    def start(self) -> None:
        """Start it, and return when it answers."""
        command: list[str | Path] = [self.binaries / "postgres", "-D", self.folder / "data"]
        settings = self.settings | {
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self.folder / "log"
        with log.open("ab") as output:
            self.server = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self.folder, **self._identity
            )
        url = URL.create(
            "postgresql+psycopg", "postgres", host="127.0.0.1", port=self.port, database="postgres"
        )
        _await(url, self.server, log)

    def crash(self) -> None:
        """Stop it without a word to anybody: what was not committed is gone."""
        self._run("pg_ctl", "stop", "-m", "immediate")
        assert self.server is not None
        self.server.wait()
        self.server = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server and its sessions in their tracks; their connections stay open."""
        assert self.server is not None
        main = self.server.pid
        os.kill(main, signal.SIGSTOP)  # first, so that there will be no more of them
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        everyone = [*map(int, children), main]
        for process in everyone:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in everyone:
                os.kill(process, signal.SIGCONT)

    def close(self) -> None:
        """End it for good."""
        if self.server is not None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait()


@contextmanager
def own_cluster(
    folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A running server, gone at the end of the block; in a folder that is named, its data stay."""
    place = folder or Path(tempfile.mkdtemp(prefix="storywatch-cluster-"))
    place.mkdir(parents=True, exist_ok=True)
    try:
        cluster = Cluster(place, settings)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.close()
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
