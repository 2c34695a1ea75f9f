"""How the machine's verdicts compare with analysts': precision, recall, confusion."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.model import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its Wilson 95 % interval; `share` is None when nothing was counted."""

    hits: int
    count: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationScore:
    """One relation: of those told, how many were right; of the right ones, how many were told."""

    relation: Relation
    precision: Share
    recall: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of all relations that occur, and the confusion matrix."""

    pairs: int
    relations: tuple[RelationScore, ...]
    confusion: dict[tuple[Relation, Relation], int]  # (machine's, analyst's) to pairs


def score(pairs: Sequence[tuple[Relation, Relation]]) -> Scores:
    """Score (machine's, analyst's) relations of the same pairs of texts."""
    confusion = Counter(pairs)
    told = Counter(machine for machine, _ in pairs)
    true = Counter(analyst for _, analyst in pairs)
    return Scores(
        pairs=len(pairs),
        relations=tuple(
            RelationScore(
                relation=relation,
                precision=wilson(confusion[relation, relation], told[relation]),
                recall=wilson(confusion[relation, relation], true[relation]),
            )
            for relation in Relation
            if told[relation] or true[relation]
        ),
        confusion=dict(confusion),
    )


def wilson(hits: int, count: int) -> Share:
    """Return a share and its 95 % interval (Wilson 1927)."""
    if not count:
        return Share(hits=0, count=0, share=None, low=0.0, high=1.0)
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low, high = ((middle + sign * spread) / (1 + z * z / count) for sign in (-1, 1))
    # rounding puts the ends of 0 and of 1 beside them
    low, high = (0.0 if hits == 0 else low), (1.0 if hits == count else high)
    return Share(hits=hits, count=count, share=share, low=low, high=high)
