"""The rule that turns what two texts share into a relation.

features of a, features of b ─compare─> Comparison ─┐
texts of one language ──────measure_within─> Wording ├─> three odds -> Relation, shares, evidence
the frozen rule ────────────────────────────────────┘
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.model import Evidence, Features, Passage, Relation, SentencePair, Verdict
from ingest.verdict.anchors import shared_names, shared_numbers
from ingest.verdict.compare import Comparison, compare, top_pairs, unpack
from ingest.verdict.encoder import Encoder
from ingest.verdict.features import MAX_SENTENCES, make_features
from ingest.verdict.measures import Wording, measure_within
from ingest.verdict.rule import CURRENT, Rule
from ingest.verdict.text import has_words, normal_form, split_sentences

METHOD = "alignment"
METHOD_ANCHORS = "anchors"
METHOD_VERSION = CURRENT
_MAX_TEXT = 200_000  # characters whose words are compared; a longer text is no article
_MIN_WORDS = 8
_FEW_SENTENCES = 3
_SHOWN_PAIRS = 20
_SHOWN_CHARACTERS = 200
_PASSAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedText:
    """One side of a comparison."""

    text: str
    title: str = ""
    language: str | None = None
    features: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A relation before it is written down."""

    relation: Relation
    log_odds: float
    review: bool = False
    note: str = ""


def prepare_text(
    text: str, *, title: str = "", language: str | None, rule: Rule, encoder: Encoder | None
) -> JudgedText:
    """Return a text ready to be judged; without an encoder its anchors alone will judge."""
    features = make_features(text, language=language, rule=rule, encoder=encoder)
    return JudgedText(text=text, title=title, language=language, features=features)


def judge(a: JudgedText, b: JudgedText, *, rule: Rule, shown: int = _SHOWN_PAIRS) -> Verdict:
    """Return how text a relates to text b; `shared_a` is the share of a that b covers.

    A false translation or near-duplicate is worse than a missed one: between the thresholds the
    verdict takes the weaker relation and asks for a review. Bounded: 400 sentences and 200,000
    characters of each side are compared.
    """
    method = METHOD if a.features.vectors and b.features.vectors else METHOD_ANCHORS
    normal_a, normal_b = normal_form(a.text), normal_form(b.text)
    if normal_a == normal_b:
        if not normal_a:
            return _plain(method, rule, Relation.UNRELATED, 0.0, "both texts are empty")
        return _plain(method, rule, Relation.IDENTICAL, 1.0, "equal after normalisation")
    is_long = has_words(normal_a, _MIN_WORDS) and has_words(normal_b, _MIN_WORDS)
    if not is_long or not (a.features.lengths and b.features.lengths):
        note = f"too short to compare: fewer than {_MIN_WORDS} words"
        return _plain(method, rule, Relation.UNRELATED, 0.5, note)
    found = compare(unpack(a.features, rule), unpack(b.features, rule), rule)
    wording = None
    if a.language == b.language:
        wording = measure_within(a.text[:_MAX_TEXT], b.text[:_MAX_TEXT])
    finding = _decide(found, wording, rule)
    shares = (found.shared_a, found.shared_b)
    if wording is not None:
        shares = (max(shares[0], wording.covered_a), max(shares[1], wording.covered_b))
    return Verdict(
        relation=finding.relation,
        score=round(_probability(finding.log_odds), 4),
        shared_a=round(min(shares[0], 1.0), 4),
        shared_b=round(min(shares[1], 1.0), 4),
        needs_review=finding.review,
        method=method,
        method_version=rule.version,
        evidence=_evidence(a, b, found, wording, finding, shown=shown),
    )


def _decide(found: Comparison, wording: Wording | None, rule: Rule) -> _Finding:
    """Ask the three models in turn, the most specific relation first."""
    kind = "within" if wording is not None else regime(found.quality, rule)
    measures = found.measures | (wording.measures if wording else {})
    whole = Relation.TRANSLATION if wording is None else Relation.NEAR_DUPLICATE
    story = "across.story" if wording is None else "within.story"
    over = {
        question: float(rule.models[model].log_odds(measures)) - rule.thresholds[threshold]
        for question, model, threshold in (
            ("text", f"{kind}.text", f"{kind}.text"),
            ("excerpt", f"{kind}.excerpt", f"{kind}.excerpt"),
            ("story", "story", story),
        )
    }
    covered = max(found.shared_a, found.shared_b) >= rule.thresholds[f"{kind}.covered"]
    if (over["text"] >= 0 and covered) or (wording is not None and _is_copy(wording, rule)):
        few = wording is None and min(found.log_odds.shape) < _FEW_SENTENCES
        return _Finding(
            relation=whole,
            log_odds=over["text"] if over["text"] >= 0 else 1.0,
            review=few,
            note="one or two sentences tell little" if few else "",
        )
    review = over["text"] >= -rule.thresholds[f"{kind}.review"]
    note = f"may be a {whole}" if review else ""
    is_excerpt = over["excerpt"] >= 0 and (wording is not None or not _is_retold(measures, rule))
    if is_excerpt or (wording is not None and _is_lifted(wording, rule)):
        return _Finding(
            relation=Relation.EXCERPT,
            log_odds=max(over["excerpt"], 0.0),
            review=review,
            note=note,
        )
    if over["excerpt"] >= -rule.thresholds["excerpt.review"] and not review:
        review, note = True, "may quote the other"
    if over["story"] >= 0:
        return _Finding(
            relation=Relation.SAME_STORY, log_odds=over["story"], review=review, note=note
        )
    return _Finding(
        relation=Relation.UNRELATED,
        log_odds=-max(over["text"], over["excerpt"], over["story"]),
        review=review,
        note=note,
    )


