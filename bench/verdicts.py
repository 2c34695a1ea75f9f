"""Measures the frozen verdict rule.

python bench/verdicts.py [--data FILE.jsonl ...] [--languages de,en,...]

Labelled pairs are built from documents that exist in several languages (lines of {"doc",
"language", "sentences"}); those that the rule was fitted on are left out. Everything goes through
the same functions as an article on its way into the database.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # figures are of one core; numpy reads it once

from verdict_newsroom import newsroom
from verdict_pairs import Corpus, Pair, PairMaker, read_corpus, read_independent, same_event
from verdict_tables import (
    KNOWN,
    TEXT,
    Figures,
    Told,
    note,
    print_kinds,
    print_languages,
    print_matrix,
    share,
    tier,
)

from ingest.language import count_words
from ingest.model import Relation, Verdict
from ingest.verdict.compare import compare, unpack
from ingest.verdict.encoder import Encoder
from ingest.verdict.judge import JudgedText, judge, prepare_text, regime
from ingest.verdict.rule import CURRENT, load_rule
from ingest.verdict.shingles import fingerprint

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "verdicts" / "ntrex-dev.jsonl"


class Bench:
    """The rule and the encoder, with every text prepared once."""

    def __init__(self, *, model: bool) -> None:
        self.rule = load_rule()
        self.encoder = Encoder() if model else None
        self.known: dict[tuple[str, str], JudgedText] = {}

    def text(self, text: str, language: str) -> JudgedText:
        key = (text, language)
        if key not in self.known:
            if len(self.known) > 3000:
                self.known.clear()
            self.known[key] = prepare_text(
                text, language=language, rule=self.rule, encoder=self.encoder
            )
        return self.known[key]

    def judge(self, pair: Pair) -> Verdict:
        return judge(
            self.text(pair.text_a, pair.language_a),
            self.text(pair.text_b, pair.language_b),
            rule=self.rule,
        )


def run(bench: Bench, pairs: Iterable[Pair], told: Told) -> None:
    """Judge pairs and count what is told."""
    for pair in pairs:
        note(told, pair, bench.judge(pair).relation)


def run_pairs(
    bench: Bench, maker: PairMaker, languages: Sequence[str], options: argparse.Namespace
) -> Told:
    """Judge labelled pairs in and across the languages."""
    told: Told = {}
    pairs = list(itertools.combinations(languages, 2))
    chosen = random.Random(5).sample(pairs, min(len(pairs), options.language_pairs))
    for a, b in chosen:
        run(bench, maker.across(a, b, each=options.each, different=10), told)
    for code in languages[:40]:
        run(bench, maker.within(code, each=options.each, different=10), told)
        run(bench, maker.second_translations(code, each=3 * options.each), told)
    run(bench, read_independent(HERE / "data" / "independent.jsonl", "test"), told)
    return told


def run_unrelated(
    bench: Bench, corpus: Corpus, docs: Sequence[str], languages: Sequence[str], limit: int
) -> dict[str, Counter[Relation]]:
    """Judge pairs of different documents, by which of their languages the model knows."""
    chance = random.Random(11)
    told: dict[str, Counter[Relation]] = defaultdict(Counter)
    review: Counter[str] = Counter()
    texts = [(code, doc) for code in languages for doc in docs if (code, "1", doc) in corpus]
    for _ in range(limit):
        (a, x), (b, y) = chance.choice(texts), chance.choice(texts)
        if x == y or same_event(x, y):
            continue
        pair = Pair(
            "different", a, b, " ".join(corpus[a, "1", x].sentences),
            " ".join(corpus[b, "1", y].sentences),
        )  # fmt: skip
        verdict = bench.judge(pair)
        told[tier(a, b)][verdict.relation] += 1
        review[tier(a, b)] += verdict.needs_review
    print("\nunrelated pairs, called")
    for where, counts in sorted(told.items()):
        wrong, count = sum(counts[relation] for relation in TEXT), sum(counts.values())
        print(
            f"  {where:15}translation or near-duplicate {wrong}, {share(wrong, count, digits=5)}; "
            + ", ".join(f"{n} {name}" for name, n in counts.most_common())
            + f"; {review[where]} to review"
        )
    return told


def archive(
    bench: Bench, corpus: Corpus, docs: Sequence[str], languages: Sequence[str], figures: Figures
) -> None:
    """Recall of the true partner: every German or English document against all of a language."""
    print(
        "\nthe true partner among all documents of a language (by odds of being one text), called"
    )
    reached: dict[bool, list[int]] = {True: [0, 0], False: [0, 0]}
    for code in languages:
        first = told = count = 0
        kind = ""
        for source in ("de", "en"):
            if code == source:
                continue
            for doc in docs:
                if (source, "1", doc) not in corpus or (code, "1", doc) not in corpus:
                    continue
                own = bench.text(" ".join(corpus[source, "1", doc].sentences), source)
                left = unpack(own.features, bench.rule)
                odds = {}
                for other in docs:
                    if (code, "1", other) not in corpus:
                        continue
                    text = bench.text(" ".join(corpus[code, "1", other].sentences), code)
                    found = compare(left, unpack(text.features, bench.rule), bench.rule)
                    kind = regime(found.quality, bench.rule)  # one for two languages
                    model = bench.rule.models[f"{kind}.text"]
                    odds[other] = model.log_odds(found.measures)
                best = max(odds, key=lambda item: odds[item])
                count += 1
                first += best == doc
                told += odds[doc] >= bench.rule.thresholds[f"{kind}.text"]
        if count:
            mark = "known" if code in KNOWN else ""
            print(f"  {code:4}{first}/{count} first ({first / count:.3f}), "
                  f"{told}/{count} called translation {mark}")  # fmt: skip
            reached[code in KNOWN][0] += first
            reached[code in KNOWN][1] += count
    for known, goal in ((True, ""), (False, ">= .97")):
        name = "languages that it knows" if known else "languages that it does not know"
        figures.add(f"true partner first in an archive, {name}", goal, share(*reached[known]))


def speed(
    bench: Bench, corpus: Corpus, docs: Sequence[str], languages: Sequence[str], figures: Figures
) -> None:
    """Milliseconds of one core an article of 600 words: fingerprint, features, one verdict.

    The verdict is on the article and its translation, which has most to align.
    """
    print("\nmilliseconds per 600 words (or 1,200 characters without spaces), processor time")
    slowest = (0.0, "")
    for code in languages:
        times: dict[str, list[float]] = defaultdict(list)
        partner = next(other for other in ("de", "en", *languages) if other != code)
        chosen = [d for d in docs if {(code, "1", d), (partner, "1", d)} <= corpus.keys()][:13]
        for number, doc in enumerate(chosen):
            text = " ".join(corpus[code, "1", doc].sentences)
            other = bench.text(" ".join(corpus[partner, "1", doc].sentences), partner)
            scale = 600 / max(count_words(text), 1)
            start = time.process_time()
            fingerprint(text, language=code)
            one = prepare_text(text, language=code, rule=bench.rule, encoder=bench.encoder)
            middle = time.process_time()
            judge(one, other, rule=bench.rule)
            end = time.process_time()
            if number:  # the first text of a language pays for tables that are read once
                times["features"].append((middle - start) * 1000 * scale)
                times["verdict"].append((end - middle) * 1000 * scale)
        parts = {name: statistics.median(values) for name, values in times.items()}
        together = sum(parts.values())
        slowest = max(slowest, (together, code))
        print(f"  {code}: " + ", ".join(f"{name} {ms:.1f}" for name, ms in parts.items())
              + f", together {together:.1f}")  # fmt: skip
    figures.add("a 600-word article, features and verdict, one core", "<= 60 ms",
                f"{slowest[0]:.0f} ms in the slowest language ({slowest[1]})")  # fmt: skip


SECTIONS = ("pairs", "unrelated", "archive", "newsroom", "speed")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=[DATA])
    parser.add_argument("--languages", default="", help="comma-separated; all by default")
    parser.add_argument("--each", type=int, default=6, help="documents a pair of languages")
    parser.add_argument("--language-pairs", type=int, default=60)
    parser.add_argument("--unrelated", type=int, default=20_000)
    parser.add_argument("--no-model", action="store_true", help="anchors alone")
    parser.add_argument("--only", default="", help="comma-separated, of " + ", ".join(SECTIONS))
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else SECTIONS
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"--only: no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for file in options.data:
        if not file.is_file():
            parser.error(f"--data: no file {file}; bench/ntrex.py makes one")
    return options


def main() -> None:
    """Run the sections asked for and print their tables."""
    options = parse()
    corpus = read_corpus(options.data)
    raw = json.loads((files("ingest.verdict") / "rules" / f"{CURRENT}.json").read_text("utf-8"))
    docs = sorted({doc for _, _, doc in corpus} - set(raw["fitted_on"]["documents"]))
    there = sorted({code for code, _, _ in corpus})
    languages = options.languages.split(",") if options.languages else there
    if missing := set(languages) - set(there):
        print(f"--languages: not in the data: {', '.join(sorted(missing))}", file=sys.stderr)
        sys.exit(2)
    print(f"rule {CURRENT}, {len(docs)} documents that it was not fitted on,"
          f" {len(languages)} languages")  # fmt: skip
    bench = Bench(model=not options.no_model)
    figures = Figures()
    told: Told = {}
    unrelated: dict[str, Counter[Relation]] = {}
    if "pairs" in options.only:
        told = run_pairs(bench, PairMaker(corpus, docs, seed=7), languages, options)
        print_kinds(told)
        print_languages(told)
        print_matrix(told)
    if "unrelated" in options.only:
        unrelated = run_unrelated(bench, corpus, docs, languages, options.unrelated)
    if told or unrelated:
        figures.add_pairs(told, unrelated)
    if "archive" in options.only:
        archive(bench, corpus, docs, languages, figures)
    if "newsroom" in options.only:
        newsroom(bench.encoder, figures)
    if "speed" in options.only:
        timed = [c for c in languages if c in ("de", "en", "ru", "uk", "zh", "ko", "el")]
        speed(bench, corpus, docs, timed or languages[:3], figures)
    figures.print()


if __name__ == "__main__":
    main()
