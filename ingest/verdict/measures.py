"""What two texts of one language share in words: copied passages and sentences alike, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.model import Passage
from ingest.verdict.align import align
from ingest.verdict.text import normal_form

_SENTENCE = 0.2  # weighted similarity from which two sentences may say the same
_QUOTATION = 600  # characters: a longer one was never closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words in common, as passages, shares of each side and what the models read."""

    passages: tuple[Passage, ...]
    covered_a: float
    covered_b: float
    copied_a: float  # outside quotations that both texts have
    copied_b: float
    copied_words: int
    measures: dict[str, float]


def measure_within(text_a: str, text_b: str) -> Wording:
    """Compare two texts of one language by their words.

    A passage that stands in quotation marks on both sides is a third party's words: it shows that
    two reports heard the same person, not that one copied the other.
    """
    found = align(text_a, text_b, similar=_SENTENCE)
    quoted_a, quoted_b = quotations(text_a), quotations(text_b)
    own = [
        passage
        for passage in found.passages
        if not (_inside(passage.start_a, passage.end_a, quoted_a)
                and _inside(passage.start_b, passage.end_b, quoted_b))
    ]  # fmt: skip
    characters = sum(passage.end_a - passage.start_a for passage in found.passages)
    share = (
        sum(passage.end_a - passage.start_a for passage in own) / characters if characters else 0.0
    )
    copied = (found.copied_a * share, found.copied_b * share)
    matched = (found.matched_a, found.matched_b)
    return Wording(
        passages=found.passages,
        covered_a=max(found.matched_a, found.copied_a),
        covered_b=max(found.matched_b, found.copied_b),
        copied_a=copied[0],
        copied_b=copied[1],
        copied_words=round(min(found.words_a * copied[0], found.words_b * copied[1])),
        measures={
            "copied_high": max(copied),
            "copied_low": min(copied),
            "matched_high": max(matched),
            "matched_low": min(matched),
        },
    )


def quotations(text: str) -> list[tuple[int, int]]:
    """Return where the normalised text stands in quotation marks, as (start, end) offsets."""
    marks = [found.start() for found in re.finditer('"', normal_form(text))]
    spans = []
    index = 0
    while index + 1 < len(marks):
        start, end = marks[index], marks[index + 1]
        if end - start <= _QUOTATION:
            spans.append((start, end))
            index += 2
        else:
            index += 1
    return spans


def _inside(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether three quarters of a passage are in one of the spans."""
    return any(min(end, right) - max(start, left) >= 0.75 * (end - start) for left, right in spans)
