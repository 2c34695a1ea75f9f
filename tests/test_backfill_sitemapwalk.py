"""Which sitemaps are read and which pages fetched, for September 2023."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.sitemaps import NestedSitemap, Sitemap, SitemapEntry, read_sitemap
from ingest.backfill.sitemapwalk import (
    SitemapBudget,
    announced_sitemaps,
    choose_sitemaps,
    next_sitemap,
    start_walk,
    usual_sitemaps,
    walk_as_json,
    walk_from_json,
    walk_on,
    wanted,
)
from ingest.errors import UsageError
from ingest.fetch import Fetcher
from ingest.model import DatedBy, DateSource, FetchedPage
from tests.loopback import Loopback, answer, visit

NOW = datetime(2023, 10, 20, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2023, 9, 1, tzinfo=UTC), datetime(2023, 9, 30, 23, 59, tzinfo=UTC)
BUDGET = SitemapBudget()
SITE = "https://news.example"


def on(text: str) -> DatedBy:
    value = datetime.fromisoformat(text)
    day_only = len(text) == 10
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    return DatedBy(value=value, source=DateSource.FEED, confidence=0.6, day_only=day_only)


def entry(path: str = "/1", *, lastmod: str = "", published: str = "") -> SitemapEntry:
    return SitemapEntry(
        url=SITE + path,
        lastmod=on(lastmod) if lastmod else None,
        published=on(published) if published else None,
    )


@pytest.mark.parametrize(
    ("item", "is_wanted"),
    [
        pytest.param(entry(), True, id="without any date"),
        pytest.param(entry(published="2023-09-05T10:00:00Z"), True, id="published then"),
        pytest.param(entry(published="2023-08-05T10:00:00Z"), False, id="published before"),
        pytest.param(entry(published="2023-10-05T10:00:00Z"), False, id="published after"),
        pytest.param(entry(published="2023-10-01"), True, id="a day that is another elsewhere"),
        pytest.param(
            entry("/2023/09/05/a", published="2023-08-05"), False, id="its own date comes first"
        ),
        pytest.param(entry("/2023/09/05/a", lastmod="2023-10-01"), True, id="day in the address"),
        pytest.param(entry("/2023/08/05/a", lastmod="2023-10-01"), False, id="another day in it"),
        pytest.param(entry("/2023/09/a"), True, id="month in the address"),
        pytest.param(entry("/2022/09/a", lastmod="2023-10-01"), False, id="another month in it"),
        pytest.param(entry("/2023/33/a"), True, id="no month in the address"),
        pytest.param(entry(lastmod="2023-08-05"), False, id="last changed before"),
        pytest.param(entry(lastmod="2023-09-05"), True, id="last changed then"),
        pytest.param(entry(lastmod="2023-10-19"), True, id="changed later, it may be older"),
    ],
)
def test_a_page_is_fetched_if_it_may_be_of_the_time(item, is_wanted):
    assert wanted(item, since=SINCE, until=UNTIL, now=NOW) is is_wanted


def chosen(*paths: str | tuple[str, str]) -> list[str]:
    nested = [
        NestedSitemap(url=SITE + path)
        if isinstance(path, str)
        else NestedSitemap(url=SITE + path[0], lastmod=on(path[1]))
        for path in paths
    ]
    found = choose_sitemaps(nested, since=SINCE, until=UNTIL)
    return [item.url.removeprefix(SITE) for item in found]


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("/sitemap-2023-09.xml", "/sitemap-2023-07.xml"),
        ("/sitemap_202309.xml.gz", "/sitemap_202311.xml.gz"),
        ("/sitemap.xml?yyyy=2023&mm=09&dd=05", "/sitemap.xml?yyyy=2023&mm=11&dd=05"),
        ("/sitemap.xml?year=2023&month=9", "/sitemap.xml?year=2022&month=9"),
        ("/sitemaps/2023/09/05.xml", "/sitemaps/2023/10/05.xml"),
        ("/sitemap-20230905.xml", "/sitemap-20231105.xml"),
        ("/sitemap/2023/september/", "/sitemap/2023/march/"),
        ("/2023-Sep.xml", "/2022-Sep.xml"),
        ("/sitemap-2023.xml", "/sitemap-2022.xml"),
        (("/a.xml", "2023-10-05"), ("/b.xml", "2023-08-05")),
    ],
)
def test_sitemaps_of_another_time_are_left_out(inside, outside):
    plain = inside if isinstance(inside, str) else inside[0]
    assert chosen(inside, outside) == [plain]


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(("/sitemap-1.xml", "/sitemap-2022.xml"), id="a number like a year"),
        pytest.param(("/sitemap-2022-01.xml", "/sitemap-2022-37.xml"), id="parts of a year"),
        pytest.param(("/s-202201.xml", "/s-202299.xml"), id="numbers like months"),
        pytest.param(("/sitemap-2022.xml",), id="a year without siblings"),
        pytest.param(("/2022-mayor.xml",), id="a word that begins as a month does"),
    ],
)
def test_numbers_that_may_be_something_else_are_not_taken_for_times(paths):
    assert sorted(chosen(*paths)) == sorted(paths)


def test_what_names_the_time_comes_first_then_what_was_filled_up_soonest_after_it():
    paths = ("/news.xml", ("/p-9.xml", "2023-10-19"), ("/p-7.xml", "2023-09-12"), "/2023-09.xml")
    assert chosen(*paths) == ["/2023-09.xml", "/p-7.xml", "/p-9.xml", "/news.xml"]


# ---------------------------------------------------------------- the walk


def nested(*paths: str) -> list[NestedSitemap]:
    return [NestedSitemap(url=f"https://news.example{path}") for path in paths]


def test_a_walk_reads_each_sitemap_once_and_comes_to_an_end():
    walk = start_walk(["https://news.example/a", "https://news.example/a#x"], budget=BUDGET)
    read = []
    listed = {"/a": ("/b", "/c", "/a"), "/b": ("/c", "/d"), "/c": ("/a",), "/d": ("/b",)}
    while (url := next_sitemap(walk)) is not None:
        path = url.removeprefix("https://news.example")
        read.append(path)
        walk = walk_on(walk, nested(*listed[path]), budget=BUDGET)
    assert read == ["/a", "/b", "/c", "/d"]
    assert (walk.read, walk.left_out) == (4, 0)


def test_a_calendar_without_end_uses_up_the_budget_and_no_more():
    budget = SitemapBudget(sitemaps=20, depth=100)
    walk = start_walk(["https://news.example/0"], budget=budget)
    while (url := next_sitemap(walk)) is not None:
        walk = walk_on(walk, nested(*(f"{url[20:]}/{n}" for n in range(50))), budget=budget)
    assert walk.read == 20
    assert walk.left_out > 0
    assert len(walk.seen) == 20


def test_lists_of_lists_end_at_a_depth():
    walk = start_walk(["https://news.example/0"], budget=BUDGET)
    read = 0
    while next_sitemap(walk) is not None:
        read += 1
        walk = walk_on(walk, nested(f"/{read}"), budget=BUDGET)
    assert (read, walk.left_out) == (BUDGET.depth, 1)


def test_a_walk_goes_on_from_what_was_kept_of_it():
    walk = start_walk(["https://news.example/a", "https://news.example/b"], budget=BUDGET)
    walk = walk_on(walk, nested("/c"), budget=BUDGET)
    assert walk_from_json(json.loads(json.dumps(walk_as_json(walk)))) == walk


@pytest.mark.parametrize("kept", [{}, {"waiting": 1}, {"waiting": ["ab"], "seen": [], "read": "x"}])
def test_what_was_not_kept_by_us_is_refused(kept):
    with pytest.raises(UsageError, match="anew"):
        walk_from_json(kept)


# ---------------------------------------------------------------- robots.txt

ROBOTS = b"""\xef\xbb\xbfUser-agent: *
Disallow: /private
sitemap: /sitemap.xml
 Sitemap : https://news.example/news.xml # fresh
