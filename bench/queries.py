"""How long the questions of docs/queries.md take on a large archive, on SQLite and Postgres.

    python bench/queries.py [--articles 100000] [--rounds 5] [--keep FOLDER] [--only WORD]

Makes an archive of that many articles in three versions each, and one of a tenth of it, on both
databases; runs every query of the document as it stands, all rows fetched; prints the median of
the rounds in milliseconds, and how many times longer the large archive takes than the small one.
The goals: a second at most, and no more than ten times as long for ten times as much (what takes
less than 20 ms in the large archive is not compared). SQLite is asked through this program
("sqlite") and as Python's own module opens a file ("plain"). Postgres has the settings it comes
with. With --keep, the databases are made once. Beside other work on the machine --clock processor
is steadier: it is that of this program and of the server.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from queries_archive import Size, make_pieces
from queries_load import load_table
from queries_rows import TABLES
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from storage.engine import open_engine, transaction  # noqa: E402
from storage.feed_days import sum_up_all  # noqa: E402
from storage.migrate import head, upgrade  # noqa: E402
from storage.upkeep import tidy  # noqa: E402
from tests.cluster import Cluster, own_cluster  # noqa: E402 - the servers of the tests
from tests.postgres import create_database  # noqa: E402
from tests.questions import DOCUMENT, read_questions  # noqa: E402

GOAL_MS = 1000.0
DATABASES = ("sqlite", "plain", "postgres")
_SHORT_MS = 20.0
_AS_IT_COMES = {"shared_buffers": "128MB"}

Run = Callable[[str], int]
"""Runs a query, fetches all rows, returns how many there were."""


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
    size = Size(articles=articles)
    pieces = make_pieces(size)
    for table, rows in TABLES:
        load_table(engine, table, rows(size, pieces))
    with transaction(engine) as connection:
        sum_up_all(connection)
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM (ANALYZE)")  # as autovacuum does after so many inserts
    else:
        tidy(engine)  # as housekeeping does
    return time.perf_counter() - began


def ask(run: Run, question: Timed, rounds: int, clock: Callable[[], float]) -> list[float]:
    """Milliseconds of each round."""
    took = []
    for _ in range(rounds):
        began = clock()
        question.rows = run(question.sql)
        took.append((clock() - began) * 1e3)
    return took


def main() -> int:
    """Build, ask, print; exit code 1 when a query fails, never for speed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="where databases are made, and used again")
    parser.add_argument("--only", default="", help="a part of the title")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    chosen = parser.parse_args()
    questions = [
        Timed(title=question.title, sql=question.sql)
        for question in read_questions(DOCUMENT.read_text(encoding="utf-8"))
        if chosen.only.lower() in question.title.lower()
    ]
    archives = {"small": chosen.articles // 10, "large": chosen.articles}
    databases = tuple(chosen.database or DATABASES)
    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        cluster = None
        if "postgres" in databases:
            cluster = stack.enter_context(own_cluster(folder / "postgres", _AS_IT_COMES))
        for database in databases:
            for archive, articles in archives.items():
                with _opened(database, folder, articles, cluster) as run:
                    for question in questions:
                        clock = _clock(chosen.clock, cluster)
                        question.took[database, archive] = ask(run, question, chosen.rounds, clock)
    print_table(questions, databases)
    return 0


@contextmanager
def _opened(database: str, folder: Path, articles: int, cluster: Cluster | None) -> Iterator[Run]:
    """A connection to an archive, which is made if it is not there."""
    name = f"queries_{articles}_{head()}"  # not migrated: that would index all texts for searches
    if database == "postgres":
        assert cluster is not None
        engine = open_engine(_postgres(cluster, name))
    else:
        engine = open_engine(f"sqlite:///{(folder / name).resolve()}.db")
    _fill(engine, database, articles)
    if database == "plain":
        engine.dispose()
        with closing(sqlite3.connect(folder / f"{name}.db")) as plain:
            yield lambda sql: len(plain.execute(sql).fetchall())
        return
    with engine.connect() as connection:
        unformatted = connection.execution_options(no_parameters=True)
        yield lambda sql: len(unformatted.exec_driver_sql(sql).fetchall())
    engine.dispose()


def _postgres(cluster: Cluster, name: str) -> str:
    server = make_url(cluster.url).set(drivername="postgresql+psycopg")
    with suppress(ProgrammingError):  # it is there
        create_database(server, name)
    return server.set(database=name).render_as_string(hide_password=False)


def _fill(engine: Engine, database: str, articles: int) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT COUNT(*) FROM article")).scalar_one()
    if found == 0:
        seconds = build(engine, articles)
        print(f"{database}: {articles} articles made in {seconds:.0f} s", flush=True)


def _clock(kind: str, cluster: Cluster | None) -> Callable[[], float]:
    """Seconds that passed, or that this program and the server computed, in hundredths there."""
    if kind == "wall":
        return time.perf_counter
    if cluster is None or cluster.server is None:
        return time.process_time
    main = cluster.server.pid
    tick = os.sysconf("SC_CLK_TCK")

    def computed() -> float:
        everyone = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        ticks = 0
        for process in (str(main), *everyone):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            # user and system time; of the main process also that of children that ended
            ticks += sum(map(int, fields[11 : 15 if process == str(main) else 13]))
        return time.process_time() + ticks / tick

    return computed


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
