"""Cleaning text of what no database can hold."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.textclean import clean_line, clean_text, without_headline

ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        pytest.param("a\0b", "ab", id="NUL goes"),
        pytest.param("a\x07\x1b\x85b", "ab", id="control characters go"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tab and newline stay"),
        pytest.param("a\r\nb\rc", "a\nb\nc", id="line ends are newlines"),
        pytest.param("a\ud800b", "a\ufffdb", id="a lone surrogate is replaced"),
        pytest.param("u\u0308", "ü", id="composed"),
    ],
)
def test_text_is_cleaned(dirty, clean):
    assert clean_text(dirty) == clean


@given(ANY_TEXT, st.integers(min_value=1, max_value=60))
def test_cleaning_a_clean_text_changes_nothing(text, limit):
    once = clean_text(text, limit=limit)
    assert clean_text(once, limit=limit) == once


@given(ANY_TEXT, st.integers(min_value=1, max_value=60))
def test_a_clean_text_can_be_stored(text, limit):
    clean = clean_text(text, limit=limit)
    assert len(clean) <= limit
    assert unicodedata.is_normalized("NFC", clean)
    assert not any(unicodedata.category(letter) == "Cc" for letter in clean if letter not in "\n\t")
    clean.encode("utf-8")


@given(ANY_TEXT)
def test_a_line_has_no_line_break_and_is_a_fixed_point(text):
    line = clean_line(text)
    assert "\n" not in line
    assert clean_line(line) == line


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("A strike\nThe harbour is closed.", "The harbour is closed."),
        ("The harbour is closed.\nA strike", "The harbour is closed.\nA strike"),
        ("A strike", ""),
    ],
)
def test_a_headline_is_cut_off_the_start_only(text, rest):
    assert without_headline(text, "A strike") == rest


def test_without_a_headline_nothing_is_cut():
    assert without_headline("\nThe harbour", "") == "\nThe harbour"
