"""The first look at a page, after which nearly all are put aside.

Only one side of each story is looked for, the one whose names are longest, with the letters of the
page folded by one look into a table (`ingest.backfill.alphabet`). What it lets pass may still be
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.backfill.alphabet import Alphabet, compile_alphabet
from ingest.backfill.automata import (
    Detector,
    Finder,
    Stands,
    compile_detector,
    compile_finder,
    detect_words,
    find_words,
)
from ingest.backfill.lettering import Lettering
from ingest.backfill.vocabulary import Vocabulary, is_told
from ingest.backfill.wording import Word, initial_forms

_UTF8 = frozenset({"utf-8"})
_LEAST = 3  # letters
_LONGEST_TAG = 300
_TAG_END = ord(">")
_ESCAPING = re.compile(rb"[&\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What is looked for, in the bytes of an alphabet."""

    vocabulary: Vocabulary
    alphabet: Alphabet
    latin_keys: Detector | None  # None: one is so short that it stands in every page
    other_keys: Detector
    words: Finder


def compile_first_look(vocabulary: Vocabulary, lettering: Lettering) -> FirstLook:
    """Prepare the strings and their automata."""
    alphabet = compile_alphabet((word.folded for word in vocabulary.words), lettering)
    signs = [frozenset(_sign(word, alphabet)) for word in vocabulary.words]
    keys = {sign for number in vocabulary.keys for sign in signs[number]}
    latin_keys = set(filter(bytes.isascii, keys))
    is_worth = all(len(key) >= _LEAST for key in latin_keys)
    return FirstLook(
        vocabulary=vocabulary,
        alphabet=alphabet,
        latin_keys=compile_detector(latin_keys) if is_worth else None,
        other_keys=compile_detector(keys - latin_keys),
        words=compile_finder([dict.fromkeys(sign, _UTF8) for sign in signs]),
    )


def _sign(word: Word, alphabet: Alphabet) -> Iterable[bytes]:
    return map(alphabet.spell, initial_forms(word.folded))


def seems_told(look: FirstLook, text: str) -> bool:
    """Whether a page, in which escapes of letters are undone, may name all sides of a story."""
    stream = look.alphabet.write(text)
    if not _holds_key(look, stream):
        return False
    found = find_words(look.words, stream, _stands(look, stream))
    return found is None or is_told(look.vocabulary, found)


def _holds_key(look: FirstLook, stream: bytes) -> bool:
    if look.latin_keys is None:
        return True
    stands = _stands(look, stream, only_keys=True)
    if detect_words(look.latin_keys, look.words, stream, stands):
        return True
    return not stream.isascii() and detect_words(look.other_keys, look.words, stream, stands)


def _stands(look: FirstLook, stream: bytes, *, only_keys: bool = False) -> Stands:
    words, keys, letters = look.vocabulary.words, look.vocabulary.keys, look.alphabet.letters

    def stands(number: int, start: int, end: int, _encodings: frozenset[str]) -> bool:
        if only_keys and number not in keys:
            return False
        return _may_stand(words[number], stream, start, end, letters)

    return stands


def _may_stand(word: Word, stream: bytes, start: int, end: int, letters: frozenset[int]) -> bool:
    """Whether a word has its boundaries, as far as what stands beside it is surely a letter.

    It may be the end of an escape or of a character reference.
    """
    if word.closes and end < len(stream) and stream[end] in letters:
        return False
    if stream.startswith(b">", start):
        tag = find_tag(stream, start)
        return tag > 0 and not stream[tag - 1 : tag].isspace() and stream[tag - 1] != _TAG_END
    is_inside = start > 0 and stream[start - 1] in letters
    return not (word.opens and is_inside and not _ESCAPING.search(stream, max(start - 8, 0), start))


def find_tag(stream: bytes, end: int) -> int:
    """Where the tag begins that ends there; -1 if none does."""
    return stream.rfind(b"<", max(end - _LONGEST_TAG, 0), end)
