"""Which stored versions a new text is compared with, in an archive of any size.

Three lookups in union: common shingles find copies and second translations, document signatures
find translations into languages that the model knows, and rare names and numbers find the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from ingest.model import Features, Fingerprint
from storage.lookup import (
    articles_of,
    sharing_anchors,
    sharing_shingles,
    signatures_after,
    signatures_of,
)

_COMMON = 200  # versions: what more of them have is an agency's line, a site's, everybody's name
_SIGNATURE_BYTES = 64
_COARSE_BITS = 50  # of the first 128; two texts at 40 degrees differ in 28, unrelated ones in 64
_NEAR_BITS = 205  # of 512: 40 %
_OPEN_SECONDS = 300  # that a transaction is open at most
_MOST_OPEN = 1_000  # ids that may be of open transactions, below the last one
_BLOCK = 65_536  # signatures looked at together: as many as the processor's cache holds

Mark = tuple[int, int, dict[int, float]]


class SignatureIndex:
    """The document signatures of an archive in memory, 88 bytes a version.

    A scan in two steps: the first 128 bits of every signature, then all 512 of those that came
    near. One million versions take about two milliseconds. Grows by what was stored since the last
    search, by whichever process; ids that are passed over are asked for again for some minutes, for
    another process may be about to commit them.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        """Start empty: the first search loads what is there. `clock` counts seconds."""
        self._ids = np.zeros(0, np.int64)
        self._words = np.zeros((0, 8), np.uint64)
        self._coarse = np.zeros((2, 0), np.uint64)  # the first two words, each by itself
        self._size = 0
        self._last = 0
        self._passed_over: dict[int, float] = {}  # id -> when it was
        self._clock = clock

    @property
    def size(self) -> int:
        """How many signatures there are."""
        return self._size

    def mark(self) -> Mark:
        """Where the index stands, to go back to."""
        return self._size, self._last, dict(self._passed_over)

    def rewind(self, mark: Mark) -> None:
        """Forget what was taken in since the mark, as after a transaction that was rolled back.

        It may have read versions of its own, and SQLite gives their ids to the next ones.
        """
        self._size, self._last, passed_over = mark
        self._passed_over = dict(passed_over)  # the mark may be gone back to again

    def refresh(self, connection: Connection) -> None:
        """Take in the versions stored since."""
        oldest = self._clock() - _OPEN_SECONDS
        self._passed_over = {item: at for item, at in self._passed_over.items() if at >= oldest}
        if self._passed_over:
            late = signatures_of(connection, self._passed_over)
            for version_id, _ in late:
                del self._passed_over[version_id]
            self._take_in(late)
        self.extend(signatures_after(connection, self._last))

    def extend(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Add signatures in the order of their ids; a version without one is left out."""
        found, before = list(rows), self._last
        if not found:
            return
        self._last = found[-1][0]
        first = max(before + 1, self._last - _MOST_OPEN)
        missing = set(range(first, self._last)).difference(item for item, _ in found)
        self._passed_over |= dict.fromkeys(missing, self._clock())
        self._take_in(found)

    def _take_in(self, rows: Iterable[tuple[int, bytes]]) -> None:
        new = [row for row in rows if len(row[1]) == _SIGNATURE_BYTES]
        if not new:
            return
        stop = self._size + len(new)
        if stop > len(self._ids):
            room = max(1024, stop + stop // 4) - self._size
            self._ids = np.append(self._ids[: self._size], np.zeros(room, np.int64))
            self._words = np.vstack((self._words[: self._size], np.zeros((room, 8), np.uint64)))
            self._coarse = np.hstack(
                (self._coarse[:, : self._size], np.zeros((2, room), np.uint64))
            )
        self._ids[self._size : stop] = [version_id for version_id, _ in new]
        words = np.frombuffer(b"".join(signature for _, signature in new), np.uint64)
        self._words[self._size : stop] = words.reshape(-1, 8)
        self._coarse[:, self._size : stop] = words.reshape(-1, 8)[:, :2].T
        self._size = stop

    def nearest(self, signature: bytes, *, limit: int) -> list[tuple[int, int]]:
        """Return (version, differing bits) of the nearest signatures, at most 40 % apart."""
        if len(signature) != _SIGNATURE_BYTES or not self._size:
            return []
        own = np.frombuffer(signature, np.uint64)
        rows = np.concatenate(
            [start + self._coarse_near(own, start) for start in range(0, self._size, _BLOCK)]
        )
        bits = np.bitwise_count(self._words[rows] ^ own).sum(axis=1, dtype=np.int64)
        rows, bits = rows[bits <= _NEAR_BITS], bits[bits <= _NEAR_BITS]
        order = np.argsort(bits, kind="stable")[:limit]
        return [(int(self._ids[rows[item]]), int(bits[item])) for item in order]

    def _coarse_near(self, own: NDArray[np.uint64], start: int) -> NDArray[np.int64]:
        """The signatures of a block whose first 128 bits are near, counted from its start."""
        first, second = self._coarse[:, start : min(start + _BLOCK, self._size)]
        bits = np.bitwise_count(first ^ own[0]) + np.bitwise_count(second ^ own[1])
        return np.flatnonzero(bits <= _COARSE_BITS)


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
    by_shingle = _ranked(sharing_shingles(connection, hashes.shingles, common=_COMMON), total)
    by_anchor = _ranked(sharing_anchors(connection, features.lookup, common=_COMMON), total)
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
