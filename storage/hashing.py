r"""The sha256 of a table's content, whatever the order of its rows.

    rows ─json_lines─> lines ─sorted by their bytes, in portions on disk─> sha256

So it can be had without this program:
storywatch export VIEW --snapshot NAME --format jsonl | LC_ALL=C sort | sha256sum
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from ingest.errors import OperationError

_PORTION_BYTES = 32 * 2**20
_MOST_FILES = 200  # open at once; then they are merged into one


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a table holds."""

    rows: int
    sha256: str


def hash_lines(lines: Iterable[bytes], *, portion_bytes: int = _PORTION_BYTES) -> Content:
    """Hash lines, each with its line feed, in the order of their bytes.

    Takes `portion_bytes` of memory, some times over, and the content's size on disk where temporary
    files go. Raises OperationError when there is no room for it.
    """
    with ExitStack() as files:
        try:
            return _hash(lines, files, portion_bytes)
        except OSError as error:
            raise OperationError(
                f"{tempfile.gettempdir()}: no room to sort rows: {error.strerror};"
                " TMPDIR names another folder"
            ) from error


def _hash(lines: Iterable[bytes], files: ExitStack, portion_bytes: int) -> Content:
    portions: list[IO[bytes]] = []
    held: list[bytes] = []
    size = rows = 0
    for line in lines:
        held.append(line)
        size += len(line)
        rows += 1
        if size > portion_bytes:
            portions.append(_spill(sorted(held), files))
            held, size = [], 0
            if len(portions) >= _MOST_FILES:
                portions = [_spill(heapq.merge(*portions), files)]
    digest = hashlib.sha256()
    for line in heapq.merge(*portions, sorted(held)):
        digest.update(line)
    return Content(rows=rows, sha256=digest.hexdigest())


def _spill(lines: Iterable[bytes], files: ExitStack) -> IO[bytes]:
    file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it outlives this
    file.writelines(lines)
    file.seek(0)
    return file
