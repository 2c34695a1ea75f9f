"""Tables of what a rule told of labelled pairs: shares with intervals, a confusion matrix."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from verdict_pairs import Pair

from ingest.model import Relation

KNOWN = {"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"}
"""Languages that the model knows and the data has."""

TEXT = (Relation.TRANSLATION, Relation.NEAR_DUPLICATE, Relation.IDENTICAL)

_RIGHT = {
    "translation": TEXT,
    "near-duplicate": TEXT,
    "second translation": TEXT,
    "three sentences": (Relation.EXCERPT,),
    "same story": (Relation.SAME_STORY,),
    "different": (Relation.UNRELATED,),
}

Told = dict[tuple[str, str, str], Counter[Relation]]
"""(kind of pair, language, language) to how often each relation was told."""


def right(kind: str) -> tuple[Relation, ...]:
    """The relations that are right for a kind of pair."""
    return next(relations for start, relations in _RIGHT.items() if kind.startswith(start))


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
    low, high = ((middle + sign * spread) / (1 + z * z / count) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def share(hits: int, count: int, *, digits: int = 3) -> str:
    """A share with its interval, as in ".980 (.954-.991) of 240"."""
    if not count:
        return "not measured"
    low, high = wilson(hits, count)
    return f"{hits / count:.{digits}f} ({low:.{digits}f}-{high:.{digits}f}) of {count:,}"


def note(told: Told, pair: Pair, relation: Relation) -> None:
    """Count what was told of a pair."""
    a, b = sorted((pair.language_a, pair.language_b))
    told.setdefault((pair.kind, a, b), Counter())[relation] += 1


def total(
    told: Told, relations: Iterable[Relation], *, kinds: Iterable[str], tiers: Iterable[str] = ()
) -> tuple[int, int]:
    """How many pairs were told one of the relations, and how many pairs there are."""
    wanted, starts, where = tuple(relations), tuple(kinds), tuple(tiers)
    hits = count = 0
    for (kind, a, b), found in told.items():
        if kind.startswith(starts) and (not where or tier(a, b) in where):
            hits += sum(found[relation] for relation in wanted)
            count += sum(found.values())
    return hits, count


def print_kinds(told: Told) -> None:
    """Recall of each kind of pair, by whether the model knows the languages."""
    grouped: dict[tuple[str, str], Counter[Relation]] = {}
    for (kind, a, b), found in told.items():
        grouped.setdefault((kind, tier(a, b)), Counter()).update(found)
    print(f"\n{'kind of pair':34}{'languages':15}{'right (95 % interval)':34}told as")
    for (kind, where), found in sorted(grouped.items()):
        hits, count = sum(found[item] for item in right(kind)), sum(found.values())
        others = ", ".join(f"{n} {relation}" for relation, n in found.most_common())
        print(f"{kind:34}{where:15}{share(hits, count):34}{others}")


def print_matrix(told: Told) -> None:
    """What was told of the pairs of each right relation."""
    rows: dict[str, Counter[Relation]] = {}
    for (kind, _, _), found in told.items():
        name = "translation or copy" if right(kind) is TEXT else str(right(kind)[0])
        rows.setdefault(name, Counter()).update(found)
    columns = [relation for relation in Relation if any(row[relation] for row in rows.values())]
    print(f"\n{'told, across; right, down':28}" + "".join(f"{name:>16}" for name in columns))
    for name, row in sorted(rows.items()):
        print(f"{name:28}" + "".join(f"{row[column]:16,}" for column in columns))


def print_languages(told: Told) -> None:
    """Recall of text relations and of excerpts, and false ones, by pair of languages."""
    print(f"\n{'languages':12}{'translation, near-duplicate':34}{'excerpt':34}"
          f"{'different or independent, told as text':40}")  # fmt: skip
    for a, b in sorted({(a, b) for _, a, b in told}):
        cells = []
        for relations, kinds in (
            (TEXT, ("translation", "near-duplicate", "second")),
            ((Relation.EXCERPT,), ("three sentences",)),
            (TEXT, ("different", "same story")),
        ):
            part = {key: found for key, found in told.items() if key[1:] == (a, b)}
            cells.append(share(*total(part, relations, kinds=kinds)))
        print(f"{a}-{b:9}" + "".join(f"{cell:34}" for cell in cells))


@dataclass(slots=True)
class Figures:
    """The figures to reach, each with what was measured."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, name: str, goal: str, measured: str) -> None:
        """Add a row."""
        self.rows.append((name, goal, measured))

    def add_pairs(self, told: Told, unrelated: Mapping[str, Counter[Relation]]) -> None:
        """Add the rows that labelled pairs tell."""
        known = ("both known",)
        unknown = ("one known", "neither known")
        across = ("both known", "Ukrainian", "one known", "neither known")
        self.add(
            "translation, languages that the model knows",
            ">= .99",
            share(*total(told, TEXT, kinds=("translation",), tiers=known)),
        )
        for name, tiers in (("known", known), ("Ukrainian", ("Ukrainian",)), ("others", unknown)):
            wrong = sum(sum(unrelated[t][r] for r in TEXT) for t in tiers if t in unrelated)
            count = sum(sum(unrelated[t].values()) for t in tiers if t in unrelated)
            self.add(f"  unrelated pairs told as text, {name}", "<= .0001",
                     share(wrong, count, digits=5))  # fmt: skip
        for name, tiers in (("known", known), ("Ukrainian", ("Ukrainian",)), ("others", unknown)):
            cut = total(told, TEXT, kinds=("translation cut",), tiers=tiers)
            self.add(f"translation cut to 60 %, {name}", ">= .95", share(*cut))
        independent = ("same story",)
        self.add(
            "same story, independent: told as text", "<= .02",
            share(*total(told, TEXT, kinds=independent)),
        )  # fmt: skip
        self.add(
            "same story, independent: told as such", ">= .60",
            share(*total(told, (Relation.SAME_STORY,), kinds=independent)),
        )  # fmt: skip
        lifted = ("three sentences lifted",)
        found = total(told, (Relation.EXCERPT,), kinds=lifted)
        self.add("three sentences lifted, all languages", ">= .90", share(*found))
        for name, tiers in (("known", known), ("Ukrainian", ("Ukrainian",)), ("others", unknown)):
            found = total(told, (Relation.EXCERPT,), kinds=lifted, tiers=tiers)
            self.add(f"  {name}", "", share(*found))
        wrong = sum(unrelated[t][Relation.EXCERPT] for t in across if t in unrelated)
        count = sum(sum(unrelated[t].values()) for t in across if t in unrelated)
        self.add("  unrelated pairs told as excerpt", "<= .002", share(wrong, count, digits=4))
        for edits in ("5", "10", "20"):
            found = total(told, TEXT, kinds=(f"near-duplicate, {edits}%",))
            self.add(f"near-duplicate, {edits} % of the words edited", ">= .99", share(*found))
        second = total(told, TEXT, kinds=("second translation",))
        self.add("second translation into the same language", ">= .95", share(*second))

    def print(self) -> None:
        """Print all rows."""
        print(f"\n{'figure':64}{'to reach':12}measured")
        for name, goal, measured in self.rows:
            print(f"{name:64}{goal:12}{measured}")
