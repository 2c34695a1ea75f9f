"""What two texts do not have in common: sentences, words, quotations and numbers.

Sentences are aligned by longest common subsequence; of the rest, those that are alike are one
sentence, edited, and those that are equal have moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq, Levenshtein, Opcodes

from ingest.quoting import find_quotations
from ingest.verdict.anchors import numbers_of
from ingest.verdict.text import split_sentences, tokens

_ALIKE = 55.0  # percent of the letters, for two sentences to be one that was edited
_PAIRED = 60_000  # pairs of sentences that are compared; more, and only those at the same place are
_WORD_CELLS = 4_000_000  # product of word counts that are aligned; beyond it words are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What came, what went and what was edited, in the order of the texts."""

    added: tuple[str, ...]  # sentences, those of pairs among them
    removed: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]  # a sentence before and after
    moved: tuple[str, ...]  # sentences that stand elsewhere now
    kept: int  # sentences that both texts have
    words_in: tuple[str, ...]
    words_out: tuple[str, ...]
    quotes_in: tuple[str, ...]
    quotes_out: tuple[str, ...]
    numbers_in: tuple[str, ...]  # that stood nowhere in the text before
    numbers_out: tuple[str, ...]  # that stand nowhere in the text after


def compare_texts(old_text: str, new_text: str) -> Difference:
    """Return the difference between two texts; about 2 ms for 600 words, bounded for 1 MB."""
    old, new = split_sentences(old_text), split_sentences(new_text)
    went, came = opposite(old, new)
    moved = Counter(went) & Counter(came)
    removed, added = _without(went, moved), _without(came, moved)
    words_out, words_in = _opposite_words(_all_words(removed), _all_words(added))
    quotes_before, quotes_after = _quotes(old_text), _quotes(new_text)
    numbers_before = dict.fromkeys(numbers_of(old_text))
    numbers_after = dict.fromkeys(numbers_of(new_text))
    return Difference(
        added=tuple(added),
        removed=tuple(removed),
        pairs=tuple(pair_sentences(removed, added)),
        moved=tuple(moved),
        kept=len(old) - len(removed),
        words_in=tuple(words_in),
        words_out=tuple(words_out),
        quotes_in=tuple(text for key, text in quotes_after.items() if key not in quotes_before),
        quotes_out=tuple(text for key, text in quotes_before.items() if key not in quotes_after),
        numbers_in=tuple(item for item in numbers_after if item not in numbers_before),
        numbers_out=tuple(item for item in numbers_before if item not in numbers_after),
    )


def opcodes(old: Sequence[str], new: Sequence[str]) -> Opcodes:
    """The steps from one sequence to the other, by longest common subsequence."""
    return LCSseq.opcodes(old, new)


def opposite(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands only in the one and only in the other, by longest common subsequence."""
    out: list[str] = []
    into: list[str] = []
    for step in opcodes(old, new):
        if step.tag in {"delete", "replace"}:
            out.extend(old[step.src_start : step.src_end])
        if step.tag in {"insert", "replace"}:
            into.extend(new[step.dest_start : step.dest_end])
    return out, into


def pair_sentences(removed: Sequence[str], added: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of sentences that are one, edited: the most alike first, each in one pair."""
    if len(removed) * len(added) <= _PAIRED:
        places = [(i, j) for i in range(len(removed)) for j in range(len(added))]
    else:
        places = [(i, i) for i in range(min(len(removed), len(added)))]
    scored = [(likeness(removed[i], added[j], least=_ALIKE), i, j) for i, j in places]
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _score, i, j in sorted((item for item in scored if item[0]), key=lambda item: -item[0]):
        if i not in taken and j not in used:
            taken[i] = j
            used.add(j)
    return [(removed[i], added[j]) for i, j in sorted(taken.items())]


def likeness(a: str, b: str, *, least: float = 0.0) -> float:
    """How alike two strings are, in percent of the letters; 0 below `least`."""
    return fuzz.ratio(a, b, score_cutoff=least)


def likeness_of_words(a: str, b: str) -> float:
    """How alike two sentences are in any order of their words, in percent of the letters."""
    return max(fuzz.ratio(a, b), fuzz.token_sort_ratio(a, b))


def letters_apart(a: str, b: str, *, limit: int) -> int:
    """How many letters or digits were edited; `limit` + 1 for any more."""
    return Levenshtein.distance(_letters(a), _letters(b), score_cutoff=limit)


def spelling_likeness(a: str, b: str) -> float:
    """How alike two words are written, 0 to 1."""
    return Levenshtein.normalized_similarity(a, b)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _without(sentences: Iterable[str], moved: Counter[str]) -> list[str]:
    left = Counter(moved)
    kept = []
    for sentence in sentences:
        if left[sentence] > 0:
            left[sentence] -= 1
        else:
            kept.append(sentence)
    return kept


def _all_words(sentences: Iterable[str]) -> list[str]:
    return [word for sentence in sentences for word in tokens(sentence)]


def _opposite_words(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    if len(old) * len(new) <= _WORD_CELLS:
        return opposite(old, new)
    before, after = Counter(old), Counter(new)
    return list((before - after).elements()), list((after - before).elements())


def _quotes(text: str) -> dict[str, str]:
    """The quotations of a text by what they are compared by."""
    return {quotation.key: quotation.text for quotation in find_quotations(text)}
