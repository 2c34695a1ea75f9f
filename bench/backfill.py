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
import sys
import tempfile
from pathlib import Path

from backfill_peers import Rival, run_peers
from backfill_run import backfill
from backfill_sides import LEFT_OUT, ONE, SPREAD, TWO, Side, make_sides
from backfill_store import compare
from backfill_tables import print_contents, print_goals, print_rivals, print_table
from backfill_warc import keep_warc


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
