"""Feeds that cost time, and feeds that say other things of the same articles at each poll."""

from __future__ import annotations

import pyexpat
import socket
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OverranError
from email.utils import format_datetime
from time import monotonic, process_time

import pytest

from ingest.compute import WorkerPool, describe_failure
from ingest.feeds import MAX_ENTRIES
from ingest.model import FeedDocument, FetchedPage
from ingest.work import FeedReading, read_feed
from tests.loopback import Loopback, Reply, answer
from tests.running import TALKS, WEATHER, rows
from tests.test_feeds import NOW, URL, item, read, rss
from tests.test_feeds_faults import parse
from tests.watching import Watch, watch

# ---------------------------------------------------------------- entities


def test_the_parser_guards_against_amplification():
    """Expat before 2.4 would expand a kilobyte of entities to all the memory there is."""
    version = pyexpat.EXPAT_VERSION.removeprefix("expat_")
    assert tuple(map(int, version.split("."))) >= (2, 4, 0)


def test_one_long_entity_named_often_is_not_expanded():
    head = f"<!DOCTYPE rss [<!ENTITY a '{'x' * 50_000}'>]>"
    title = f"<title>{'&a;' * 20_000}</title><link>https://news.example/1</link>"
    start = process_time()
    answered = parse(rss(title, item(2), head=head))
    assert process_time() - start < 2
    titles = [entry.title for entry in answered.entries]
    assert not any("xx" in title for title in titles)
    assert titles[-1] == "Title 2"


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE rss SYSTEM '{url}'>",
        "<!DOCTYPE rss PUBLIC '-//x//y' '{url}'>",
        "<!DOCTYPE rss [<!ENTITY e SYSTEM '{url}'>]>",
        "<!DOCTYPE rss [<!ENTITY % e SYSTEM '{url}'> %e;]>",
        "<?xml-stylesheet type='text/xsl' href='{url}'?>",
    ],
)
def test_nothing_that_a_feed_names_is_fetched_by_its_parser(head):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/evil.dtd"
        links = f"<link>https://news.example/1</link><enclosure url='{url}'/>"
        rest = f"<description>&e;</description><x xmlns:xi='x'><xi:include href='{url}'/></x>"
        assert parse(rss(links + rest, item(2), head=head.format(url=url)))
        with pytest.raises(BlockingIOError):
            listener.accept()


# ---------------------------------------------------------------- size


def test_of_a_hundred_thousand_entries_the_first_are_read_in_little_time():
    body = rss(*map(item, range(100_000)))
    start = process_time()
    document = read(body)
    assert process_time() - start < 5
    assert len(document.entries) == MAX_ENTRIES
    assert document.entries[-1].title == f"Title {MAX_ENTRIES - 1}"
    assert document.bozo is None


def test_the_tail_of_a_feed_that_is_cut_to_the_limit_still_counts():
    """What is dropped is the middle: the end of the document, and that it is broken, is kept."""
    atom = "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>t</a:title>{}</a:feed>"
    entry = "<a:entry><a:title>T</a:title><a:link href='/{}'/></a:entry>"
    body = atom.format("".join(map(entry.format, range(9)))).encode()
    assert [e.url[-2:] for e in read(body, max_entries=2).entries] == ["/0", "/1"]
    assert read(body, max_entries=2).bozo is None
    broken = read(
        rss(*map(item, range(9))).replace(b"</channel>", b"a & b</channel>"), max_entries=2
    )
    assert len(broken.entries) == 2
    assert broken.bozo is not None


def test_a_large_feed_with_a_malformed_tail_is_read_in_bounded_time():
    """The second, loose parser takes five times as long."""
    body = rss(*map(item, range(20_000))).replace(b"</channel>", b"a & b</channel>")
    start = process_time()
    document = read(body)
    assert process_time() - start < 8
    assert len(document.entries) == MAX_ENTRIES
    assert document.bozo is not None


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("<a>" * 40_000 + "</a>" * 40_000, id="nested elements"),
        pytest.param(f"<description>{'&lt;div&gt;' * 100_000}</description>", id="escaped markup"),
        pytest.param(
            f"<description><![CDATA[{'<p>word <b>x</b></p>' * 200_000}]]></description>",
            id="four megabytes of markup",
        ),
        pytest.param(f"<title>{'&lt;a b=' * 100_000}</title>", id="tags that never end"),
    ],
)  # fmt: skip
def test_a_hostile_entry_costs_little_and_the_next_is_read(hostile):
    start = process_time()
    document = read(rss(item(1, hostile), item(2)))
    assert process_time() - start < 5
    assert document.entries[-1].title == "Title 2"
    assert all(len(entry.summary) <= 4_000 for entry in document.entries)


# ---------------------------------------------------------------- in a worker


def page(body: bytes) -> FetchedPage:
    return FetchedPage(
        requested_url=URL, final_url=URL, redirects=(), permanent=False, status=200,
        headers={"content-type": "application/xml"}, body=body, fetched_at=NOW, elapsed_ms=1,
    )  # fmt: skip


def test_a_feed_that_would_take_minutes_costs_its_worker_and_nothing_else():
    attributes = " ".join(f"a{number}='1'" for number in range(100_000))
    hostile = rss(f"<x {attributes}/>{item()}")

    pool = WorkerPool(workers=1, task_seconds=2, memory_mib=1024, recycle_after=100)

    def read_in_worker(body: bytes) -> Future[FeedReading]:
        return pool.submit(read_feed, page(body), known_hash=None, max_bytes=2**24, now=NOW)

    try:
        read_in_worker(rss()).result()  # it has started
        start = monotonic()
        with pytest.raises(OverranError) as overran:
            read_in_worker(hostile).result()
        assert monotonic() - start < 10
        assert "was killed" in str(describe_failure(overran.value))
        assert isinstance(read_in_worker(rss(item())).result().document, FeedDocument)
    finally:
        pool.shutdown(cancel_futures=True)


