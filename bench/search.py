"""Times the search index on both databases: how long it takes to make, how large, how fast.

python bench/search.py [--versions 50000] [--sqlite-only]

Texts are made of words that are distributed as in the press (Zipf), in eight languages of six
scripts, 400 words each or as many letters as make the same length; three versions make an article.
A query's time is the median of five, its first hit included, on a database that has just been used.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, insert, text

from storage.engine import open_engine, read_connection, transaction
from storage.migrate import upgrade
from storage.schema import article, outlet, version
from storage.search import Search, find_hits
from storage.search_index import TABLE, fill_index
from storage.search_query import parse_query
from tests.postgres import create_database, drop_database, running_server

LETTERS = {
    "en": "etaoinshrdlucmfw", "de": "enisratdhulcgmobwfäöü", "fr": "esaitnrulodcpméèà",
    "ru": "оеаинтсрвлкмдпуяы", "ar": "اليمونرتبةعدسفهكق", "ko": "", "zh": "", "th": "",
}  # fmt: skip
UNSPACED = {"ko": (0xAC00, 1500), "zh": (0x4E00, 3500), "th": (0x0E01, 40)}
VOCABULARY, WORDS, STEP = 60_000, 400, 600
NOW = datetime(2023, 9, 5, tzinfo=UTC)


def vocabulary(language: str) -> np.ndarray:
    """Words from the most frequent to the rarest; frequent ones are short."""
    generator = np.random.default_rng(sum(map(ord, language)))
    if language in UNSPACED:
        first, count = UNSPACED[language]
        order = generator.permutation(count)
        letters = [chr(first + int(at)) for at in order]
        sizes = generator.integers(1, 4, VOCABULARY)
        picks = generator.zipf(1.2, (VOCABULARY, 4)) % count
    else:
        letters = list(LETTERS[language])
        sizes = np.minimum(2 + np.log(np.arange(1, VOCABULARY + 1)), 12).astype(int)
        picks = generator.integers(0, len(letters), (VOCABULARY, 12))
    rows = zip(picks, sizes, strict=True)
    return np.array(["".join(letters[i] for i in row[:size]) for row, size in rows], dtype=object)


def bodies(language: str, words: np.ndarray, count: int, start: int) -> Iterator[str]:
    generator = np.random.default_rng(start)
    picks = (generator.zipf(1.1, (count, WORDS)) - 1) % VOCABULARY
    between = "" if language in {"zh", "th"} else " "
    for row in picks:
        yield between.join(words[row])


def fill(engine: Engine, versions: int, known: dict[str, np.ndarray]) -> int:
    """Write versions without indexing them; return the bytes of their texts."""
    size = 0
    languages = list(known)
    with transaction(engine) as connection:
        connection.execute(insert(outlet).values(id=1, domain="paper.example", name="Paper"))
    for start in range(0, versions, STEP):
        language = languages[start // STEP % len(languages)]
        texts = list(bodies(language, known[language], min(STEP, versions - start), start))
        size += sum(len(body.encode()) for body in texts)
        articles = sorted({(start + at) // 3 + 1 for at in range(len(texts))})
        rows = [
            {
                "id": start + at + 1, "article_id": (start + at) // 3 + 1,
                "seq": (start + at) % 3 + 1, "content_hash": "", "title": body[:60], "text": body,
                "language": language, "words": WORDS, "extractor": "", "extractor_version": "",
                "first_observed_at": NOW, "last_observed_at": NOW,
            }
            for at, body in enumerate(texts)
        ]  # fmt: skip
        with transaction(engine) as connection:
            connection.execute(
                insert(article),
                [
                    {
                        "id": number, "outlet_id": 1, "canonical_url": f"https://x/{number}",
                        "check_url": "", "first_seen_at": NOW, "state": "live", "state_since": NOW,
                        "check_interval_seconds": 900.0, "current_version_id": number * 3,
                    }
                    for number in articles
                    if number * 3 - 2 > start  # else a batch before has written it
                ],
            )  # fmt: skip
            connection.execute(insert(version), rows)
    return size


def queries(known: dict[str, np.ndarray]) -> dict[str, str]:
    en, de, zh = known["en"], known["de"], known["zh"]
    double = "".join(zh[[200, 300]])
    return {
        "a rare word": en[9000],
        "a common word": en[20],
        "two common words": f"{en[20]} {en[35]}",
        "a phrase of them": f'"{en[20]} {en[35]}"',
        "with umlauts": de[700],
        "the beginning of a word": f"{en[500][:4]}*",
        "a word, without another": f"{en[300]} -{en[20]}",
        "a Russian word": known["ru"][400],
        "one Chinese letter": zh[300][:1],
        "two Chinese letters": double[:2],
        "four Chinese letters": (double * 2)[:4],
        "a Korean word": known["ko"][400],
        "six Thai letters": "".join(known["th"][100:110])[:6],
    }


def size_of(engine: Engine) -> tuple[int, int]:
    """Bytes of the index, and of the texts as the database holds them."""
    with read_connection(engine) as connection:
        if engine.dialect.name == "sqlite":
            own = "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE 'version_search%'"
            texts = "SELECT SUM(pgsize) FROM dbstat WHERE name = 'version'"
        else:
            own = f"SELECT pg_total_relation_size('{TABLE}')"
            texts = "SELECT pg_table_size('version')"
        return tuple(int(connection.execute(text(part)).scalar_one()) for part in (own, texts))


def seconds_of(engine: Engine, query: str, *, ever: bool) -> tuple[float, int]:
    search = Search(query=parse_query(query), ever=ever)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with read_connection(engine) as connection:
            hits = find_hits(connection, search, limit=20).hits
        times.append(time.perf_counter() - start)
    return statistics.median(times), len(hits)


def measure(name: str, engine: Engine, versions: int, known: dict[str, np.ndarray]) -> None:
    upgrade(engine)
    written = fill(engine, versions, known)
    start = time.perf_counter()
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for index in ("words", "stems"):  # as a migration finds it
                connection.execute(text(f"DROP INDEX ix_{TABLE}_{index}"))
        fill_index(connection)
    took = time.perf_counter() - start
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    own, texts = size_of(engine)
    print(f"\n{name}: {versions} versions, {written / 2**20:.0f} MiB of text")
    print(f"indexed in {took:.0f} s, {versions / took:.0f} a second")
    print(f"index {own / 2**20:.0f} MiB, table of versions {texts / 2**20:.0f} MiB", flush=True)
    print(f"{'query':28} {'now, ms':>8} {'ever, ms':>9}")
    for label, query in queries(known).items():
        now, _ = seconds_of(engine, query, ever=False)
        ever, hits = seconds_of(engine, query, ever=True)
        print(f"{label:28} {now * 1000:8.1f} {ever * 1000:9.1f} {'' if hits else 'nothing'}")


@contextmanager
def postgres() -> Iterator[Engine]:
    with running_server() as server:
        url = create_database(server, "bench_search").render_as_string(hide_password=False)
        engine = open_engine(url)
        yield engine
        engine.dispose()
        drop_database(server, "bench_search")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=50_000)
    parser.add_argument("--sqlite-only", action="store_true")
    options = parser.parse_args()
    known = {language: vocabulary(language) for language in LETTERS}
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'search.db'}")
        measure("SQLite", engine, options.versions, known)
        engine.dispose()
    if not options.sqlite_only:
        with postgres() as engine:
            measure("Postgres", engine, options.versions, known)


if __name__ == "__main__":
    main()
