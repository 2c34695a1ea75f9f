"""Times the candidate lookup in an archive of synthetic versions, in SQLite.

python bench/lookup.py [--versions 1000000] [--queries 300]

Every version has 75 shingle hashes, one in twenty of them common to thousands of versions; 40
anchors, names and numbers distributed like words (Zipf); and a signature near one of two thousand
topics. A query is a new version that shares half of its shingles with a stored one, a third of its
anchors, and four fifths of the bits of its signature.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ingest.candidates import SignatureIndex, find_candidates
from ingest.model import Features, Fingerprint
from storage.engine import open_engine, transaction
from storage.lookup import signatures_after
from storage.migrate import upgrade

SHINGLES, ANCHORS, TOPICS = 75, 40, 2000
COMMON = 1000
STEP = 20_000


def shingles_of(start: int, stop: int) -> np.ndarray:
    generator = np.random.default_rng(start)
    rows = generator.integers(-(2**62), 2**62, (stop - start, SHINGLES))
    common = generator.random(rows.shape) < 0.05
    rows[common] = generator.integers(0, COMMON, common.sum()) * 8
    return rows


def anchors_of(start: int, stop: int) -> np.ndarray:
    generator = np.random.default_rng(start + 1)
    ranks = generator.zipf(1.15, (stop - start, ANCHORS)) % 3_000_000
    return (ranks * 2_654_435_761) % 2**32


def signatures_of(start: int, stop: int, topics: np.ndarray) -> np.ndarray:
    generator = np.random.default_rng(start + 2)
    bits = topics[generator.integers(0, TOPICS, stop - start)]
    flips = generator.random(bits.shape, np.float32) < 0.38
    return np.packbits(bits ^ flips, axis=1)


def fill(path: Path, versions: int, topics: np.ndarray) -> None:
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000"):
        raw.execute(f"PRAGMA {pragma}")
    indexes = raw.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('shingle', 'anchor', 'feature', 'version')"
    ).fetchall()
    for name, _ in indexes:
        raw.execute(f"DROP INDEX {name}")
    raw.execute("BEGIN")
    for start in range(0, versions, STEP):
        stop = min(start + STEP, versions)
        signatures = signatures_of(start, stop, topics)
        raw.executemany(
            "INSERT INTO version (id, article_id, seq, content_hash, title, text, words, extractor,"
            " extractor_version, first_observed_at, last_observed_at)"
            " VALUES (?, ?, 1, ?, '', '', 0, '', '', '2023-09-05', '2023-09-05')",
            ((number, number, str(number)) for number in range(start + 1, stop + 1)),
        )
        raw.executemany(
            "INSERT INTO feature (version_id, method_version, model, model_version, signature,"
            " document, lengths, quoted, anchors, vectors)"
            " VALUES (?, '', '', '', ?, x'', x'', x'', x'', x'')",
            ((start + 1 + i, row.tobytes()) for i, row in enumerate(signatures)),
        )
    for table, key, make, width in (
        ("shingle", "hash", shingles_of, SHINGLES),
        ("anchor", "key", anchors_of, ANCHORS),
    ):
        keys = np.concatenate(
            [make(s, min(s + STEP, versions)).reshape(-1) for s in range(0, versions, STEP)]
        )
        owners = np.repeat(np.arange(1, versions + 1, dtype=np.int32), width)
        order = np.argsort(keys, kind="stable")  # in the order of the key a table fills at once
        for start in range(0, len(order), 1_000_000):
            part = order[start : start + 1_000_000]
            raw.executemany(
                f"INSERT OR IGNORE INTO {table} ({key}, version_id) VALUES (?, ?)",
                zip(keys[part].tolist(), owners[part].tolist(), strict=True),
            )
        del keys, owners, order
    for _, sql in indexes:
        raw.execute(sql)
    raw.execute("COMMIT")
    raw.execute("ANALYZE")
    raw.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    topics = generator.random((TOPICS, 512), np.float32) < 0.5
    for versions in options.versions:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "archive.db", versions, topics, options.queries)


def make_query(versions: int, topics: np.ndarray, number: int) -> tuple[int, Fingerprint, Features]:
    """Return a stored version's id and the text that descends from it."""
    generator = np.random.default_rng([9, number])
    target = int(generator.integers(versions))
    start = target // STEP * STEP
    stop = min(start + STEP, versions)
    row = target - start
    hashes = shingles_of(start, stop)[row].copy()
    hashes[::2] = generator.integers(-(2**62), 2**62, len(hashes[::2]))
    keys = anchors_of(start, stop)[row].copy()
    fresh = generator.random(ANCHORS) < 0.67
    keys[fresh] = anchors_of(versions + number, versions + number + 1)[0][fresh]
    bits = np.unpackbits(signatures_of(start, stop, topics)[row])
    bits ^= generator.random(512, np.float32) < 0.2
    return (
        target + 1,
        Fingerprint(
            text_hash="", shingles=tuple(sorted({int(h) for h in hashes})), language="en",
            words=600, method_version="",
        ),
        Features(
            language="en", lengths=b"", quoted=b"", anchors=b"", vectors=b"", document=b"",
            signature=np.packbits(bits).tobytes(), lookup=tuple(sorted({int(k) for k in keys})),
            model="", model_version="", method_version="",
        ),
    )  # fmt: skip


def measure(path: Path, versions: int, topics: np.ndarray, queries: int) -> None:
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    began = time.perf_counter()
    fill(path, versions, topics)
    print(f"{versions:,} versions filled in {time.perf_counter() - began:.0f} s,"
          f" {path.stat().st_size / 2**20:,.0f} MiB")  # fmt: skip
    index = SignatureIndex()
    with transaction(engine) as connection:
        began = time.perf_counter()
        index.extend(signatures_after(connection, 0))
        print(f"  signatures loaded in {time.perf_counter() - began:.2f} s, once a process")
    asked = [make_query(versions, topics, number) for number in range(queries)]
    times, found = [], 0
    with transaction(engine) as connection:
        for target, hashes, features in asked:
            began = time.perf_counter()
            chosen = find_candidates(
                connection, index, hashes=hashes, features=features, article_id=0, limit=20
            )
            times.append((time.perf_counter() - began) * 1000)
            found += target in chosen
    engine.dispose()
    quantiles = statistics.quantiles(times, n=20)
    print(f"  lookup: median {statistics.median(times):.2f} ms, 95 % {quantiles[18]:.2f} ms;"
          f" the stored partner found {found}/{queries}; {datetime.now(UTC):%Y-%m-%d}")  # fmt: skip


if __name__ == "__main__":
    main()
