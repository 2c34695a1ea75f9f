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
import math
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from verdict_pairs import Pair, PairMaker, read_corpus, read_independent, same_event

from ingest.demo.newsroom import load
from ingest.language import count_words, detect_language
from ingest.model import Relation
from ingest.seeds import read_seed
from ingest.verdict.encoder import Encoder
from ingest.verdict.judge import JudgedText, judge, prepare_text, regime
from ingest.verdict.rule import CURRENT, load_rule
from ingest.verdict.shingles import fingerprint

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "verdicts" / "ntrex-dev.jsonl"
KNOWN = {"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"}
TEXT = (Relation.TRANSLATION, Relation.NEAR_DUPLICATE, Relation.IDENTICAL)
WANTED = {
    "translation": TEXT,
    "near-duplicate": TEXT,
    "second translation": TEXT,
    "three sentences": (Relation.EXCERPT,),
    "same story": (Relation.SAME_STORY,),
    "different": (Relation.UNRELATED,),
}


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

    def judge(self, pair: Pair):
        return judge(
            self.text(pair.text_a, pair.language_a),
            self.text(pair.text_b, pair.language_b),
            rule=self.rule,
        )


def tier(a: str, b: str) -> str:
    """Which of two languages the model knows."""
    if a == b:
        return "one language"
    if "uk" in (a, b) and {a, b} - {"uk"} <= KNOWN:
        return "Ukrainian"
    return ("neither known", "one known", "both known")[(a in KNOWN) + (b in KNOWN)]


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return tuple((middle + sign * spread) / (1 + z * z / count) for sign in (-1, 1))  # type: ignore


def run(bench: Bench, pairs: Iterable[Pair], found: dict) -> None:
    for pair in pairs:
        verdict = bench.judge(pair)
        found[pair.kind, tier(pair.language_a, pair.language_b)][verdict.relation.value] += 1
        languages = "-".join(sorted({pair.language_a, pair.language_b}))
        found["by languages", languages][pair.kind, verdict.relation in wanted(pair.kind)] += 1


def wanted(kind: str) -> tuple[Relation, ...]:
    return next(value for start, value in WANTED.items() if kind.startswith(start))


def report(found: dict, *, by_languages: bool) -> None:
    print(f"\n{'kind of pair':34}{'languages':15}{'pairs':>7}{'right':>8}  95 % interval   told as")
    for (kind, where), told in sorted((k, v) for k, v in found.items() if k[0] != "by languages"):
        count = sum(told.values())
        right = sum(told[relation.value] for relation in wanted(kind))
        low, high = wilson(right, count)
        others = ", ".join(f"{n} {name}" for name, n in told.most_common())
        print(f"{kind:34}{where:15}{count:7}{right / count:8.3f}  {low:.3f}-{high:.3f}   {others}")
    if by_languages:
        print("\nright, by pair of languages")
        for (what, languages), counts in sorted(found.items(), key=str):
            if what == "by languages":
                kinds = sorted({kind for kind, _ in counts})
                cells = []
                for kind in kinds:
                    hits, misses = counts[kind, True], counts[kind, False]
                    cells.append(f"{kind} {hits}/{hits + misses}")
                print(f"  {languages}: " + ", ".join(cells))


def unrelated(bench: Bench, corpus, docs, languages, limit: int) -> None:
    """False relations among pairs of different documents."""
    chance = random.Random(11)
    told: dict[str, Counter[str]] = defaultdict(Counter)
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
        told[tier(a, b)][
            verdict.relation.value + (" (review)" if verdict.needs_review else "")
        ] += 1
    print("\nunrelated pairs, called")
    for where, counts in sorted(told.items()):
        count = sum(counts.values())
        wrong = sum(n for name, n in counts.items() if name.split(" ")[0] in TEXT)
        low, high = wilson(wrong, count)
        print(
            f"  {where:15}{count:7} pairs; translation or near-duplicate {wrong}"
            f" ({low:.5f}-{high:.5f}); "
            + ", ".join(f"{n} {name}" for name, n in counts.most_common())
        )


def archive(bench: Bench, corpus, docs, languages) -> None:
    """Recall of the true partner: every German or English document against all of a language."""
    from ingest.verdict.compare import compare, unpack  # noqa: PLC0415

    print(
        "\nthe true partner among all documents of a language (by odds of being one text), called"
    )
    name = ""
    for code in languages:
        first = told = count = 0
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
                    name = regime(found.quality, bench.rule)
                    model = bench.rule.models[f"{name}.text"]
                    odds[other] = model.log_odds(found.measures)
                best = max(odds, key=lambda item: odds[item])
                count += 1
                first += best == doc
                told += odds[doc] >= bench.rule.thresholds[f"{name}.text"]
        if count:
            mark = "known" if code in KNOWN else ""
            print(f"  {code:4}{first}/{count} first ({first / count:.3f}), "
                  f"{told}/{count} called translation {mark}")  # fmt: skip


