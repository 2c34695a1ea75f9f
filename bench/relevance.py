"""How well the shipped story finds its texts: recall, and false positives by label.

    python -m bench.relevance [--data ../shared/data/press/story/story.jsonl]

The labelled texts are judged twice: with their dates, which is the goal, and without, which says
how much of the work the date does. Rows labelled `story_*` are to be found; of the other rows about
North Korea or Russia at most 2 % may be. Exits with 1 when the goal is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingest.config import load_config
from ingest.model import DatedBy, DateSource
from ingest.story import CompiledStory, compile_story, judge_entry, judge_text

ROOT = Path(__file__).resolve().parent.parent
NEIGHBOURS = ("dprk_", "putin_", "summit_")
ALLOWED = 0.02
BUDGET_MS = 2.0  # for a text of 600 words

Row = dict[str, str]
Counts = dict[str, tuple[int, int]]  # label: found, of


def main() -> int:
    parser = argparse.ArgumentParser(description="Recall and false positives of the story.")
    default = ROOT.parent / "shared/data/press/story/story.jsonl"
    parser.add_argument("--data", type=Path, default=default)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.read_text("utf-8").splitlines()]
    story = compile_story(load_config(ROOT / "config.toml", environ={}).stories[0].rule)
    dated = judge_all(story, rows, with_dates=True)
    report("dates known", dated)
    report("dates withheld", judge_all(story, rows, with_dates=False))
    entries = sum(passes_entry(story, row) for row in rows if is_story(row["label"]))
    print(f"story rows whose feed entry would be fetched: {entries}")
    milliseconds = measure(story, rows)
    print(f"one text of 600 words: {milliseconds:.2f} ms (budget {BUDGET_MS} ms)")
    recall, false_positives = rates(dated)
    print(f"recall {recall:.3f}, false positives {false_positives:.3f}")
    summits = sum(found for label, (found, _) in dated.items() if label.startswith("summit_"))
    reached = recall == 1 and false_positives <= ALLOWED and not summits
    return 0 if reached and milliseconds <= BUDGET_MS else 1


def judge_all(story: CompiledStory, rows: Sequence[Row], *, with_dates: bool) -> Counts:
    counts: Counts = {}
    for row in rows:
        published = read_date(row) if with_dates else None
        verdict = judge_text(story, title=row["title"], text=row["text"], published=published)
        found, of = counts.get(row["label"], (0, 0))
        counts[row["label"]] = (found + verdict.on_story, of + 1)
    return counts


def passes_entry(story: CompiledStory, row: Row) -> bool:
    summary = row["text"][:300]
    return judge_entry(story, title=row["title"], summary=summary, published=None).on_story


def read_date(row: Row) -> DatedBy:
    padded = row["date"] + "-01" * (2 - row["date"].count("-"))  # some name only the month
    day = datetime.fromisoformat(padded).replace(tzinfo=UTC)
    return DatedBy(value=day, source=DateSource.GIVEN, confidence=1, day_only=True)


def is_story(label: str) -> bool:
    return label.startswith("story_")


def rates(counts: Counts) -> tuple[float, float]:
    wanted = [pair for label, pair in counts.items() if is_story(label)]
    unwanted = [pair for label, pair in counts.items() if label.startswith(NEIGHBOURS)]
    return share(wanted), share(unwanted)


def share(pairs: Sequence[tuple[int, int]]) -> float:
    return sum(found for found, _ in pairs) / max(1, sum(of for _, of in pairs))


def report(heading: str, counts: Counts) -> None:
    recall, false_positives = rates(counts)
    print(f"{heading}: recall {recall:.3f}, false positives {false_positives:.3f}")
    for label, (found, of) in sorted(counts.items()):
        print(f"  {label:24} {found:4} of {of}")


def measure(story: CompiledStory, rows: Sequence[Row]) -> float:
    """The median time of one text of 600 words, joined of neighbouring rows: names are dense."""
    words = " ".join(f"{row['title']}. {row['text']}" for row in rows).split()
    texts = [" ".join(words[start : start + 600]) for start in range(0, len(words) - 600, 600)]
    taken = []
    for text in texts[:60]:
        started = time.perf_counter()
        judge_text(story, title="", text=text, published=None)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
