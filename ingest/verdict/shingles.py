"""FracMinHash: a fixed share of a text's shingle hashes, kept to find texts that share passages.

Unlike a MinHash of fixed size, the sample grows with the text, so that the containment of a short
text in a long one can be estimated (Irber et al. 2022, "Lightweight compositional analysis of
metagenomes with FracMinHash", doi:10.1101/2022.01.11.475838).
"""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

from ingest.model import Fingerprint
from ingest.verdict.text import text_hash, tokens

METHOD_VERSION = "fracminhash-1"
_WORDS = 3
_CHARACTERS = 5  # of an unspaced script, where a token is one character
_SHARE = 8  # one hash in eight is kept
_KEEP_ALL = 60  # shingles: a text of three sentences keeps them all
_SIGN = 2**63
_MAX_TOKENS = 200_000


def fingerprint(text: str, *, language: str | None) -> Fingerprint:
    """Return the hashes that finding copies of a text needs, and the hash of its normal form."""
    words = tokens(text)[:_MAX_TOKENS]
    hashes = shingle_hashes(words)
    if len(hashes) > _KEEP_ALL:
        sampled = {item for item in hashes if item % _SHARE == 0}
        hashes = sampled or set(sorted(hashes)[:_KEEP_ALL])
    return Fingerprint(
        text_hash=text_hash(text),
        shingles=tuple(sorted(item - _SIGN for item in hashes)),
        language=language,
        words=len(words),
        method_version=METHOD_VERSION,
    )


def shingle_hashes(words: Sequence[str]) -> set[int]:
    """Return the unsigned 64-bit hashes of all word 3-shingles (5 where words are characters)."""
    single = sum(len(word) == 1 and ord(word) > 0x0E00 for word in words)
    size = _CHARACTERS if single * 2 > len(words) else _WORDS
    if len(words) < size:
        return {_hash(words)} if words else set()
    return {_hash(words[start : start + size]) for start in range(len(words) - size + 1)}


def _hash(words: Sequence[str]) -> int:
    return xxhash.xxh64_intdigest(" ".join(words).encode("utf-8", "replace"))


def containment(a: Fingerprint, b: Fingerprint) -> float:
    """Return the estimated share of a's shingles that b has."""
    if not a.shingles:
        return 0.0
    return len(set(a.shingles) & set(b.shingles)) / len(a.shingles)
