"""Fits the verdict rule and writes its frozen file.

python bench/fit_verdicts.py WIDE.jsonl ingest/verdict/rules/2.json

WIDE.jsonl is made by bench/ntrex.py from the documents of the tuning data in all languages. Two
thirds of the documents are used (verdict_pairs.for_fitting); bench/verdicts.py takes the others.
Needs scikit-learn, which the product does not.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from base64 import b85encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from verdict_pairs import Pair, PairMaker, for_fitting, read_corpus, read_independent

from ingest.verdict import compare as comparing
from ingest.verdict.encoder import DIMENSIONS, MODEL, Encoder, model_version, prepare
from ingest.verdict.features import features_of_sentences, make_features, unit
from ingest.verdict.measures import measure_within
from ingest.verdict.rule import LanguageRule, Logistic, Rule

# the languages that the model's documentation names
KNOWN = [
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh",
]  # fmt: skip
# languages of sentences and documents beside them; the others give their means and qualities
TUNED = [
    "el", "he", "hi", "ka", "sw", "hu", "vi", "cs", "uk", "fa", "id", "ro", "ur", "bn", "ta",
    "am", "fi", "sv", "sr", "hy",
]  # fmt: skip
SENTENCE = [
    "cosine", "cosine_quality", "quality", "quality_squared", "anchors", "anchor_weight",
    "anchors_strange", "both", "length", "same", "same_cosine", "same_anchors",
]  # fmt: skip
TEXT = [
    "chain_high", "chain_low", "gain_high", "gain_low", "gain_high_root", "covered_high",
    "covered_low", "any_high", "any_low", "top_1", "top_3", "solid", "document",
    "document_anchors", "short", "long", "gain_sentences",
]  # fmt: skip
EXCERPT = [
    "top_1", "top_2", "top_3", "top_4", "solid", "sure", "top_quoted", "document",
    "document_anchors", "short", "long", "any_high", "any_low", "gain_high",
]  # fmt: skip
STORY = [
    "top_1", "top_2", "top_3", "top_4", "solid", "document", "document_anchors", "any_high",
    "any_low", "short", "long",
]  # fmt: skip
LEXICAL = [
    "copied_high", "copied_low", "matched_high", "matched_low",
]  # fmt: skip
REGIMES = {"known": (0.5, 1.0), "half": (0.25, 0.65), "strange": (0.0, 0.35)}
"""Products of two languages' qualities that a model is fitted on; they overlap for steadiness."""
THRESHOLDS = {  # qualities, log-odds, and shares and words of what is copied within one language
    "known.quality": 0.58,
    "known.text": 0.0,
    "known.excerpt": 0.75,
    "known.covered": 0.4,
    "known.review": 2.0,
    "half.quality": 0.3,
    "half.text": 0.0,
    "half.excerpt": 1.5,
    "half.covered": 0.3,
    "half.review": 2.0,
    "strange.text": 2.0,
    "strange.excerpt": 2.2,
    "strange.covered": 0.1,
    "strange.review": 2.0,
    "within.text": 0.0,
    "within.excerpt": 0.0,
    "within.covered": 0.3,
    "within.review": 2.0,
    "across.story": 0.5,
    "within.story": 5.0,
    "excerpt.review": 1.0,
    "excerpt.document": 0.4,
    "excerpt.third": -1.0,
    "copied.both": 0.45,
    "copied.whole": 0.75,
    "copied.part": 0.1,
    "lifted.share": 0.06,
    "lifted.words": 18,
}


class CachedEncoder:
    """The encoder, each sentence once."""

    def __init__(self) -> None:
        self.inner = Encoder()
        self.version = self.inner.version
        self.known: dict[str, np.ndarray] = {}

    def encode(self, sentences, *, language):
        prepared = {sentence: prepare(sentence, language=language) for sentence in sentences}
        missing = {key: sentence for sentence, key in prepared.items() if key not in self.known}
        keys = list(missing)
        for start in range(0, len(keys), 256):
            part = keys[start : start + 256]
            rows = self.inner.encode([missing[key] for key in part], language=language)
            self.known.update(zip(part, rows, strict=True))
        if not sentences:
            return np.zeros((0, DIMENSIONS), np.int8)
        return np.stack([self.known[prepared[s]] for s in sentences])


