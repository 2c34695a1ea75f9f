"""Bringing a page to the letters in which names are looked for, as far as the names need it.

`ingest.names.fold` does it for a text, at twelve megabytes a second. A page of a crawl is nearly
always about something else, so here only those characters are replaced that could be part of a
name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from ingest.names import fold

EVERYDAY = "ЁёЙйЇїЎўΆΈΉΊΌΎΏΪΫάέήίόύώϊϋΐΰςأإآٱىیةکؤئ"
"""Letters of three scripts that most pages have and that fold to another: patterns list them."""

_CODES = (  # of what a character class can hold and be fast; others stand for themselves
    *range(0x80, 0x3400),
    *range(0xA000, 0xAC00),
    *range(0xD7A4, 0xD800),
    *range(0xF900, 0x10000),
)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]+")  # among them bold and script letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """Which characters of a page matter to some names."""

    folded: Mapping[str, str]  # a character to what stands for it
    telling: frozenset[str]  # those for which letters of the names stand
    every: re.Pattern[str]  # all of those
    composing: re.Pattern[str]  # what joins with the character before it, as a voicing mark


def choose_lettering(words: Iterable[str]) -> Lettering:
    """Choose what matters to these folded words; takes some 50 ms the first time."""
    composed = "".join(words)
    parts = {part for letter in composed for part in unicodedata.normalize("NFD", letter)[1:]}
    alphabet = frozenset(composed + unicodedata.normalize("NFD", composed))
    telling = {
        character: letters
        for character, letters in all_foldings().items()
        if not letters or not alphabet.isdisjoint(letters)
    }
    # These seem to be part of a word and are not, once they are folded.
    apart = {
        character: letters
        for character, letters in all_foldings().items()
        if character.isalnum() and not letters.isalnum()
    }
    folded = apart | telling
    composing = (parts - folded.keys()) | {
        character for character, letters in telling.items() if not parts.isdisjoint(letters)
    }
    return Lettering(
        folded=folded,
        telling=frozenset(telling),
        every=_any_of(folded.keys()),
        composing=_any_of(composing),
    )


@cache
def all_foldings() -> dict[str, str]:
    """Every letter, mark, digit and invisible character that folds to something else."""
    characters = [*map(chr, _CODES)]
    # All at once is ten times as fast: no character joins with a line break.
    folded = fold("\n".join(characters)).split("\n")
    return {
        character: letters
        for character, letters in zip(characters, folded, strict=True)
        if letters != character and (not letters or unicodedata.category(character)[0] in "LMN")
    }


def fold_of(character: str) -> str:
    """What stands for a character in a folded text; signs stand for themselves."""
    return character.lower() if character.isascii() else all_foldings().get(character, character)


def _any_of(characters: Iterable[str]) -> re.Pattern[str]:
    """A pattern of one of these characters."""
    members = "".join(sorted(map(re.escape, characters)))
    return re.compile(f"[{members}]" if members else r"(?!)")


def matters(text: str, lettering: Lettering) -> bool:
    """Whether `replace_every` would change something."""
    return any(pattern.search(text) for pattern in (lettering.every, lettering.composing, _ASTRAL))


def replace_astral(text: str) -> str:
    """Replace what Unicode has beyond 65,536 characters, bold and script letters among it."""
    return _ASTRAL.sub(lambda match: fold(match[0]), text)


def replace_every(text: str, lettering: Lettering) -> str:
    """Replace every character that matters by what stands for it in a folded word."""
    text = replace_astral(text)
    is_composing = lettering.composing.search(text) is not None
    text = lettering.every.sub(lambda match: lettering.folded[match[0]], text)
    return unicodedata.normalize("NFC", text) if is_composing else text
