"""Faults of section D: pages that harm their reader, and pages that only look changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pebble
import pytest

from ingest.changes import content_hash
from ingest.compute import WorkerPool, describe_failure
from ingest.dates import parse_date
from ingest.extract import MAX_HTML
from ingest.model import Article, DateSource, FailureKind, FetchedPage, Rejection
from ingest.page import read_page
from ingest.work import warm_up
from tests import hostile
from tests.hostile import extract
from tests.running import ACCEPT_ALL, STORY, TALKS, count_rows, rows, run_once, write_config
from tests.site import Answer

NOW = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
PARAGRAPHS = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))


def whole(body, head=""):
    return (
        f'<html lang="de"><head><title>Nordland verkauft Lokomotiven</title>{head}</head>'
        f"<body><article><h1>Nordland verkauft Lokomotiven</h1>{body}</article></body></html>"
    ).encode()


BOMBS = {
    "100,000 attributes": whole("<div " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x"),
    "200,000 spans": whole("<p>" + "<span>x</span>" * 200_000),
    "300,000 line breaks": whole("<p>" + "x<br>" * 300_000),
}


@contextmanager
def pool(**changes):
    """Worker processes with limits a test can wait for."""
    limits = {"workers": 1, "task_seconds": 20.0, "memory_mib": 1024, "recycle_after": 200}
    workers = WorkerPool(**(limits | changes))
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)


def await_workers(workers, count):
    """Return when so many workers are up: until then one may have all the work."""
    seen = set()
    deadline = time.monotonic() + 60
    while len(seen) < count:
        assert time.monotonic() < deadline
        asked = [workers.submit(hostile.tell_process) for _ in range(2 * count)]
        seen |= {answer.result(timeout=30) for answer in asked}


@pytest.fixture
def no_grace(monkeypatch):
    """What overruns is killed at once; else it has three seconds to end by itself."""
    monkeypatch.setattr(pebble.CONSTS, "term_timeout", 0.1)


# ---------------------------------------------------------------- pages that take minutes


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_page_that_takes_minutes_is_killed_and_holds_up_no_other(bomb, no_grace):
    with pool(workers=2, task_seconds=3.0, warm_up=warm_up) as workers:
        await_workers(workers, 2)
        order = []
        slow = workers.submit(extract, bomb)
        fine = [workers.submit(extract, whole(PARAGRAPHS)) for _ in range(4)]
        for item in [slow, *fine]:
            item.add_done_callback(order.append)
        failure = describe_failure(slow.exception(timeout=20))
        assert all(isinstance(item.result(timeout=20), Article) for item in fine)
        assert order[-1] is slow
        assert "overran its time" in str(failure)
        after = workers.submit(extract, whole(PARAGRAPHS))
        assert isinstance(after.result(timeout=20), Article)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<div>" * 50_000, id="nested divs"),
        pytest.param("<table><tr><td>" * 5_000, id="nested tables"),
        pytest.param("<ul><li>" * 10_000, id="nested lists"),
        pytest.param("<!-- x -->" * 250_000, id="comments"),
        pytest.param("<" * 2_900_000, id="brackets"),
        pytest.param("7" * 2_000_000, id="digits"),
        pytest.param("<p>" + "x" * 2_900_000, id="one line"),
        pytest.param(f"<script type='application/ld+json'>{'[' * 900_000}</script>", id="JSON-LD"),
        pytest.param(f"<time datetime='{'1,' * 20_000}'>{'1,' * 20_000}</time>", id="a date"),
        pytest.param(Random(1).randbytes(1_000_000).decode("latin-1"), id="binary"),
    ],
)
def test_a_page_that_is_large_or_deep_is_read_or_rejected_in_bounded_time(body):
    started = time.process_time()
    content = extract(whole(body + PARAGRAPHS))
    assert isinstance(content, Article | Rejection)
    assert time.process_time() - started < 15


def test_ten_megabytes_on_a_line_are_not_extracted():
    started = time.process_time()
    content = extract(whole("x" * 10_000_000))
    assert content.kind is FailureKind.TOO_LARGE
    assert time.process_time() - started < 1
    assert MAX_HTML < 10_000_000


@pytest.mark.parametrize("text", ["1," * 20_000, "1 " * 20_000, "9" * 100_000, "2023-" * 20_000])
def test_a_date_of_forty_thousand_characters_is_none_at_once(text):
    started = time.process_time()
    assert parse_date(text, source=DateSource.META, now=NOW) is None
    assert time.process_time() - started < 1


# ---------------------------------------------------------------- workers that die


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        pytest.param(hostile.die, "died", id="killed by SIGKILL"),
        pytest.param(hostile.crash, "died", id="a fault in a C library"),
        pytest.param(hostile.eat, "out of memory", id="out of memory"),
        pytest.param(hostile.nest, "nested too deep", id="RecursionError"),
        pytest.param(hostile.hang, "overran its time", id="hung and deaf"),
    ],
)
def test_what_kills_a_worker_fails_once_and_the_pool_lives(deed, words, no_grace):
    with pool(task_seconds=1.0) as workers:
        before = workers.submit(hostile.tell_process).result(timeout=20)
        error = workers.submit(deed).exception(timeout=20)
        assert words in str(describe_failure(error))
        after = workers.submit(hostile.tell_process).result(timeout=20)
        if "died" in words or "overran" in words:
            assert after != before
            assert not Path(f"/proc/{before}").exists()


def test_a_worker_killed_from_outside_costs_the_page_it_had(no_grace):
    with pool(task_seconds=10.0) as workers:
        process = workers.submit(hostile.tell_process).result(timeout=20)
        page = workers.submit(time.sleep, 60)
        while not page.running():
            time.sleep(0.01)
        os.kill(process, 9)
        assert "died" in str(describe_failure(page.exception(timeout=20)))
        assert workers.submit(hostile.tell_process).result(timeout=20) != process


def test_a_worker_killed_while_it_had_nothing_to_do_costs_a_page_at_most():
    with pool() as workers:
        process = workers.submit(hostile.tell_process).result(timeout=20)
        os.kill(process, 9)
        deadline = time.monotonic() + 20
        while True:
            try:
                after = workers.submit(hostile.tell_process).result(timeout=20)
                break
            except (pebble.ProcessExpired, BrokenProcessPool):  # handed in before that was noticed
                assert time.monotonic() < deadline
        assert after != process


def resident(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def test_a_worker_does_not_grow_with_its_pages_and_is_replaced_after_some():
    with pool(recycle_after=121, warm_up=warm_up) as workers:
        process = workers.submit(hostile.tell_process).result(timeout=30)
        page = whole(PARAGRAPHS * 5)
        sizes = []
        for _ in range(2):
            for _ in range(59):
                workers.submit(extract, page).result(timeout=20)
            sizes.append(resident(process))
        assert sizes[1] - sizes[0] < 20  # MiB
        assert workers.submit(hostile.tell_process).result(timeout=20) == process
        workers.submit(hostile.tell_process).result(timeout=20)
        assert workers.submit(hostile.tell_process).result(timeout=20) != process


def test_a_page_that_kills_its_worker_each_time_is_given_up_and_the_others_are_decided(
    site, sqlite_url, opened, tmp_path, no_grace
):
    bomb = BOMBS["100,000 attributes"]
    site.answers["/bomb"] = Answer(bomb, 200, {"Content-Type": "text/html; charset=utf-8"})
    other = site.page("/other", title="Nordland", text="Kurz.")
    feed = site.feed("/rss", [(site.url + "/bomb", "Nordland 1"), (other, "Nordland 2")])
    config = write_config(
        tmp_path,
        feeds=[feed],
        database_url=sqlite_url,
        schedule="retry_first_seconds = 0.001\nretry_attempts = 2",
        story="page_seconds = 2.0\n" + ACCEPT_ALL,
    )
    run_once(config, times=3)
    engine = opened(sqlite_url)
    assert site.requests["/bomb"] == 2
    found = rows(engine, "SELECT stage, rule FROM discard ORDER BY rule")
    assert found == [("extract", "crashed"), ("extract", "empty")]
    assert count_rows(engine)["candidate"] == 0


# ---------------------------------------------------------------- a missing part


def test_the_cleaner_that_lxml_lost_is_named_and_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(line.startswith("lxml_html_clean") for line in project["dependencies"])
    assert "\nlxml-html-clean==" in (ROOT / "requirements.lock").read_text().replace("_", "-")


def test_without_that_cleaner_the_program_ends_before_it_asks_anybody(site, sqlite_url, tmp_path):
    feed = site.feed("/rss", [])
    config = write_config(tmp_path, feeds=[feed], database_url=sqlite_url)
    program = (
        "import sys; sys.modules['lxml_html_clean'] = None\n"
        f"sys.argv = ['storywatch', '--config', {str(config)!r}, 'poll']\n"
        "from ingest.cli import main\nmain()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "lxml" in ended.stderr
    assert site.requests["/rss"] == 0


# ---------------------------------------------------------------- what only looks changed


def churned(seed):
    """The article as it is served the next time."""
    chance = Random(seed)
    token = chance.randbytes(16).hex()
    related = "".join(
        f"<li><a href='/{chance.randint(1, 99999)}'>Anderes Thema {chance.randint(1, 999)}</a></li>"
        for _ in range(5)
    )
    head = f"<meta name='csrf-token' content='{token}'><script>var t='{token}'</script>"
    around = (
        f"<form><input type='hidden' name='csrf' value='{token}'></form>"
        f"<aside class='related'><ul>{related}</ul></aside>"
        f"<div class='views'>{chance.randint(100, 99999)} Aufrufe</div>"
        f"<div class='age'>vor {chance.randint(2, 59)} Minuten</div>"
        f"<section class='comments'><h3>{chance.randint(1, 99)} Kommentare</h3></section>"
    )
    return whole(PARAGRAPHS, head).replace(b"</article>", b"</article>" + around.encode())


def test_counters_tokens_related_links_and_comment_counts_make_no_version(
    site, engine, url, tmp_path
):
    def serve(seed):
        answer = Answer(churned(seed), 200, {"Content-Type": "text/html; charset=utf-8"})
        site.answers["/talks"] = answer

    serve(0)
    feed = site.feed("/rss", [(site.url + "/talks", "Nordland")])
    config = write_config(tmp_path, feeds=[feed], database_url=url)
    run_once(config)
    for seed in (1, 2):
        serve(seed)
        run_once(config)
    assert site.requests["/talks"] == 3
    assert count_rows(engine)["version"] == 1


def test_a_hundred_servings_of_a_page_have_one_content():
    hashes = set()
    bodies = {churned(seed) for seed in range(100)}
    for body in bodies:
        content = extract(body)
        hashes.add(content_hash(content.title, content.text))
    assert len(bodies) == 100
    assert len(hashes) == 1


def soft_404(url):
    page = FetchedPage(
        requested_url=url,
        final_url=url,
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": "text/html"},
        body=b"",
        fetched_at=NOW,
        elapsed_ms=1.0,
    )
    html = (
        b"<html><head><title>404 - Seite nicht gefunden</title></head><body><h1>Seite nicht"
        b" gefunden</h1><p>Die angeforderte Seite existiert nicht mehr.</p></body></html>"
    )
    return read_page(page, html, feed_date=None, now=NOW)


def test_a_not_found_page_served_with_200_is_flagged_as_one():
    assert soft_404("https://a.example/1").kind is FailureKind.SOFT_404


def test_pages_and_feeds_without_end_are_not_followed(site, engine, url, tmp_path):
    following = "<a rel='next' href='/day/2'>weiter</a>"
    html = whole(PARAGRAPHS + following, "<link rel='next' href='/day/2'>")
    for day in range(1, 4):
        site.answers[f"/day/{day}"] = Answer(html, 200, {"Content-Type": "text/html"})
    feed = site.feed("/rss", [(site.url + "/day/1", "Nordland")])
    more = b"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='next' href='/rss?page=2'/>"
    answer = site.answers["/rss"]
    answer.body = answer.body.replace(b"<item>", more + b"<item>", 1)
    config = write_config(tmp_path, feeds=[feed], database_url=url, story="\n" + STORY)
    run_once(config, times=2)
    asked = {path for path in site.requests if path != "/robots.txt"}
    assert asked == {"/rss", "/day/1"}
    assert site.requests["/rss"] == 2