def newsroom(bench: Bench) -> None:
    """The demonstration's articles against the default story's seed."""
    seed = read_seed(HERE.parent / "seeds" / "kim-putin.txt", story="kim-putin")
    own = bench.text(seed.text, seed.language or "")
    print("\nthe newsroom against the seed")
    _, pieces = load(seed.title, seed.text)
    for piece in pieces:
        text = piece.text
        other = bench.text(text, detect_language(text) or "")
        verdict = judge(other, own, rule=bench.rule)
        mark = "ok" if piece.relation in (None, verdict.relation) else f"EXPECTED {piece.relation}"
        print(
            f"  {piece.key:28}{verdict.relation.value:16}{verdict.score:6.3f}"
            f"  {verdict.shared_a:.2f} {verdict.shared_b:.2f}"
            f" {'review ' if verdict.needs_review else ''}{mark}"
        )
        if piece.relation is Relation.TRANSLATION:
            lines = text.split("\n")
            short = bench.text("\n".join(lines[: round(len(lines) * 0.6)]), other.language or "")
            again = judge(short, own, rule=bench.rule)
            print(f"  {'  its first 60 %':28}{again.relation.value:16}{again.score:6.3f}")


def speed(bench: Bench, corpus, docs, languages) -> None:
    """Milliseconds of one core an article of 600 words: fingerprint, features, one verdict."""
    print("\nmilliseconds per 600 words (or 1,200 characters without spaces), processor time")
    for code in languages:
        times: dict[str, list[float]] = defaultdict(list)
        for doc in docs[:12]:
            if (code, "1", doc) not in corpus:
                continue
            text = " ".join(corpus[code, "1", doc].sentences)
            scale = 600 / max(count_words(text), 1)
            start = time.process_time()
            fingerprint(text, language=code)
            one = prepare_text(text, language=code, rule=bench.rule, encoder=bench.encoder)
            middle = time.process_time()
            other = bench.text(" ".join(corpus["de", "1", doc].sentences), "de")
            judge_start = time.process_time()
            judge(one, other, rule=bench.rule)
            end = time.process_time()
            times["features"].append((middle - start) * 1000 * scale)
            times["verdict"].append((end - judge_start) * 1000 * scale)
        if times:
            parts = {name: statistics.median(values) for name, values in times.items()}
            print(f"  {code}: " + ", ".join(f"{name} {ms:.1f}" for name, ms in parts.items())
                  + f", together {sum(parts.values()):.1f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=[DATA])
    parser.add_argument("--languages", default="", help="comma-separated; all by default")
    parser.add_argument("--each", type=int, default=6, help="documents a pair of languages")
    parser.add_argument("--language-pairs", type=int, default=60)
    parser.add_argument("--unrelated", type=int, default=20_000)
    parser.add_argument("--by-language", action="store_true")
    parser.add_argument("--no-model", action="store_true", help="anchors alone")
    parser.add_argument("--only", default="", help="of pairs,unrelated,archive,newsroom,speed")
    options = parser.parse_args()
    only = set(options.only.split(",")) if options.only else set()
    corpus = read_corpus(options.data)
    raw = json.loads((files("ingest.verdict") / "rules" / f"{CURRENT}.json").read_text("utf-8"))
    fitted = set(raw["fitted_on"]["documents"])
    docs = sorted({doc for _, _, doc in corpus} - fitted)
    languages = (
        options.languages.split(",") if options.languages else sorted({c for c, _, _ in corpus})
    )
    print(
        f"rule {CURRENT}, {len(docs)} documents that it was not fitted on,"
        f" {len(languages)} languages"
    )
    bench = Bench(model=not options.no_model)
    maker = PairMaker(corpus, docs, seed=7)
    if not only or "pairs" in only:
        found: dict = defaultdict(Counter)
        pairs = list(itertools.combinations(languages, 2))
        chosen = random.Random(5).sample(pairs, min(len(pairs), options.language_pairs))
        for a, b in chosen:
            run(bench, maker.across(a, b, each=options.each, different=10), found)
        for code in languages[:40]:
            run(bench, maker.within(code, each=options.each, different=10), found)
            run(bench, maker.second_translations(code, each=3 * options.each), found)
        run(bench, read_independent(HERE / "data" / "independent.jsonl", "test"), found)
        report(found, by_languages=options.by_language)
    if not only or "unrelated" in only:
        unrelated(bench, corpus, docs, languages, options.unrelated)
    if not only or "archive" in only:
        archive(bench, corpus, docs, languages)
    if not only or "newsroom" in only:
        newsroom(bench)
    if not only or "speed" in only:
        speed(
            bench,
            corpus,
            docs,
            [c for c in languages if c in ("de", "en", "ru", "uk", "zh", "ko", "el")],
        )


if __name__ == "__main__":
    main()
