"""The real daemon as a process of its own, and what it takes of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SEED = "A seed\n\n" + "Nothing of this is in any article. " * 20


def write_config(
    folder: Path, feeds: Sequence[str], *, database: str | None = None, **sections: str
) -> Path:
    """A configuration for feeds on loopback that takes every page; return its path.

    `sections` are lines of TOML by the section that they belong to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seed.txt").write_text(SEED, encoding="utf-8")
    url = database or f"sqlite:///{folder / 'watch.db'}"
    lines = {
        "database": f'url = "{url}"',
        "fetch": 'allow_networks = ["127.0.0.0/8"]\nper_host_interval_seconds = 0.0',
    }
    for name, more in sections.items():
        lines[name] = f"{lines.get(name, '')}\n{more}"
    places = [(feed, feed.split("/")[2]) for feed in feeds]
    listed = "".join(
        f'[[feeds]]\nurl = "{feed}"\noutlet = "Outlet at {place}"\ndomain = "{place}"\n'
        for feed, place in places
    )
    file = folder / "config.toml"
    file.write_text(
        '[[stories]]\nslug = "everything"\ntitle = "Everything"\nseed = "seed.txt"\n'
        + "".join(f"[{name}]\n{text}\n" for name, text in lines.items())
        + listed,
        encoding="utf-8",
    )
    return file


class Daemon:
    """A running `storywatch run`."""

    def __init__(self, config: Path, *, log: Path) -> None:
        """Start it; what it says goes to `log`."""
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ingest", "--config", str(config), "run"],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=config.parent,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the daemon itself."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def end(self, *, within: float = 60.0) -> tuple[int, float]:
        """Send SIGTERM; return its exit code and how many seconds it took."""
        started = time.monotonic()
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -signal.SIGKILL
        return code, time.monotonic() - started

    def kill(self) -> None:
        """End it and its workers at once."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Resident memory of a process: now, or with VmHWM at its peak; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def descendants(pid: int) -> list[int]:
    """The processes that it started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found
