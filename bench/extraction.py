"""Our extraction against untouched trafilatura, on real pages: quality, dates, and time.

    python bench/extraction.py [--data ../shared/data/press] [--limit N]

Both read every page in turn, in one run, each from the same bytes. Prints F1 side by side, the
medians of page times and, last, `ratio R` = our time / trafilatura's with its defaults. Exits with
1 when we are worse than the library by more than a page's noise.

F1 is that of scrapinghub's article-extraction-benchmark: shingles of four words, each document's
counts scaled to one, means of precision and recall over documents.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import trafilatura

from ingest.model import Article, FetchedPage
from ingest.page import read_page, warm_up

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOLERANCE = 0.002
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

    text: str
    day: date | None
    reason: str = ""


@dataclass
class Scores:
    """What an extractor has reached so far."""

    bodies: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    snippets: Counter[str] = field(default_factory=Counter)
    days: dict[str, list[bool]] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)


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
        return Reading("", None, f"{content.kind}: {content.reason}")
    return Reading(content.text, content.published.value.date() if content.published else None)


def read_default(sample: Sample) -> Reading:
    """Untouched trafilatura with metadata."""
    document: Any = trafilatura.bare_extraction(sample.html, url=sample.url, with_metadata=True)
    if document is None:
        return Reading("", None, "nothing")
    text = "\n".join(part for part in (document.text, document.comments) if part)
    return Reading(text, date.fromisoformat(document.date) if document.date else None)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Four words each; a shorter text is one shingle."""
    words = re.findall(r"\w+", text)
    grams = (tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))
    return Counter(gram for gram in grams if gram)


def match_body(true: str, found: str) -> tuple[float, float, float]:
    """True positives, false positives, false negatives, scaled to a sum of one."""
    wanted, got = shingles(true), shingles(found)
    counts = ((wanted & got).total(), (got - wanted).total(), (wanted - got).total())
    return tuple(count / (sum(counts) or 1) for count in counts)  # type: ignore[return-value]


def body_f1(matches: Iterable[tuple[float, float, float]]) -> float:
    """The harmonic mean of the mean precision and the mean recall."""
    known = list(matches)
    precisions = [hit / (hit + wrong) for hit, wrong, _missed in known if hit + wrong > 0]
    recalls = [hit / (hit + missed) for hit, _wrong, missed in known if hit + missed > 0]
    if not precisions or not recalls:
        return 0.0
    return statistics.harmonic_mean([statistics.mean(precisions), statistics.mean(recalls)])


def snippet_f1(counts: Counter[str]) -> float:
    """F1 over all snippets that must, and must not, stand in a text."""
    found, lost, wrong = counts["found"], counts["lost"], counts["wrong"]
    return 2 * found / (2 * found + lost + wrong) if found else 0.0


def add_reading(scores: Scores, sample: Sample, reading: Reading) -> None:
    """Compare a reading with whatever truth the sample has."""
    truth = sample.truth
    if truth.get("body"):
        scores.bodies.setdefault(sample.source, []).append(match_body(truth["body"], reading.text))
    for snippet in truth.get("with") or []:
        scores.snippets["found" if snippet in reading.text else "lost"] += 1
    for snippet in truth.get("without") or []:
        scores.snippets["wrong" if snippet in reading.text else "absent"] += 1
    if truth.get("date"):
        same = reading.day is not None and truth["date"].startswith(reading.day.isoformat())
        scores.days.setdefault(sample.source, []).append(same)


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
        html = gzip.decompress((data / row["path"]).read_bytes())
        truth = json.loads((data / row["truth_path"]).read_text(encoding="utf-8"))
        samples.append(Sample(row["id"], source, row["url"] or "", html, truth))
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
    found["snippets F1"] = snippet_f1(scores.snippets)
    found |= {f"{source} date": statistics.mean(days) for source, days in scores.days.items()}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--verbose", action="store_true", help="name the pages where we differ")
    arguments = parser.parse_args()
    samples = load_samples(arguments.data, arguments.limit)
    warm_up()
    read_default(samples[0])
    ours, default = Scores(), Scores()
    for number, sample in enumerate(samples):
        turns = [(ours, read_ours), (default, read_default)]
        # Whoever comes second finds warm caches: they take turns.
        readings = {
            read: time_reading(scores, read, sample)
            for scores, read in (turns if number % 2 else reversed(turns))
        }
        if arguments.verbose:
            explain(sample, readings[read_ours], readings[read_default])
    return report(ours, default)


def explain(sample: Sample, ours: Reading, default: Reading) -> None:
    """Print a page on which the two differ in quality."""
    mine, theirs = Scores(), Scores()
    add_reading(mine, sample, ours)
    add_reading(theirs, sample, default)
    left, right = rows(mine), rows(theirs)
    worse = [
        f"{name} {left[name]:.2f}<{right[name]:.2f}"
        for name in left
        if left[name] < right[name] - 0.02
    ]
    better = [
        f"{name} {left[name]:.2f}>{right[name]:.2f}"
        for name in left
        if left[name] > right[name] + 0.02
    ]
    if worse or better or ours.reason:
        print(
            sample.id,
            sample.url[:80],
            *worse,
            *better,
            ours.reason,
            ours.day,
            default.day,
            sample.truth.get("date"),
        )


def report(ours: Scores, default: Scores) -> int:
    """Print the table; 1 when a figure of ours is lower."""
    left, right = rows(ours), rows(default)
    print(f"{'':24}{'ours':>8}{'default':>9}")
    for name in left:
        print(f"{name:24}{left[name]:8.3f}{right[name]:9.3f}")
    mine, theirs = ours.milliseconds, default.milliseconds
    for name, measure in (("median", statistics.median), ("mean", statistics.mean)):
        print(f"{f'ms a page, {name}':24}{measure(mine):8.1f}{measure(theirs):9.1f}")
    print(f"{'pages/s, one core':24}{1000 / statistics.mean(mine):8.1f}", end="")
    print(f"{1000 / statistics.mean(theirs):9.1f}")
    ratios = [one / other for one, other in zip(mine, theirs, strict=True) if other > 0]
    print(f"{len(mine)} pages; total time ratio {sum(mine) / sum(theirs):.2f}")
    print(f"ratio {statistics.median(ratios):.2f}")
    return int(any(left[name] < right[name] - TOLERANCE for name in left))


if __name__ == "__main__":
    sys.exit(main())
