"""Our extraction against untouched trafilatura, on real pages: quality, dates, and time.

    python bench/extraction.py [--data ../shared/data/press] [--limit N]

All read every page in turn, in one run, each from the same bytes: ours, trafilatura with its
defaults (and metadata, as we read it too), and trafilatura without comments, its best score. Prints
the figures side by side, the medians of page times and, last, `ratio R` = our time / that of the
defaults. Exits with 1 when we are worse than either.

Both sides are compared in NFC:
some of the true texts are not, and what we keep is. Our dates are moments in UTC and the true ones
days in the outlet's zone: a moment counts when it falls on that day somewhere on earth. That
favours ours, so the rows "UTC day" compare plain days too; they do not decide the exit code.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import trafilatura
from scoring import body_f1, match_body, normal, plain, snippet_f1

from ingest.model import Article, FetchedPage
from ingest.page import read_page, warm_up

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOLERANCE = 0.0005
WEST, EAST = timedelta(hours=-12), timedelta(hours=14)
UTC_DAY = "UTC day"
SOURCES = ("aeb", "fundus", "trafilatura", "htmldate")


@dataclass(frozen=True)
class Sample:
    """A saved page and what is known to be true of it."""

    id: str
    source: str
    url: str
    html: bytes
    truth: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What an extractor read from a page."""

    text: str = ""
    title: str = ""
    byline: str = ""
    first_day: date | None = None  # of those that the date may be, somewhere on earth
    last_day: date | None = None
    utc_day: date | None = None
    reason: str = ""


@dataclass
class Scores:
    """What an extractor has reached so far."""

    bodies: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    snippets: Counter[str] = field(default_factory=Counter)
    marks: dict[str, list[bool]] = field(default_factory=dict)  # right or wrong
    milliseconds: list[float] = field(default_factory=list)

    def mark(self, name: str, *, right: bool) -> None:
        """Note one right or wrong answer."""
        self.marks.setdefault(name, []).append(right)


def read_ours(sample: Sample) -> Reading:
    """The whole of what a worker does with an inflated page."""
    page = FetchedPage(
        requested_url=sample.url,
        final_url=sample.url,
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": "text/html"},
        body=b"",
        fetched_at=NOW,
        elapsed_ms=0.0,
    )
    content = read_page(page, sample.html, feed_date=None, now=NOW)
    if not isinstance(content, Article):
        return Reading(reason=f"{content.kind}: {content.reason}")
    dated = content.published
    west, east = (timedelta(), timedelta()) if dated and dated.day_only else (WEST, EAST)
    return Reading(
        text=content.text,
        title=content.title,
        byline=content.byline or "",
        first_day=(dated.value + west).date() if dated else None,
        last_day=(dated.value + east).date() if dated else None,
        utc_day=dated.value.date() if dated else None,
    )


def read_default(sample: Sample) -> Reading:
    """Untouched trafilatura with metadata; its main text, without the comments it adds."""
    return read_untouched(sample, with_metadata=True)


def read_main_text(sample: Sample) -> Reading:
    """Trafilatura told to leave comments out, no metadata: the text it is best at."""
    return read_untouched(sample, include_comments=False)


def read_untouched(sample: Sample, **options: bool) -> Reading:
    """Read a page by trafilatura alone."""
    found: Any = trafilatura.bare_extraction(sample.html, url=sample.url, **options)
    if found is None:
        return Reading(reason="nothing")
    day = date.fromisoformat(found.date) if found.date else None
    return Reading(found.text or "", found.title or "", found.author or "", day, day, day)


def add_reading(scores: Scores, sample: Sample, reading: Reading) -> None:
    """Compare a reading with whatever truth the sample has."""
    truth, source, text = sample.truth, sample.source, normal(reading.text)
    if truth.get("body"):
        match = match_body(normal(truth["body"]), text)
        scores.bodies.setdefault(source, []).append(match)
    for snippet in truth.get("with") or []:
        scores.snippets["found" if normal(snippet) in text else "lost"] += 1
    for snippet in truth.get("without") or []:
        scores.snippets["wrong" if normal(snippet) in text else "absent"] += 1
    if truth.get("title"):
        scores.mark(f"{source} title", right=plain(reading.title) == plain(truth["title"]))
    authors = truth.get("authors") or []
    if isinstance(authors, list) and authors:
        byline = plain(reading.byline)
        scores.mark(f"{source} byline", right=all(plain(name) in byline for name in authors))
    if truth.get("date"):
        days = [day.isoformat() for day in (reading.first_day, reading.last_day) if day]
        right = bool(days) and days[0] <= truth["date"][:10] <= days[-1]  # some are no dates
        scores.mark(f"{source} date", right=right)
        same = str(reading.utc_day) == truth["date"][:10]
        scores.mark(f"{source} date, {UTC_DAY}", right=same)


