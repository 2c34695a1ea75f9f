"""Telling an edit, however large, from another page that stands where the article was.

Walls and error pages say what they are in the languages that `ingest.blocked` knows. In any other
one they are told by what they lack: headline, sentences and words of the article.
"""

from __future__ import annotations

from hashlib import sha256

from ingest.pagelines import without_digits
from ingest.verdict.text import normalize_text, split_sentences, tokens

_SAME_WORDS = 0.1  # reports on one event share a quarter, any two of one language a twentieth
_LONG_WORD = 4  # letters; shorter ones are the same in many texts and languages


def is_other_page(*, old_title: str, old_text: str, new_title: str, new_text: str) -> bool:
    """Whether nothing is left of an article: not its headline, no sentence, hardly any word."""
    if normalize_text(old_title) == normalize_text(new_title):
        return False
    if not set(split_sentences(old_text)).isdisjoint(split_sentences(new_text)):
        return False
    old, new = _words(f"{old_title}\n{old_text}"), _words(f"{new_title}\n{new_text}")
    return len(old & new) < _SAME_WORDS * len(new)


def _words(text: str) -> set[str]:
    every = set(tokens(text))
    return {word for word in every if len(word) >= _LONG_WORD} or every


def page_mark(title: str, text: str) -> str:
    """Return a hash by which one page is known at several addresses, whatever numbers it shows."""
    plain = without_digits(f"{normalize_text(title)}\n{normalize_text(text)}")
    return sha256(plain.encode("utf-8", "replace")).hexdigest()