# ---------------------------------------------------------------- poll after poll


def article(text: str) -> Reply:
    """A page of a text."""
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    html = f"<html lang=de><title>Z</title><body><article>{paragraphs}</article></body></html>"
    return answer(html.encode(), content_type="text/html; charset=utf-8")


def listing(site: Loopback, paths: str, rest: str = "") -> Reply:
    """A feed that lists paths of one letter, each entry with the same other elements."""
    entries = "".join(
        f"<item><title>Zug {path}</title><link>{site.base}/{path}</link>{rest}</item>"
        for path in paths
    )
    body = f"<rss version='2.0'><channel><title>t</title>{entries}</channel></rss>"
    return answer(body.encode(), content_type="application/rss+xml")


PAGES: dict[str, Reply] = {
    "/a": article(TALKS),
    "/b": article(WEATHER),
    "/c": article(f"{WEATHER}\n\n{TALKS}"),
}


def paths_of(watched: Watch) -> list[str]:
    """The articles there are, in the order in which they came."""
    found = rows(watched.engine, "SELECT canonical_url FROM article ORDER BY id")
    return sorted(url.rpartition("/")[2] for (url,) in found)


@pytest.fixture
def routes() -> dict[str, Reply]:
    return dict(PAGES)


def test_one_guid_on_every_entry_makes_as_many_articles_as_there_are(
    routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        routes["/rss"] = listing(watched.site, "abc", "<guid isPermaLink='false'>same</guid>")
        await watched.step()
        assert paths_of(watched) == ["a", "b", "c"]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_a_guid_that_changes_with_each_edit_makes_versions_and_no_articles(
    routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        for number in (152, 153, 154):
            guid = f"<guid isPermaLink='false'>headline-{number}</guid>"
            routes["/rss"] = listing(watched.site, "a", guid)
            routes["/a"] = article(TALKS.replace("152", str(number)))
            await watched.step()
            clock.advance(hours=3)
        routes["/rss"] = listing(watched.site, "a")  # and then none at all
        await watched.step()
        assert paths_of(watched) == ["a"]
        assert rows(watched.engine, "SELECT count(*) FROM version") == [(3,)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_a_guid_used_again_for_another_story_makes_another_article(
    routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        for path in "ab":
            routes["/rss"] = listing(watched.site, path, "<guid isPermaLink='false'>top</guid>")
            await watched.step()
            clock.advance(hours=3)
        assert paths_of(watched) == ["a", "b"]
        assert rows(watched.engine, "SELECT count(*) FROM version") == [(2,)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_lists_that_flip_between_polls_remove_nothing(routes, tmp_path, sqlite_url, clock):
    async def script(watched):
        for paths in ("ab", "bc", "ab", "", "bc"):
            routes["/rss"] = listing(watched.site, paths)
            await watched.step()
            clock.advance(hours=3)
        assert paths_of(watched) == ["a", "b", "c"]
        assert set(rows(watched.engine, "SELECT state FROM article")) == {("live",)}
        assert rows(watched.engine, "SELECT count(*) FROM version") == [(3,)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


@pytest.mark.parametrize("element", ["pubDate", "atom:updated"])
def test_dates_made_anew_at_each_poll_make_no_versions(
    element, routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        for _ in range(6):
            date = clock().isoformat() if ":" in element else format_datetime(clock())
            stamp = f"<{element} xmlns:atom='http://www.w3.org/2005/Atom'>{date}</{element}>"
            routes["/rss"] = listing(watched.site, "ab", stamp)
            await watched.step()
            clock.advance(hours=3)
        assert rows(watched.engine, "SELECT count(*) FROM version") == [(2,)]
        assert rows(watched.engine, "SELECT count(*) FROM change") == [(0,)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


def test_of_a_feed_cut_off_in_an_entry_the_rest_is_kept_and_the_cut_is_told(
    routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        whole = listing(watched.site, "abc")
        _, _, body = whole.partition(b"\r\n\r\n")
        routes["/rss"] = answer(body[: body.index(b"Zug c") + 3])
        await watched.step()
        assert paths_of(watched) == ["a", "b"]
        ((outcome, told),) = rows(watched.engine, "SELECT outcome, error FROM feed_poll")
        assert outcome == "parsed"
        assert told.startswith("not well-formed")

    watch(tmp_path, sqlite_url, routes, script, clock=clock)


@pytest.mark.parametrize(
    "soft",
    [
        pytest.param(answer(b"<html><p>Seite nicht gefunden</p></html>"), id="a page"),
        pytest.param(answer(b""), id="nothing"),
        pytest.param(answer(bytes(range(256))), id="binary"),
    ],
)
def test_a_feed_that_turns_into_something_else_is_failing_and_not_empty(
    soft, routes, tmp_path, sqlite_url, clock
):
    async def script(watched):
        routes["/rss"] = listing(watched.site, "a")
        await watched.step()
        routes["/rss"] = soft
        clock.advance(hours=3)
        await watched.step()
        assert rows(watched.engine, "SELECT outcome, failure FROM feed_poll ORDER BY id")[1] == (
            "failed",
            "not-a-feed",
        )
        assert rows(watched.engine, "SELECT state FROM article") == [("live",)]

    watch(tmp_path, sqlite_url, routes, script, clock=clock)
