"""What was in hand when the program died is tried alone, and given up when it dies of it again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from ingest.company import Company
from ingest.context import Fence
from ingest.daemon import Ticks, _take_over, run_daemon
from ingest.model import Candidate
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from ingest.schedule import RetryBudget, plan_after_interruption
from storage.articles import claim_due_articles
from storage.candidates import add_candidates, claim_candidates, postpone_candidate
from storage.claims import Terms, give_back, settle_interrupted
from storage.engine import transaction
from storage.schema import article, candidate
from tests.loopback import answer, serve
from tests.running import ACCEPT_ALL, TALKS, read_config, rows, run_once, write_config
from tests.test_faults_process import Held, until

ROOT = Path(__file__).parent.parent
PATIENCE = 90.0  # seconds; a bound for a hung test, nothing is measured by it
LEASE = timedelta(minutes=5)
CLAIMS = "SELECT attempts, interrupted, leased_until IS NULL, claim_epoch FROM candidate"


def queue(engine, clock, count):
    pages = {
        f"key{number:02}": Candidate(
            url=f"https://a.example/{number}",
            canonical_url=f"https://a.example/{number}",
            title="A",
            summary="",
            published=None,
            language=None,
            feed_id=None,
        )
        for number in range(count)
    }
    with transaction(engine) as connection:
        add_candidates(connection, pages, clock())


def claim(engine, clock, *, epoch=None, limit=10, alone=False):
    with transaction(engine) as connection:
        return claim_candidates(
            connection, clock(), limit=limit, terms=Terms(lease=LEASE, epoch=epoch, alone=alone)
        )


def die(engine, epoch, due=None):
    """What the daemon of the next epoch makes of the one before."""
    with transaction(engine) as connection:
        return settle_interrupted(connection, candidate, epoch, plan=lambda _: due)


# ---------------------------------------------------------------- claims


def test_a_death_is_counted_apart_from_attempts(engine, clock):
    queue(engine, clock, 1)
    claim(engine, clock, epoch=1)
    assert rows(engine, CLAIMS) == [(1, 0, False, 1)]
    assert die(engine, 2) == 1
    assert rows(engine, CLAIMS) == [(0, 1, True, None)]


def test_an_outcome_sets_the_count_back(engine, clock):
    queue(engine, clock, 1)
    [item] = claim(engine, clock, epoch=1)
    die(engine, 2)
    claim(engine, clock, epoch=2)
    with transaction(engine) as connection:
        postpone_candidate(connection, item.id, clock())
    assert rows(engine, CLAIMS) == [(1, 0, True, None)]


def test_what_is_given_back_was_neither_attempted_nor_interrupted(engine, clock):
    queue(engine, clock, 2)
    claim(engine, clock, epoch=1, limit=1)
    claim(engine, clock, epoch=None, limit=1)  # a command's, which goes on
    with transaction(engine) as connection:
        assert give_back(connection, candidate, 1) == 1
    found = sorted(rows(engine, CLAIMS), key=str)
    assert [tuple(map(bool, row[2:3])) for row in found] == [(True,), (False,)]
    assert sorted(row[:2] for row in found) == [(0, 0), (1, 0)]


def test_a_take_over_leaves_what_commands_and_itself_have_claimed(engine, clock):
    queue(engine, clock, 3)
    for epoch in (None, 1, 2):
        claim(engine, clock, epoch=epoch, limit=1)
    assert die(engine, 2) == 1
    assert sorted(row[1] for row in rows(engine, CLAIMS)) == [0, 0, 1]


def test_a_command_that_died_is_counted_when_its_lease_has_run_out(engine, clock):
    queue(engine, clock, 1)
    for expected in (0, 1):
        [item] = claim(engine, clock)
        assert (item.interrupted, item.attempts) == (expected, 1)
        assert claim(engine, clock) == ()
        clock.advance(LEASE)
    assert claim(engine, clock) == ()  # the third time alone
    [item] = claim(engine, clock, alone=True)
    assert (item.interrupted, item.attempts) == (2, 1)


def test_only_what_was_interrupted_twice_is_claimed_alone(engine, clock):
    queue(engine, clock, 3)
    for epoch in (1, 2):
        assert len(claim(engine, clock, epoch=epoch, limit=1)) == 1
        die(engine, epoch + 1)
    assert len(claim(engine, clock, epoch=3)) == 2
    assert [item.interrupted for item in claim(engine, clock, epoch=3, alone=True)] == [2]


@pytest.mark.parametrize(
    ("interrupted", "seconds"), [(1, None), (2, None), (3, 300), (4, 1200), (9, 86400)]
)
def test_what_the_program_died_of_alone_waits_ever_longer(clock, interrupted, seconds):
    due = plan_after_interruption(interrupted, now=clock(), budget=RetryBudget(), jitter=0.5)
    assert due == (None if seconds is None else clock() + timedelta(seconds=seconds))


# ---------------------------------------------------------------- company


def test_one_alone_waits_for_the_others_and_holds_up_new_ones():
    async def go():
        company, order = Company(), []
        leave = asyncio.Event()

        async def beside(name, until_told):
            async with company.together():
                order.append(name)
                if until_told:
                    await leave.wait()

        async def alone():
            async with company.alone():
                order.append("alone")
                await asyncio.sleep(0)
                order.append("still alone")

        first = asyncio.ensure_future(beside("first", True))
        await asyncio.sleep(0)
        single = asyncio.ensure_future(alone())
        await asyncio.sleep(0)
        late = asyncio.ensure_future(beside("late", False))
        for _ in range(5):
            await asyncio.sleep(0)
        assert order == ["first"]
        leave.set()
        await asyncio.gather(first, single, late)
        assert order == ["first", "alone", "still alone", "late"]

    asyncio.run(go())


def test_who_gives_up_waiting_to_be_alone_holds_up_nobody():
    async def go():
        company = Company()

        async def alone():
            async with company.alone():
                raise AssertionError

        async with company.together():
            waiting = asyncio.ensure_future(alone())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            async with asyncio.timeout(PATIENCE), company.together():
                pass

    asyncio.run(go())


# ---------------------------------------------------------------- a pipeline


def page(number):
    body = "".join(f"<p>{part}</p>" for part in TALKS.replace("152", str(number)).split("\n\n"))
    html = (
        f"<html lang='de'><head><title>Nordland, Teil {number}</title></head><body><article>"
        f"<h1>Nordland, Teil {number}</h1>{body}</article></body></html>"
    )
    return answer(html.encode(), content_type="text/html; charset=utf-8")


def feed_of(urls):
    items = "".join(f"<item><title>Nordland</title><link>{url}</link></item>" for url in urls)
    body = f"<rss version='2.0'><channel><title>F</title>{items}</channel></rss>"
    return answer(body.encode(), content_type="application/rss+xml")


def test_an_article_is_never_given_up_but_looked_at_later_and_alone(engine, url, tmp_path, site):
    links = [
        (site.page(f"/{n}", title=f"Nordland {n}", text=TALKS.replace("152", str(n))), "Nordland")
        for n in range(2)
    ]
    file = write_config(
        tmp_path, feeds=[site.feed("/rss", links)], database_url=url, story=ACCEPT_ALL
    )
    run_once(file)
    asked = site.requests["/0"]

    async def go():
        config = read_config(file)
        with open_database(config) as opened:
            async with open_context(opened, config) as context:
                due = {"next_check_at": context.now(), "interrupted": 5}
                with transaction(engine) as connection:
                    connection.execute(update(article).where(article.c.id == 1).values(**due))
                summary = await run_pass(context)
                return summary.articles

    assert asyncio.run(go()) == {"failed": 1}
    assert site.requests["/0"] == asked
    [(reason,)] = rows(engine, "SELECT reason FROM observation WHERE failure = 'interrupted'")
    assert "died 5 times in a row while it had this page in hand, 3 times this page alone" in reason
    [state] = rows(
        engine,
        "SELECT interrupted, leased_until, state, next_check_at > last_checked_at"
        " FROM article WHERE id = 1",
    )
    assert (*state[:3], bool(state[3])) == (4, None, "live", True)


def test_a_daemon_that_is_stopped_gives_its_claims_back(engine, url, tmp_path):
    async def go():
        asked = asyncio.Event()

        async def never(_ask, _writer):
            asked.set()
            await asyncio.sleep(PATIENCE)

        routes = {"/never": never}
        async with serve(routes) as site:
            routes["/rss"] = feed_of([site.base + "/never"])
            file = write_config(
                tmp_path, feeds=[site.base + "/rss"], database_url=url, story=ACCEPT_ALL
            )
            config = read_config(file)
            with open_database(config) as opened:
                async with open_context(opened, config) as context:
                    ticks = Ticks(tick_seconds=3600, drain_seconds=0.1)
                    daemon = asyncio.ensure_future(run_daemon(context, lock=Held(), ticks=ticks))
                    await asyncio.wait_for(asked.wait(), PATIENCE)
                    assert rows(engine, CLAIMS) == [(1, 0, False, 1)]
                    context.stopping.set()
                    await daemon
                    assert rows(engine, CLAIMS) == [(0, 0, True, None)]
                    epoch = await context.store(_take_over, context, context.now())
                    assert epoch == 2
            assert rows(engine, CLAIMS) == [(0, 0, True, None)]

    asyncio.run(go())


def start(config):
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "--config", str(config), "--log-level", "WARNING", "run"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=config.parent,
    )


def test_a_page_that_kills_the_daemon_is_given_up_and_its_neighbours_are_kept(
    engine, url, tmp_path
):
    """The server kills the daemon, by SIGKILL, whenever it is asked for the page."""

    async def go():
        daemons, kills = [], []

        async def poison(_ask, _writer):
            os.kill(daemons[-1].pid, signal.SIGKILL)
            kills.append(set(in_hand))

        in_hand: set[str] = set()

        def slow(name, reply):
            async def act(_ask, writer):
                in_hand.add(name)
                # beside the poison for as long as that is likely to be asked for
                await asyncio.sleep(0.3 if len(kills) < 2 else 0)
                in_hand.discard(name)
                writer.write(reply)
                await writer.drain()

            return act

        routes = {"/poison": poison}
        routes |= {f"/{n}": slow(f"/{n}", page(1000 + n)) for n in range(6)}
        async with serve(routes) as site:
            routes["/rss"] = feed_of(
                [site.base + path for path in ("/0", "/1", "/poison", "/2", "/3", "/4", "/5")]
            )
            config = write_config(
                tmp_path,
                feeds=[site.base + "/rss"],
                database_url=url,
                story=ACCEPT_ALL,
                schedule="tick_seconds = 0.2\nretry_first_seconds = 0.01\n",
            )
            settled = "SELECT (SELECT count(*) FROM candidate), (SELECT count(*) FROM article)"
            for _ in range(8):
                daemons.append(start(config))
                await until(
                    lambda: daemons[-1].poll() is not None or rows(engine, settled) == [(0, 6)]
                )
                if daemons[-1].poll() is None:
                    break
                daemons[-1].communicate()
            daemons[-1].terminate()
            _out, errors = await asyncio.to_thread(daemons[-1].communicate, timeout=PATIENCE)
            assert daemons[-1].returncode == 0, errors
            assert [daemon.returncode for daemon in daemons[:-1]] == [-signal.SIGKILL] * 5
            return kills

    kills = asyncio.run(go())
    assert all(company == set() for company in kills[2:]), kills  # alone from the third time on
    [(where, rule, detail)] = rows(engine, "SELECT canonical_url, rule, detail FROM discard")
    assert where.endswith("/poison")
    assert rule == "interrupted"
    assert "died 5 times in a row" in detail
    assert rows(engine, "SELECT count(*) FROM article") == [(6,)]
    doubled = "SELECT count(*) FROM version GROUP BY content_hash HAVING count(*) > 1"
    assert rows(engine, doubled) == []


def test_a_machine_that_restarts_often_loses_no_page_that_was_merely_there(
    engine, url, tmp_path, clock
):
    """Thirty deaths at any time, a minute apart: pages wait, and none is given up."""
    queue(engine, clock, 20)

    async def go():
        config = read_config(write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL))
        with open_database(config) as opened:
            async with open_context(opened, config, now=clock) as context:
                assert context.fence == Fence()
                for _ in range(30):
                    with transaction(engine) as connection:
                        epoch = _take_over(connection, context, clock())
                    if not claim(engine, clock, epoch=epoch, limit=16):
                        claim(engine, clock, epoch=epoch, limit=1, alone=True)
                    clock.advance(minutes=1)

    asyncio.run(go())
    counted = [row[1] for row in rows(engine, CLAIMS)]
    assert len(counted) == 20
    assert max(counted) < RetryBudget().crashes


def test_claims_of_articles_are_told_apart_in_the_same_way(engine, url, tmp_path, site):
    link = site.page("/0", title="Nordland", text=TALKS)
    feeds = [site.feed("/rss", [(link, "Nordland")])]
    run_once(write_config(tmp_path, feeds=feeds, database_url=url, story=ACCEPT_ALL))
    with transaction(engine) as connection:
        [(now,)] = connection.execute(article.select().with_only_columns(article.c.next_check_at))

        def claimed(epoch, *, alone=False):
            return claim_due_articles(
                connection, now, limit=1, terms=Terms(lease=LEASE, epoch=epoch, alone=alone)
            )

        for epoch in (1, 2):
            assert [item.interrupted for item in claimed(epoch)] == [epoch - 1]
            assert settle_interrupted(connection, article, epoch + 1, plan=lambda _: None) == 1
        assert claimed(3) == ()
        assert [item.interrupted for item in claimed(3, alone=True)] == [2]
