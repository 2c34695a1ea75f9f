"""Half an hour of real time at a fast schedule, with seeded faults: does anything leak or break?

    python bench/soak.py [--minutes 30] [--seed 1] [--database URL] [--plot docs/soak.svg]

The real daemon watches thirty outlets on loopback. Articles are edited and taken down, and one
answer in twelve is a fault: resets, cut bodies, drips, bombs, garbage, status codes with and
without `Retry-After`, redirects in a circle, pages that stall or kill the extractor. Every five
seconds the memory and the descriptors of the daemon and of its workers are read. Exit code 1 when
an exception went unhandled, a job failed, or memory or descriptors grew over the last two thirds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from daemon_run import Daemon, descendants, descriptors, memory_mib, write_config
from hostile_press import Act, Hit, Press, feed_of, make_bombs, make_killers, page_of, respond
from soak_plot import Curve, Panel, draw
from sqlalchemy import create_engine, text
from versions_prose import Writer

_OUTLETS = 30
_FAULTS = 1 / 12  # of all answers
_SAMPLE_SECONDS = 5.0
_SCHEDULE = """tick_seconds = 1.0
floor_seconds = 20.0
ceiling_seconds = 60.0
first_check_seconds = 30.0
check_growth = 1.5
park_after_days = 0.01
gone_grace_seconds = 20.0
retry_first_seconds = 10.0
retry_attempts = 3"""
_BROKEN = ("Traceback", "never retrieved", "never awaited", "unhandled", " failed: ", "Fatal")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the processes take at a moment; MiB and counts."""

    seconds: float
    daemon: float
    workers: float
    descriptors: int
    worker_descriptors: int