def load_samples(data: Path, limit: int | None) -> list[Sample]:
    """The pages with truth; with a limit, so many of each source."""
    samples = []
    taken: Counter[str] = Counter()
    for line in (data / "index.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        source = row.get("source", "")
        if row["kind"] != "page" or source not in SOURCES or not row.get("truth_path"):
            continue
        if limit is not None and taken[source] >= limit:
            continue
        taken[source] += 1
        page = gzip.decompress((data / row["path"]).read_bytes())
        truth = json.loads((data / row["truth_path"]).read_text(encoding="utf-8"))
        samples.append(Sample(row["id"], source, row["url"] or "", page, truth))
    return samples


def time_reading(scores: Scores, read: Callable[[Sample], Reading], sample: Sample) -> Reading:
    """Read a page and note the processor time that it took."""
    started = time.process_time()
    reading = read(sample)
    scores.milliseconds.append((time.process_time() - started) * 1000)
    add_reading(scores, sample, reading)
    return reading


def rows(scores: Scores) -> dict[str, float]:
    """Every figure of quality by its name."""
    found = {f"{source} body F1": body_f1(scores.bodies[source]) for source in scores.bodies}
    if scores.snippets.total():
        found["snippets F1"] = snippet_f1(scores.snippets)
    return found | {name: statistics.mean(marks) for name, marks in scores.marks.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--verbose", action="store_true", help="name the pages where we differ")
    arguments = parser.parse_args()
    samples = load_samples(arguments.data, arguments.limit)
    warm_up()
    read_default(samples[0])
    all_scores = {read: Scores() for read in (read_ours, read_default, read_main_text)}
    for number, sample in enumerate(samples):
        # Whoever comes second finds warm caches: they take turns.
        turns = list(all_scores) if number % 2 else list(reversed(all_scores))
        readings = {read: time_reading(all_scores[read], read, sample) for read in turns}
        if arguments.verbose:
            explain(sample, readings[read_ours], readings[read_default])
    return report(*all_scores.values())


def explain(sample: Sample, ours: Reading, default: Reading) -> None:
    """Print how the two differ in quality on a page."""
    mine, theirs = Scores(), Scores()
    add_reading(mine, sample, ours)
    add_reading(theirs, sample, default)
    right = rows(theirs)
    parts = [
        f"{name} {value:.2f}{'<' if value < right[name] else '>'}{right[name]:.2f}"
        for name, value in rows(mine).items()
        if abs(value - right[name]) > 0.02
    ]
    if parts or ours.reason:
        print(sample.id, sample.url[:80], *parts, ours.reason)
        for name in ("title", "byline", "first_day"):
            if any(name.partition("_")[0] in part or "date" in part for part in parts):
                print(f"    {name}: {getattr(ours, name)!s:.90} | {getattr(default, name)!s:.90}")


def report(ours: Scores, default: Scores, main_text: Scores) -> int:
    """Print the table; 1 when a figure of ours is lower."""
    columns = [rows(ours), rows(default), rows(main_text)]
    print(f"{'':28}{'ours':>9}{'default':>9}{'no comm.':>9}")
    worse = False
    for name, value in columns[0].items():
        with_text = columns if "F1" in name else columns[:2]  # the third reads no metadata
        print(f"{name:28}" + "".join(f"{column[name]:9.4f}" for column in with_text))
        if UTC_DAY not in name:
            worse = worse or any(value < column[name] - TOLERANCE for column in with_text)
    times = [scores.milliseconds for scores in (ours, default, main_text)]
    for name, measure in (("median", statistics.median), ("mean", statistics.mean)):
        label = f"ms a page, {name}"
        print(f"{label:28}" + "".join(f"{measure(taken):9.1f}" for taken in times))
    rates = (1000 / statistics.mean(taken) for taken in times)
    print(f"{'pages/s, one core':28}" + "".join(f"{rate:9.1f}" for rate in rates))
    print(f"{len(times[0])} pages; total time ratio {sum(times[0]) / sum(times[1]):.2f}")
    ratios = [one / other for one, other in zip(times[0], times[1], strict=True) if other > 0]
    print(f"ratio {statistics.median(ratios):.2f}")
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
