"""A query is read as its writer meant it, or refused with a word of advice; never passed on raw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UsageError
from storage.search_query import (
    AllOf,
    AnyOf,
    Phrase,
    has_neighbours,
    loosened,
    matches,
    parse_query,
    phrases_of,
)
from storage.search_render import fts5_query, stem_query, ts_query, ts_vector
from storage.terms import terms_of


def words(*terms, is_open=False):
    return Phrase(terms=terms, is_open=is_open)


def all_of(*wanted, without=()):
    return AllOf(wanted=wanted, unwanted=tuple(without))


def any_of(*parts):
    return AnyOf(parts=parts)


A, B, C = words("a"), words("b"), words("c")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        pytest.param("Züge", words("zuge"), id="a word"),
        pytest.param("a b", all_of(A, B), id="words must all occur"),
        pytest.param("a AND b", all_of(A, B), id="AND says nothing new"),
        pytest.param("a and or not", all_of(*map(words, ["a", "and", "or", "not"])), id="small"),
        pytest.param('"a b" c', all_of(words("a", "b"), C), id="a phrase"),
        pytest.param("„a b“", words("a", "b"), id="German quotation marks"),
        pytest.param("«a b» “c”", all_of(words("a", "b"), C), id="other quotation marks"),
        pytest.param('"a b"*', words("a", "b", is_open=True), id="a phrase that goes on"),
        pytest.param("train*", words("train", is_open=True), id="a beginning"),
        pytest.param("a OR b", any_of(A, B), id="one or the other"),
        pytest.param("a b OR c", any_of(all_of(A, B), C), id="OR holds less than standing beside"),
        pytest.param("a (b OR c)", all_of(A, any_of(B, C)), id="groups"),
        pytest.param("a -b", all_of(A, without=[B]), id="not"),
        pytest.param("-b a NOT c", all_of(A, without=[B, C]), id="not, in any place"),
        pytest.param("a -(b OR c)", all_of(A, without=[any_of(B, C)]), id="not a group"),
        pytest.param('a -"b c"', all_of(A, without=[words("b", "c")]), id="not a phrase"),
        pytest.param("Kim-Putin", words("kim", "putin"), id="a hyphen inside a word"),
        pytest.param('צה"ל', words("צה", "ל"), id="a quotation mark inside a word"),
        pytest.param("l'accord", words("l", "accord"), id="an apostrophe"),
        pytest.param("金", words("金", is_open=True), id="one Chinese letter"),
        pytest.param("金正", words("金正"), id="two"),
        pytest.param("金正恩", words("金正", "正恩"), id="three"),
        pytest.param("金正恩*", words("金正", "正恩"), id="no Chinese word ends anyway"),
        pytest.param(
            "恩 正", all_of(words("恩", is_open=True), words("正", is_open=True)), id="far"
        ),
        pytest.param("AI技", words("ai", "技", is_open=True), id="Latin, then one Chinese letter"),
        pytest.param("a … 🙂 b", all_of(A, B), id="what is no word is passed over"),
        pytest.param("a OR 🙂", A, id="also beside OR"),
        pytest.param("a -🙂", A, id="also after a minus"),
        pytest.param("a - b", all_of(A, B), id="a dash"),
        pytest.param("a* OR b:c", any_of(words("a", is_open=True), words("b", "c")), id="colon"),
        pytest.param("title:a", words("title", "a"), id="no columns of FTS5"),
        pytest.param("a NEAR b", all_of(A, words("near"), B), id="no operators of FTS5"),
        pytest.param("a & b | c", all_of(A, B, C), id="nor of tsquery"),
        pytest.param("((a))", A, id="groups of one"),
        pytest.param("a\u0000b", words("a", "b"), id="a character that no database takes"),
    ],
)
def test_a_query_is_read_as(query, tree):
    assert parse_query(query) == tree


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("", "no word"),
        ("   ", "no word"),
        ("🙂 …", "no word"),
        ("()", "no word"),
        ('""', "no word"),
        ("*", "no word"),
        ("-a", "what must occur as well"),
        ("a OR -b", "what must occur as well"),
        ("a -", None),
        ("a NOT", 'write "NOT"'),
        ("OR a", 'write "OR"'),
        ("a OR", 'write "OR"'),
        ("a OR OR b", 'write "OR"'),
        ("(a OR) b", 'write "OR"'),
        ('"a b', "without end"),
        ('a "', "without end"),
        ("(a", "not closed"),
        ("a)", "not opened"),
        (")", "not opened"),
        ("a (b", "not closed"),
        ("(" * 30 + "a" + ")" * 30, "too many parentheses"),
        (" ".join(f"w{n}" for n in range(300)), "more than 200 words"),
    ],
)
def test_a_query_that_says_nothing_sure_is_refused_with_advice(query, advice):
    if advice is None:
        parse_query(query)
        return
    with pytest.raises(UsageError, match=advice):
        parse_query(query)


HOSTILE = st.text(alphabet="ab金正 \"'*()-:^{}|&!<>\\\0ORNTéи%;„“", max_size=40) | st.text(
    max_size=40
)


@given(HOSTILE)
def test_any_text_is_a_query_or_a_usage_error(text):
    try:
        tree = parse_query(text)
    except UsageError:
        return
    asked = phrases_of(tree)
    assert asked
    for phrase in asked:
        assert phrase.terms
        assert all(terms_of(term)[0][:1] == term[:1] for term in phrase.terms)
    assert fts5_query(tree).count('"') == 2 * len(asked)
    assert ts_query(tree).count("'") == 2 * sum(len(phrase.terms) for phrase in asked)


FIELDS = st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=6)
PHRASES = st.builds(
    lambda terms, is_open: Phrase(terms=tuple(terms), is_open=is_open),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3),
    st.booleans(),
)
TREES = st.recursive(
    PHRASES,
    lambda inner: st.one_of(
        st.builds(lambda parts: AnyOf(parts=tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda wanted, unwanted: AllOf(wanted=tuple(wanted), unwanted=tuple(unwanted)),
            st.lists(inner, min_size=1, max_size=3),
            st.lists(inner, max_size=2),
        ),
    ),
    max_leaves=6,
)


@given(TREES, FIELDS, FIELDS)
def test_a_loosened_query_finds_at_least_as_much_and_asks_for_no_neighbours(tree, title, text):
    loose = loosened(tree)
    assert not has_neighbours(loose)
    assert not matches(tree, title, text) or matches(loose, title, text)


def test_a_phrase_does_not_reach_from_the_headline_into_the_text():
    assert matches(words("a", "b"), ["a", "b"], [])
    assert matches(words("a", "b"), [], ["c", "a", "b"])
    assert not matches(words("a", "b"), ["a"], ["b"])
    assert ts_vector(["a"], ["b", "a"]) == "'a':1A,4 'b':3"


def test_a_stemmer_gets_the_words_as_typed():
    assert stem_query(parse_query("Züge -„der Élysée“ lok*")) == (
        "(('züge') & ('lok':*) & !('der' <-> 'élysée'))"
    )
    with pytest.raises(UsageError, match="leave out --stem"):
        stem_query(parse_query("Züge 金正恩"))