class Newsroom:
    """An outlet that publishes, edits and takes down, and fails now and then by a seeded dice."""

    def __init__(self, number: int, *, chance: Random, faults: dict[str, Act]) -> None:
        """`chance` rolls which answers are faults, and which."""
        self.number = number
        self.base = ""
        self.chance, self.faults = chance, faults
        self.dealt: Counter[str] = Counter()
        self._began = time.monotonic()

    async def answer(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        """Answer a request, or deal a fault."""
        if hit.path == "/robots.txt":
            respond(writer, b"User-agent: *\nDisallow: /private", content_type="text/plain")
        elif self.chance.random() < _FAULTS:
            kind = self.chance.choice(sorted(self.faults))
            self.dealt[kind] += 1
            await self.faults[kind](hit, writer)
        elif hit.path == "/feed":
            self._answer_feed(hit, writer)
        elif hit.path.startswith("/article/"):
            self._answer_article(int(hit.path.rpartition("/")[2]), writer)
        else:
            respond(writer, b"", status="404 Not Found")

    def _answer_feed(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        newest = int((time.monotonic() - self._began) / 40)
        tag = f'"{newest}"'
        if hit.etag == tag:
            writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
            return
        items = [
            (f"/article/{item}", f"Report {item} of outlet {self.number}")
            for item in range(newest, max(-1, newest - 8), -1)
        ]
        respond(writer, feed_of(self.base, items), etag=tag, content_type="application/rss+xml")

    def _answer_article(self, item: int, writer: asyncio.StreamWriter) -> None:
        age = time.monotonic() - self._began - item * 40
        if item % 11 == 5 and age > 240:
            respond(writer, b"", status="410 Gone")
            return
        prose = Writer(Random(self.number * 1_000_003 + item), "en" if self.number % 2 else "de")
        paragraphs = [prose.paragraph() for _ in range(5)]
        if item % 3 == 0 and age > 120:
            paragraphs.append(prose.paragraph())
        respond(writer, page_of(f"Report {item} of outlet {self.number}", paragraphs))


def make_faults() -> dict[str, Act]:
    """Everything that an answer may be instead of an answer."""
    bombs, killers = make_bombs(), make_killers()

    def raw(data: bytes, *, reset: bool = False) -> Act:
        async def act(_hit: Hit, writer: asyncio.StreamWriter) -> None:
            writer.write(data)
            await writer.drain()
            if reset:
                writer.transport.abort()
            else:
                writer.close()

        return act

    def status(line: str, **more: str) -> Act:
        async def act(_hit: Hit, writer: asyncio.StreamWriter) -> None:
            respond(writer, b"<html><body>no</body></html>", status=line, **more)

        return act

    def page(body: bytes) -> Act:
        async def act(_hit: Hit, writer: asyncio.StreamWriter) -> None:
            respond(writer, body)

        return act

    async def drip(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.3)

    async def circle(hit: Hit, writer: asyncio.StreamWriter) -> None:
        respond(writer, b"", status="301 Moved Permanently", location=hit.path)

    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n"
    chosen = ("gzip-bomb", "zstd-bomb", "headers-without-end", "body-without-end", "half-gzip")
    return {
        "reset": raw(head + b"<html>", reset=True),
        "cut": raw(head + b"<html><body>"),
        "garbage": raw(b"\x00\xff\xfe" * 500),
        "500": status("500 Internal Server Error"),
        "503": status("503 Service Unavailable", retry_after="3"),
        "429": status("429 Too Many Requests", retry_after="2"),
        "403": status("403 Forbidden"),
        "wall": page(
            page_of("Before you continue", ["We value your privacy. Accept all cookies."])
        ),
        "empty": page(b""),
        "not-well-formed": page(b"<rss><channel><item><title>\x00</item>"),
        "drip": drip,
        "circle": circle,
        "stall": page(killers["spans"]),
    } | {name: bombs[name] for name in chosen}


async def soak(
    folder: Path, *, minutes: float, seed: int, database: str | None
) -> tuple[list[Sample], Counter[str], int, float]:
    """Run it; return the samples, the faults dealt, the daemon's exit code and time to stop."""
    faults = make_faults()
    press, rooms = Press(), []
    for number in range(_OUTLETS):
        room = Newsroom(number, chance=Random(seed * 1_000 + number), faults=faults)
        room.base = await press.add(room.answer)
        rooms.append(room)
    file = write_config(
        folder,
        [f"{room.base}/feed" for room in rooms],
        database=database,
        fetch="total_seconds = 10.0",
        schedule=_SCHEDULE,
        workers="page_seconds = 5.0",
    )
    began = time.monotonic()
    daemon = Daemon(file, log=folder / "log")
    samples = []
    while daemon.alive() and time.monotonic() < began + minutes * 60:
        await asyncio.sleep(_SAMPLE_SECONDS)
        workers = descendants(daemon.pid)
        samples.append(
            Sample(
                time.monotonic() - began,
                memory_mib(daemon.pid),
                sum(memory_mib(worker) for worker in workers),
                descriptors(daemon.pid),
                sum(descriptors(worker) for worker in workers),
            )
        )
    code, took = await asyncio.to_thread(daemon.end)
    press.close()
    dealt = sum((room.dealt for room in rooms), Counter[str]())
    return samples, dealt, code, took


def growth(samples: list[Sample], read: Callable[[Sample], float]) -> tuple[float, float]:
    """The median over the second third of the time, and over the last."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    return statistics.median(map(read, middle)), statistics.median(map(read, last))


def main() -> int:
    """Soak, print, draw and judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="URL of an empty database; a SQLite file by default")
    parser.add_argument("--plot", type=Path, help="write the curves as SVG")
    parser.add_argument("--keep", type=Path, help="folder for the database and the log")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        samples, dealt, code, took = asyncio.run(
            soak(folder, minutes=options.minutes, seed=options.seed, database=options.database)
        )
        lines = (folder / "log").read_text(errors="replace").splitlines()
        broken = [line for line in lines if any(word in line for word in _BROKEN)]
        counts = count(options.database or f"sqlite:///{folder / 'watch.db'}")
    print(f"soak       {samples[-1].seconds / 60:.1f} minutes, seed {options.seed}")
    print("           " + ", ".join(f"{number} {name}" for name, number in counts.items()))
    told = ", ".join(f"{name} {number}" for name, number in sorted(dealt.items()))
    print(f"           {sum(dealt.values())} faults: {told}")
    good = code == 0 and not broken
    for name, read, slack in (
        ("daemon's memory, MiB", lambda sample: sample.daemon, 10.0),
        ("workers' memory, MiB", lambda sample: sample.workers, 60.0),
        ("daemon's descriptors", lambda sample: sample.descriptors, 4.0),
        ("workers' descriptors", lambda sample: sample.worker_descriptors, 4.0),
    ):
        middle, last = growth(samples, read)
        good &= last <= middle + slack
        print(
            f"           {name}: second third {middle:.0f}, last third {last:.0f}, "
            f"peak {max(map(read, samples)):.0f}"
        )
    print(f"           SIGTERM: exit code {code} after {took:.1f} s")
    print(f"           lines of the log that tell of something unhandled: {len(broken)}")
    for line in broken[:10]:
        print(f"             {line[:200]}")
    if options.plot:
        options.plot.write_text(draw(panels(samples)), encoding="utf-8")
    return 0 if good else 1


def count(database: str) -> dict[str, int]:
    """What the database holds in the end."""
    wanted = {
        "polls": "SELECT count(*) FROM feed_poll",
        "failed polls": "SELECT count(*) FROM feed_poll WHERE outcome = 'failed'",
        "looks": "SELECT count(*) FROM observation",
        "failed looks": "SELECT count(*) FROM observation WHERE outcome = 'failed'",
        "articles": "SELECT count(*) FROM article",
        "versions": "SELECT count(*) FROM version",
        "failed job runs": "SELECT count(*) FROM job_run WHERE outcome = 'failed'",
    }
    engine = create_engine(database)
    with engine.connect() as connection:
        found = {name: connection.execute(text(sql)).scalar_one() for name, sql in wanted.items()}
    engine.dispose()
    return found


def panels(samples: list[Sample]) -> list[Panel]:
    """The curves of memory and of descriptors over minutes."""
    minutes = [sample.seconds / 60 for sample in samples]
    return [
        Panel(
            "resident memory, MiB",
            minutes,
            [
                Curve("daemon", [sample.daemon for sample in samples]),
                Curve("all workers", [sample.workers for sample in samples]),
            ],
        ),
        Panel(
            "open descriptors",
            minutes,
            [
                Curve("daemon", [float(sample.descriptors) for sample in samples]),
                Curve("all workers", [float(sample.worker_descriptors) for sample in samples]),
            ],
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
