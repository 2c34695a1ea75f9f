"""The frozen rule: what was learned of languages, sentences and documents, read from its file.

`rules/VERSION.json` is written by `bench/fit_verdicts.py` and never edited; it names the data it
was fitted on. A new rule is a new file, so that old verdicts stay explicable.
"""

from __future__ import annotations

import json
from base64 import b85decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import StorywatchError

CURRENT = "2"
"""Version of the rule in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRule:
    """How well the model knows a language, and where its vectors lie."""

    quality: float  # 0 to 1; two qualities multiplied: the mean cosine of translated sentences
    mean: NDArray[np.float32]  # shape (512,): the mean of unit sentence vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """A logistic regression over named features."""

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    intercept: float

    def log_odds(self, features: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a number or an array
        """Return the log-odds; features may be numbers or arrays of one shape.

        A name like "gain_high*quality" is the product of two features.
        """
        total = self.intercept
        for name, weight in zip(self.names, self.weights, strict=True):
            first, _, second = name.partition("*")
            total = total + weight * features[first] * (features[second] if second else 1.0)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Everything that turns evidence into a relation."""

    version: str
    languages: Mapping[str, LanguageRule]  # ISO 639-1
    other: LanguageRule  # a language that is not listed
    sentence: Logistic
    models: Mapping[str, Logistic]  # "across.text", "within.excerpt" and so on
    thresholds: Mapping[str, float]  # log-odds from which a relation is told, and reviewed

    def language(self, code: str | None) -> LanguageRule:
        """Return what is known of a language."""
        return self.languages.get(code or "", self.other)


@lru_cache(maxsize=4)
def load_rule(version: str = CURRENT) -> Rule:
    """Return a shipped rule. Raises StorywatchError when there is none of that version."""
    try:
        raw = (files("ingest.verdict") / "rules" / f"{version}.json").read_text("utf-8")
    except FileNotFoundError as error:
        raise StorywatchError(f"no verdict rule {version!r} is shipped") from error
    return parse_rule(json.loads(raw))


def parse_rule(raw: Mapping[str, Any]) -> Rule:
    """Build a rule from the fields of its file."""
    return Rule(
        version=raw["version"],
        languages={code: _language(item) for code, item in raw["languages"].items()},
        other=_language(raw["other"]),
        sentence=_logistic(raw["sentence"]),
        models={name: _logistic(item) for name, item in raw["models"].items()},
        thresholds=raw["thresholds"],
    )


def _language(raw: Mapping[str, Any]) -> LanguageRule:
    mean = np.frombuffer(b85decode(raw["mean"]), np.int8).astype(np.float32) * raw["scale"]
    return LanguageRule(quality=raw["quality"], mean=mean)


def _logistic(raw: Mapping[str, Any]) -> Logistic:
    return Logistic(
        names=tuple(raw["weights"]),
        weights=np.array(list(raw["weights"].values())),
        intercept=raw["intercept"],
    )
