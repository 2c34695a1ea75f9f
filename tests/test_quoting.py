"""Quotations by their marks, in many languages and in texts that are broken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.quoting import find_quotations, quotation_key

MARKS = "„“”‟«»‹›‚‘’‛「」『』《》〝〞〟＂\"'"


def found(text):
    return [quotation.text for quotation in find_quotations(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("He said “we will not give up”.", ["we will not give up"], id="English"),
        pytest.param("„Wir geben nicht auf“, sagte er.", ["Wir geben nicht auf"], id="German"),
        pytest.param("»Wir geben nicht auf«, sagte er.", ["Wir geben nicht auf"], id="German »«"),
        pytest.param("Il dit : « Nous tenons bon ».", ["Nous tenons bon"], id="French"),
        pytest.param("Él dijo: «No nos rendimos».", ["No nos rendimos"], id="Spanish"),
        pytest.param("”Vi ger inte upp”, sade han.", ["Vi ger inte upp"], id="Swedish"),
        pytest.param("„Nie poddamy się nigdy”, rzekł.", ["Nie poddamy się nigdy"], id="Polish"),
        pytest.param("Он сказал: «Мы не сдадимся».", ["Мы не сдадимся"], id="Russian"),
        pytest.param("他说：“我们绝不会放弃。”然后离开", ["我们绝不会放弃。"], id="Chinese"),
        pytest.param("「我々は諦めないだろう」と述べた", ["我々は諦めないだろう"], id="Japanese"),
        pytest.param('"절대 포기하지 않겠다"라고 했다', ["절대 포기하지 않겠다"], id="Korean"),
        pytest.param(
            "그는 ‘절대 포기하지 않겠다’고", ["절대 포기하지 않겠다"], id="Korean, single"
        ),
        pytest.param("قال «لن نستسلم أبدا» أمس", ["لن نستسلم أبدا"], id="Arabic"),
        pytest.param('He said "we will not give up".', ["we will not give up"], id="straight"),
        pytest.param(
            "‹Wir geben nicht auf›, so er.", ["Wir geben nicht auf"], id="single guillemets"
        ),
    ],
)
def test_the_marks_of_each_language(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "“He told us ‘we never give up’ then.”",
            ["we never give up", "He told us 'we never give up' then."],
            id="inner quotations too",
        ),
        pytest.param("It's the men's, don't they say", [], id="apostrophes"),
        pytest.param(
            "‘The soldiers’ families are safe’, he said",
            ["The soldiers' families are safe"],
            id="a genitive plural ends nothing",
        ),
        pytest.param("the so-called “special operation” there", [], id="two words are a term"),
        pytest.param("他说“特别军事”行动", [], id="four characters are a term"),
        pytest.param("《中华人民共和国宪法全文》说", [], id="Chinese marks of a title"),
        pytest.param("“he said.\nOne more line here”", [], id="a line ends what is open"),
        pytest.param(
            "“One two three.\n\n“Four five six,” he said.",
            ["One two three.", "Four five six"],
            id="a speech of two paragraphs",
        ),
        pytest.param('"one two "three four five" six', ["three four five"], id="one mark too many"),
        pytest.param("– We will not give up, he said", [], id="a dash is no mark"),
        pytest.param("5'10\" and 6'2\" and 7'3\" tall", [], id="feet and inches"),
        pytest.param("“" + "word " * 300 + "”", [], id="what is too long was never closed"),
    ],
)
def test_what_is_one_and_what_is_not(text, expected):
    assert found(text) == expected


def test_equal_words_have_one_key_whatever_the_marks_and_the_case():
    keys = {
        find_quotations(text)[0].key
        for text in (
            "“We will  not give up,” he said",
            "„we will not give up!“",
            "« We will not\u00a0give up »",
        )
    }
    assert keys == {quotation_key("WE WILL NOT GIVE UP")}
    assert quotation_key("We will now give up") not in keys


def test_the_span_is_what_stands_between_the_marks():
    text = "Il dit : « we will not give up, » et partit."
    (quotation,) = find_quotations(text)
    assert text[quotation.start : quotation.stop] == "we will not give up"
    assert quotation.words == 5


@settings(deadline=None)
@given(st.text(st.sampled_from(MARKS + "abs \n.漢가")) | st.text())
def test_spans_are_inside_any_text(text):
    for quotation in find_quotations(text):
        assert 0 <= quotation.start < quotation.stop <= len(text)
        assert quotation.words >= 3
        assert len(quotation.key) == 16


@pytest.mark.parametrize(
    "piece",
    ["“", '"', "' ", "‘a ", "s’ a", "“a b c” ", '"a b c" ', "‘“", "„a\n", "«»", "'a' ", "”“"],
)
def test_time_is_linear_in_the_length_of_hostile_texts(piece):
    started = time.process_time()
    find_quotations(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 20  # quadratic, it would take hours
