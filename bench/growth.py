"""How a database grows with the articles of a story, by table, on SQLite and on Postgres.

    python bench/growth.py [--articles 300]

Writes a WARC with made-up reports of the shipped story in thirteen languages, each 40 to 150 kB of
HTML: a capture, an edited one a day later, and one that shows the same again. The real command
reads it into a new database of each kind. Every article has sentences in common with many others,
so that each is compared with as many as the program allows: more than in most archives.
Printed are the bytes of each table with its indexes, all in all and for each version.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from backfill_pages import EVERY, Page, Writer
from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.cluster import own_cluster  # noqa: E402 - the servers of the tests

DAYS = ("2023-09-05T10:00:00Z", "2023-09-06T10:00:00Z", "2023-09-07T10:00:00Z")
EDIT = (
    b"<p>Update: 17 people were heard, and 4 of them will be heard again on Friday.</p></article>"
)
TOLD = 12  # tables; the others are summed up
_SQLITE = """
    SELECT objects.tbl_name, sum(pages.pgsize)
    FROM dbstat AS pages JOIN sqlite_master AS objects ON objects.name = pages.name
    GROUP BY 1
"""
_POSTGRES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_COUNTS = "SELECT (SELECT count(*) FROM article), (SELECT count(*) FROM version)"


def write_warc(file: Path, articles: int) -> None:
    """Three captures of each article, day by day."""
    writer = Writer()
    with file.open("wb") as out:
        for number, day in enumerate(DAYS):
            for place in range(0, articles * EVERY, EVERY):
                page = writer.page(place)
                body = page.html if number == 0 else page.html.replace(b"</article>", EDIT)
                out.write(_record(page, body, day))


def _record(page: Page, body: bytes, day: str) -> bytes:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: {page.content_type}\r\n\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {page.address}\r\n"
        f"WARC-Date: {day}\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", 6)


def read_sizes(url: str) -> tuple[int, int, dict[str, int]]:
    """Articles, versions, and the bytes of each table with its indexes."""
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            articles, versions = connection.execute(_COUNTS).fetchone()
            return articles, versions, dict(connection.execute(_SQLITE).fetchall())
    engine = create_engine(url)
    with engine.connect() as connection:
        articles, versions = connection.execute(text(_COUNTS)).one()
        sizes = {row[0]: row[1] for row in connection.execute(text(_POSTGRES))}
    engine.dispose()
    return articles, versions, sizes


def main() -> int:
    """Fill both databases and tell their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=int, default=300)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "reports.warc.gz"
        write_warc(file, arguments.articles)
        urls = {
            "SQLite": f"sqlite:///{folder}/growth.db",
            "Postgres": stack.enter_context(own_cluster()).url,
        }
        for kind, url in urls.items():
            command = ["--config", str(ROOT / "config.toml"), "backfill", "warc", str(file)]
            subprocess.run(
                [sys.executable, "-m", "ingest", *command],
                check=True,
                cwd=ROOT,
                env={**os.environ, "STORYWATCH_DATABASE__URL": url},
                stdout=subprocess.DEVNULL,
            )
            articles, versions, sizes = read_sizes(url)
            print(f"{kind}: {articles} articles, {versions} versions, {sum(sizes.values())} bytes")
            largest = sorted(sizes.items(), key=lambda item: -item[1])
            others = sum(size for _, size in largest[TOLD:])
            for name, size in [*largest[:TOLD], ("others", others), ("all", sum(sizes.values()))]:
                print(f"  {name:22} {size / 1e6:9.2f} MB {size / versions:11.0f} bytes a version")
    return 0


if __name__ == "__main__":
    sys.exit(main())
