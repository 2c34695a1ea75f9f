"""What runs the daemon, kills it and starts it again, as systemd would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from faults_points import SEAM_GONE, Point

HERE = Path(__file__).resolve().parent
_STOP_SECONDS = 30.0
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"  # it would have each start compile everything


class Supervisor:
    """One daemon at a time, in a group of its own."""

    def __init__(self, config: Path, folder: Path) -> None:
        """`folder` takes the log and the record of what was passed."""
        self.config = config
        self.log = folder / "daemon.log"
        self.record = folder / "record"
        self.record.touch()
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.exits: list[int] = []  # codes of daemons that ended by themselves
        self.unclean: list[str] = []  # tracebacks, and stops that were none
        self.started_at = 0.0
        self._noted = 0

    def is_up(self) -> bool:
        """Whether the daemon that runs has taken over: before, a SIGTERM simply ends it."""
        return self.record.stat().st_size > self._noted

    def start(self, point: Point | None = None, *, nth: int = 1) -> None:
        """Start a daemon."""
        assert self.process is None
        environment = {
            **{name: text for name, text in os.environ.items() if name != _NO_BYTECODE},
            "PYTHONPATH": str(HERE.parent),
            "PYTHONPYCACHEPREFIX": str(self.record.parent.parent / "bytecode"),
            "FAULTS_RECORD": str(self.record),
            "FAULTS_POINT": point.name if point else "",
            "FAULTS_NTH": str(nth),
        }
        command = [sys.executable, str(HERE / "faults_daemon.py"), "--config", str(self.config)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--log-level", "INFO", "run"],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.config.parent,
                start_new_session=True,
            )
        self._noted = self.record.stat().st_size
        self.starts += 1
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """The exit code of a daemon that ended by itself; it is then cleared away."""
        if self.process is None:
            return None
        code = self.process.poll()
        if code is None:
            return None
        self._clear()
        if code == SEAM_GONE:
            raise SystemExit(f"FAILED: {self.log.read_text(errors='replace')[-2000:]}")
        return code

    def keep_running(self) -> None:
        """Start it when there is none; one that ended by itself is counted and replaced."""
        code = self.ended()
        if code is not None:
            self.exits.append(code)
        if self.process is None:
            self.start()

    def kill(self) -> bool:
        """SIGKILL to the daemon alone, then to what it left; False if there was none any more."""
        code = self.ended()
        if code is not None:
            self.exits.append(code)
        if self.process is None:
            return False
        self.process.kill()
        self.process.wait()
        self._clear()
        return True

    def _clear(self) -> None:
        """End the workers that a dead daemon left behind."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def stop(self) -> None:
        """SIGTERM; it must end with 0 in time."""
        self.wait(self.is_up, seconds=_STOP_SECONDS)
        if self.ended() is not None or self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
            self.process.kill()
            self.process.wait()
        if code != 0:
            self.unclean.append(f"SIGTERM was answered with {code}")
        self._clear()

    def workers(self) -> list[int]:
        """Processes that parse: the children of the daemon's children."""
        if self.process is None:
            return []
        return [worker for child in _children(self.process.pid) for worker in _children(child)]

    def wait(self, happened: Callable[[], bool], *, seconds: float) -> bool:
        """Wait for something while the daemon runs; False when it ended or took too long."""
        deadline = time.monotonic() + seconds
        while not happened():
            if self.process is None or self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def tracebacks(self) -> int:
        """How many tracebacks the daemons wrote."""
        return self.log.read_bytes().count(b"Traceback (most recent call last)")


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []
