"""Lists of feeds in and out."""

from __future__ import annotations

import pytest

from ingest.errors import UsageError
from ingest.model import FeedSource, Outlet
from ingest.opml import read_opml, write_opml

SOURCES = (
    FeedSource(
        url="https://a.example/rss?x=1&y=2",
        outlet=Outlet(domain="a.example", name="Äußerung & Co", country="DE", language="de"),
    ),
    FeedSource(url="https://b.example/atom", outlet=Outlet(domain="b.example", name="B")),
)


def test_what_is_written_is_read_back_with_country_and_language():
    assert read_opml(write_opml(SOURCES, title="t").encode()) == SOURCES


def test_nested_outlines_of_other_readers_are_found_once():
    body = b"""<opml version="1.1"><body><outline text="News">
      <outline type="rss" text="A" xmlUrl="https://a.example/rss"/>
      <outline type="rss" text="A again" xmlUrl="https://a.example/rss"/>
      <outline type="rss" text="bad" xmlUrl="javascript:alert(1)"/></outline></body></opml>"""
    assert [source.url for source in read_opml(body)] == ["https://a.example/rss"]


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"\x00\xff", b"<opml><body/></opml>"])
def test_what_is_no_list_is_refused_with_a_hint(body):
    with pytest.raises(UsageError, match="export it"):
        read_opml(body)
