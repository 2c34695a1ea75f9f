"""Walking feeds back: archives, pages, and WordPress, which links to neither."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.feedarchives import (
    FeedBudget,
    FeedWalk,
    start_walk,
    stop_walk,
    walk_as_json,
    walk_from_json,
    walk_on,
)
from ingest.errors import UsageError
from ingest.feeds import parse_feed
from ingest.fetch import Fetcher
from ingest.model import (
    DatedBy,
    DateSource,
    Entry,
    Failure,
    FailureKind,
    FeedDocument,
    FetchedPage,
    NotAFeed,
)
from tests.loopback import Loopback, answer, visit

NOW = datetime(2023, 9, 20, tzinfo=UTC)
SINCE = datetime(2023, 9, 1, tzinfo=UTC)
FEED = "https://news.example/feed"
BUDGET = FeedBudget()
LINKED_ONLY = FeedBudget(guess_pages=False)
ATOM = "http://www.w3.org/2005/Atom"


def page(number: int, *, day: int = 10, **links: str) -> FeedDocument:
    """A page of three entries that no other page has."""
    entries = tuple(
        Entry(
            url=f"https://news.example/{number}/{item}",
            guid=None,
            title="",
            summary="",
            published=DatedBy(
                value=datetime(2023, 9, day, tzinfo=UTC), source=DateSource.FEED, confidence=0.8
            ),
            modified=None,
        )
        for item in range(3)
    )
    return FeedDocument(
        version="atom10", title="", language=None, entries=entries, skipped=0, bozo=None, **links
    )


def undated(document: FeedDocument) -> FeedDocument:
    return replace(document, entries=tuple(replace(e, published=None) for e in document.entries))


def step(walk: FeedWalk, document: FeedDocument, budget: FeedBudget = BUDGET) -> FeedWalk:
    return walk_on(walk, document, since=SINCE, budget=budget)


def failure(kind: FailureKind, status: int | None = None) -> Failure:
    return Failure(requested_url=FEED, kind=kind, reason="so it is", at=NOW, status=status)


def test_a_feed_says_where_its_older_entries_are():
    body = f"""<rss version='2.0' xmlns:a='{ATOM}'><channel><title>t</title>
      <a:link rel='self' href='/feed'/><a:link rel='next' href='/feed?page=2&amp;x=1'/>
      <a:link rel='prev-archive' href='2023-08.xml'/><a:link rel='next' href='/other'/>
      </channel></rss>"""
    document = parse_feed(body.encode(), url=FEED, content_type=None, now=NOW)
    assert isinstance(document, FeedDocument)
    assert document.next_page == "https://news.example/feed?page=2&x=1"
    assert document.previous_archive == "https://news.example/2023-08.xml"


def test_archives_come_before_pages():
    archive, older = "https://news.example/2023-08.xml", "https://news.example/feed?page=2"
    walk = step(start_walk(FEED), page(1, previous_archive=archive, next_page=older))
    assert walk.url == archive
    assert step(start_walk(FEED), page(1, next_page=older)).url == older


def test_without_links_older_pages_are_guessed_as_wordpress_has_them():
    walk = step(start_walk(f"{FEED}?lang=de"), page(1))
    assert walk.url == f"{FEED}?lang=de&paged=2"
    walk = step(walk, page(2))
    assert walk.url == f"{FEED}?lang=de&paged=3"
    walk = stop_walk(walk, failure(FailureKind.NOT_FOUND, 404))
    assert (walk.url, "no page" in walk.ended) == (None, True)


def test_nothing_is_guessed_where_it_is_not_wanted_or_after_linked_pages():
    assert step(start_walk(FEED), page(1), LINKED_ONLY).ended == "no older page is linked"
    walk = step(start_walk(FEED), page(1, next_page=f"{FEED}?page=2"))
    assert step(walk, page(2)).ended == "no older page is linked"


def test_a_site_that_ignores_the_number_of_the_page_is_left_after_one_request():
    walk = step(start_walk(FEED), page(1))
    again = page(1)
    fresh = replace(again.entries[0], url="https://news.example/fresh")
    again = replace(again, entries=(fresh, *again.entries[:2]))
    assert step(walk, again).ended == "the page repeats an earlier one"


def test_an_archive_may_repeat_what_the_feed_itself_shows():
    archive = "https://news.example/2023-08.xml"
    walk = step(start_walk(FEED), page(1, previous_archive=archive))
    month = page(1, previous_archive="https://news.example/2023-07.xml")
    month = replace(month, entries=(*month.entries, *page(2).entries))
    assert step(walk, month).url == "https://news.example/2023-07.xml"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(page(1, previous_archive=FEED), "was read before", id="itself"),
        pytest.param(page(1, next_page=f"{FEED}"), "was read before", id="its own next page"),
        pytest.param(
            page(1, day=10, next_page="https://other.example/"), "another site", id="away"
        ),
        pytest.param(page(1, next_page="http://[/"), "another site", id="no address"),
        pytest.param(replace(page(1), entries=()), "no entries", id="nothing in it"),
    ],
)
def test_a_walk_ends_where_it_would_go_in_a_circle_or_away(document, reason):
    walk = step(start_walk(FEED), document)
    assert walk.url is None
    assert reason in walk.ended


def test_a_feed_service_leads_to_the_site_that_its_entries_link_to():
    archive = "https://news.example/2023-08.xml"
    walk = step(start_walk("https://feeds.service.example/x"), page(1, previous_archive=archive))
    assert walk.url == archive


def test_a_circle_of_two_ends():
    other = "https://news.example/b"
    walk = step(start_walk(FEED), page(1, previous_archive=other))
    assert step(walk, page(2, previous_archive=FEED)).url is None


def test_a_walk_ends_when_all_is_older_than_what_is_wanted():
    old = replace(page(2), entries=tuple(_dated(e, days=-40) for e in page(2).entries))
    walk = step(step(start_walk(FEED), page(1)), old)
    assert (walk.url, walk.ended) == (None, "all entries are older")


def test_one_recent_change_or_no_dates_keep_a_walk_going():
    changed = page(2)
    entries = [_dated(entry, days=-40) for entry in changed.entries]
    entries[0] = replace(entries[0], modified=NOW)
    walk = step(start_walk(FEED), page(1))
    assert step(walk, replace(changed, entries=tuple(entries))).url is not None
    assert step(walk, undated(page(2))).url is not None


def _dated(entry: Entry, *, days: int) -> Entry:
    assert entry.published is not None
    moment = replace(entry.published, value=SINCE + timedelta(days=days))
    return replace(entry, published=moment)


def test_a_month_without_news_does_not_end_an_archive():
    empty = replace(page(1), entries=(), previous_archive="https://news.example/2023-07.xml")
    assert step(start_walk(FEED), empty).url == "https://news.example/2023-07.xml"


def test_a_feed_without_end_uses_up_its_budget():
    walk, read = start_walk(FEED), 0
    while walk.url is not None:
        read += 1
        older = f"{FEED}?page={read + 1}"
        walk = step(walk, undated(page(read, next_page=older)), FeedBudget(pages=7))
    assert read == 7


@pytest.mark.parametrize(
    ("problem", "goes_on"),
    [
        (failure(FailureKind.TIMEOUT), True),
        (failure(FailureKind.HTTP_SERVER, 503), True),
        (failure(FailureKind.GONE, 410), False),
        (failure(FailureKind.HTTP_CLIENT, 400), False),
        (NotAFeed(reason="the body is an HTML page"), False),
    ],
)
def test_a_page_that_may_come_later_is_tried_again(problem, goes_on):
    walk = step(start_walk(FEED), page(1))
    assert (stop_walk(walk, problem).url is not None) is goes_on


def test_a_walk_goes_on_from_what_was_kept_of_it():
    walk = step(step(start_walk(FEED), page(1)), page(2))
    assert walk_from_json(json.loads(json.dumps(walk_as_json(walk)))) == walk
    with pytest.raises(UsageError, match="anew"):
        walk_from_json({"url": None, "visited": 3})


LINKS = st.sampled_from([None, FEED, "https://news.example/a", "http://[", "https://b.example/"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), LINKS, LINKS), min_size=1, max_size=30))
def test_no_feed_leads_to_an_address_twice(pages):
    walk, asked = start_walk(FEED), [FEED]
    for number, archive, older in pages:
        document = page(number, previous_archive=archive, next_page=older)
        walk = walk_on(walk, document, since=SINCE, budget=BUDGET)
        if walk.url is None:
            assert walk.ended
            break
        asked.append(walk.url)
    assert len(set(asked)) == len(asked)


# ---------------------------------------------------------------- over HTTP


def _rss(*numbers: int) -> bytes:
    items = "".join(f"<item><link>/a/{n}</link><title>{n}</title></item>" for n in numbers)
    return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()


def test_a_wordpress_feed_is_walked_to_its_end():
    found: list[str] = []
    ends: list[str] = []
    routes = {
        "/feed/": answer(_rss(6, 5)),
        "/feed/?paged=2": answer(_rss(4, 3)),
        "/feed/?paged=3": answer(_rss(2, 1)),
    }

    async def scenario(fetcher: Fetcher, site: Loopback) -> None:
        walk = start_walk(f"{site.base}/feed/")
        while walk.url is not None:
            fetched = await fetcher.fetch(walk.url)
            if not isinstance(fetched, FetchedPage):
                assert isinstance(fetched, Failure)
                walk = stop_walk(walk, fetched)
                continue
            document = parse_feed(fetched.body, url=walk.url, content_type=None, now=NOW)
            assert isinstance(document, FeedDocument)
            found.extend(entry.title for entry in document.entries)
            walk = walk_on(walk, document, since=SINCE, budget=BUDGET)
        ends.append(walk.ended)

    visit(routes, scenario)
    assert found == ["6", "5", "4", "3", "2", "1"]
    assert ends == ["there is no page: HTTP 404"]