SITEMAP: https://cdn.example/news.xml
Sitemap: https://news.example/news.xml
# Sitemap: https://news.example/commented.xml
Sitemap: ftp://news.example/x
Site-map: https://news.example/old.xml
Sitemaps are good
Sitemap:
"""


def test_robots_names_sitemaps_anywhere():
    assert announced_sitemaps(ROBOTS, url="https://news.example/robots.txt") == (
        "https://news.example/sitemap.xml",
        "https://news.example/news.xml",
        "https://cdn.example/news.xml",
        "https://news.example/old.xml",
    )


def test_usual_places_are_on_the_site():
    assert "https://news.example/sitemap.xml" in usual_sitemaps("https://news.example/a/b?c")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_announce_addresses_or_none(body):
    for url in announced_sitemaps(b"Sitemap: /a\n" + body, url="https://news.example/robots.txt"):
        assert url.lower().startswith(("http://", "https://"))


PATHS = st.lists(
    st.sampled_from(
        ["/", "2023", "09", "5", "-", "202313", "20230931", "?yyyy=", "&mm=", "sep", "٣"]
    )
).map("".join)


@settings(deadline=None)
@given(st.lists(PATHS, max_size=20), st.integers(1, 36_000))
def test_any_addresses_can_be_chosen_from(paths, days):
    since = datetime(1991, 1, 1, tzinfo=UTC) + timedelta(days=days)
    items = [NestedSitemap(url=f"https://news.example{path}") for path in paths]
    found = choose_sitemaps(items, since=since, until=since + timedelta(days=30))
    assert set(found) <= set(items)
    for item in items:
        wanted(SitemapEntry(url=item.url), since=since, until=since, now=NOW)


# ---------------------------------------------------------------- all of it, over HTTP


def test_a_site_is_walked_from_its_robots_to_the_pages_of_the_time():
    found: list[str] = []
    routes = {
        "/robots.txt": answer(b"User-agent: *\nSitemap: /index.xml\n"),
        "/index.xml": answer(
            b"<sitemapindex><sitemap><loc>/2023-07.xml</loc></sitemap>"
            b"<sitemap><loc>/2023-09.xml</loc></sitemap></sitemapindex>"
        ),
        "/2023-09.xml": answer(
            b"<urlset><url><loc>/2023/09/05/talks</loc></url>"
            b"<url><loc>/2023/01/05/older</loc></url></urlset>"
        ),
    }

    async def content(fetcher: Fetcher, url: str) -> bytes:
        fetched = await fetcher.fetch(url)
        assert isinstance(fetched, FetchedPage)
        return fetched.body

    async def scenario(fetcher: Fetcher, site: Loopback) -> None:
        robots = f"{site.base}/robots.txt"
        named = announced_sitemaps(await content(fetcher, robots), url=robots)
        walk = start_walk(named, budget=BUDGET)
        while (url := next_sitemap(walk)) is not None:
            sitemap = read_sitemap(await content(fetcher, url), url=url, now=NOW, site=robots)
            assert isinstance(sitemap, Sitemap)
            found.extend(
                item.url.removeprefix(site.base)
                for item in sitemap.entries
                if wanted(item, since=SINCE, until=UNTIL, now=NOW)
            )
            more = choose_sitemaps(sitemap.nested, since=SINCE, until=UNTIL)
            walk = walk_on(walk, more, budget=BUDGET)
            await asyncio.sleep(0)

    site = visit(routes, scenario)
    assert site.paths == ["/robots.txt", "/index.xml", "/2023-09.xml"]
    assert found == ["/2023/09/05/talks"]
