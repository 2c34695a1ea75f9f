"""Which stored versions a new text is compared with, in an archive of any size.

Three lookups in union: common shingles find copies and second translations, document signatures
find translations into languages that the model knows, and rare names and numbers find the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from sqlalchemy import Connection

from ingest.model import Features, Fingerprint
from storage.lookup import (
    articles_of,
    sharing_anchors,
    sharing_shingles,
    signatures_after,
)

_COMMON_SHINGLE = 200  # versions: a passage that more have is an agency's line or a site's
_COMMON_ANCHOR = 400
_SIGNATURE_BYTES = 64
_COARSE_BITS = 26  # of the first 64; two texts at 40 degrees differ in 14, unrelated ones in 32
_NEAR_BITS = 205  # of 512: 40 %


class SignatureIndex:
    """The document signatures of an archive in memory, 72 bytes a version.

    A scan in two steps: the first 64 bits of every signature, then all 512 of those that came near.
    One million versions take about two milliseconds. Grows by what was stored since the last
    search, by whichever process.
    """

    def __init__(self) -> None:
        """Start empty: the first search loads what is there."""
        self._ids = np.zeros(0, np.int64)
        self._words = np.zeros((0, 8), np.uint64)
        self._coarse = np.zeros(0, np.uint64)
        self._size = 0
        self._last = 0

    @property
    def size(self) -> int:
        """How many signatures there are."""
        return self._size

    def refresh(self, connection: Connection) -> None:
        """Take in the versions stored since."""
        self.extend(signatures_after(connection, self._last))

    def extend(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Add signatures in the order of their ids; a version without one is passed over."""
        new = []
        for version_id, signature in rows:
            self._last = version_id
            if len(signature) == _SIGNATURE_BYTES:
                new.append((version_id, signature))
        if not new:
            return
        stop = self._size + len(new)
        if stop > len(self._ids):
            room = max(1024, stop + stop // 4)
            self._ids = np.resize(self._ids, room)
            self._words = np.resize(self._words, (room, 8))
            self._coarse = np.resize(self._coarse, room)
        self._ids[self._size : stop] = [version_id for version_id, _ in new]
        words = np.frombuffer(b"".join(signature for _, signature in new), np.uint64)
        self._words[self._size : stop] = words.reshape(-1, 8)
        self._coarse[self._size : stop] = self._words[self._size : stop, 0]
        self._size = stop

    def nearest(self, signature: bytes, *, limit: int) -> list[tuple[int, int]]:
        """Return (version, differing bits) of the nearest signatures, at most 40 % apart."""
        if len(signature) != _SIGNATURE_BYTES or not self._size:
            return []
        own = np.frombuffer(signature, np.uint64)
        coarse = np.bitwise_count(self._coarse[: self._size] ^ own[0])
        rows = np.flatnonzero(coarse <= _COARSE_BITS)
        bits = np.bitwise_count(self._words[rows] ^ own).sum(axis=1, dtype=np.int64)
        order = np.argsort(bits, kind="stable")[:limit]
        return [
            (int(self._ids[rows[item]]), int(bits[item]))
            for item in order
            if bits[item] <= _NEAR_BITS
        ]


def find_candidates(
    connection: Connection,
    index: SignatureIndex,
    *,
    hashes: Fingerprint,
    features: Features,
    article_id: int,
    limit: int,
) -> list[int]:
    """Return versions of other articles to compare with, one an article, at most `limit`.

    Each lookup names its best in turn, so that none crowds out the others.
    """
    index.refresh(connection)
    total = index.size
    by_shingle = _ranked(
        sharing_shingles(connection, hashes.shingles, common=_COMMON_SHINGLE), total
    )
    by_anchor = _ranked(sharing_anchors(connection, features.lookup, common=_COMMON_ANCHOR), total)
    by_signature = [found for found, _ in index.nearest(features.signature, limit=3 * limit)]
    merged: dict[int, None] = {}
    for place in range(3 * limit):
        for ranking in (by_signature, by_shingle, by_anchor):
            if place < len(ranking):
                merged.setdefault(ranking[place])
    wanted = list(merged)[: 4 * limit]
    articles = articles_of(connection, wanted)
    seen = {article_id}
    chosen = []
    for version_id in wanted:
        owner = articles.get(version_id)
        if owner is not None and owner not in seen:
            seen.add(owner)
            chosen.append(version_id)
    return chosen[:limit]


def _ranked(holders: dict[int, list[int]], total: int) -> list[int]:
    """Versions by the summed rarity of what they share, the most first."""
    weights: Counter[int] = Counter()
    for versions in holders.values():
        rarity = max(math.log((total + 1) / len(versions)), 0.0) + 0.1
        for version_id in versions:
            weights[version_id] += rarity  # type: ignore[assignment]
    return sorted(weights, key=lambda item: (-weights[item], -item))
