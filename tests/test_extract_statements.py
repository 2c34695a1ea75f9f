"""What a page says of itself, and which of it is believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.canonical import choose_canonical
from ingest.model import DateSource
from ingest.statements import choose_headline, find_articles, read_byline, read_statements

NOW = datetime(2023, 9, 20, tzinfo=UTC)


def read(*objects, headings=(), page_title="", **metas):
    plain = {name.replace("__", ":"): value for name, value in metas.items()}
    return read_statements(objects, plain, headings=headings, page_title=page_title, now=NOW)


@pytest.mark.parametrize(
    ("stated", "headings", "page_title", "site", "headline"),
    [
        pytest.param(
            ["Harbour closed"], [], "", None, "Harbour closed", id="a stated one is taken"
        ),
        pytest.param(
            ["Harbour closed | The Alder Post"],
            [],
            "",
            "The Alder Post",
            "Harbour closed",
            id="the site's name after it is cut",
        ),
        pytest.param(
            ["Harbour closed by strike | Local"],
            ["Harbour closed by strike"],
            "",
            None,
            "Harbour closed by strike",
            id="the heading shows where it ends",
        ),
        pytest.param(
            ["Harbour closed by strike of the…"],
            ["Harbour closed by strike of the crane drivers"],
            "",
            None,
            "Harbour closed by strike of the crane drivers",
            id="the heading completes one that was cut",
        ),
        pytest.param(
            ["Harbour closed by strike"],
            ["Harbour closed by strike"[:7]],
            "",
            None,
            "Harbour closed by strike",
            id="a short heading is a section's name",
        ),
        pytest.param(
            ["Tom &amp; Ann&#8217;s ship"], [], "", None, "Tom & Ann’s ship", id="escaped twice"
        ),
        pytest.param(
            ["The Post"], ["A ship came in"], "", "The Post", "A ship came in", id="the site alone"
        ),
        pytest.param([], ["A ship came in"], "x", None, "A ship came in", id="the only heading"),
        pytest.param(
            [], ["One", "Two"], "A ship - The Post", "The Post", "A ship", id="the page's title"
        ),
        pytest.param([], [], "", None, "", id="nothing"),
    ],
)
def test_the_headline_is_chosen(stated, headings, page_title, site, headline):
    chosen = choose_headline(stated, headings=headings, page_title=page_title, site=site)
    assert chosen == headline


@pytest.mark.parametrize(
    ("author", "byline"),
    [
        pytest.param("Ada Quill", "Ada Quill", id="a string"),
        pytest.param({"@type": "Person", "name": "Ada Quill"}, "Ada Quill", id="a person"),
        pytest.param([{"name": "Ada"}, {"name": "Ben"}], "Ada, Ben", id="two persons"),
        pytest.param({"name": ["Ada", "Ben"]}, "Ada, Ben", id="a person of two names"),
        pytest.param([{"name": "Ada"}, {"name": "Ada"}], "Ada", id="the same one twice"),
        pytest.param("Von Ada Quill", "Ada Quill", id="what leads up to the name"),
        pytest.param("https://example.org/ada", None, id="a profile's address"),
        pytest.param({"name": None}, None, id="no name"),
        pytest.param(17, None, id="a number"),
        pytest.param("x" * 400, None, id="too long for a name"),
    ],
)
def test_the_author_of_the_json_ld_is_read_in_its_many_forms(author, byline):
    assert read({"@type": "NewsArticle", "author": author}).byline == byline


def test_a_person_is_named_before_the_outlet_as_author():
    said = read({"author": {"name": "The Post"}}, og__site_name="The Post", author="Ada Quill")
    assert said.byline == "Ada Quill"


def test_the_outlet_as_author_is_better_than_nothing():
    assert read({"author": {"name": "The Post"}}, og__site_name="The Post").byline == "The Post"


def test_names_are_joined_each_once():
    assert read_byline(["By Ada Quill", " Ada  Quill ", "x"]) == "Ada Quill"


def test_dates_come_with_where_they_were_read():
    said = read({"datePublished": "2023-09-05T10:00:00Z"}, date="2023-09-04")
    assert [item.source for item in said.published] == [DateSource.JSON_LD, DateSource.META]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param('{"@type": "NewsArticle", "headline": "x"}', id="an object"),
        pytest.param('[{"@type": "WebPage"}, {"@type": ["NewsArticle"]}]', id="a list"),
        pytest.param('{"@graph": [{"@type": "ReportageNewsArticle"}]}', id="a graph"),
        pytest.param('{"@type": "WebPage", "mainEntity": {"@type": "Article"}}', id="an entity"),
        pytest.param('<!-- {"@type": "BlogPosting"} -->', id="in a comment"),
        pytest.param('//<![CDATA[\n{"@type": "BlogPosting"}\n//]]>', id="in CDATA"),
        pytest.param('{"@type": "Article", "text": "a\nb"};', id="raw newline and semicolon"),
    ],
)
def test_the_article_of_a_script_is_found(script):
    assert len(list(find_articles(script))) == 1


@pytest.mark.parametrize(
    "script", ["", "{", "null", "17", '"Article"', '{"@type": "Organization"}', "[" * 50_000]
)
def test_a_script_without_an_article_gives_none(script):
    assert list(find_articles(script)) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@graph", "author", "name", "headline", "publisher", "x"])
            | st.text(max_size=4),
            inner | st.just("NewsArticle"),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_json_ld_of_any_shape_is_read_without_an_error(data):
    said = read(*find_articles(json.dumps(data)))
    assert isinstance(said.headline, str)


OWN = "https://news.example.org/world/2023/harbour-17"


@pytest.mark.parametrize(
    ("stated", "canonical"),
    [
        pytest.param(None, OWN, id="none is stated"),
        pytest.param("/world/harbour", "https://news.example.org/world/harbour", id="relative"),
        pytest.param(
            "https://www.example.org/harbour", "https://www.example.org/harbour", id="same domain"
        ),
        pytest.param(OWN + "?utm_medium=rss#top", OWN, id="cleaned like any address"),
        pytest.param("https://example.com/harbour", OWN, id="another site"),
        pytest.param("https://news.example.org/", OWN, id="the home page"),
        pytest.param("https://news.example.org", OWN, id="the home page without a slash"),
        pytest.param("/world/", OWN, id="the section above"),
        pytest.param("https:%2F%2Fnews.example.org%2Fx", OWN, id="encoded twice"),
        pytest.param("javascript:void(0)", OWN, id="no address of the web"),
        pytest.param("https://[broken/", OWN, id="no address at all"),
    ],
)
def test_a_canonical_address_is_believed_within_reason(stated, canonical):
    assert choose_canonical(stated, url=OWN) == canonical


def test_a_page_of_an_article_has_the_article_above_it():
    above = "https://news.example.org/world/harbour-17"
    assert choose_canonical(above, url=above + "/page/2") == above
