"""Reads a WARC by FastWARC alone, and prints how many answers of servers are in it.

    python bench/warc_alone.py news.warc.gz

Framing, HTTP headers, bodies as bytes; what the other benches that read WARCs are measured against.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType


def read_alone(path: Path) -> int:
    """The answers that were archived."""
    with path.open("rb") as file:
        records = ArchiveIterator(file, record_types=WarcRecordType.response)
        return sum(len(record.reader.read()) > 0 for record in records)


if __name__ == "__main__":
    print(read_alone(Path(sys.argv[1])))