def regime(quality: float, rule: Rule) -> str:
    """Name the models for two languages by how well the encoder knows both."""
    if quality >= rule.thresholds["known.quality"]:
        return "known"
    return "half" if quality >= rule.thresholds["half.quality"] else "strange"


def _is_copy(wording: Wording, rule: Rule) -> bool:
    """Whether most of both texts, or the whole of one and a good part of the other, is copied."""
    low, high = sorted((wording.copied_a, wording.copied_b))
    return low >= rule.thresholds["copied.both"] or (
        high >= rule.thresholds["copied.whole"] and low >= rule.thresholds["copied.part"]
    )


def _is_retold(measures: Mapping[str, float], rule: Rule) -> bool:
    """Whether two texts on one subject have no third sentence in common.

    Two reports on one event agree in a sentence or two though nobody copied.
    """
    alike = measures["document"] >= rule.thresholds["excerpt.document"]
    return alike and measures["top_3"] < rule.thresholds["excerpt.third"]


def _is_lifted(wording: Wording, rule: Rule) -> bool:
    copied = max(wording.copied_a, wording.copied_b)
    return (
        copied >= rule.thresholds["lifted.share"]
        and wording.copied_words >= rule.thresholds["lifted.words"]
    )


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(min(log_odds, 30.0), -30.0)))


def _evidence(
    a: JudgedText,
    b: JudgedText,
    found: Comparison,
    wording: Wording | None,
    finding: _Finding,
    *,
    shown: int,
) -> Evidence:
    n_a, n_b = found.log_odds.shape
    matched = _matched_pairs(found, finding.relation)
    of_a, of_b = (len(set(side)) for side in zip(*matched, strict=True)) if matched else (0, 0)
    note = f"{of_a} of {n_a} sentences match {of_b} of {n_b}"
    if max(n_a, n_b) == MAX_SENTENCES:
        note += f"; only the first {MAX_SENTENCES} sentences were compared"
    passages: tuple[Passage, ...] = wording.passages[:_PASSAGES] if wording else ()
    likeliest = sorted(matched, key=lambda pair: -found.log_odds[pair])[:shown]
    pairs: tuple[SentencePair, ...] = ()
    if likeliest:
        sentences_a, sentences_b = split_sentences(a.text), split_sentences(b.text)
        pairs = tuple(
            SentencePair(
                index_a=i,
                index_b=j,
                text_a=_shorten(sentences_a[i]),
                text_b=_shorten(sentences_b[j]),
                score=round(_probability(float(found.log_odds[i, j])), 3),
            )
            for i, j in sorted(likeliest)
        )
    text_a, text_b = a.text[:_MAX_TEXT], b.text[:_MAX_TEXT]
    return Evidence(
        pairs=pairs,
        passages=passages,
        shared_numbers=shared_numbers(text_a, text_b),
        shared_names=shared_names(text_a, text_b),
        note=f"{finding.note}; {note}" if finding.note else note,
    )


def _matched_pairs(found: Comparison, relation: Relation) -> list[tuple[int, int]]:
    """Pairs of sentences that say the same: in order where the text is one, else the likeliest."""
    if relation in {Relation.TRANSLATION, Relation.NEAR_DUPLICATE}:
        forward = {(i, int(j)) for i, j in enumerate(found.chain_a)}
        candidates = forward | {(int(i), j) for j, i in enumerate(found.chain_b)}
    else:
        candidates = set(top_pairs(found.log_odds, count=12))
    return [pair for pair in candidates if found.log_odds[pair] > 0]


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _plain(method: str, rule: Rule, relation: Relation, score: float, note: str) -> Verdict:
    """A verdict that needed no comparison."""
    share = 1.0 if relation is Relation.IDENTICAL else 0.0
    return Verdict(
        relation=relation,
        score=score,
        shared_a=share,
        shared_b=share,
        needs_review=False,
        method=method,
        method_version=rule.version,
        evidence=Evidence(note=note),
    )
