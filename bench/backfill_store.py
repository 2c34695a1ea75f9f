"""What a backfill has stored, against what its WARC was written with; read by sqlite3 alone."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from backfill_warc import Written

_ARTICLES = """
SELECT a.canonical_url, v.seq, v.title, v.text, v.language, v.published_at, v.first_observed_at,
       v.last_observed_at, s.rule, s.score
FROM article a
JOIN version v ON v.article_id = a.id
LEFT JOIN article_story s ON s.article_id = a.id
ORDER BY 1, 2
"""
_LOOKS = """
SELECT requested_url, observed_at, source, outcome, status, raw_sha256
FROM observation
ORDER BY 1, 2
"""
_VERDICTS = """
SELECT a.canonical_url, b.canonical_url, e.relation, e.score
FROM edge e
JOIN version v ON v.id = e.child_version_id
JOIN article a ON a.id = v.article_id
LEFT JOIN version w ON w.id = e.parent_version_id
LEFT JOIN article b ON b.id = w.article_id
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The content of a database."""

    texts: dict[str, str]  # of the last version, by the article's address
    content: str  # a digest of articles, versions and looks
    verdicts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How it differs from what was written."""

    missed: list[str]
    garbled: list[str]  # stored without their first sentence
    unexpected: Counter[str]  # by kind of page


def count_articles(database: Path) -> int:
    """How many there are by now; none while there is no database."""
    if not database.exists():
        return 0
    try:
        with closing(_connect(database)) as connection:
            return int(connection.execute("SELECT count(*) FROM article").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are being made
        return 0


def read_store(database: Path) -> Store:
    """Everything that must be the same after every run."""
    with closing(_connect(database)) as connection:
        articles = connection.execute(_ARTICLES).fetchall()
        looks = connection.execute(_LOOKS).fetchall()
        verdicts = connection.execute(_VERDICTS).fetchall()
    return Store(
        texts={row[0]: row[3] for row in articles},
        content=_digest([*articles, *looks]),
        verdicts=_digest(verdicts),
    )


def compare(store: Store, written: Written) -> Comparison:
    """Tell what is missing, garbled, or too much."""
    stored = store.texts
    return Comparison(
        missed=sorted(written.on_story.keys() - stored.keys()),
        garbled=sorted(
            address
            for address, cell in written.on_story.items()
            if address in stored and plain(cell[3]) not in plain(stored[address])
        ),
        unexpected=Counter(
            written.hard.get(address, "plain")
            for address in stored.keys() - written.on_story.keys()
        ),
    )


def plain(text: str) -> str:
    """A text without what extractors do to its spaces."""
    return re.sub(r"\s+", "", text)


def tell_cells(addresses: list[str], written: Written) -> str:
    """Languages, encodings and labels of pages, with how many of each."""
    cells = Counter(" ".join(written.on_story[address][:3]) for address in addresses)
    return ", ".join(f"{cell} ({count})" for cell, count in sorted(cells.items()))


def _connect(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)


def _digest(rows: list[tuple[object, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
