"""The posts of a WordPress site by its API: addresses, answers, and where the list ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.backfill.leads import Lead
from ingest.backfill.wordpress import (
    PostsPage,
    announced_root,
    feed_page_url,
    is_past_the_end,
    next_page,
    posts_url,
    read_posts,
    usual_roots,
)
from ingest.model import Failure, FailureKind, Rejection

NOW = datetime(2023, 9, 20, tzinfo=UTC)
SINCE, UNTIL = datetime(2023, 9, 1, tzinfo=UTC), datetime(2023, 9, 30, tzinfo=UTC)
URL = "https://news.example/wp-json/wp/v2/posts"
POST = {
    "id": 4711,
    "date_gmt": "2023-09-05T10:00:00",
    "modified_gmt": "2023-09-06T08:30:00",
    "link": "https://news.example/2023/09/talks/",
    "title": {"rendered": "Talks &#8211; <em>at last</em> &amp; in person"},
}


def read(data: object, **headers: str) -> PostsPage:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    page = read_posts(body, headers=headers, url=URL, now=NOW)
    assert isinstance(page, PostsPage), page
    return page


def test_a_page_is_asked_for_by_range_and_number():
    url = posts_url("https://news.example/wp-json/", since=SINCE, until=UNTIL, page=3)
    assert url.startswith(f"{URL}?")
    asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "per_page": "100",
        "page": "3",
        "after": "2023-08-31T10:00:00Z",
        "before": "2023-09-30T14:00:00Z",
        "orderby": "date",
        "order": "asc",
        "_fields": "id,link,date_gmt,modified_gmt,title",
    }


def test_a_site_without_rewritten_addresses_is_asked_by_its_parameter():
    url = posts_url("https://news.example/?rest_route=/", since=SINCE, until=UNTIL, page=1)
    assert parse_qs(urlsplit(url).query)["rest_route"] == ["/wp/v2/posts"]
    assert usual_roots("https://news.example/a/b") == (
        "https://news.example/wp-json/",
        "https://news.example/?rest_route=/",
    )


def test_a_post_is_read_with_its_dates_in_utc_and_its_title_as_text():
    (lead,) = read([POST]).leads
    assert lead.published is not None
    assert lead.published.zone_known
    assert lead == Lead(
        url="https://news.example/2023/09/talks/",
        title="Talks – at last & in person",
        published=lead.published,
        modified=datetime(2023, 9, 6, 8, 30, tzinfo=UTC),
    )
    assert lead.published.value == datetime(2023, 9, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        ({"date_gmt": None}, None),
        ({"date_gmt": "0000-00-00T00:00:00"}, None),
        ({"date_gmt": "2023-09-05T10:00:00+02:00"}, datetime(2023, 9, 5, 8, tzinfo=UTC)),
        ({"date_gmt": 5, "title": None, "modified_gmt": []}, None),
    ],
)
def test_a_post_with_odd_fields_is_still_an_address(changes, published):
    (lead,) = read([POST | changes]).leads
    assert lead.url == POST["link"]
    assert (lead.published.value if lead.published else None) == published


def test_what_is_no_post_is_left_out_and_counted():
    page = read([POST, None, "x", {}, {"link": 1}, {"link": "javascript:1"}, POST | {"link": "/2"}])
    assert [lead.url for lead in page.leads] == [POST["link"], "https://news.example/2"]
    assert page.listed == 7


def test_warnings_of_php_before_the_answer_do_no_harm():
    body = (
        b"<br />\n<b>Warning</b>: x in <b>[y]</b>\n" + json.dumps([POST]).encode() + b"<!-- 1 -->"
    )
    assert len(read(body).leads) == 1
    assert read(b"\xef\xbb\xbf []").listed == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b'{"code":"rest_no_route","message":"No route was found"}', "rest_no_route: No route"),
        (b"[" * 100_000, "no JSON"),
        (b"[{" * 100_000, "no JSON"),
        (b'"text"', "no JSON"),
    ],
)
def test_what_is_no_list_of_posts_is_refused(body, reason):
    refused = read_posts(body, headers={}, url=URL, now=NOW)
    assert isinstance(refused, Rejection)
    assert reason in refused.reason


@pytest.mark.parametrize(
    ("page", "posts", "following"),
    [
        pytest.param(1, read([POST], **{"x-wp-totalpages": "3"}), 2, id="more are told of"),
        pytest.param(3, read([POST], **{"x-wp-totalpages": "3"}), None, id="the last one"),
        pytest.param(1, read([], **{"x-wp-totalpages": "0"}), None, id="none at all"),
        pytest.param(1, read([POST]), 2, id="the total was lost"),
        pytest.param(4, read([]), None, id="an empty page ends what has no total"),
        pytest.param(1, read([POST], **{"x-wp-totalpages": "many"}), 2, id="no number"),
        pytest.param(1000, read([POST], **{"x-wp-totalpages": "9999"}), None, id="the budget"),
    ],
)
def test_the_list_ends_where_the_site_says_so(page, posts, following):
    assert next_page(page, posts) == following


@pytest.mark.parametrize(
    ("status", "page", "end"), [(400, 5, True), (400, 1, False), (500, 5, False)]
)
def test_a_400_after_the_first_page_is_the_end(status, page, end):
    failure = Failure(
        requested_url=URL, kind=FailureKind.HTTP_CLIENT, reason="400", at=NOW, status=status
    )
    assert is_past_the_end(failure, page=page) is end


@pytest.mark.parametrize(
    ("url", "page", "expected"),
    [
        ("https://news.example/feed/", 2, "https://news.example/feed/?paged=2"),
        ("https://news.example/?feed=rss2", 2, "https://news.example/?feed=rss2&paged=2"),
        ("https://news.example/feed?paged=2#x", 3, "https://news.example/feed?paged=3"),
        ("https://news.example/feed?a=", 2, "https://news.example/feed?a=&paged=2"),
    ],
)
def test_older_pages_of_a_feed_have_a_number(url, page, expected):
    assert feed_page_url(url, page) == expected


def test_a_site_announces_its_api_in_a_header_or_in_its_head():
    header = '<https://news.example/api/>; rel="https://api.w.org/", <https://x.example/>; rel=x'
    html = b"""<head><link rel="stylesheet" href="/s.css">
      <link rel='https://api.w.org/' href='https://news.example/wp-json/' /></head>"""
    site = "https://news.example/"
    assert announced_root(b"", url=site, link_header=header) == "https://news.example/api/"
    assert announced_root(html, url=site) == "https://news.example/wp-json/"
    assert announced_root(b"<link " * 100_000, url=site, link_header="<" * 100_000) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["link", "title", "rendered", "date_gmt", "modified_gmt", "code"]),
            inner,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=4).map(json.dumps).map(str.encode) | st.binary(max_size=60))
def test_any_answer_gives_posts_or_a_refusal(body):
    page = read_posts(body, headers={"x-wp-totalpages": "٣"}, url=URL, now=NOW)
    assert isinstance(page, PostsPage | Rejection)
    if isinstance(page, PostsPage):
        assert all(lead.url.lower().startswith("http") for lead in page.leads)
