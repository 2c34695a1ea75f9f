"""Running one side of the backfill bench as whole processes, and measuring it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from backfill_store import count_articles

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run."""

    seconds: float
    cpu_seconds: float  # of the process and all below it, and of those that helped
    output: str
    errors: str
    exit_code: int
    outcomes: dict[str, int] = field(default_factory=dict)  # as the command reports them


class RunError(Exception):
    """A program did not do its work."""


class Meter:
    """Processor time of processes and all below them, looked at again and again.

    The system adds up only what was waited for, and the workers of the command are not its own
    children. What a process does after the last look, a quarter of a second, is not seen.
    """

    def __init__(self, *roots: int) -> None:
        self.roots = set(roots)
        self.before = self._read()
        self.seen = dict(self.before)
        self.looked_at = time.monotonic()

    def look(self) -> None:
        """Look at them, unless it was done just now: it takes ten milliseconds."""
        if time.monotonic() - self.looked_at > _LOOK_SECONDS:
            self.looked_at = time.monotonic()
            self.seen |= self._read()

    @property
    def seconds(self) -> float:
        """What they took since the meter was made."""
        return sum(self.seen.values()) - sum(self.before.values())

    def _read(self) -> dict[int, float]:
        parents, times = {}, {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    fields = (
                        (entry / "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
                    )
                    number = int(entry.name)
                    parents[number] = int(fields[1])
                    times[number] = (int(fields[11]) + int(fields[12])) / _TICKS
        ours = set(self.roots)
        while more := {n for n, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return {number: times[number] for number in ours & times.keys()}


def run(
    command: Sequence[str],
    *,
    settings: dict[str, str] | None = None,
    helpers: Sequence[int] = (),
    meanwhile: Callable[[], None] = lambda: None,
    seconds: float = 3600.0,
) -> Measured:
    """Run a command to its end; `meanwhile` is called twenty times a second.

    `helpers` are processes whose work is counted too.
    """
    started, before = time.perf_counter(), os.times()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=make_environment(settings or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    meter = Meter(process.pid, *helpers)
    while True:
        try:
            output, errors = process.communicate(timeout=0.05)
            break
        except subprocess.TimeoutExpired:
            meter.look()
            meanwhile()
            if time.perf_counter() - started > seconds:
                process.kill()
    after = os.times()
    waited_for = after.children_user - before.children_user
    waited_for += after.children_system - before.children_system
    return Measured(
        seconds=time.perf_counter() - started,
        cpu_seconds=max(waited_for, meter.seconds),
        output=output,
        errors=errors,
        exit_code=process.returncode,
    )


def make_environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment of a program, without what is set here for Storywatch."""
    kept = {name: value for name, value in os.environ.items() if "STORYWATCH" not in name}
    return kept | {"PYTHONPATH": str(ROOT)} | settings


def backfill(
    file: Path,
    database: Path,
    *options: str,
    helpers: Sequence[int] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> Measured:
    """The real command, into a database that does not exist yet. Raises RunError."""
    done = run(
        [
            *(sys.executable, "-m", "ingest", "--config", str(ROOT / "config.toml")),
            *("backfill", "warc", str(file), "--json", *options),
        ],
        settings={"STORYWATCH_DATABASE__URL": f"sqlite:///{database}"},
        helpers=helpers,
        meanwhile=meanwhile,
    )
    try:
        report = json.loads(done.output.splitlines()[-1])
    except (IndexError, ValueError):
        report = {}
    if done.exit_code != 0 or report.get("state") != "done":
        raise RunError(f"exit code {done.exit_code}: {done.output[-500:]} {done.errors[-2000:]}")
    return replace(done, outcomes=report["outcomes"])


# ---------------------------------------------------------------- the distributed engine


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and some workers of one process each; give its address, it and the workers."""
    port = _free_port()
    address = f"tcp://127.0.0.1:{port}"
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(
            _start("-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port),
                   "--no-dashboard")
        )  # fmt: skip
        _await_port(port)
        started += [
            _start("-m", "ingest", "worker", address, "--workers", "1") for _ in range(workers)
        ]
        wait = (
            "from distributed import Client\n"
            f"with Client({address!r}) as client:\n"
            f"    client.wait_for_workers({workers}, timeout={_START_SECONDS})"
        )
        ready = run([sys.executable, "-c", wait], seconds=2 * _START_SECONDS)
        if ready.exit_code != 0:
            raise RunError(f"the workers do not come: {ready.errors[-1000:]}")
        yield address, started
    finally:
        for process in reversed(started):
            _end(process)


def kill_at(worker: subprocess.Popen[bytes], database: Path, articles: int) -> Callable[[], None]:
    """What kills a worker, once, when so many articles are stored."""

    def look() -> None:
        if worker.poll() is None and count_articles(database) >= articles:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()

    return look


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=make_environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and, when it was killed, what it left behind."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RunError("the scheduler does not start; is the distributed engine installed?")
