"""Cleaning text from the web of what no database can hold."""

from __future__ import annotations

import re
import unicodedata

MAX_TEXT = 2**20
"""Characters of an article's text that are kept."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean_text(text: str, *, limit: int = MAX_TEXT) -> str:
    """Return the text in NFC, without control characters but tab and newline, bounded in length.

    A lone surrogate becomes U+FFFD. Cleaning a clean text changes nothing. Postgres refuses NUL,
    SQLite stores it and then cuts the text there; a lone surrogate breaks both drivers.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SURROGATE.sub("\ufffd", text)
    text = _CONTROL.sub("", text)
    normal = unicodedata.normalize("NFC", text[:limit])
    # Some NFC forms are longer than what they come from, and a cut can make a new composition.
    return normal if len(normal) <= limit else unicodedata.normalize("NFC", normal[:limit])[:limit]


def clean_line(text: str, *, limit: int = 1000) -> str:
    """Return the text on one line, as for a title or a name."""
    return clean_text(" ".join(clean_text(text).split()), limit=limit).strip()


def without_headline(text: str, title: str) -> str:
    """Cut the headline off the start of the text: a changed headline is no changed text."""
    first, _newline, rest = text.partition("\n")
    return rest.lstrip() if title and first.strip() == title else text
