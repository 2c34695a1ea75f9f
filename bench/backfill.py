"""A backfill from a WARC of 20,000 pages: how fast, and whether a page of the story is missed.

    python bench/backfill.py [--pages 20000] [--rounds 3] [--keep news.warc.gz] [--peers FOLDER]

Writes the crawl of `backfill_warc.py`: made-up pages, one in a hundred a report of the shipped
story in twelve languages and in legacy encodings. Reads it, each side as a whole process, in turn:

    alone        FastWARC: framing, HTTP headers, bodies as bytes
    screen       `read_span` with the screen, in one process
    1 process    `storywatch backfill warc` into a fresh SQLite file, --workers 1; then 2
    distributed  the same on a Dask cluster of two workers, one of which is killed (SIGKILL) when a
                 third of the articles is stored

Rates for pages off story come from a second file: the same records without the reports. What passes
the screen and is refused by the story's rule stays in it: headlines of the story beside other
articles, and its reports of another year. Start-up counts; the row "start" tells how much it is.

Expected is what was written, whatever the program says of it. Missed is a report that is not
stored, garbled one whose first sentence is not in the stored text. Exit code 1 when there is
either, or when two runs stored different things; never for speed. With --peers, other programs read
a sample, in environments that are made in that folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from backfill_pages import Writer
from backfill_peers import Rival, run_peers
from backfill_run import ROOT, Measured, RunError, backfill, cluster, kill_at, run
from backfill_store import Comparison, Store, compare, read_store, tell_cells
from backfill_warc import Written, keep_warc, off_story_path, record, respond

GOAL = 0.5
ALONE, ALONE_OFF = "alone", "alone, off story"
SCREEN, SCREEN_OFF = "screen", "screen, off story"
START = "start (1 page)"
ONE, ONE_OFF, TWO = "1 process", "1 process, off story", "2 processes"
SPREAD = "distributed, 2 workers, 1 killed"
LEFT_OUT = "Dask is not installed"
WARC_READ = str(ROOT / "bench" / "warc_read.py")


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
    """A whole process of `warc_read.py`."""
    done = run([sys.executable, WARC_READ, "--once", side, str(file)])
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


# ---------------------------------------------------------------- what is printed


def print_table(sides: dict[str, Side], compared: dict[str, list[Comparison]]) -> None:
    """The sides, one a line; ratios are to reading the same file alone."""
    print(
        f"\n{'':33}{'seconds':>9}{'pages/s':>9}{'ratio':>7}{'cpu s':>8}{'pages/cpu s':>12}"
        f"{'ratio':>7}{'missed':>8}{'garbled':>8}"
    )
    for name, side in sides.items():
        if side.failed:
            print(f"{name:33}not run: {side.failed}")
            continue
        base = sides[side.baseline] if side.baseline else side
        print(
            f"{name:33}{side.seconds:9.1f}{side.pages / side.seconds:9.0f}"
            f"{base.seconds / side.seconds:7.2f}{side.cpu_seconds:8.1f}"
            f"{side.pages / side.cpu_seconds:12.0f}{base.cpu_seconds / side.cpu_seconds:7.2f}",
            end="",
        )
        found = compared.get(name)
        missed = str(max(len(item.missed) for item in found)) if found else "-"
        garbled = str(max(len(item.garbled) for item in found)) if found else "-"
        print(f"{missed:>8}{garbled:>8}")


def print_contents(
    sides: dict[str, Side], compared: dict[str, list[Comparison]], written: Written
) -> bool:
    """What was stored; return whether it is what was expected, and the same in all runs."""
    cells = {(language, encoding) for language, encoding, *_ in written.on_story.values()}
    languages = {language.partition("-")[0] for language, _ in cells}
    encodings = sorted({encoding for _, encoding in cells})
    print(
        f"\nexpected: {len(written.on_story)} reports in {len(languages)} languages and"
        f" {len(encodings)} encodings: {', '.join(encodings)}"
    )
    good = True
    for name, found in compared.items():
        for item in found:
            for what, addresses in (("missed", item.missed), ("garbled", item.garbled)):
                if addresses:
                    good = False
                    print(f"{name}: {what} {tell_cells(addresses, written)}")
            if item.unexpected:
                print(f"{name}: not expected, by kind of page: {dict(item.unexpected)}")
    stores = {name: sides[name].stores for name in (ONE, TWO, SPREAD) if sides[name].stores}
    for what in ("content", "verdicts"):
        found = {name: sorted({getattr(item, what) for item in stores[name]}) for name in stores}
        same = len({digest for digests in found.values() for digest in digests}) == 1
        runs = sum(map(len, stores.values()))
        told = "the same" if same else "different: " + str(found)
        print(f"{what} stored by {', '.join(stores)} ({runs} runs): {told}")
        good = good and (same or what == "verdicts")
    return good


def print_rivals(rivals: list[Rival], own: Rival, whole: Side) -> None:
    """Other programs, and ours on the same pages and on the whole file."""
    rate = whole.pages / whole.seconds if whole.runs else 0.0
    print(f"\n{'a sample':24}{'pages/s':>9}{'ours / it':>11}{'whole / it':>12}{'lost':>6}")
    for rival in (own, *rivals):
        if rival.rate is None:
            print(f"{rival.name:24}{rival.note}")
            continue
        print(
            f"{rival.name:24}{rival.rate:9.1f}{(own.rate or 0.0) / rival.rate:11.2f}"
            f"{rate / rival.rate:12.2f}{len(rival.lost):6}  {rival.note}"
        )
    print(
        "ours: on the same sample, with its start; whole: the row '1 process'. The others extract"
        "\nevery page, without a screen, stories, comparing or a database. Lost are reports, of the"
        "\nsample for ours and of the whole file for the others, whose first sentence is not in"
        "\nwhat was extracted."
    )


def print_goals(sides: dict[str, Side], *, good: bool) -> None:
    """Whether they are reached."""
    print()
    for name in (SCREEN_OFF, ONE_OFF):
        side = sides[name]
        if side.runs:
            base = sides[side.baseline or name]
            by_clock = base.seconds / side.seconds
            by_cpu = base.cpu_seconds / side.cpu_seconds
            reached = "reached" if by_clock >= GOAL else "missed"
            print(
                f"goal {reached}: {name} at {by_clock:.2f} of reading alone, by processor time"
                f" {by_cpu:.2f} (goal {GOAL})"
            )
    if sides[ONE_OFF].runs and sides[START].runs:
        seconds = sides[ONE_OFF].cpu_seconds - sides[START].cpu_seconds
        print(
            f"      without its start: {sides[ONE_OFF].pages / seconds:.0f} pages a second of"
            f" processor time, {sides[ALONE_OFF].cpu_seconds / seconds:.2f} of reading alone"
        )
    print(f"goal {'reached' if good else 'missed'}: no report missed, garbled, or told differently")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the WARC is written, and used again")
    parser.add_argument("--peers", type=Path, help="where other programs are installed")
    parser.add_argument("--sample", type=int, default=1000, help="pages for other programs")
    parser.add_argument("--seconds", type=float, default=120, help="for each of them")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = (chosen.keep or folder / "news.warc.gz").resolve()
        written = keep_warc(path, chosen.pages)
        size = path.stat().st_size / 1e6
        print(
            f"{written.pages} pages, {written.html_bytes / 1e6:.0f} MB of HTML in {size:.0f} MB;"
            f" {len(written.on_story)} of the story, {len(written.hard)} that nearly are",
            flush=True,
        )
        sides = make_sides(path, written, folder)
        for number in range(chosen.rounds):  # in turn, so that a busy machine slows all
            for name, side in sides.items():
                side.measure()
                told = side.failed or f"{side.runs[-1].seconds:.1f} s"
                print(f"round {number + 1}: {name}: {told}", flush=True)
        compared = {
            name: [compare(store, written) for store in sides[name].stores]
            for name in (ONE, TWO, SPREAD)
            if sides[name].stores
        }
        rivals, own = [], None
        if chosen.peers:
            own, rivals = measure_rivals(chosen, folder)
    print_table(sides, compared)
    good = print_contents(sides, compared, written)
    good = good and all(side.failed in {"", LEFT_OUT} for side in sides.values())
    if own is None:
        print("\nother programs: left out; --peers FOLDER runs them")
    else:
        print_rivals(rivals, own, sides[ONE])
    print_goals(sides, good=good)
    return int(not good)


def measure_rivals(chosen: argparse.Namespace, folder: Path) -> tuple[Rival, list[Rival]]:
    """Ours on the first pages, and the others."""
    sample = folder / "first.warc.gz"
    written = keep_warc(sample, min(chosen.sample, chosen.pages))
    side = Side(
        pages=written.pages,
        work=lambda: backfill(sample, folder / "first.db", "--workers", "1"),
        database=folder / "first.db",
    )
    side.measure()
    if side.failed:
        return Rival(name="ours", rate=None, note=f"not run: {side.failed}"), []
    found = compare(side.stores[0], written)
    own = Rival(
        name="ours, 1 process",
        rate=written.pages / side.seconds,
        lost=[*found.missed, *found.garbled],
        note="with its start, the screen, the comparing and the database",
    )
    rivals = run_peers(
        chosen.peers.resolve(), pages=chosen.pages, sample=chosen.sample, seconds=chosen.seconds
    )
    return own, rivals


if __name__ == "__main__":
    sys.exit(main())
