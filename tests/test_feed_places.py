"""Feeds that moved, beside the configuration and other feeds: nothing is lost or polled twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.model import FeedSource, Outlet
from ingest.polling import poll_feed
from ingest.runtime import prepare
from storage.engine import transaction
from storage.feeds import add_feed, due_feeds, list_feeds, remove_feed, sync_feeds
from storage.migrate import downgrade, upgrade
from storage.schema import feed
from storage.status import read_status
from storage.vouching import listings_of
from tests.loopback import Reply, answer, closing, redirect
from tests.running import ACCEPT_ALL, read_config, rows, write_config
from tests.watching import watch

NOON = datetime(2023, 9, 5, 12, 0, tzinfo=UTC)
OUTLET = Outlet(domain="a.example", name="A")
OLD, NEW = "https://a.example/rss", "https://a.example/feed"
FEED = (
    b"<rss version='2.0'><channel><title>t</title>"
    b"<item><title>Zug</title><link>https://a.example/1</link></item></channel></rss>"
)


def source(url):
    return FeedSource(url=url, outlet=OUTLET)


def sync(engine, *urls, now=NOON):
    with transaction(engine) as connection:
        return sync_feeds(connection, [source(url) for url in urls], now)


def move(engine, old=OLD, new=NEW):
    with transaction(engine) as connection:
        connection.execute(feed.update().where(feed.c.url == old).values(moved_to=new))


def states(engine):
    with transaction(engine) as connection:
        return {item.url: item.state for item in list_feeds(connection)}


def polled(engine):
    with transaction(engine) as connection:
        return [item.polled_url for item in due_feeds(connection, NOON)]


def kinds(engine):
    return [kind for (kind,) in rows(engine, "SELECT kind FROM feed_event ORDER BY id")]


def test_the_old_address_in_the_configuration_neither_pauses_nor_doubles_a_feed(engine):
    sync(engine, OLD)
    move(engine)
    result = sync(engine, OLD)
    assert (result.added, result.paused, result.resumed) == (0, 0, 0)
    assert states(engine) == {OLD: "active"}
    assert polled(engine) == [NEW]


@pytest.mark.parametrize(
    "listed", [pytest.param((NEW,), id="in its place"), pytest.param((OLD, NEW), id="beside it")]
)
def test_the_new_address_in_the_configuration_is_the_same_feed(engine, listed):
    sync(engine, OLD)
    move(engine)
    result = sync(engine, *listed)
    assert (result.added, result.paused) == (0, 0)
    assert states(engine) == {OLD: "active"}
    assert polled(engine) == [NEW]
    assert kinds(engine) == ["added"]


def test_a_feed_configured_under_its_new_address_that_moves_back_is_listed_anew(engine):
    sync(engine, OLD)
    move(engine)
    sync(engine, NEW)
    move(engine, new=None)
    result = sync(engine, NEW)
    assert (result.added, result.paused) == (1, 1)
    assert polled(engine) == [NEW]


def test_two_feeds_that_lead_to_one_address_are_polled_once(engine):
    """The one whose own address it is goes first; when it leaves, the other is polled again."""
    sync(engine, OLD, NEW, "https://a.example/third")
    move(engine)
    move(engine, old="https://a.example/third")
    assert polled(engine) == [NEW]
    assert read_status(engine, NOON)["feeds due"] == 1
    health = "SELECT url, health FROM feed_health ORDER BY feed_id"
    assert rows(engine, health) == [
        (OLD, "merged"), (NEW, "new"), ("https://a.example/third", "merged"),
    ]  # fmt: skip
    with transaction(engine) as connection:
        [only] = due_feeds(connection, NOON)
        assert only.url == NEW
        assert remove_feed(connection, NEW, now=NOON)
    assert rows(engine, health)[0] == (OLD, "new")
    assert polled(engine) == [NEW]
    with transaction(engine) as connection:
        [only] = due_feeds(connection, NOON)
    assert only.url == OLD


def test_a_feed_that_is_polled_as_another_vouches_for_nothing(engine):
    sync(engine, OLD, NEW)
    with transaction(engine) as connection:
        for statement in (
            (
                "INSERT INTO article (id, outlet_id, canonical_url, check_url, first_seen_at,"
                " state, state_since, check_interval_seconds) VALUES"
                " (1, 1, 'https://a.example/1', 'https://a.example/1', '2023-09-05 12:00:00',"
                " 'live', '2023-09-05 12:00:00', 60)"
            ),
            (
                "INSERT INTO article_feed (article_id, feed_id, first_seen_at, last_seen_at) VALUES"
                " (1, 1, '2023-09-05 12:00:00', '2023-09-05 12:00:00')"
            ),
            "UPDATE feed SET entries_read_at = '2023-09-05 12:00:00'",
        ):
            connection.exec_driver_sql(statement)
    with transaction(engine) as connection:
        assert len(listings_of(connection, 1)) == 1
    move(engine)
    with transaction(engine) as connection:
        assert listings_of(connection, 1) == ()


def test_a_user_adds_and_removes_a_feed_by_either_address(engine):
    with transaction(engine) as connection:
        assert add_feed(connection, source(OLD), origin="user", now=NOON)
    move(engine)
    with transaction(engine) as connection:
        assert not add_feed(connection, source(NEW), origin="user", now=NOON)
        assert remove_feed(connection, NEW, now=NOON)
        assert not remove_feed(connection, NEW, now=NOON)
    assert states(engine) == {}
    assert kinds(engine) == ["added", "removed"]


def test_a_feed_that_a_user_took_back_is_not_paused_by_the_configuration(engine):
    sync(engine, OLD)
    sync(engine)
    with transaction(engine) as connection:
        assert add_feed(connection, source(OLD), origin="user", now=NOON)
    assert sync(engine).paused == 0
    assert states(engine) == {OLD: "active"}


def test_what_the_configuration_and_users_do_are_events(engine):
    sync(engine, OLD)
    sync(engine, now=NOON + timedelta(hours=1))
    sync(engine, OLD, now=NOON + timedelta(hours=2))
    with transaction(engine) as connection:
        remove_feed(connection, OLD, now=NOON + timedelta(hours=3))
        add_feed(connection, source(OLD), origin="user", now=NOON + timedelta(hours=4))
    told = rows(engine, "SELECT kind, detail, url, outlet FROM feed_events ORDER BY at")
    assert told == [
        (kind, detail, OLD, "A")
        for kind, detail in (
            ("added", "by the configuration"),
            ("paused", "it left the configuration"),
            ("resumed", "it is configured again"),
            ("removed", "by a user"),
            ("resumed", "by a user"),
        )
    ]


def test_feeds_that_were_there_before_events_are_told_as_added(engine):
    sync(engine, OLD)
    with transaction(engine) as connection:
        add_feed(connection, source(NEW), origin="user", now=NOON + timedelta(hours=1))
    downgrade(engine, "20261126")
    upgrade(engine)
    told = rows(engine, "SELECT url, kind, detail FROM feed_events ORDER BY at")
    assert told == [(OLD, "added", "by the configuration"), (NEW, "added", "by a user")]
    assert polled(engine)[0] == OLD


# ---------------------------------------------------------------- over HTTP


def served(body: bytes = FEED, **headers: str) -> bytes:
    return answer(body, content_type="application/rss+xml", **headers)


def test_a_move_outlives_a_restart_and_the_new_address_listed_as_well(tmp_path, url, clock):
    routes: dict[str, Reply] = {"/rss": redirect("/new", status="308 Moved"), "/new": served()}

    async def script(run):
        for _ in range(3):
            await run.step()
            clock.advance(hours=13)
        written = write_config(
            tmp_path, feeds=[run.site.base + "/rss", run.site.base + "/new"], database_url=url,
            story=ACCEPT_ALL,
        )  # fmt: skip
        prepare(run.engine, read_config(written), now=clock())
        assert rows(run.engine, "SELECT count(*) FROM feed") == [(1,)]
        before = len(run.site.asks)
        await run.step()
        assert [path for path in run.site.paths[before:] if path in routes] == ["/new"]

    watch(tmp_path, url, routes, script, clock=clock)


def test_validators_of_the_new_address_count_as_sightings(tmp_path, sqlite_url, clock):
    """A 304 at the end of the same redirect says that the feed we hold is the one that is there."""

    async def new(ask, writer):
        known = ask.headers.get("if-none-match") == '"1"'
        body = answer(status="304 Not Modified", etag='"1"') if known else served(etag='"1"')
        await closing(body)(ask, writer)

    routes: dict[str, Reply] = {"/rss": redirect("/new", status="301 Moved"), "/new": new}

    async def script(run):
        for _ in range(3):
            await run.step()
            clock.advance(hours=13)
        outcomes = rows(run.engine, "SELECT outcome FROM feed_poll ORDER BY id")
        assert outcomes == [("parsed",), ("not-modified",), ("parsed",)]
        assert rows(run.engine, "SELECT moved_to FROM feed") == [(run.site.base + "/new",)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_a_redirect_to_what_is_no_feed_is_not_adopted(tmp_path, sqlite_url, clock):
    routes: dict[str, Reply] = {
        "/rss": redirect("/login", status="301 Moved"),
        "/login": answer(b"<html><body>Log in</body></html>", content_type="text/html"),
    }

    async def script(run):
        for _ in range(5):
            await run.step()
            clock.advance(hours=13)
        assert rows(run.engine, "SELECT moved_to, move_sightings FROM feed") == [(None, 0)]
        assert rows(run.engine, "SELECT health FROM feed_health") == [("failing",)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_the_report_of_a_poll_tells_what_became_of_the_feed(tmp_path, sqlite_url, clock):
    routes: dict[str, Reply] = {"/rss": answer(status="410 Gone")}

    async def script(run):
        [item] = await run.context.store(due_feeds, clock())
        report = await poll_feed(run.context, item)
        assert report.error == (
            "gone: HTTP 410; gone: its publisher took it away (HTTP 410); polled once a week"
        )

    watch(tmp_path, sqlite_url, routes, script, clock=clock)
