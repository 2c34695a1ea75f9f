"""What pages do to the worker that reads them, without the page; imported by the workers."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from ingest.backfill.warcparts import Part, Wanted, read_part
from ingest.extract import extract_article
from ingest.fetch import FetchPolicy
from ingest.model import Article, Rejection


def extract(html: bytes) -> Article | Rejection:
    """What the daemon's workers make of a page; this module costs them no imports of the tests'."""
    now = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
    return extract_article(
        html, url="https://a.example/1", charset="utf-8", feed_date=None, now=now
    )


def tell_process() -> int:
    """The worker's process."""
    return os.getpid()


def die() -> None:
    """As by the kernel when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    """As by a fault in a C library."""
    ctypes.string_at(0)


def eat() -> int:
    """More memory than a worker may have."""
    return len(bytearray(8 * 2**30))


def nest(depth: int = 0) -> int:
    """Deeper than Python goes."""
    return nest(depth + 1) + 1


def hang() -> None:
    """For ever, deaf to a friendly word."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def read_part_or_die(place: int, part: Part, wanted: Wanted, policy: FetchPolicy) -> object:
    """As `read_part`, but whoever reads the record at that place dies of it."""
    if part.span.start <= place < part.span.stop:
        die()
    return read_part(part, wanted, policy)


def take_time(marker: Path, seconds: float) -> int:
    """Take a while; returns this process."""
    with marker.open("a") as file:
        file.write("begun\n")
    time.sleep(seconds)
    return os.getpid()
