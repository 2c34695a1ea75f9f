"""What hostile sites cost: memory, slots, other feeds' time, and the time to stop.

    python bench/hostile.py [memory] [slots] [lateness] [stop] [--minutes 4]

Each part starts the real daemon (`storywatch run`, SQLite, two workers) against outlets on
loopback. Goals: peak memory of the daemon under bombs at most 300 MB, with twenty fetches at once;
no URL holds a slot for more than a second beyond its deadline; one hostile feed among a hundred
delays the polls of the others by at most 5 s at the 95th percentile; SIGTERM under load is
answered with exit code 0 within 15 s. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from daemon_run import Daemon, descendants, memory_mib, write_config
from hostile_lateness import measure_lateness
from hostile_press import (
    Hit,
    Honest,
    Press,
    answer_hostile,
    feed_of,
    make_bombs,
    make_drips,
    respond,
)

_TOTAL_SECONDS = 5.0  # the deadline of a URL in the part about slots
_WORKERS = "count = 2"


async def measure_memory(folder: Path, minutes: float) -> bool:
    """Bombs from forty outlets at once, as feeds and as pages."""
    bombs = make_bombs()
    press = Press()
    served: Counter[str] = Counter()

    def outlet(kinds: list[str]) -> Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]:
        async def answer(hit: Hit, writer: asyncio.StreamWriter) -> None:
            base = press.bases[hit.outlet]
            kind = hit.path.split("/")[1].partition("?")[0]
            if kind in bombs:
                served[kind] += 1
                await bombs[kind](hit, writer)
            elif hit.path == "/feed":
                items = [(f"/{kind}/{number}", kind) for number in range(20) for kind in kinds]
                respond(writer, feed_of(base, items), content_type="application/rss+xml")
            elif hit.path.startswith("/good"):
                respond(writer, b"", status="404 Not Found")
            else:
                respond(writer, b"", status="404 Not Found")

        return answer

    feeds = []
    kinds = sorted(bombs)
    for number in range(40):
        base = await press.add(outlet([kinds[(number + step) % len(kinds)] for step in range(4)]))
        feeds += [f"{base}/feed", f"{base}/{kinds[number % len(kinds)]}/feed"]
    file = write_config(
        folder,
        feeds,
        fetch="concurrency = 20\ntotal_seconds = 10.0\nper_host_concurrency = 4",
        schedule="tick_seconds = 1.0\nfloor_seconds = 5.0\nceiling_seconds = 10.0\n"
        "retry_first_seconds = 5.0",
        workers=_WORKERS,
    )
    daemon = Daemon(file, log=folder / "log")
    peak = worker_peak = most_open = 0.0
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends and daemon.alive():
        await asyncio.sleep(0.2)
        peak = max(peak, memory_mib(daemon.pid, "VmHWM"))
        for child in descendants(daemon.pid):
            worker_peak = max(worker_peak, memory_mib(child, "VmHWM"))
        most_open = max(most_open, press.open)
    alive = daemon.alive()
    code, _ = await asyncio.to_thread(daemon.end)
    press.close()
    print(f"memory     {sum(served.values())} bombs of {len(served)} kinds in {minutes:g} minutes")
    print("           " + ", ".join(f"{name} {count}" for name, count in sorted(served.items())))
    print(f"           connections open at once, at most     {most_open:.0f}")
    print(f"           the daemon's peak                     {peak:.0f} MiB (goal: 286)")
    print(f"           the largest worker's peak             {worker_peak:.0f} MiB (limit: 1024)")
    return alive and code == 0 and peak * 1.048576 <= 300 and len(served) == len(bombs)


async def measure_slots(folder: Path, minutes: float) -> bool:
    """Answers that never end, as feeds, pages, redirects and robots.txt."""
    drips = make_drips()
    press = Press()

    def outlet(
        kind: str, *, robots: bool
    ) -> Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]:
        async def answer(hit: Hit, writer: asyncio.StreamWriter) -> None:
            if hit.path == "/feed":
                items = [(f"/{kind}/{number}/0-0", kind) for number in range(40)]
                feed = feed_of(press.bases[hit.outlet], items)
                respond(writer, feed, content_type="application/rss+xml")
            elif hit.path == "/robots.txt" and not robots:
                respond(writer, b"", status="404 Not Found")
            else:
                await drips[kind](hit, writer)

        return answer

    feeds = []
    for kind in drips:
        base = await press.add(outlet(kind, robots=False))
        feeds += [f"{base}/feed", f"{base}/{kind}/feed/0-0"]
        base = await press.add(outlet(kind, robots=True))
        feeds.append(f"{base}/feed")
    file = write_config(
        folder,
        feeds,
        fetch=f"total_seconds = {_TOTAL_SECONDS}\nper_host_concurrency = 4",
        schedule="tick_seconds = 1.0\nfloor_seconds = 5.0\nceiling_seconds = 10.0\n"
        "retry_first_seconds = 5.0",
        workers=_WORKERS,
    )
    daemon = Daemon(file, log=folder / "log")
    await asyncio.sleep(minutes * 60)
    await asyncio.to_thread(daemon.end)
    await asyncio.sleep(1)
    press.close()
    held: dict[tuple[int, str], list[float]] = defaultdict(list)
    for hit in press.hits:
        if hit.path == "/feed":
            continue
        trip = hit.path.rpartition("-")[0] or hit.path  # a chain of redirects is one URL
        kind = hit.path.split("/")[1]
        if kind == "redirects" and not hit.path.endswith("-0"):
            held[hit.outlet, trip][-1] += hit.ended - hit.started
        else:
            held[hit.outlet, trip].append(hit.ended - hit.started)
    times = [seconds for each in held.values() for seconds in each]
    with sqlite3.connect(folder / "watch.db") as connection:
        slowest = connection.execute("SELECT max(ms) FROM feed_poll").fetchone()[0] / 1000
    worst = max(times)
    print(f"slots      {len(times)} URLs of which none ends, deadline {_TOTAL_SECONDS:g} s")
    print(
        f"           held, by their servers' clocks        {statistics.median(times):.2f} s median"
    )
    goal = _TOTAL_SECONDS + 1
    print(f"           the longest                           {worst:.2f} s (goal: {goal:g})")
    print(f"           the longest poll by the daemon's clock {slowest:.2f} s")
    return worst <= goal and len(times) >= 50


async def measure_stop(folder: Path, _minutes: float) -> bool:
    """SIGTERM while slow pages are fetched, others read and killers hold the workers."""
    took = []
    codes = []
    for number in range(5):
        press = Press()
        feeds = []
        for outlet_number in range(20):
            outlet = Honest(outlet_number, paragraphs=30)
            outlet.base = await press.add(outlet.answer)
            feeds.append(f"{outlet.base}/feed")
        hostile = [await press.add(answer_hostile(press, kind)) for kind in ("flood", "killer")]
        feeds += [f"{base}/feed" for base in hostile]
        file = write_config(
            folder / str(number),
            feeds,
            schedule="tick_seconds = 1.0\nfloor_seconds = 5.0\nceiling_seconds = 5.0",
            workers=_WORKERS,
        )
        daemon = Daemon(file, log=folder / str(number) / "log")
        while len(press.hits) < 60 or not press.open:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
        await asyncio.sleep(2 * number)
        code, seconds = await asyncio.to_thread(daemon.end)
        took.append(seconds)
        codes.append(code)
        press.close()
    print(
        f"stop       SIGTERM under load, {len(took)} times: exit codes {codes}, "
        f"{statistics.median(took):.1f} s median, {max(took):.1f} s at most (goal: 15)"
    )
    return set(codes) == {0} and max(took) <= 15


_PARTS = {
    "memory": measure_memory,
    "slots": measure_slots,
    "lateness": measure_lateness,
    "stop": measure_stop,
}


def main() -> int:
    """Measure the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], metavar="PART")
    parser.add_argument("--minutes", type=float, default=4, help="for each measurement")
    parser.add_argument("--keep", type=Path, help="folder for databases and logs")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.parts or _PARTS:
            folder = (arguments.keep or Path(scratch)) / name
            good &= asyncio.run(_PARTS[name](folder, arguments.minutes))
            sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