def main(wide: Path, out: Path) -> None:
    corpus = read_corpus([wide])
    docs = sorted({doc for _, _, doc in corpus if for_fitting(doc)})
    encoder = CachedEncoder()
    rule = learn_languages(corpus, docs, encoder)
    rule = replace(rule, sentence=fit_sentences(corpus, docs, encoder, rule))
    independent = Path(__file__).parent / "data" / "independent.jsonl"
    rows, rows_within = document_rows(corpus, docs, encoder, rule, independent)
    rule = replace(rule, models=fit_models(rows, rows_within))
    write(rule, out, wide, docs)


def learn_languages(corpus, docs, encoder) -> Rule:
    """Means of every language, and qualities: cos(a, b) of translations = quality a x quality b."""
    vectors = {}
    for code in sorted({code for code, _, _ in corpus}):
        rows = [corpus[code, "1", doc].sentences for doc in docs]
        vectors[code] = unit(
            encoder.encode([s for r in rows for s in r], language=code).astype(np.float32)
        )
    means = {code: v.mean(axis=0) for code, v in vectors.items()}
    centred = {code: unit(v - means[code]) for code, v in vectors.items()}
    cosines = {
        (a, b): float((centred[a] * centred[b]).sum(axis=1).mean())
        for a in vectors for b in KNOWN if a != b
    }  # fmt: skip
    quality = dict.fromkeys(KNOWN, 0.8)
    for _ in range(50):
        for a in KNOWN:
            others = [(cosines[a, b], quality[b]) for b in KNOWN if b != a]
            quality[a] = sum(c * q for c, q in others) / sum(q * q for _, q in others)
    for a in vectors:
        if a not in KNOWN:
            others = [(cosines[a, b], quality[b]) for b in KNOWN]
            quality[a] = sum(c * q for c, q in others) / sum(q * q for _, q in others)
    strange = [code for code in vectors if code not in KNOWN]
    other = LanguageRule(
        quality=float(np.quantile([quality[c] for c in strange], 0.25)),
        mean=np.mean([means[c] for c in strange], axis=0),
    )
    languages = {c: LanguageRule(quality=round(quality[c], 3), mean=means[c]) for c in vectors}
    print("qualities", {c: round(q, 2) for c, q in sorted(quality.items(), key=lambda x: -x[1])})
    # through the form in which it is stored, so that fitting sees what judging will see
    stored = {code: _stored_language(item) for code, item in languages.items()}
    zero = Logistic(names=(), weights=np.zeros(0), intercept=0.0)
    return Rule(
        version="", languages=stored, other=_stored_language(other), sentence=zero, models={},
        thresholds={},
    )  # fmt: skip


def _stored_language(item: LanguageRule) -> LanguageRule:
    scale = float(np.abs(item.mean).max()) / 127
    return LanguageRule(
        quality=round(item.quality, 3),
        mean=np.rint(item.mean / scale).astype(np.int8).astype(np.float32) * np.float32(scale),
    )


