"""Lists of feeds in and out."""

from __future__ import annotations

from time import process_time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

PIECES = [
    *("<opml>", "</opml>", "<body>", "</body>", "<outline ", "/>", ">", "<", "<!DOCTYPE a [", "]>"),
    *('xmlUrl="https://a.example/rss" ', "xmlUrl='' ", 'text="&#xD800;" ', "&a;", "\x00", "é"),
    *('xmlUrl="http://[" ', 'type="rss" ', '<?xml version="1.0" encoding="utf-16"?>', "<!--"),
]


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


def test_country_and_language_are_attributes_that_other_programs_may_read():
    (first, _) = ET.fromstring(write_opml(SOURCES, title="t")).iter("outline")
    carried = {name.rpartition("}")[2]: value for name, value in first.attrib.items()}
    assert carried["xmlUrl"] == "https://a.example/rss?x=1&y=2"
    assert (carried["country"], carried["language"]) == ("DE", "de")


def test_a_feed_without_a_title_is_named_by_its_domain():
    body = b'<opml version="2.0"><body><outline xmlUrl="https://www.a.example/rss"/></body></opml>'
    (source,) = read_opml(body)
    assert source.outlet.name == source.outlet.domain


def test_a_name_with_control_characters_gives_a_readable_file():
    outlet = Outlet(domain="a.example", name="A\x07B\x00")
    sources = (FeedSource(url="https://a.example/rss", outlet=outlet),)
    text = write_opml(sources, title="t\x07")
    assert [item.get("text") for item in ET.fromstring(text).iter("outline")] == ["AB"]


def test_entities_that_multiply_are_not_expanded():
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f"""<!DOCTYPE opml [<!ENTITY l0 "lol">{lol}]><opml version="2.0"><body>
      <outline text="&l9;" xmlUrl="https://a.example/rss"/></body></opml>""".encode()
    try:
        names = [source.outlet.name for source in read_opml(body)]
    except UsageError:
        names = []
    assert not any("lollol" in name for name in names)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode))
def test_nothing_but_a_usage_error_comes_of_any_file(body):
    try:
        found, complaint = read_opml(body), ""
    except UsageError as error:
        found, complaint = (), str(error)
    assert bool(found) != ("export it" in complaint)


def test_a_list_of_thousands_is_read_once_not_once_a_feed():
    sources = tuple(
        FeedSource(url=f"https://a{n}.example/rss", outlet=Outlet(domain=f"a{n}.example", name="A"))
        for n in range(2000)
    )
    body = write_opml(sources, title="t").encode()
    start = process_time()
    assert len(read_opml(body)) == 2000
    assert process_time() - start < 4  # 0.1 s; parsing it again for every feed takes 12
