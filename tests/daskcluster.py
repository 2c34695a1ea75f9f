"""A real Dask cluster on loopback: a scheduler and workers, each a process that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import ROOT
from tests.postgres import _free_port

_START_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class DaskCluster:
    """The running processes."""

    folder: Path
    port: int
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start it at its port, again if need be."""
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        command = ["-m", "distributed.cli.dask_scheduler", *arguments]
        self.scheduler = self._start(command, "scheduler", told="Scheduler at")

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one of ours, with one process."""
        command = ["-m", "ingest", "worker", self.address, "--workers", "1"]
        worker = self._start(command, f"worker-{len(self.workers)}", told="Registered to")
        self.workers.append(worker)
        return worker

    def start_plain_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start one of Dask's own."""
        command = ["-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1"]
        worker = self._start(
            [*command, "--no-dashboard"], f"worker-{len(self.workers)}",
            told="Registered to", **environment,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def _start(
        self, command: list[str], name: str, *, told: str, **environment: str
    ) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            seen = log.read_text(errors="replace").count(told)
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **environment},
            )  # fmt: skip
        ends = time.monotonic() + _START_SECONDS
        while log.read_text(errors="replace").count(told) == seen:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < ends, log.read_text(errors="replace")
            time.sleep(0.05)
        return process

    def stop(self) -> None:
        """Kill everything that is left."""
        for process in (*self.workers, self.scheduler):
            if process is None:
                continue
            with suppress(subprocess.TimeoutExpired):
                process.terminate()  # Dask's own worker has a child to end
                process.wait(5)
            process.kill()
            process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """As when a machine is lost."""
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def dask_cluster(folder: Path, *, workers: int) -> Iterator[DaskCluster]:
    """A cluster until the end of the block."""
    cluster = DaskCluster(folder=folder, port=_free_port())
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.stop()