def fit_sentences(corpus, docs, encoder, rule) -> Logistic:
    """A pair of sentences that translate each other, against pairs that do not."""
    chance = random.Random(1)
    pairs = list(itertools.combinations(KNOWN, 2)) + chance.sample(
        list(itertools.combinations(KNOWN + TUNED, 2)), 160
    )
    captured = []

    class Capture:
        def log_odds(self, features):
            captured.append(features)
            return 0.0

    rows, labels = [], []

    def side(code, translator, doc, *, with_model=True):
        found = features_of_sentences(
            corpus[code, translator, doc].sentences, language=code, rule=rule,
            encoder=encoder if with_model else None,
        )  # fmt: skip
        return comparing.unpack(found, rule)

    def add(a, b, *, positive):
        captured.clear()
        comparing.pair_log_odds(a, b, replace(rule, sentence=Capture()))
        shape = (len(a.lengths), len(b.lengths))
        table = np.stack([np.broadcast_to(captured[0][name], shape) for name in SENTENCE], axis=-1)
        if positive:
            rows.extend(table[i, i] for i in range(min(shape)))
            labels.extend([1] * min(shape))
        flat = table[~np.eye(*shape, dtype=bool)] if positive else table.reshape(-1, len(SENTENCE))
        chosen = chance.sample(range(len(flat)), min(len(flat), (3 if positive else 6) * shape[0]))
        rows.extend(flat[chosen])
        labels.extend([0] * len(chosen))

    second = [("es", "ref-2"), ("es", "spa-MX"), ("fr", "fra-CA"), ("pt", "por-BR")]
    for number, (a, b) in enumerate(pairs):
        for doc in chance.sample(docs, 5):
            with_model = number % 8 != 0
            left = side(a, "1", doc, with_model=with_model)
            right = side(b, "1", doc, with_model=with_model)
            add(left, right, positive=True)
            other = chance.choice([d for d in docs if d != doc])
            add(left, side(b, "1", other, with_model=with_model), positive=False)
    for code, translator in second * 3:
        for doc in chance.sample(docs, 10):
            left = side(code, "1", doc)
            add(left, side(code, translator, doc), positive=True)
            other = chance.choice([d for d in docs if d != doc])
            add(left, side(code, translator, other), positive=False)
    model = LogisticRegression(C=10, max_iter=5000).fit(np.array(rows), np.array(labels))
    print("sentences", len(labels), dict(zip(SENTENCE, model.coef_[0].round(2), strict=True)))
    return Logistic(
        names=tuple(SENTENCE), weights=model.coef_[0], intercept=float(model.intercept_[0])
    )


def document_rows(corpus, docs, encoder, rule, independent):
    """Measures of labelled pairs, across languages and within one."""
    chance = random.Random(2)
    maker = PairMaker(corpus, docs, seed=3)
    cache = {}

    def side(text, language, with_model):
        key = (text, language, with_model)
        if key not in cache:
            features = make_features(
                text, language=language, rule=rule, encoder=encoder if with_model else None
            )
            cache[key] = comparing.unpack(features, rule)
        return cache[key]

    def measure(pair: Pair, *, with_model=True):
        a = side(pair.text_a, pair.language_a, with_model)
        b = side(pair.text_b, pair.language_b, with_model)
        measures = comparing.compare(a, b, rule).measures
        if pair.language_a == pair.language_b:
            measures |= measure_within(pair.text_a, pair.text_b).measures
        return pair.kind, measures

    known = list(itertools.combinations(KNOWN, 2))
    wide = chance.sample(list(itertools.combinations(KNOWN + TUNED, 2)), 200)
    half = [(a, b) for a in ("uk", "ro", "cs", "sv") for b in KNOWN]
    strange = chance.sample(list(itertools.combinations(TUNED, 2)), 60)
    rows = []
    for number, (a, b) in enumerate(known + half + wide + strange):
        made = maker.across(a, b, each=3, different=20)
        rows.extend(measure(pair, with_model=number % 8 != 0) for pair in made)
        cache.clear()
    within = []
    for code in ["en", "de", "fr", "es", "ru", "pl", "uk", "ko", "zh", "ar", "pt", "el"]:
        within.extend(map(measure, maker.within(code, each=8, different=40)))
        within.extend(map(measure, maker.second_translations(code, each=25)))
    for pair in read_independent(independent, "fit"):
        target = within if pair.language_a == pair.language_b else rows
        target.extend([measure(pair)] * (15 if pair.kind.startswith("same") else 2))
    print("pairs", len(rows), len(within))
    return rows, within


