"""Backfills as jobs: the checkpoint, a stop, a kill, and running again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from ingest.backfill.days import Days, read_days
from ingest.backfill.items import Capture, Skipped, Step
from ingest.backfill.job import begin
from ingest.backfill.leads import Lead
from ingest.backfill.run import run_backfill
from ingest.backfill.source_jsonl import JsonSource
from ingest.backfill.source_sitemap import SitemapSource
from ingest.errors import AlreadyRunningError, SourceError, UsageError
from ingest.model import FailureKind, FetchedPage, ObservationSource, Rejection
from ingest.runtime import open_context, open_database
from storage.engine import transaction
from tests.commands import ROOT, call
from tests.running import (
    ACCEPT_ALL,
    TALKS,
    WEATHER,
    count_rows,
    read_config,
    rows,
    write_config,
)

CONTENT = """
    SELECT article.canonical_url, version.seq, version.title, version.text, version.language
    FROM article JOIN version ON version.article_id = article.id
"""
RELATIONS = """
    SELECT child.title, parent.title, edge.relation
    FROM edge
    JOIN version AS child ON child.id = edge.child_version_id
    LEFT JOIN version AS parent ON parent.id = edge.parent_version_id
    WHERE edge.relation NOT IN ('unrelated', 'same_story') OR parent.id IS NULL
