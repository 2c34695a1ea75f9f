"""Aligning two texts sentence by sentence, in any two languages, and measuring what they share.

Every pair of sentences gets log-odds of saying the same, from the cosine of their vectors, their
common anchors and their lengths. Documents are then compared by chains: the best series of pairs
that goes forward on both sides (Thompson and Koehn 2020, arXiv 2004.14523, align documents by
ordered sentence vectors). A chain through the other text read backwards tells what such a series
reaches by chance. Chains are taken from each side, so a text cut short is wholly covered though it
covers little, and several sentences may stand on one, for translators merge and split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.model import Features
from ingest.verdict.features import (
    anchor_table,
    centre,
    sentence_lengths,
    sentence_quoted,
    sentence_vectors,
    unit,
)
from ingest.verdict.rule import Rule

Matrix = NDArray[np.float64]

_FLOOR = 3.0  # log-odds below zero from which a pair still counts in a chain: order is evidence too
_CAP = 9.0  # above this a pair says nothing more
_TOP = 4
_NOTHING = -9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One text of a comparison, unpacked."""

    language: str | None
    quality: float
    vectors: NDArray[np.float32]  # (n, 512) centred unit vectors; zeros without the model
    lengths: Matrix  # (n,)
    quoted: Matrix  # (n,) share of each sentence in quotation marks
    anchors: NDArray[np.void]
    mean_length: float
    singles: int  # rows that are one sentence; neighbours joined may follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two texts share, sentence by sentence and as a whole."""

    log_odds: Matrix  # (n_a, n_b)
    chain_a: NDArray[np.intp]  # (n_a,): for each sentence of a, its place in b
    chain_b: NDArray[np.intp]
    shared_a: float  # share of a's characters in sentences that b has, in order
    shared_b: float
    quality: float  # how well the model knows both languages
    measures: dict[str, float]  # what the document models read


def unpack(features: Features, rule: Rule) -> Side:
    """Return a text's features ready to be compared."""
    language = rule.language(features.language)
    lengths = np.maximum(sentence_lengths(features), 1.0)
    stored = sentence_vectors(features)
    has_vectors = len(stored) == len(lengths)
    vectors = (
        centre(stored, language=features.language, rule=rule)
        if has_vectors
        else np.zeros((len(lengths), stored.shape[1]), np.float32)
    )
    return Side(
        language=features.language,
        quality=language.quality if has_vectors else 0.0,
        vectors=vectors,
        lengths=lengths,
        quoted=sentence_quoted(features),
        anchors=anchor_table(features),
        mean_length=float(lengths.mean()),
        singles=len(lengths),
    )


def compare(a: Side, b: Side, rule: Rule) -> Comparison:
    """Align two texts of at least one sentence each; O(n_a n_b) time and memory."""
    single, log_odds = sentence_log_odds(a, b, rule)
    gains = np.clip(log_odds + _FLOOR, 0.0, _CAP)
    share_a, share_b = a.lengths / a.lengths.sum(), b.lengths / b.lengths.sum()
    ahead_a, chain_a = best_chain(gains, share_a)
    ahead_b, chain_b = best_chain(gains.T, share_b)
    back_a, _ = best_chain(gains[:, ::-1], share_a)
    back_b, _ = best_chain(gains.T[:, ::-1], share_b)
    likely = 1.0 / (1.0 + np.exp(-(log_odds + 1.0)))
    covered_a = float(share_a @ likely[np.arange(len(share_a)), chain_a])
    covered_b = float(share_b @ likely[chain_b, np.arange(len(share_b))])
    any_a, any_b = float(share_a @ gains.max(axis=1)), float(share_b @ gains.max(axis=0))
    sides = ((ahead_a, back_a, covered_a, any_a), (ahead_b, back_b, covered_b, any_b))
    high, low = sorted(sides, key=lambda side: side[0] - side[1], reverse=True)
    pairs = top_pairs(single)
    top = [max(float(single[pair]), _NOTHING) for pair in pairs] + [_NOTHING] * _TOP
    quotations = [float(min(a.quoted[i], b.quoted[j])) for i, j in pairs[:3]]
    quality = a.quality * b.quality
    gain_high, gain_low = high[0] - high[1], low[0] - low[1]
    measures = {
        "chain_high": high[0],
        "chain_low": low[0],
        "gain_high": gain_high,
        "gain_low": gain_low,
        "gain_high_root": math.sqrt(max(gain_high, 0.0)),
        "covered_high": max(covered_a, covered_b),
        "covered_low": min(covered_a, covered_b),
        "any_high": max(any_a, any_b),
        "any_low": min(any_a, any_b),
        **{f"top_{rank}": value for rank, value in enumerate(top[:_TOP], start=1)},
        "top_quoted": sum(quotations) / 3.0,
        "solid": sum(_probability(value - 2.0) for value in top[:_TOP]),
        "sure": sum(_probability(value - 5.0) for value in top[:_TOP]),
        "document": document_similarity(a, b),
        "document_anchors": document_anchors(a, b),
        "short": _length(min(len(share_a), len(share_b))),
        "long": _length(max(len(share_a), len(share_b))),
        "quality": quality,
        "quality_squared": quality**2,
        "strangers": (1.0 - a.quality) * (1.0 - b.quality),
        "gain_sentences": gain_high * math.sqrt(min(len(share_a), len(share_b))),
    }
    return Comparison(
        log_odds=log_odds,
        chain_a=chain_a,
        chain_b=chain_b,
        shared_a=float(share_a @ (log_odds[np.arange(len(share_a)), chain_a] > 0)),
        shared_b=float(share_b @ (log_odds[chain_b, np.arange(len(share_b))] > 0)),
        quality=quality,
        measures=measures,
    )