def fit_models(rows, rows_within) -> dict[str, Logistic]:
    """Three questions: one text? lifted? one story? By how well the model knows the languages."""
    models = {}
    for regime, (low, high) in REGIMES.items():
        part = [row for row in rows if low <= row[1]["quality"] <= high]
        models[f"{regime}.text"] = fit_model(part, "text", by_quality(TEXT))
        models[f"{regime}.excerpt"] = fit_model(part, "excerpt", by_quality(EXCERPT))
    models["within.text"] = fit_model(rows_within, "text", [*TEXT, *LEXICAL])
    models["within.excerpt"] = fit_model(rows_within, "excerpt", [*EXCERPT, *LEXICAL])
    models["story"] = fit_model(rows, "story", by_quality(STORY))
    return models


def by_quality(names):
    """The measures, and each with how well the model knows both languages, or neither."""
    products = [f"{name}*{other}" for name in names for other in ("quality", "strangers")]
    return [*names, "quality", "quality_squared", "strangers", *products]


AGAINST = {
    "text": ("excerpt", "story", "none"),
    "excerpt": ("story", "none"),
    "story": ("none",),
}


def label(kind: str) -> str:
    """The relation's model that a kind of pair is an example of."""
    starts = {
        "translation": "text", "near-duplicate": "text", "second": "text",
        "three sentences": "excerpt", "same story": "story",
    }  # fmt: skip
    return next((name for start, name in starts.items() if kind.startswith(start)), "none")


def fit_model(rows, target: str, names: list[str]) -> Logistic:
    """One kind of pair against those that come after it."""
    kept = [(label(kind), m) for kind, m in rows if label(kind) in (target, *AGAINST[target])]
    labels = np.array([name for name, _ in kept])
    table = np.array([[product(m, name) for name in names] for _, m in kept])
    # independent reports are few and matter
    stories = max(int((labels == "story").sum()), 1)
    weights = np.where(labels == "story", max(0.1 * len(labels) / stories, 1.0), 1.0)
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    model = LogisticRegression(C=1, max_iter=20000).fit(
        (table - mean) / spread, labels == target, sample_weight=weights
    )
    scaled = model.coef_[0] / spread
    intercept = float(model.intercept_[0] - (scaled * mean).sum())
    odds = table @ scaled + intercept
    print(target, "accuracy", ((odds > 0) == (labels == target)).mean().round(4))
    for name in dict.fromkeys(labels):
        part = odds[labels == name]
        print(
            "   ",
            name,
            len(part),
            np.quantile(part, [0, 0.002, 0.02, 0.5, 0.98, 0.998, 1]).round(1),
        )
    return Logistic(names=tuple(names), weights=scaled, intercept=intercept)


def product(measures, name):
    """A measure, or two multiplied."""
    first, _, second = name.partition("*")
    return measures[first] * (measures[second] if second else 1.0)


def write(rule: Rule, out: Path, wide: Path, docs: list[str]) -> None:
    def language(item: LanguageRule):
        scale = float(np.abs(item.mean).max()) / 127
        data = np.rint(item.mean / scale).astype(np.int8).tobytes()
        return {"quality": item.quality, "scale": round(scale, 8), "mean": b85encode(data).decode()}

    def logistic(item: Logistic):
        return {
            "weights": {
                n: round(float(w), 6) for n, w in zip(item.names, item.weights, strict=True)
            },
            "intercept": round(item.intercept, 4),
        }

    raw = {
        "version": out.stem,
        "model": f"{MODEL} {model_version()}",
        "fitted_on": {
            "data": "NTREX-128, CC BY-SA 4.0; independent reports written for this project",
            "sha256": sha256(wide.read_bytes()).hexdigest(),
            "languages_of_sentences_and_documents": sorted(KNOWN + TUNED),
            "documents": docs,
        },
        "thresholds": THRESHOLDS,
        "sentence": logistic(rule.sentence),
        "models": {name: logistic(item) for name, item in rule.models.items()},
        "other": language(rule.other),
        "languages": {code: language(item) for code, item in sorted(rule.languages.items())},
    }
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(raw, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
