"""How well an extracted text, title or name matches the true one.

Body F1 is that of scrapinghub's article-extraction-benchmark: shingles of four words, each
document's counts scaled to one, means of precision and recall over documents.
"""

from __future__ import annotations

import html
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable


def normal(text: str) -> str:
    """A text as it is compared."""
    return unicodedata.normalize("NFC", text)


def plain(text: str) -> str:
    """A title or name without what tells no two of them apart."""
    return " ".join(re.findall(r"\w+", normal(html.unescape(text)).casefold()))


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Four words each; a shorter text is one shingle."""
    words = re.findall(r"\w+", text)
    grams = (tuple(words[start : start + 4]) for start in range(max(1, len(words) - 3)))
    return Counter(gram for gram in grams if gram)


def match_body(true: str, found: str) -> tuple[float, float, float]:
    """True positives, false positives, false negatives, scaled to a sum of one."""
    wanted, got = shingles(true), shingles(found)
    counts = ((wanted & got).total(), (got - wanted).total(), (wanted - got).total())
    return tuple(count / (sum(counts) or 1) for count in counts)  # type: ignore[return-value]


def body_f1(matches: Iterable[tuple[float, float, float]]) -> float:
    """The harmonic mean of the mean precision and the mean recall."""
    known = list(matches)
    precisions = [hit / (hit + wrong) for hit, wrong, _missed in known if hit + wrong > 0]
    recalls = [hit / (hit + missed) for hit, _wrong, missed in known if hit + missed > 0]
    if not precisions or not recalls:
        return 0.0
    return statistics.harmonic_mean([statistics.mean(precisions), statistics.mean(recalls)])


def snippet_f1(counts: Counter[str]) -> float:
    """F1 over all snippets that must, and must not, stand in a text."""
    found, lost, wrong = counts["found"], counts["lost"], counts["wrong"]
    return 2 * found / (2 * found + lost + wrong) if found else 0.0