def sentence_log_odds(a: Side, b: Side, rule: Rule) -> tuple[Matrix, Matrix]:
    """Return the log-odds that sentence i of a and sentence j of b say the same, twice (n_a, n_b).

    Translators merge and split: a sentence is also held against every two neighbours taken
    together, and in the second table what such a pair reaches counts for both.
    """
    n_a, n_b = len(a.lengths), len(b.lengths)
    table = pair_log_odds(with_neighbours(a), with_neighbours(b), rule)
    single = table[:n_a, :n_b]
    odds = single.copy()
    if n_b > 1:
        two = table[:n_a, n_b:]
        np.maximum(odds[:, :-1], two, out=odds[:, :-1])
        np.maximum(odds[:, 1:], two, out=odds[:, 1:])
    if n_a > 1:
        two = table[n_a:, :n_b]
        np.maximum(odds[:-1], two, out=odds[:-1])
        np.maximum(odds[1:], two, out=odds[1:])
    return single, odds


def with_neighbours(side: Side) -> Side:
    """Return a side of 2n - 1 rows: the n sentences, then every two neighbours as one."""
    if len(side.lengths) < 2:
        return side
    n = len(side.lengths)
    left, right = side.lengths[:-1, None], side.lengths[1:, None]
    joined = (side.vectors[:-1] * left + side.vectors[1:] * right).astype(np.float32)
    first, second = side.anchors.copy(), side.anchors.copy()
    first, second = first[first["sentence"] < n - 1], second[second["sentence"] > 0]
    first["sentence"] += n
    second["sentence"] += n - 1
    return replace(
        side,
        vectors=np.concatenate([side.vectors, unit(joined)]),
        lengths=np.concatenate([side.lengths, side.lengths[:-1] + side.lengths[1:]]),
        anchors=np.concatenate([side.anchors, first, second]),
    )


def pair_log_odds(a: Side, b: Side, rule: Rule) -> Matrix:
    """Return the log-odds of every two rows of two sides."""
    shape = (len(a.lengths), len(b.lengths))
    cosine: Matrix = (a.vectors @ b.vectors.T).astype(np.float64)
    common, weight = anchor_similarity(a, b)
    quality = a.quality * b.quality
    relative_a, relative_b = (np.log(side.lengths / side.mean_length) for side in (a, b))
    same = float(a.language == b.language)
    log_odds: Matrix = np.broadcast_to(
        rule.sentence.log_odds(
            {
                "cosine": cosine,
                "cosine_quality": cosine * quality,
                "quality": quality,
                "quality_squared": quality**2,
                "anchors": common,
                "anchor_weight": np.sqrt(weight) / 6.0,
                "anchors_strange": common * (1.0 - quality),
                "both": np.minimum(cosine, common),
                "length": np.abs(relative_a[:, None] - relative_b[None, :]),
                "same": same,
                "same_cosine": same * cosine,
                "same_anchors": same * common,
            }
        ),
        shape,
    )
    return log_odds


