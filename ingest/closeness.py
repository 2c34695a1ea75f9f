"""How near to each other the sides of a story are named in a text.

A text about both names both within a sentence or two, early and more than once. A bulletin does so
in one of its items. A page that names one side in its article and the other in its list of further
stories does not, or only at its very end. Distances are counted in sentences, which holds for every
script; words and characters do not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Distances in sentences and weights of the score; the four weights add up to 1."""

    near_sentences: int = 2  # up to this counts in full
    far_sentences: int = 12  # from here on it counts for nothing
    lead_sentences: int = 4  # the title included
    anchor_sentences: int = 8  # an anchor farther away belongs to another item
    long_sentences: int = 20  # a page long enough to end in a list of other stories
    tail_share: float = 0.1  # where that list stands
    often: int = 3  # mentions of each side
    near_weight: float = 0.5
    lead_weight: float = 0.2
    often_weight: float = 0.15
    anchor_weight: float = 0.15
    date_confidence: float = 0.4  # a date trusted less is no date
    dated_evidence: float = 0.5  # what a date named in the text counts, as anchors do


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """How much a text is about all sides at once."""

    score: float  # 0 to 1
    anchor_evidence: float  # summed weights of the anchors near by


def measure_closeness(
    sides: Sequence[Sequence[int]],
    *,
    anchors: Sequence[tuple[Sequence[int], float]],
    sentences: int,
    bars: Bars,
) -> Closeness:
    """Measure from the sentences, ascending, in which each side is named; none may be empty.

    `anchors` are the sentences of each and its weight; `sentences` is how many the text has.
    """
    rarest = min(sides, key=len)
    reach = {spot: max(_distance(spot, side) for side in sides) for spot in rarest}
    least = max(min(reach.values()), bars.near_sentences)
    spots = [spot for spot, distance in reach.items() if distance <= least]
    evidence = sum(
        weight
        for where, weight in anchors
        if any(_distance(spot, where) <= bars.anchor_sentences for spot in spots)
    )
    score = (
        bars.near_weight * _nearness(least, spots, sentences=sentences, bars=bars)
        + bars.lead_weight * all(side[0] < bars.lead_sentences for side in sides)
        + bars.often_weight * min(1.0, len(rarest) / bars.often)
        + bars.anchor_weight * min(1.0, evidence)
    )
    return Closeness(score=round(score, 4), anchor_evidence=round(evidence, 4))


def _nearness(least: float, spots: Sequence[int], *, sentences: int, bars: Bars) -> float:
    beyond = (least - bars.near_sentences) / (bars.far_sentences - bars.near_sentences)
    is_tail = sentences >= bars.long_sentences and min(spots) >= sentences * (1 - bars.tail_share)
    return max(0.0, 1 - beyond) / (2 if is_tail else 1)


def _distance(spot: int, sentences: Sequence[int]) -> float:
    """From a sentence to the nearest of some; infinite when there are none."""
    right = bisect_left(sentences, spot)
    return min((abs(spot - near) for near in sentences[max(0, right - 1) : right + 1]), default=inf)
