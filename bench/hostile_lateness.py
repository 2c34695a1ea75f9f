"""How late honest feeds are polled beside a hostile one."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from datetime import datetime
from pathlib import Path

from daemon_run import Daemon, write_config
from hostile_press import Honest, Press, answer_hostile


async def measure_lateness(folder: Path, minutes: float) -> bool:
    """Ninety-nine honest feeds, alone and then beside a hostile one of each kind."""
    results = {}
    for name in ("alone", "slow", "killer", "flood"):
        results[name] = await _lateness(folder / name, name, minutes)
    base = _percentile(results["alone"], 95)
    good = True
    for name, late in results.items():
        delay = _percentile(late, 95) - base
        good &= delay <= 5 and len(late) > 300
        print(
            f"lateness   99 feeds beside {name:<7} {len(late):6} polls  median "
            f"{statistics.median(late):6.2f} s  95 % {_percentile(late, 95):6.2f} s  "
            f"worst {max(late):6.2f} s  delayed by {delay:+.2f} s (goal: 5)"
        )
    return good


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


async def _lateness(folder: Path, kind: str, minutes: float) -> list[float]:
    """How late polls start, seconds: when a feed was due against when it was asked."""
    press = Press()
    feeds = []
    for number in range(99):
        outlet = Honest(number, every=3)
        outlet.base = await press.add(outlet.answer)
        feeds.append(f"{outlet.base}/feed")
    if kind != "alone":
        feeds.insert(0, f"{await press.add(answer_hostile(press, kind))}/feed")
    file = write_config(
        folder,
        feeds,
        schedule="tick_seconds = 1.0\nfloor_seconds = 30.0\nceiling_seconds = 30.0",
        workers="count = 2",
    )
    daemon = Daemon(file, log=folder / "log")
    due: dict[int, datetime] = {}
    polled: dict[int, datetime] = {}
    late: list[float] = []
    warm = time.monotonic() + 45
    ends = warm + minutes * 60
    database = folder / "watch.db"
    while time.monotonic() < ends:
        await asyncio.sleep(0.25)
        for feed_id, url, next_poll, last_poll in await asyncio.to_thread(_read_feeds, database):
            if kind != "alone" and url == feeds[0]:
                continue
            if last_poll is not None and polled.get(feed_id) != last_poll:
                if feed_id in due and time.monotonic() > warm:
                    late.append(max(0.0, (last_poll - due[feed_id]).total_seconds()))
                polled[feed_id] = last_poll
            due[feed_id] = next_poll
    # A feed that was never asked again must not be left out.
    now = datetime.now(tz=next(iter(due.values())).tzinfo)
    late += [(now - at).total_seconds() for at in due.values() if at < now]
    await asyncio.to_thread(daemon.end)
    press.close()
    return late


def _read_feeds(database: Path) -> list[tuple[int, str, datetime, datetime | None]]:
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            rows = connection.execute(
                "SELECT id, url, next_poll_at, last_polled_at FROM feed"
            ).fetchall()
    except sqlite3.Error:
        return []  # not there yet
    return [
        (row[0], row[1], datetime.fromisoformat(row[2]), row[3] and datetime.fromisoformat(row[3]))
        for row in rows
    ]
