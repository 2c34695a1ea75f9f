"""The words and signs that stand beside numbers: multipliers, units, months; of many languages.

They are listed in `figure-words.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

T = TypeVar("T")

_THOUSAND_MILLIONS, _MILLION_MILLIONS = 10**9, 10**12
_SHORTEST_BEGINNING, _LONGEST_BEGINNING = 3, 14  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureWords:
    """What is told of numbers in one language; keys of mappings as `look_up` takes them."""

    decimal_sign: str | None  # None: it differs from place to place
    has_spaced_groups: bool  # 1 000
    has_ordinal_dot: bool  # 5. for the fifth
    multipliers: Mapping[str, int]
    units: Mapping[str, str]
    phrases: Mapping[str, str]  # units of several words
    prefixes: Mapping[str, str]  # before the number, with their case
    months: Mapping[str, bool]
    clocks: frozenset[str]
    ordinals: frozenset[str]
    connectors: frozenset[str]
    before_years: frozenset[str]


@lru_cache(maxsize=100)
def figure_words(language: str | None) -> FigureWords:
    """The words of a language (ISO 639-1), None for an unknown one; most are taken from all."""
    listed = _read()
    words = {
        key: frozenset(value.split()) for key, value in listed.items() if isinstance(value, str)
    }
    sign = "," if language in words["decimal_comma"] else None
    billion = _MILLION_MILLIONS if language in words["long_scale"] else _THOUSAND_MILLIONS
    multipliers = {
        word: int(by) for by, row in listed["multipliers"].items() for word in row.split()
    }
    multipliers |= dict.fromkeys(words["billions"], billion)
    only_in = {word: row.split() for word, row in listed["only_in"].items()}
    return FigureWords(
        decimal_sign="." if language in words["decimal_point"] else sign,
        has_spaced_groups=language in words["spaced_groups"],
        has_ordinal_dot=language in words["ordinal_dot"],
        multipliers={
            word: by
            for word, by in multipliers.items()
            if word not in only_in or language in only_in[word]
        },
        units={word: unit for unit, row in listed["units"].items() for word in row.split()},
        phrases=listed["phrases"],
        prefixes=listed["prefixes"],
        months=dict.fromkeys(words["months"], True),
        clocks=words["clocks"],
        ordinals=words["ordinals"],
        connectors=words["connectors"],
        before_years=words["before_years"],
    )


def look_up(table: Mapping[str, T], word: str) -> T | None:
    """What a table has for a word in lower case, whole or by a beginning marked with `*`."""
    if word in table:
        return table[word]
    sizes = range(min(len(word), _LONGEST_BEGINNING), _SHORTEST_BEGINNING - 1, -1)
    beginnings = (word[:size] + "*" for size in sizes)
    return next((table[item] for item in beginnings if item in table), None)


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    raw = (files("ingest") / "figure-words.toml").read_text("utf-8")
    return tomllib.loads(raw)
