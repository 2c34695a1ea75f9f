"""The ways to read a WARC that the backfill bench compares, each as whole processes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from backfill_pages import Writer
from backfill_run import ROOT, Measured, RunError, backfill, cluster, kill_at, run
from backfill_store import Store, read_store
from backfill_warc import Written, off_story_path, record, respond

ALONE, ALONE_OFF = "alone", "alone, off story"
SCREEN, SCREEN_OFF = "screen", "screen, off story"
START = "start (1 page)"
ONE, ONE_OFF, TWO = "1 process", "1 process, off story", "2 processes"
SPREAD = "distributed, 2 workers, 1 killed"
LEFT_OUT = "Dask is not installed"
READERS = {"alone": ("warc_alone.py",), "screen": ("warc_read.py", "--once")}


@dataclass(kw_only=True)
class Side:
    """One way to read a file."""

    pages: int
    work: Callable[[], Measured]
    baseline: str | None = None  # the side that its ratio is to
    database: Path | None = None  # what it fills
    runs: list[Measured] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    failed: str = ""

    def measure(self) -> None:
        """Run it once more."""
        if self.failed:
            return
        if self.database is not None:
            for file in self.database.parent.glob(f"{self.database.name}*"):
                file.unlink()
        try:
            self.runs.append(self.work())
        except RunError as error:
            self.failed = str(error)
            return
        if self.database is not None:
            self.stores.append(read_store(self.database))

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """The median."""
        return statistics.median(run.cpu_seconds for run in self.runs)


def read_once(side: str, file: Path) -> Measured:
    """A whole process that reads, and does nothing else."""
    script, *options = READERS[side]
    done = run([sys.executable, str(ROOT / "bench" / script), *options, str(file)])
    if done.exit_code != 0:
        raise RunError(done.errors[-2000:])
    return done


def backfill_spread(file: Path, database: Path, articles: int) -> Measured:
    """The command on two workers elsewhere, of which one is killed."""
    with cluster(2) as (address, (scheduler, victim, other)):
        done = backfill(
            file,
            database,
            *("--engine", "dask", "--scheduler", address),
            helpers=[process.pid for process in (scheduler, victim, other)],
            meanwhile=kill_at(victim, database, articles),
        )
        if victim.returncode is None:
            raise RunError("it was done before a worker could be killed")
        if other.poll() is not None:
            raise RunError("the other worker died too")
        return done


def make_sides(path: Path, written: Written, folder: Path) -> dict[str, Side]:
    """All sides, in the order in which they take turns."""
    others = off_story_path(path)
    pages, few = written.pages, written.pages - len(written.on_story)
    page = Writer().page(1)
    tiny = folder / "tiny.warc.gz"
    tiny.write_bytes(record("response", page.address, respond(1, page)))

    def fill(name: str, file: Path, pages: int, baseline: str | None, *options: str) -> Side:
        base = folder / f"{name}.db"
        return Side(
            pages=pages,
            work=lambda: backfill(file, base, *options),
            baseline=baseline,
            database=base,
        )

    sides = {
        ALONE: Side(pages=pages, work=lambda: read_once("alone", path)),
        SCREEN: Side(pages=pages, work=lambda: read_once("screen", path), baseline=ALONE),
        ALONE_OFF: Side(pages=few, work=lambda: read_once("alone", others)),
        SCREEN_OFF: Side(pages=few, work=lambda: read_once("screen", others), baseline=ALONE_OFF),
        START: fill("start", tiny, 1, None, "--workers", "1"),
        ONE_OFF: fill("off-story", others, few, ALONE_OFF, "--workers", "1"),
        ONE: fill("one", path, pages, ALONE, "--workers", "1"),
        TWO: fill("two", path, pages, ALONE, "--workers", "2"),
    }
    base = folder / "spread.db"
    sides[SPREAD] = Side(
        pages=pages,
        work=lambda: backfill_spread(path, base, max(len(written.on_story) // 3, 1)),
        baseline=ALONE,
        database=base,
    )
    if find_spec("distributed") is None:
        sides[SPREAD].failed = LEFT_OUT
    return sides
