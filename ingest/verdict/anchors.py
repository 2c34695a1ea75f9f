"""What survives translation without any model: numbers, and names by the sound of their consonants.

A word is written in Latin letters, its vowels dropped and its consonants put into the eight classes
that transliterations keep apart: Шойгу, Schoigu and Shoigu are all "SK", Washington, Вашингтон and
واشنطن all begin "PSN". This is the idea of phonetic codes such as Soundex (Russell 1918) carried
over scripts. An anchor's position is that of its sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from zlib import crc32

from anyascii import anyascii

from ingest.verdict.text import UNSPACED_CLASS, kept_for_articles

Anchors = Mapping[int, float]
"""The anchors of a sentence: 32-bit hash to weight, 0 to 1.5."""

_NUMBER, _SMALL_NUMBER = 1.5, 0.7
_NAME, _WORD, _SHORT_NAME = 1.0, 0.6, 0.7
_RUN_3, _RUN_4 = 0.6, 0.8  # pieces of a text without spaces
_MAX_CHARACTERS = 2000
_SPELT_ALIKE = 0.6  # share of letters in common, in order

# Signs that belong to a word, though they are no letters: vowels of the Indic scripts, points.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0f00-\u0fff\u1200-\u139f"
_WORDS = re.compile(
    rf"\d+(?:[.,\u066b\u066c]\d+)*|[{UNSPACED_CLASS}]+"
    rf"|(?:[^\W\d_{UNSPACED_CLASS}]|[{_MARKS}'\u2019])+"
)
_UNSPACED_START = re.compile(rf"[{UNSPACED_CLASS}]")
_DIGRAPHS = {
    **dict.fromkeys(("sch", "tch", "tsh", "zh", "sh", "ch", "cz", "sz", "ts", "tz"), "s"),
    **dict.fromkeys(("kh", "gh", "ck"), "k"),
    "ph": "p",
    "th": "t",
}
_DIGRAPH = re.compile("|".join(_DIGRAPHS))
_SOFT_C = re.compile("c(?=[eiy])")
_NO_LETTER = re.compile("[^a-z]")
_CLASSES = {
    ord(letter): class_
    for letters, class_ in (
        ("bpfvw", "P"),
        ("dt", "T"),
        ("gkqcx", "K"),
        ("szj", "S"),
        ("l", "L"),
        ("r", "R"),
        ("m", "M"),
        ("n", "N"),
        ("aeiouyh", None),
    )
    for letter in letters
}
_REPEATED = re.compile(r"(.)\1+")


@lru_cache(maxsize=100_000)
def skeleton(word: str) -> str:
    """Return a word's consonant classes; "A" stands for a vowel at its start."""
    letters = _NO_LETTER.sub("", romanize(word).lower())
    sounds = _DIGRAPH.sub(lambda found: _DIGRAPHS[found.group()], _SOFT_C.sub("s", letters))
    consonants = _REPEATED.sub(r"\1", sounds.translate(_CLASSES))
    return "A" + consonants if consonants and letters[0] in "aeiouyh" else consonants


def romanize(text: str) -> str:
    """Write any script in ASCII letters (anyascii's tables)."""
    return anyascii(text)


def sentence_anchors(sentence: str) -> Anchors:
    """Return the anchors of one sentence; linear in its first 2,000 characters."""
    found: dict[int, float] = {}

    def add(anchor: str, weight: float) -> None:
        key = crc32(anchor.encode())
        found[key] = max(found.get(key, 0.0), weight)

    for place, match in enumerate(_WORDS.finditer(sentence[:_MAX_CHARACTERS])):
        word = match.group()
        if word[0].isdigit():
            value = plain_number(word)
            add(f"#{value}", _NUMBER if len(value) > 1 else _SMALL_NUMBER)
            continue
        sounds = skeleton(word)
        if _UNSPACED_START.match(word):
            # A name stands inside a run of characters: every piece of the run may be it.
            for size, weight in ((3, _RUN_3), (4, _RUN_4)):
                for start in range(len(sounds) - size + 1):
                    add(sounds[start : start + size], weight)
            continue
        is_name = word[0].isupper() and place > 0
        if len(sounds) == 2 and is_name:
            add(f"{sounds}$", _SHORT_NAME)
        for size in (3, 4):  # endings differ by case and language
            if len(sounds) >= size:
                add(sounds[:size], _NAME if is_name else _WORD)
    return found


def plain_number(written: str) -> str:
    """Return a number in ASCII digits without thousands separators: "١٬٥٠٠" and "1,500" are "1500".

    What stands before three digits is taken for a separator of thousands, any other for a point.
    """
    groups = re.split(r"\D", "".join(_ascii_digit(character) for character in written))
    separated = len(groups) > 1 and all(len(group) == 3 for group in groups[1:])
    return ("" if separated else ".").join(groups).lstrip("0") or "0"


def shared_numbers(a: str, b: str, *, limit: int = 30) -> tuple[str, ...]:
    """Return the numbers of two digits or more that both texts have, in a's order."""
    others = set(numbers_of(b))
    return tuple(dict.fromkeys(item for item in numbers_of(a) if item in others))[:limit]


def shared_names(a: str, b: str, *, limit: int = 30) -> tuple[tuple[str, str], ...]:
    """Return pairs of words, a's and b's, that sound alike and are written as names on one side."""
    named = dict(_names_of(b))
    pairs: dict[str, tuple[str, str]] = {}
    for sounds, word in _names_of(a):
        other = named.get(sounds)
        if other is None or sounds in pairs or not (word[0].isupper() or other[0].isupper()):
            continue
        if _spelt_alike(word, other):
            pairs[sounds] = (word, other)
    return tuple(pairs.values())[:limit]


@lru_cache(maxsize=4096)
def _spelt_alike(a: str, b: str) -> bool:
    """Whether two words are near in Latin letters too: consonants alone make 발사 "Plus"."""
    matcher = SequenceMatcher(None, romanize(a).lower(), romanize(b).lower(), autojunk=False)
    return matcher.ratio() >= _SPELT_ALIKE


def numbers_of(text: str) -> Iterable[str]:
    """Yield the numbers of two digits or more as `plain_number` writes them, in order."""
    for found in re.finditer(r"\d+(?:[.,\u066b\u066c]\d+)*", text):
        value = plain_number(found.group())
        if len(value) > 1:
            yield value


@kept_for_articles
def _names_of(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(_read_names(text))


def _read_names(text: str) -> Iterable[tuple[str, str]]:
    for found in _WORDS.finditer(text):
        word = found.group()
        # Without capitals any word may be a name; without spaces none can be told.
        is_cased = word[0].lower() != word[0].upper()
        if word[0].isdigit() or _UNSPACED_START.match(word) or (is_cased and word[0].islower()):
            continue
        sounds = skeleton(word)
        if len(sounds) >= 3:
            yield sounds, word


def _ascii_digit(character: str) -> str:
    return str(unicodedata.digit(character)) if character.isdigit() else character
