"""Pages a second through the whole pipeline, against the same extraction alone.

    python bench/pipeline.py [--data ../shared/data/press] [--pages 400] [--rounds 3]

Serves real pages on loopback through feeds made from their index, lets `run_pass` store them in a
fresh SQLite file, and, in turn, extracts the same pages in a pool of the same size. Prints the
median of each and, last, `ratio R` = pipeline / extraction alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import wait
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from press import Page, load_pages, press_server, write_press_config

from ingest.compute import WorkerPool
from ingest.config import load_config
from ingest.model import FetchedPage
from ingest.page import read_page, warm_up
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database


def extract_only(body: bytes, url: str) -> int:
    """The extraction that the pipeline does, nothing else; the result's size."""
    now = datetime.now(UTC)
    page = FetchedPage(
        requested_url=url,
        final_url=url,
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": "text/html"},
        body=b"",
        fetched_at=now,
        elapsed_ms=0.0,
    )
    content = read_page(page, gzip.decompress(body), feed_date=None, now=now)
    return len(getattr(content, "text", ""))


def time_extraction(pages: list[Page], workers: int) -> float:
    """Pages a second when only extracted, in chunks of no other work."""
    pool = WorkerPool(
        workers=workers, task_seconds=60, memory_mib=4096, recycle_after=100_000, warm_up=warm_up
    )
    with pool:
        wait([pool.submit(extract_only, pages[0].compressed, pages[0].url)] * workers)
        started = time.perf_counter()
        futures = [pool.submit(extract_only, page.compressed, page.url) for page in pages]
        wait(futures)
        elapsed = time.perf_counter() - started
    assert all(future.exception() is None for future in futures)
    return len(pages) / elapsed


async def time_pipeline(config_file: Path, pages: int) -> tuple[float, dict[str, int]]:
    """Pages a second from feed to stored version."""
    config = load_config(config_file, environ={})
    with open_database(config) as engine:
        async with open_context(engine, config) as context:
            # The workers' start is not a page's cost: a daemon pays it once in months.
            warm = [
                asyncio.wrap_future(context.workers.submit(warm_up))
                for _ in range(2 * (os.cpu_count() or 1))
            ]
            await asyncio.gather(*warm)
            started = time.perf_counter()
            summary = await run_pass(context, everything=True)
            elapsed = time.perf_counter() - started
    return pages / elapsed, summary.counts()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pages = load_pages(arguments.data)[: arguments.pages]
    workers = os.cpu_count() or 1
    alone: list[float] = []
    whole: list[float] = []
    counts: dict[str, int] = {}
    with press_server(pages) as base:
        for number in range(arguments.rounds):
            alone.append(time_extraction(pages, workers))
            with tempfile.TemporaryDirectory() as folder:
                config = write_press_config(Path(folder), base=base, pages=pages)
                rate, counts = asyncio.run(time_pipeline(config, len(pages)))
            whole.append(rate)
            print(f"round {number + 1}: alone {alone[-1]:.1f} pages/s, pipeline {rate:.1f} pages/s")
    print(json.dumps(counts))
    print(f"{len(pages)} pages, {workers} workers, medians of {arguments.rounds} rounds")
    print(f"extraction alone: {statistics.median(alone):.1f} pages/s")
    print(f"pipeline: {statistics.median(whole):.1f} pages/s stored")
    ratios = [b / a for a, b in zip(alone, whole, strict=True)]
    print(f"ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
