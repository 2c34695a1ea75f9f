"""Pages a second out of a WARC file: FastWARC alone, and `read_span` with the screen.

    python bench/warc_read.py [--pages 20000] [--rounds 3] [--keep news.warc.gz]
    python bench/warc_read.py --once news.warc.gz

Reads the WARC of `backfill_warc.py` in turn by FastWARC alone (framing, HTTP headers, the body as
bytes) and by `read_span`. Prints the median of each side by side and, last, `ratio R` = with the
screen / alone. With --once it reads a file as it is, one time, and prints how many pages pass the
screen: a whole process for `backfill.py` to measure.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from backfill_warc import keep_warc
from warc_alone import read_alone

from ingest.backfill.screen import Screen, compile_screen
from ingest.backfill.warcfile import read_span
from ingest.backfill.warcrecord import PageFilter, SpanTally
from ingest.backfill.warcspan import split_warc
from ingest.config import load_config

SPAN = 64 * 2**20
MAX_BODY = 10 * 2**20


def read_screened(path: Path, screen: Screen) -> int:
    """The pages of the story, span by span."""
    wanted = PageFilter(screen=screen, max_body_bytes=MAX_BODY)
    tally = SpanTally()
    with path.open("rb") as file:
        for span in split_warc(path.stat().st_size, span_bytes=SPAN):
            for _page in read_span(file, span, wanted=wanted, tally=tally):
                pass
    return tally.kept


def timed(work: Callable[[], int], rounds: int) -> Iterator[tuple[float, int]]:
    for _ in range(rounds):
        start = time.perf_counter()
        found = work()
        yield time.perf_counter() - start, found


def make_screen() -> Screen:
    """The screen of the shipped story."""
    config = load_config(Path("config.toml"), environ={})
    screen = compile_screen([config.stories[0].rule])
    assert screen is not None
    return screen


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--pages", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--keep", type=Path, help="where the file is written, and used again")
    options.add_argument("--once", type=Path, metavar="FILE", help="with the screen only")
    chosen = options.parse_args()
    if chosen.once:
        print(read_screened(chosen.once, make_screen()))
        return
    screen = make_screen()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.keep or Path(folder) / "news.warc.gz"
        written = keep_warc(path, chosen.pages)
        sides = {"alone": lambda: read_alone(path), "screen": lambda: read_screened(path, screen)}
        times: dict[str, list[float]] = {name: [] for name in sides}
        found = {}
        for _ in range(chosen.rounds):  # in turn, so that a busy machine slows both
            for name, work in sides.items():
                for seconds, count in timed(work, 1):
                    times[name].append(seconds)
                    found[name] = count
    medians = {name: statistics.median(values) for name, values in times.items()}
    pages, size = written.pages, written.html_bytes / 1e6
    print(f"{pages} pages, {size:.0f} MB; {found['screen']} pass the screen")
    for name, seconds in medians.items():
        print(f"{name:7} {pages / seconds:8.0f} pages/s {size / seconds:8.0f} MB/s")
    print(f"ratio {medians['alone'] / medians['screen']:.2f}")


if __name__ == "__main__":
    sys.exit(main())
