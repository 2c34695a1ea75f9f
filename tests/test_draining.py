"""One bad item never starves a pass: it is set aside, and the others are done."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from ingest.draining import Steps, drain
from ingest.errors import StorageError
from ingest.inhand import InHand
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from storage.engine import read_connection, transaction
from storage.failures import concerns_all
from storage.schema import outlet
from tests.running import ACCEPT_ALL, TALKS, count_rows, read_config, rows, run_once, write_config

SOON = (
    "retry_first_seconds = 0.001\nfirst_check_seconds = 1\n"
    "floor_seconds = 60\nceiling_seconds = 60\n"
)
BAD = "Unerhörtes aus Nordland"


def refuse(engine, table, column="title"):
    """Let the database refuse rows of a table that have the bad title."""
    statement = (
        f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({column} NOT LIKE '%Unerhörtes%')"
    )
    if engine.dialect.name == "sqlite":
        statement = (
            f"CREATE TRIGGER refused BEFORE INSERT ON {table}"
            f" WHEN NEW.{column} LIKE '%Unerhörtes%'"
            " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        )
    with transaction(engine) as connection:
        connection.execute(text(statement))


def article(site, number, title="Nordland verkauft Lokomotiven"):
    text_ = TALKS.replace("152", str(1000 + number))
    return site.page(f"/talks/{number}", title=f"{title}, Teil {number}", text=text_)


def pages(site, count, *, bad):
    return [
        (article(site, number, BAD if number == bad else "Nordland"), f"Nordland {number}")
        for number in range(count)
    ]


@pytest.fixture
def config(site, url, tmp_path):
    def write(feeds, schedule=SOON):
        return write_config(
            tmp_path, feeds=feeds, database_url=url, schedule=schedule, story=ACCEPT_ALL
        )

    return write


def test_a_page_that_cannot_be_stored_is_tried_given_up_and_told_of(
    site, engine, config, caplog, clock
):
    refuse(engine, "version")
    file = config([site.feed("/rss", pages(site, 30, bad=0))])
    run_once(file, everything=False, now=clock)
    assert count_rows(engine)["article"] == 29
    [(attempts, leased)] = rows(engine, "SELECT attempts, leased_until FROM candidate")
    assert attempts >= 1
    assert leased is None
    assert "set aside: " in caplog.text
    for _ in range(4):
        clock.advance(minutes=1)
        run_once(file, everything=False, now=clock)
    [(stage, rule, detail)] = rows(engine, "SELECT stage, rule, detail FROM discard")
    assert (stage, rule) == ("fetch", "unstorable")
    assert "contradicts what is stored" in detail
    assert detail.endswith("(attempt 5)")
    assert count_rows(engine)["candidate"] == 0
    assert site.requests["/talks/0"] == 5
    failed = rows(engine, "SELECT count(*) FROM observation WHERE failure = 'unstorable'")
    assert failed == [(5,)]


def test_a_feed_whose_entries_cannot_be_stored_fails_and_backs_off(site, engine, config):
    refuse(engine, "candidate")
    good = [site.feed(f"/rss/{n}", [(article(site, n), "Nordland")]) for n in range(20)]
    bad = site.feed("/bad", [(site.url + "/x", BAD)])
    summary = run_once(config([bad, *good]))
    assert summary.feeds == {"failed": 1, "parsed": 20}
    assert count_rows(engine)["article"] == 20
    [(outcome, failure)] = rows(
        engine,
        "SELECT p.outcome, p.failure FROM feed_poll p JOIN feed f ON f.id = p.feed_id"
        " WHERE f.id = (SELECT min(id) FROM feed)",
    )
    assert (outcome, failure) == ("failed", "unstorable")
    [(failures, later)] = rows(
        engine, "SELECT failures, next_poll_at > last_polled_at FROM feed ORDER BY id LIMIT 1"
    )
    assert failures > 0
    assert later


def test_an_article_whose_next_version_cannot_be_stored_is_looked_at_later(site, engine, config):
    file = config([site.feed("/rss", pages(site, 20, bad=None))])
    run_once(file)
    refuse(engine, "version")
    for number in range(20):
        title = BAD if number == 3 else "Neues aus Nordland"
        site.page(
            f"/talks/{number}",
            title=f"{title}, Teil {number}",
            text=TALKS.replace("152", str(1000 + number)) + "\n\nDas bestätigte ein Sprecher.",
        )
    summary = run_once(file)
    assert summary.articles == {"new-version": 19, "failed": 1}
    [(reason, state, leased, later)] = rows(
        engine,
        "SELECT o.reason, a.state, a.leased_until, a.next_check_at > o.observed_at"
        " FROM observation o JOIN article a ON a.id = o.article_id WHERE failure = 'unstorable'",
    )
    assert "contradicts what is stored" in reason
    assert (state, leased, bool(later)) == ("live", None, True)


class Faulty:
    """A fetcher with an error that nobody foresaw, at some addresses."""

    def __init__(self, fetcher, words):
        self.fetcher, self.words, self.faults = fetcher, words, 0

    async def fetch(self, url, **arguments):
        if any(word in url for word in self.words):
            self.faults += 1
            raise ZeroDivisionError("nobody foresaw this")
        return await self.fetcher.fetch(url, **arguments)


def run_faulty(file, words, times=1):
    async def go():
        parsed = read_config(file)
        with open_database(parsed) as engine:
            async with open_context(engine, parsed) as context:
                faulty = Faulty(context.fetcher, words)
                for _ in range(times):
                    summary = await run_pass(
                        replace(context, fetcher=faulty),  # type: ignore[arg-type]
                        everything=True,
                    )
                return summary, faulty.faults

    return asyncio.run(go())


def test_an_error_nobody_foresaw_costs_its_item_alone(site, engine, config, caplog):
    good = site.feed("/rss", pages(site, 20, bad=None))
    file = config([site.feed("/bad", []), good], "retry_first_seconds = 3600\n")
    summary, faults = run_faulty(file, ["/bad", "/talks/0"])
    assert summary.feeds == {"failed": 1, "parsed": 1}
    assert count_rows(engine)["article"] == 19
    assert count_rows(engine)["candidate"] == 1
    assert caplog.text.count("Traceback") == faults == 2
    assert rows(engine, "SELECT failure FROM feed_poll WHERE failure IS NOT NULL") == [
        ("program-error",)
    ]
    summary, faults = run_faulty(file, ["/talks/1"])  # and 10 to 19
    assert summary.articles["failed"] == faults == 11
    assert sum(summary.articles.values()) == 19


def test_an_error_that_any_item_would_meet_stops_the_pass(site, engine, config):
    file = config([site.feed("/rss", pages(site, 40, bad=None))])

    async def go():
        parsed = read_config(file)
        with open_database(parsed) as opened:
            async with open_context(opened, parsed) as context:
                with transaction(engine) as connection:
                    connection.execute(text("ALTER TABLE observation RENAME TO elsewhere"))
                try:
                    with pytest.raises(StorageError):
                        await run_pass(context)
                finally:
                    with transaction(engine) as connection:
                        connection.execute(text("ALTER TABLE elsewhere RENAME TO observation"))

    asyncio.run(go())
    asked = sum(count for path, count in site.requests.items() if path.startswith("/talks"))
    assert 0 < asked <= 16
    assert rows(engine, "SELECT count(*) FROM discard") == [(0,)]


def _refusal(engine, statement):
    with pytest.raises(StorageError) as refused, transaction(engine) as connection:
        connection.execute(text(statement))
    return refused.value


@pytest.mark.parametrize(
    ("statement", "everybody"),
    [
        ("INSERT INTO outlet (domain) VALUES ('a.example')", False),
        ("SELECT * FROM nowhere", True),
        ("SELECT absent FROM outlet", True),
    ],
    ids=["a row that contradicts what is stored", "a table that is missing", "a column"],
)
def test_what_any_other_work_would_meet_is_told_by_its_code(engine, statement, everybody):
    assert concerns_all(_refusal(engine, statement)) is everybody


def test_a_statement_that_overran_its_time_is_its_items_own(postgres_url, opened):
    engine = opened(postgres_url + "?options=-c%20statement_timeout%3D50ms")
    assert not concerns_all(_refusal(engine, "SELECT pg_sleep(30)"))


def test_a_value_that_no_database_takes_is_its_items_own(engine):
    with pytest.raises(StorageError) as refused, transaction(engine) as connection:
        connection.execute(outlet.insert().values(domain="d" * (2**24 + 1), name="A"))
    assert not concerns_all(refused.value)


def test_rights_that_are_missing_concern_everybody(sqlite_url, opened):
    engine = opened(sqlite_url)
    with pytest.raises(StorageError) as refused, read_connection(engine) as connection:
        connection.execute(text("DELETE FROM outlet"))
    assert concerns_all(refused.value)


# ---------------------------------------------------------------- taking turns


class Told:
    """A report that says only which item it is of."""

    harmed = False

    def __init__(self, number):
        self.number = number


def through(config, *, claim, work, note, places=4, per_source=4):
    """Drain items that are (number, source) pairs."""

    async def never(_context, _item, _kind, reason):
        raise AssertionError(reason)

    async def go():
        loaded = read_config(config([]))
        with open_database(loaded) as own:
            async with open_context(own, loaded) as context:
                steps = Steps(
                    hand=InHand(places=places, per_source=per_source),
                    place=lambda item: item,
                    claim=claim,
                    work=work,
                    set_aside=never,
                    note=note,
                )
                await drain(context, steps)

    asyncio.run(go())


def test_what_is_done_is_noted_while_more_is_claimed(config):
    waiting = [(number, f"site-{number}") for number in range(30)]
    left: list[int] = []

    async def claim(room):
        taken = waiting[:1]  # as from a long queue of which the first is free
        del waiting[:1]
        await asyncio.sleep(0)
        return taken if room else []

    async def work(_context, item):
        return Told(item[0])

    def note(_report):
        left.append(len(waiting))

    through(config, claim=claim, work=work, note=note)
    assert len(left) == 30
    assert left[0] > 20


def test_an_item_that_takes_long_keeps_none_waiting(config):
    finished = asyncio.Event()
    waiting = [(0, "slow"), *((number, "quick") for number in range(1, 12))]
    noted = []

    async def claim(room):
        taken = waiting[: min(room, 2)]
        del waiting[: len(taken)]
        return taken

    async def work(_context, item):
        if item[1] == "slow":
            await finished.wait()
        return Told(item[0])

    def note(report):
        noted.append(report.number)
        if len(noted) == 11:  # all others
            finished.set()

    through(config, claim=claim, work=work, note=note)
    assert sorted(noted[:-1]) == [*range(1, 12)]
    assert noted[-1] == 0