def anchor_similarity(a: Side, b: Side) -> tuple[Matrix, Matrix]:
    """Return the cosine of every two sentences' anchors, and the summed weight of common ones.

    An anchor weighs by how few sentences of the two texts have it (inverse document frequency,
    Spärck Jones 1972).
    """
    n_a, n_b = len(a.lengths), len(b.lengths)
    keys, place = np.unique(
        np.concatenate([a.anchors["key"], b.anchors["key"]]), return_inverse=True
    )
    is_single = np.concatenate([side.anchors["sentence"] < side.singles for side in (a, b)])
    counts = np.bincount(place[is_single], minlength=len(keys))
    rarity = np.log((a.singles + b.singles + 1) / counts)
    values = np.concatenate([a.anchors["weight"], b.anchors["weight"]]) / 1000.0 * rarity[place]
    split = len(a.anchors)
    in_a, in_b = np.zeros(len(keys), bool), np.zeros(len(keys), bool)
    in_a[place[:split]] = True
    in_b[place[split:]] = True
    column = np.cumsum(in_a & in_b) - 1
    is_common = (in_a & in_b)[place]
    size = int((in_a & in_b).sum())

    def table(rows: NDArray[np.uint16], start: int, stop: int, n: int) -> tuple[Matrix, Matrix]:
        weights: Matrix = np.zeros((n, size))
        chosen = is_common[start:stop]
        # of an anchor that two joined sentences share, either value will do: they are alike
        weights[rows[chosen], column[place[start:stop][chosen]]] = values[start:stop][chosen]
        squares = values[start:stop] ** 2
        return weights, np.bincount(rows, weights=squares, minlength=n).astype(np.float64)

    table_a, squared_a = table(a.anchors["sentence"], 0, split, n_a)
    table_b, squared_b = table(b.anchors["sentence"], split, len(place), n_b)
    weight = table_a @ table_b.T
    norms = np.sqrt(np.maximum(np.outer(squared_a, squared_b), 1e-6))
    similarity: Matrix = weight / norms
    return similarity, weight


def best_chain(gains: Matrix, shares: Matrix) -> tuple[float, NDArray[np.intp]]:
    """Return the heaviest chain through `gains` (n, m) that never goes back, and its columns (n,).

    A row's gain counts by its share; rows may stand on one column. Dynamic programming, O(n m).
    """
    n, m = gains.shape
    totals = np.empty((n, m))
    best = np.zeros(m)
    for row in range(n):
        best = np.maximum.accumulate(best) + gains[row] * shares[row]
        totals[row] = best
    columns = np.empty(n, np.intp)
    last = m
    for row in range(n - 1, -1, -1):
        columns[row] = int(totals[row, :last].argmax())
        last = int(columns[row]) + 1
    return float(best.max()), columns


def document_similarity(a: Side, b: Side) -> float:
    """Return the cosine of the two texts' mean sentence vectors."""
    mean_a, mean_b = (
        (side.vectors * np.sqrt(side.lengths)[:, None]).sum(axis=0) for side in (a, b)
    )
    return float(unit(mean_a) @ unit(mean_b))


def document_anchors(a: Side, b: Side) -> float:
    """Return the cosine of the two texts' anchors, each weighing by its sum over the sentences."""
    keys, place = np.unique(
        np.concatenate([a.anchors["key"], b.anchors["key"]]), return_inverse=True
    )
    split = len(a.anchors)
    sums = [
        np.sqrt(np.bincount(part, weights=side.anchors["weight"] / 1000.0, minlength=len(keys)))
        for side, part in ((a, place[:split]), (b, place[split:]))
    ]
    lengths = math.sqrt(float(sums[0] @ sums[0]) * float(sums[1] @ sums[1]))
    return float(sums[0] @ sums[1]) / lengths if lengths else 0.0


def _length(sentences: int) -> float:
    """The logarithm of a text's length, held within what the rule was fitted on."""
    return math.log(min(max(sentences, 3), 40))


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def top_pairs(log_odds: Matrix, count: int = _TOP) -> list[tuple[int, int]]:
    """Return the likeliest pairs that have no sentence in common, the likeliest first."""
    left = np.array(log_odds)
    found = []
    for _ in range(min(count, *left.shape)):
        row, column = divmod(int(left.argmax()), left.shape[1])
        found.append((row, column))
        left[row, :] = left[:, column] = -np.inf
    return found
