"""Which sentences and passages two texts of one language share.

Sentences are matched in two ways: by common words, weighted by how rare they are in the two texts
(so that names and numbers count and "the" does not), and by order, since an independent report has
its facts elsewhere. Copied passages are maximal runs of common words (greedy string tiling; Wise
1993, "String similarity via greedy string tiling and running Karp-Rabin matching").
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.model import Passage
from ingest.verdict.text import (
    kept_for_articles,
    normal_form,
    split_sentences,
    token_spans,
    tokens,
)

_RUN = 6  # words: shorter runs are phrases everybody uses
_MAX_SENTENCES = 600
_MAX_WORDS = 20_000
_MAX_POSITIONS = 12  # of one n-gram: what is repeated more often tells nothing
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceMatch:
    """A sentence of a and the one of b that is most like it, by position."""

    a: int
    b: int
    similarity: float  # weighted cosine, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What two texts share."""

    sentences_a: int
    sentences_b: int
    words_a: int
    words_b: int
    matches: tuple[SentenceMatch, ...]  # above the threshold, in order on both sides
    matched_a: float  # share of a's words in matched sentences
    matched_b: float
    copied_a: float  # share of a's words in copied passages
    copied_b: float
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TextWords:
    """The words of a text, by sentence and in its normal form."""

    sentences: tuple[tuple[str, ...], ...]
    normal: str
    spans: tuple[tuple[int, int], ...]  # of the words, in the normal form
    words: tuple[str, ...]


@kept_for_articles
def _words_of(text: str) -> _TextWords:
    """Return the words of a text."""
    normal = normal_form(text)
    spans = tuple(token_spans(normal)[:_MAX_WORDS])
    return _TextWords(
        sentences=tuple(
            tuple(tokens(sentence)) for sentence in split_sentences(text)[:_MAX_SENTENCES]
        ),
        normal=normal,
        spans=spans,
        words=tuple(normal[start:end].casefold() for start, end in spans),
    )


def align(text_a: str, text_b: str, *, similar: float) -> Alignment:
    """Align two texts; `similar` is the sentence similarity from which two sentences match."""
    words_a, words_b = _words_of(text_a).sentences, _words_of(text_b).sentences
    matches = in_order(match_sentences(words_a, words_b, similar=similar))
    total_a, total_b = sum(map(len, words_a)), sum(map(len, words_b))
    passages, copied_a, copied_b = copied_passages(text_a, text_b)
    return Alignment(
        sentences_a=len(words_a),
        sentences_b=len(words_b),
        words_a=total_a,
        words_b=total_b,
        matches=matches,
        matched_a=sum(len(words_a[i]) for i in {m.a for m in matches}) / total_a
        if total_a
        else 0.0,
        matched_b=sum(len(words_b[i]) for i in {m.b for m in matches}) / total_b
        if total_b
        else 0.0,
        copied_a=copied_a,
        copied_b=copied_b,
        passages=passages,
    )


def match_sentences(
    a: Sequence[Sequence[str]], b: Sequence[Sequence[str]], *, similar: float
) -> tuple[SentenceMatch, ...]:
    """Return each sentence of a with its best partner in b, if alike enough."""
    weights = _weights([*a, *b])
    postings: dict[str, list[int]] = defaultdict(list)
    for index, words in enumerate(b):
        for word in set(words):
            postings[word].append(index)
    norms_b = [_norm(words, weights) for words in b]
    matches = []
    for index, words in enumerate(a):
        dots: Counter[int] = Counter()
        for word in set(words):
            if len(postings[word]) * 3 <= max(len(b), 12):  # a word of every sentence tells nothing
                for other in postings[word]:
                    dots[other] += weights[word] ** 2  # type: ignore[assignment]
        norm = _norm(words, weights)
        best = max(
            ((dot / (norm * norms_b[other]), -other) for other, dot in dots.items()),
            default=(0.0, 0),
        )
        if best[0] >= similar:
            matches.append(SentenceMatch(a=index, b=-best[1], similarity=min(best[0], 1.0)))
    return tuple(matches)


def _weights(sentences: Sequence[Sequence[str]]) -> dict[str, float]:
    counts = Counter(word for words in sentences for word in set(words))
    return {word: math.log((len(sentences) + 1) / count) + 0.1 for word, count in counts.items()}


def _norm(words: Sequence[str], weights: dict[str, float]) -> float:
    return math.sqrt(sum(weights[word] ** 2 for word in set(words))) or 1.0


def in_order(matches: Sequence[SentenceMatch]) -> tuple[SentenceMatch, ...]:
    """Return the longest series of matches that goes forward on both sides.

    Patience sorting, O(n log n) (Fredman 1975).
    """
    tails: list[int] = []
    ends: list[int] = []
    previous = [-1] * len(matches)
    for index, match in enumerate(matches):
        place = bisect_left(tails, match.b)
        if place == len(tails):
            tails.append(match.b)
            ends.append(index)
        else:
            tails[place] = match.b
            ends[place] = index
        previous[index] = ends[place - 1] if place else -1
    chain: list[SentenceMatch] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(matches[index])
        index = previous[index]
    return tuple(reversed(chain))


def copied_passages(text_a: str, text_b: str) -> tuple[tuple[Passage, ...], float, float]:
    """Return runs of at least six common words, and the share of each side's words in them.

    Offsets are those of the normalised texts.
    """
    a, b = _words_of(text_a), _words_of(text_b)
    spans_a, spans_b, words_a, words_b = a.spans, b.spans, a.words, b.words
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for start in range(len(words_b) - _RUN + 1):
        found = places[words_b[start : start + _RUN]]
        if len(found) < _MAX_POSITIONS:
            found.append(start)
    covered_b = bytearray(len(words_b))
    passages: list[Passage] = []
    covered_a = start = 0
    while start <= len(words_a) - _RUN:
        length, other = _longest_run(words_a, words_b, start, places)
        if not length:
            start += 1
            continue
        passages.append(
            Passage(
                start_a=spans_a[start][0],
                end_a=spans_a[start + length - 1][1],
                start_b=spans_b[other][0],
                end_b=spans_b[other + length - 1][1],
                text=_shorten(a.normal[spans_a[start][0] : spans_a[start + length - 1][1]]),
            )
        )
        covered_a += length
        covered_b[other : other + length] = b"\x01" * length
        start += length
    share_a = covered_a / len(words_a) if words_a else 0.0
    share_b = sum(covered_b) / len(words_b) if words_b else 0.0
    return tuple(passages), share_a, share_b


def _longest_run(
    words_a: tuple[str, ...],
    words_b: tuple[str, ...],
    start: int,
    places: dict[tuple[str, ...], list[int]],
) -> tuple[int, int]:
    best, where = 0, 0
    for other in places.get(words_a[start : start + _RUN], ()):
        length = _RUN
        limit = min(len(words_a) - start, len(words_b) - other)
        while length < limit and words_a[start + length] == words_b[other + length]:
            length += 1
        if length > best:
            best, where = length, other
    return best, where


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
