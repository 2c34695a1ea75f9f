"""What a text is compared by, computed once and stored: anchors and vectors of its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from ingest.model import Features
from ingest.verdict.anchors import Anchors, sentence_anchors
from ingest.verdict.encoder import DIMENSIONS, MODEL, Encoder
from ingest.verdict.rule import Rule
from ingest.verdict.text import quoted_shares, split_sentences

METHOD_VERSION = "features-1"
MAX_SENTENCES = 400
"""Sentences compared of a text; an article has 10 to 60."""

_ANCHOR = np.dtype([("sentence", "<u2"), ("weight", "<u2"), ("key", "<u4")])
_LOOKED_UP = 40
_WEIGHT = 1000  # weights are stored as thousandths


def make_features(
    text: str, *, language: str | None, rule: Rule, encoder: Encoder | None
) -> Features:
    """Return what `text` is compared and found by; without an encoder, its anchors alone.

    Bounded: the first 400 sentences are taken, 600 characters of each are encoded.
    """
    sentences = split_sentences(text)[:MAX_SENTENCES]
    return features_of_sentences(sentences, language=language, rule=rule, encoder=encoder)


def features_of_sentences(
    sentences: Sequence[str], *, language: str | None, rule: Rule, encoder: Encoder | None
) -> Features:
    """Return the features of a text that is already split."""
    anchors = [sentence_anchors(sentence) for sentence in sentences]
    if encoder is None:
        vectors, model, model_version = np.zeros((0, DIMENSIONS), np.int8), "", ""
    else:
        vectors = encoder.encode(sentences, language=language)
        model, model_version = MODEL, encoder.version
    packed = _pack_anchors(anchors)
    lengths = np.array([len(sentence) for sentence in sentences], "<u2")
    document = _document_vector(centre(vectors, language=language, rule=rule), lengths)
    return Features(
        language=language,
        lengths=lengths.tobytes(),
        quoted=bytes(round(255 * min(share, 1.0)) for share in quoted_shares(sentences)),
        anchors=packed,
        vectors=vectors.tobytes(),
        document=document.tobytes(),
        signature=document_signature(document),
        lookup=lookup_keys(packed),
        model=model,
        model_version=model_version,
        method_version=METHOD_VERSION,
    )


def is_current(features: Features, encoder: Encoder | None) -> bool:
    """Whether stored features are what would be made today; without an encoder any model's are."""
    if features.method_version != METHOD_VERSION:
        return False
    return encoder is None or (features.model, features.model_version) == (MODEL, encoder.version)


def are_comparable(a: Features, b: Features) -> bool:
    """Whether two texts' features were made the same way; what lacks vectors has anchors still."""
    if a.method_version != b.method_version:
        return False
    models = {(item.model, item.model_version) for item in (a, b) if item.vectors}
    return len(models) <= 1


def sentence_lengths(features: Features) -> NDArray[np.float64]:
    """Return the sentences' lengths in characters, shape (n,)."""
    return np.frombuffer(features.lengths, "<u2").astype(np.float64)


def sentence_quoted(features: Features) -> NDArray[np.float64]:
    """Return which share of each sentence is a quotation, shape (n,)."""
    return np.frombuffer(features.quoted, np.uint8) / 255.0


def sentence_vectors(features: Features) -> NDArray[np.int8]:
    """Return the sentences' vectors as stored, shape (n, 512), or (0, 512) without a model."""
    return np.frombuffer(features.vectors, np.int8).reshape(-1, DIMENSIONS)


def anchor_table(features: Features) -> NDArray[np.void]:
    """Return the anchors as a table of (sentence, weight in thousandths, key)."""
    return np.frombuffer(features.anchors, _ANCHOR)


def lookup_keys(anchors: bytes) -> tuple[int, ...]:
    """Return the anchors by which an archive finds a text: the heaviest, at most 40, sorted.

    What a text names often, and what is a name or a number, weighs most.
    """
    table = np.frombuffer(anchors, _ANCHOR)
    keys, place = np.unique(table["key"], return_inverse=True)
    totals = np.bincount(place, weights=table["weight"].astype(np.float64) ** 2)
    heaviest = np.lexsort((keys, -totals))[:_LOOKED_UP]
    return tuple(sorted(int(keys[item]) for item in heaviest))


def centre(vectors: NDArray[np.int8], *, language: str | None, rule: Rule) -> NDArray[np.float32]:
    """Return unit vectors with the mean of their language taken out, shape (n, 512).

    Without this every pair of sentences of two languages looks alike (Artetxe and Schwenk 2019
    meet the same by margins, arXiv 1811.01136).
    """
    moved = unit(vectors.astype(np.float32)) - rule.language(language).mean
    return unit(moved)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows scaled to length one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-9)
    return scaled


def document_signature(document: NDArray[np.int8]) -> bytes:
    """Return the 512 signs of a document vector turned at random, as 64 bytes; none without one.

    Two vectors at an angle of a share a/pi of their bits at odds (Charikar 2002, "Similarity
    estimation techniques from rounding algorithms"). The turn, a Hadamard matrix after fixed random
    signs, makes every part of the signature as telling as any other.
    """
    if not len(document):
        return b""
    turned = _hadamard() @ (document.astype(np.float32) * _signs())
    return np.packbits(turned > 0).tobytes()


@lru_cache(maxsize=1)
def _hadamard() -> NDArray[np.float32]:
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < DIMENSIONS:  # Sylvester's construction
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


@lru_cache(maxsize=1)
def _signs() -> NDArray[np.float32]:
    # By a hash, not a generator: the signatures in a database must mean the same for years.
    bits = b"".join(sha256(f"signature {part}".encode()).digest() for part in range(2))
    return np.unpackbits(np.frombuffer(bits, np.uint8)).astype(np.float32) * 2 - 1


def _document_vector(
    sentences: NDArray[np.float32], lengths: NDArray[np.uint16]
) -> NDArray[np.int8]:
    if not len(sentences):
        return np.zeros(0, np.int8)
    mean = (sentences * np.sqrt(lengths.astype(np.float32))[:, None]).sum(axis=0)
    scaled: NDArray[np.int8] = np.rint(mean * (127 / max(float(np.abs(mean).max()), 1e-9))).astype(
        np.int8
    )
    return scaled


def _pack_anchors(sentences: list[Anchors]) -> bytes:
    rows = [
        (index, round(weight * _WEIGHT), key)
        for index, anchors in enumerate(sentences)
        for key, weight in anchors.items()
    ]
    return np.array(rows, _ANCHOR).tobytes()
