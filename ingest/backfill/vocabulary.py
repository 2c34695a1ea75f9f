"""All words of all stories, numbered, and what has to be found for a page to matter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.backfill.wording import NameWords, Side, Word, read_sides
from ingest.story import StoryRule

_ENOUGH = 4  # letters that make a word worth looking for
_PART = 3  # letters
_ALPHABET = 20.0  # how much rarer a word is with each letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A name as the numbers of its words, and a pattern where these must adjoin."""

    words: frozenset[int]
    joined: re.Pattern[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words, and the names of each side of each story."""

    words: tuple[Word, ...]
    stories: tuple[tuple[tuple[Sought, ...], ...], ...]
    keys: frozenset[int]  # a word of each name of one side of each story


def read_vocabulary(rules: Sequence[StoryRule]) -> Vocabulary:
    """Number the words; a word that two names share has one number."""
    stories = [read_sides(rule) for rule in rules]
    words = dict.fromkeys(
        word for sides in stories for side in sides for name in side for word in name.telling
    )
    numbers = {word: number for number, word in enumerate(words)}
    return Vocabulary(
        words=tuple(words),
        stories=tuple(tuple(_seek_any(side, numbers) for side in sides) for sides in stories),
        keys=frozenset(numbers[word] for sides in stories for word in _choose_keys(sides)),
    )


def is_told(vocabulary: Vocabulary, found: set[int], *, text: str | None = None) -> bool:
    """Whether these words make a name of each side of a story.

    With the text they stand in, words that must adjoin do.
    """
    return any(
        all(
            any(
                name.words <= found
                and (text is None or name.joined is None or name.joined.search(text))
                for name in side
            )
            for side in sides
        )
        for sides in vocabulary.stories
    )


def _seek_any(side: Side, numbers: Mapping[Word, int]) -> tuple[Sought, ...]:
    """The names of a side, those last that take a look at the text."""
    names = dict.fromkeys(_seek(name, numbers) for name in side)
    return tuple(sorted(names, key=lambda name: name.joined is not None))


def _seek(name: NameWords, numbers: Mapping[Word, int]) -> Sought:
    return Sought(words=frozenset(numbers[word] for word in name.telling), joined=name.joined)


def _choose_keys(sides: Sequence[Side]) -> set[Word]:
    """A word of each name of that side which is named least, as far as lengths can tell."""
    keys = [set(_choose_side_keys(side)) for side in sides]
    return min(keys, key=lambda words: sum(_ALPHABET**-word.weight for word in words))


def _choose_side_keys(side: Side) -> Iterator[Word]:
    """Of each name a telling word, and of several one that is long and has a part of most names.

    Such a part is of the side's own name, as in Korea, Corea and Corée; what stands beside it, as
    north does, is in many other pages.
    """
    shared = Counter(
        part for name in side for part in {part for word in name.words for part in _parts(word)}
    )
    for name in side:
        enough = min(_ENOUGH, max(word.weight for word in name.words))
        yield max(
            (word for word in name.telling if word.weight >= enough),
            key=lambda word: word.weight * max(shared[part] for part in _parts(word)),
        )


def _parts(word: Word) -> Iterator[str]:
    """Each three letters of a word, or all of a shorter one."""
    for start in range(max(len(word.folded) - _PART, 0) + 1):
        yield word.folded[start : start + _PART]
