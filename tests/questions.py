"""The questions of docs/queries.md, and their answers on the demonstration's database.

`python -m tests.questions` runs the demonstration and writes the answers into the document anew:
look at what changed before you keep it. A test asks the same of both databases.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from storage.engine import open_engine, read_connection, transaction
from storage.schema import metadata

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "queries.md"
_ASKED = re.compile(
    r"^### (?P<title>[^\n]+)$|^```sql\n(?P<sql>.*?)^```\n+(?P<answer>(?:^\|[^\n]*\n)*)",
    re.MULTILINE | re.DOTALL,
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d(?:\.\d+)?")
_LONGEST = 70  # characters of a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, the query that answers it, and the answer as a table of Markdown."""

    title: str
    sql: str
    answer: str

    def __str__(self) -> str:
        return self.title


def read_questions(text: str) -> Iterator[Question]:
    """The queries of a document under the headings they stand under."""
    title = ""
    for found in _ASKED.finditer(text):
        if found["title"]:
            title = found["title"]
        else:
            yield Question(title=title, sql=found["sql"], answer=found["answer"])


def ask(engine: Engine, sql: str) -> str:
    """What a database answers, as a table of Markdown."""
    with read_connection(engine) as connection:
        result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return render(list(result.keys()), [tuple(row) for row in result])


def render(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table of Markdown in which both databases' values look the same."""
    lines = [columns, ["---"] * len(columns), *([_show(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float | Decimal):
        return f"{float(value):.2f}".rstrip("0").rstrip(".")
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    shown = str(value)
    if whole := _TIME.fullmatch(shown):
        return whole[1]
    shown = " ".join(shown.split()).replace("|", r"\|")
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1].rstrip() + "…"


def run_demo(folder: Path) -> Path:
    """Run the demonstration; return its database."""
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "demo", "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the demonstration failed: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return folder / "storywatch.db"


def copy_database(source: Engine, target: Engine) -> None:
    """Copy every row of every table into an empty database of the same schema."""
    with read_connection(source) as reading, transaction(target) as writing:
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(select(table)).mappings()]
            if rows:
                writing.execute(insert(table), rows)


def write_answers(text: str, engine: Engine) -> str:
    """The document with the answers of this database."""

    def write(found: re.Match[str]) -> str:
        if found["title"]:
            return found[0]
        return f"```sql\n{found['sql']}```\n\n{ask(engine, found['sql'])}"

    return _ASKED.sub(write, text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        demo = open_engine(f"sqlite:///{run_demo(Path(place))}")
        DOCUMENT.write_text(
            write_answers(DOCUMENT.read_text(encoding="utf-8"), demo), encoding="utf-8"
        )
        demo.dispose()
