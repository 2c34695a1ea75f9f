"""How long the questions of docs/queries.md take on a large archive, on SQLite and Postgres.

    python bench/queries.py [--articles 100000] [--rounds 3] [--keep FOLDER] [--only WORD]

Makes an archive of that many articles in three versions each, and one of a tenth of it, on both
databases; runs every query of the document as it stands, all rows fetched; prints the median of
the rounds in milliseconds, and how many times longer the large archive takes than the small one.
The goals: a second at most, and no more than ten times as long for ten times as much (what takes
less than 20 ms in the large archive is not compared). With --keep, SQLite files are made once.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from queries_archive import Size, make_pieces
from queries_load import load_table
from queries_rows import TABLES
from sqlalchemy import Engine, text

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from storage.engine import open_engine  # noqa: E402
from storage.migrate import upgrade  # noqa: E402
from tests.cluster import own_cluster  # noqa: E402 - the servers of the tests
from tests.questions import DOCUMENT, read_questions  # noqa: E402

GOAL_MS = 1000.0
_SHORT_MS = 20.0


@dataclass(slots=True, kw_only=True)
class Timed:
    """A query of the document and what it took, in milliseconds by database and archive."""

    title: str
    sql: str
    took: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    rows: int = 0

    def median(self, database: str, archive: str) -> float:
        """In milliseconds."""
        return statistics.median(self.took[database, archive])

    def growth(self, database: str) -> float | None:
        """How many times longer the large archive takes; None where both are done at once."""
        large = self.median(database, "large")
        return None if large < _SHORT_MS else large / self.median(database, "small")


def build(engine: Engine, articles: int) -> float:
    """Make the archive; return the seconds that took."""
    began = time.perf_counter()
    upgrade(engine)
    size = Size(articles=articles)
    pieces = make_pieces(size)
    for table, rows in TABLES:
        load_table(engine, table, rows(size, pieces))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return time.perf_counter() - began


def ask(engine: Engine, question: Timed, rounds: int) -> list[float]:
    """Milliseconds of each round."""
    took = []
    with engine.connect() as connection:
        for _ in range(rounds):
            began = time.perf_counter()
            question.rows = len(connection.exec_driver_sql(
                question.sql, execution_options={"no_parameters": True}
            ).fetchall())  # fmt: skip
            took.append((time.perf_counter() - began) * 1e3)
    return took


def main() -> int:
    """Build, ask, print; exit code 1 when a query fails, never for speed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the SQLite files are made, and used again")
    parser.add_argument("--only", default="", help="a part of the title")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    chosen = parser.parse_args()
    questions = [
        Timed(title=question.title, sql=question.sql)
        for question in read_questions(DOCUMENT.read_text(encoding="utf-8"))
        if chosen.only.lower() in question.title.lower()
    ]
    archives = {"small": chosen.articles // 10, "large": chosen.articles}
    databases = ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,)
    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for database in databases:
            for archive, articles in archives.items():
                engine = _open(database, folder / f"queries-{articles}.db", stack)
                _fill(engine, database, articles)
                for question in questions:
                    question.took[database, archive] = ask(engine, question, chosen.rounds)
                engine.dispose()
    print_table(questions, databases)
    return 0


def _open(database: str, file: Path, stack: ExitStack) -> Engine:
    if database == "sqlite":
        return open_engine(f"sqlite:///{file.resolve()}")
    return open_engine(stack.enter_context(own_cluster()).url)


def _fill(engine: Engine, database: str, articles: int) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT COUNT(*) FROM article")).scalar_one()
    if found == 0:
        seconds = build(engine, articles)
        print(f"{database}: {articles} articles made in {seconds:.0f} s", flush=True)


def print_table(questions: list[Timed], databases: tuple[str, ...]) -> None:
    """Each query, the slowest and those above the goals."""
    heads = "".join(f"{name:>12} ms{'growth':>8}" for name in databases)
    print(f"\n{'query':64}{'rows':>8}{heads}")
    for question in questions:
        cells = ""
        for database in databases:
            growth = question.growth(database)
            cells += f"{question.median(database, 'large'):15.0f}"
            cells += f"{f'{growth:.1f}' if growth else '':>8}"
        print(f"{question.title[:63]:64}{question.rows:8}{cells}")
    for database in databases:
        slowest = max(questions, key=lambda q: q.median(database, "large"))
        slow = sum(q.median(database, "large") > GOAL_MS for q in questions)
        worse = sum((q.growth(database) or 0) > 10 for q in questions)
        print(
            f"{database}: {len(questions)} queries, slowest {slowest.median(database, 'large'):.0f}"
            f" ms ({slowest.title}); {slow} above {GOAL_MS:.0f} ms; {worse} grow more than tenfold"
        )


if __name__ == "__main__":
    sys.exit(main())