"""
MAY_GROW = {"job_run"}


def command(config: Path, *arguments: str | Path) -> list[str]:
    own = [sys.executable, "-m", "ingest", "--config", str(config), "backfill"]
    return [*own, *map(str, arguments)]


def run(config: Path, *arguments: str | Path, expected: int = 0) -> dict:
    done = call("backfill", *arguments, "--json", config=config)
    assert done.returncode == expected, done.stderr
    return json.loads(done.stdout) if done.stdout else {"told": done.stderr}


def start(config: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(config, *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_until(happened, process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < ends
        time.sleep(0.02)


def articles_file(folder: Path, count: int) -> Path:
    """Articles of their own words each, but every fifth, which is a copy of the first."""
    words = (TALKS + WEATHER).split()
    file = folder / "articles.jsonl"
    lines = []
    for number in range(count):
        random = Random(number)
        own = ". ".join(" ".join(random.choices(words, k=12)) for _ in range(12))
        lines.append(
            {
                "url": f"https://paper.example/2023/{number}",
                "title": f"Bericht {number}",
                "text": TALKS if number % 5 == 0 else own,
                "published_at": f"2023-09-05T{number // 60:02}:{number % 60:02}:00Z",
            }
        )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def config(tmp_path, url):
    return write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL)


def content(engine):
    return sorted(rows(engine, CONTENT)), sorted(rows(engine, RELATIONS), key=str)


def test_others_can_write_while_a_backfill_does(config, engine, tmp_path):
    file = articles_file(tmp_path, 80)
    running = start(config, "jsonl", file)
    wait_until(lambda: rows(engine, "SELECT count(*) FROM article")[0][0] >= 8, running)
    for _ in range(2):
        with transaction(engine) as connection:  # raises when it waits for longer than ten seconds
            connection.exec_driver_sql("UPDATE outlet SET name = name")
        assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    told, _ = running.communicate(timeout=60)
    assert running.returncode == 1, told
    assert "interrupted" in told


def test_a_killed_backfill_goes_on_at_its_checkpoint_and_comes_to_the_same(
    config, engine, tmp_path, opened
):
    file = articles_file(tmp_path, 40)
    killed = start(config, "jsonl", file)
    wait_until(lambda: rows(engine, "SELECT count(*) FROM article")[0][0] >= 8, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    stored = rows(engine, "SELECT count(*) FROM article")[0][0]
    assert 8 <= stored < 40
    refused = run(config, "jsonl", file, expected=2)
    assert "--resume" in refused["told"]
    report = run(config, "jsonl", file, "--resume")
    assert report["state"] == "done"
    assert report["outcomes"]["new-version"] + report["outcomes"].get("known", 0) >= 40 - stored
    other = tmp_path / "other"
    other.mkdir()
    url = f"sqlite:///{other}/whole.db"
    run(write_config(other, feeds=[], database_url=url, story=ACCEPT_ALL), "jsonl", file)
    assert content(engine) == content(opened(url))


def test_running_again_adds_nothing(config, engine, tmp_path):
    file = articles_file(tmp_path, 10)
    assert run(config, "jsonl", file)["outcomes"] == {"new-version": 10}
    before = count_rows(engine)
    assert run(config, "jsonl", file)["outcomes"] == {"known": 10}
    after = count_rows(engine)
    assert {name for name in after if after[name] != before[name]} <= MAY_GROW


def test_a_dry_run_writes_nothing(config, engine, tmp_path):
    report = run(config, "jsonl", articles_file(tmp_path, 5), "--dry-run")
    assert report["outcomes"] == {"texts to judge": 5}
    assert not any(
        count
        for name, count in count_rows(engine).items()
        if name not in {"story", "seed", "seed_quotation", "seed_figure"}
    )


def test_a_limit_is_a_job_of_its_own(config, engine, tmp_path):
    file = articles_file(tmp_path, 10)
    assert run(config, "jsonl", file, "--limit", "4")["outcomes"] == {"new-version": 4}
    assert run(config, "jsonl", file)["outcomes"] == {"known": 4, "new-version": 6}


def test_ctrl_c_ends_in_order_and_the_rest_is_resumed(config, engine, tmp_path):
    file = articles_file(tmp_path, 40)
    process = start(config, "jsonl", file)
    wait_until(lambda: rows(engine, "SELECT count(*) FROM article")[0][0] >= 5, process)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--resume goes on here" in told
    assert rows(engine, "SELECT state FROM backfill_job") == [("interrupted",)]
    run(config, "jsonl", file, "--resume")
    assert rows(engine, "SELECT count(*) FROM article") == [(40,)]
    assert rows(engine, "SELECT state FROM backfill_job") == [("done",)]


def test_a_job_that_another_process_works_on_is_left_to_it(config, engine, tmp_path, clock):
    async def go(*, resume=False):
        loaded = read_config(config)
        with open_database(loaded) as own:
            async with open_context(own, loaded, now=clock) as context:
                source = JsonSource(context=context, file=articles_file(tmp_path, 3))
                return await begin(context, source, limit=None, resume=resume, restart=False)

    first = asyncio.run(go())
    with transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE backfill_job SET holder = 'process 1 on elsewhere'")
    for resume in (False, True):
        with pytest.raises(AlreadyRunningError, match="process 1 on elsewhere"):
            asyncio.run(go(resume=resume))
    clock.advance(minutes=3)  # it has given no sign for longer than its lease
    assert asyncio.run(go(resume=True)).id == first.id


def test_leads_are_looked_at_as_the_daemon_does(config, site, engine, tmp_path):
    pages = [
        site.page("/a", title="Nordland verkauft", text=TALKS),
        site.page("/b", title="Wetter", text=WEATHER),
        site.url + "/missing",
        "no address",
    ]
    listed = tmp_path / "addresses.txt"
    listed.write_text("\n".join(pages), encoding="utf-8")
    report = run(config, "urls", listed, expected=1)
    assert report["outcomes"] == {
        "queued": 3,
        "new-version": 2,
        "failed": 1,
        "skipped: bad line": 1,
    }
    assert "line 4" in report["errors"][0]
    assert rows(engine, "SELECT source FROM observation WHERE outcome = 'new-version'") == [
        ("live",),
        ("live",),
    ]
    assert count_rows(engine)["candidate"] == 1  # what is missing may yet come


# ---------------------------------------------------------------- sources of the tests' own


class Steps:
    """A source of steps that are given; an exception among them is raised."""

    name = "steps"

    def __init__(self, steps):
        self.given = steps
        self.spec = {"of": "a test"}

    async def steps(self, cursor):
        for number, item in enumerate(self.given, start=1):
            if cursor is not None and number <= cursor["done"]:
                continue
            if isinstance(item, Exception):
                raise item
            yield Step(item=item, cursor={"done": number})


def work_through(config, steps, *, resume=False, on_progress=lambda _done: None):
    async def go():
        loaded = read_config(config)
        with open_database(loaded) as own:
            async with open_context(own, loaded) as context:
                source = Steps(steps)
                job = await begin(context, source, limit=None, resume=resume, restart=False)
                return await run_backfill(
                    context, source, job, in_hand=20, limit=None, on_progress=on_progress
                )

    return asyncio.run(go())


def capture(hour, load):
    moment = datetime(2023, 9, 5, hour, tzinfo=UTC)
    return Capture(
        source=ObservationSource.FILE,
        load=load,
        named=f"hour {hour}",
        known_by=("https://paper.example/a", moment),
    )


def saved(hour, text):
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    body = f"<html lang=de><title>Nordland</title><article>{paragraphs}</article></html>"
    return FetchedPage(
        requested_url="https://paper.example/a",
        final_url="https://paper.example/a",
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": "text/html; charset=utf-8"},
        body=body.encode(),
        fetched_at=datetime(2023, 9, 5, hour, tzinfo=UTC),
        elapsed_ms=0.0,
    )


def test_captures_are_written_in_their_order_whatever_is_ready_first(config, engine):
    """A slow one, then what needs no writing, then one that is there at once."""
    order = []

    async def slow():
        await asyncio.wait_for(quick_is_loaded.wait(), 30)
        order.append("slow")
        return saved(8, TALKS)

    async def missing():
        return Rejection(kind=FailureKind.NOT_FOUND, reason="no capture")

    async def quick():
        quick_is_loaded.set()
        order.append("quick")
        return saved(9, TALKS.replace("152", "170"))

    quick_is_loaded = asyncio.Event()
    steps = [capture(8, slow), None, capture(7, missing), Skipped(reason="x"), capture(9, quick)]
    done, complete = work_through(config, steps)
    assert complete
    assert order == ["quick", "slow"]
    assert done.counts == {"new-version": 2, "not loaded: not-found": 1, "skipped: x": 1}
    ids = rows(engine, "SELECT id, observed_at FROM observation ORDER BY id")
    assert [at for _, at in ids] == sorted(at for _, at in ids)


def test_what_was_read_before_a_source_stopped_is_written(config, engine):
    async def page():
        return saved(8, TALKS)

    with pytest.raises(SourceError, match="away"):
        work_through(config, [capture(8, page), SourceError("the archive is away")])
    assert rows(engine, "SELECT count(*) FROM version") == [(1,)]
    ((kept,),) = rows(engine, "SELECT cursor FROM backfill_job")
    assert (json.loads(kept) if isinstance(kept, str) else kept) == {"done": 1}


def test_a_long_list_of_addresses_has_checkpoints_on_the_way(config, engine):
    leads = [Lead(url=f"ftp://paper.example/{number}") for number in range(450)]
    seen = []

    def look(done):
        seen.append(done.counts["bad-url"])

    _, complete = work_through(config, leads, on_progress=look)
    assert complete
    assert sorted(set(seen)) == [200, 400, 450]


def test_what_is_asked_for_without_an_end_is_the_same_job_later(config, clock):
    async def go():
        loaded = read_config(config)
        with open_database(loaded) as own:
            async with open_context(own, loaded, now=clock) as context:
                source = SitemapSource(context=context, url="https://paper.example/", days=Days())
                return await begin(context, source, limit=None, resume=True, restart=False)

    first = asyncio.run(go())
    clock.advance(days=1)
    assert asyncio.run(go()).id == first.id


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ((2023, 9, 1), (2023, 9, 1), timedelta(days=1, microseconds=-1)),
        ((2023, 9, 1), (2023, 9, 1, 12), timedelta(hours=12)),
    ],
)
def test_the_last_day_is_a_whole_one_unless_an_hour_is_told(since, until, expected):
    days = read_days(datetime(*since), datetime(*until))  # noqa: DTZ001 - as typer gives them
    start, end = days.within(datetime.now(UTC))
    assert start == datetime(*since, tzinfo=UTC)
    assert end - start == expected


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(UsageError, match="--until 2023-09-01 lies before --since 2023-09-02"):
        read_days(datetime(2023, 9, 2), datetime(2023, 9, 1))  # noqa: DTZ001
