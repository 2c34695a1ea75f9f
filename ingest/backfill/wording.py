"""What a story's names ask of a page: single words, each of which a program can look for.

    StoryRule -> sides that must all occur -> names, one of which must -> words, which all must

A name of several words may have anything between them in a page: a line break, a hyphen, a link.
So its words are looked for one by one, wherever they stand, which finds more than
`ingest.names` does and never less.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.names import fold
from ingest.story import NameGroup, StoryRule

# The scripts in which `ingest.names` finds a name inside a word, and those in which the small
# words before it are written onto it.
_ANYWHERE = re.compile(
    r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF"
    r"\u1100-\u11FF\u3040-\u30FF\u3130-\u318F\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF]"
)
_PREFIXED = re.compile(r"[\u0590-\u06FF]")
_DENSE = re.compile(
    r"[\u1100-\u11FF\u3040-\u30FF\u3130-\u318F\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF]"
)
_TAGS = r"(?:<[^<>]{0,300}>){0,3}"  # after a first letter that is set apart
_BETWEEN = r"(?:<[^<>]{0,300}>|[^\w<]|_){0,200}"  # two words of a name in a page
_TELLING = 3  # the weight from which a word says something by itself
_LEAST = 2  # and from which it does after an initial


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a name."""

    folded: str  # as ingest.names.fold writes it
    spelled: str  # as it was configured, in lower case
    opens: bool  # no letter may stand before it
    closes: bool  # nor after it

    @property
    def weight(self) -> int:
        """How much it tells, as `weigh` has it."""
        return weigh(self.folded)

    @property
    def pattern(self) -> str:
        """The word with its boundaries."""
        initial, rest = map(re.escape, (self.folded[0], self.folded[1:]))
        start = rf"(?<![^\W_]{initial})" if self.opens else ""  # after it: literals are fastest
        end = "" if self.closes or _DENSE.search(self.folded) else r"\w{0,40}"
        return f"{initial}{start}{_TAGS}{rest}{end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameWords:
    """A name of one word or more."""

    words: tuple[Word, ...]

    @property
    def telling(self) -> tuple[Word, ...]:
        """The words that say something by themselves; without any, all."""
        return tuple(word for word in self.words if word.weight >= _TELLING) or self.words

    @property
    def joined(self) -> re.Pattern[str] | None:
        """Where the words follow each other, if most are so short that it is needed to know."""
        telling = sum(word.weight >= _TELLING for word in self.words)
        if len(self.words) == 1 or telling > 1:
            return None
        return re.compile(_BETWEEN.join(word.pattern for word in self.words))


Side = tuple[NameWords, ...]


def weigh(word: str) -> int:
    """How much a word tells, in letters of an alphabet; a syllable or an ideograph counts two."""
    return len(word) + len(_DENSE.findall(word))


def initial_forms(folded: str) -> Iterator[str]:
    """The word, and what follows its first letter when markup makes that an initial."""
    yield folded
    if weigh(folded[1:]) >= _LEAST:
        yield ">" + folded[1:]


def read_sides(rule: StoryRule) -> tuple[Side, ...]:
    """The sides of a story that a text must all name; () when any text may be of the story.

    Without a required group, any of the groups must be named. A side with a name that has nothing
    but signs is left out: it counts as named.
    """
    required = [group.key for group in rule.groups if group.required]
    keys = [{key} for key in dict.fromkeys(required)] or [{group.key for group in rule.groups}]
    sides = (
        tuple(_read_names(group for group in (*rule.groups, *rule.anchors) if group.key in wanted))
        for wanted in keys
    )
    return tuple(side for side in sides if side and all(name.words for name in side))


def _read_names(groups: Iterable[NameGroup]) -> Iterator[NameWords]:
    texts = (text for group in groups for _language, texts in group.names for text in texts)
    for text in dict.fromkeys(texts):
        yield NameWords(words=tuple(split_name(text)))


def split_name(text: str) -> Iterator[Word]:
    """The words of a configured name; a `*` or a sign ends one."""
    folded = fold(text).strip()
    anywhere = _ANYWHERE.search(folded) is not None
    prefixed = _PREFIXED.search(folded) is not None
    spelled = list(_runs(unicodedata.normalize("NFC", text).lower()))
    runs = list(_runs(folded))
    same = len(spelled) == len(runs)
    for number, (start, end) in enumerate(runs):
        word = folded[start:end]
        first, last = spelled[number] if same else (0, 0)
        yield Word(
            folded=word,
            spelled=unicodedata.normalize("NFC", text).lower()[first:last] or word,
            opens=not anywhere and not prefixed and folded[start - 1 : start] != "*",
            closes=not anywhere and folded[end : end + 1] != "*",
        )


def _runs(text: str) -> Iterator[tuple[int, int]]:
    start = None
    for place, character in enumerate(text + " "):
        inside = unicodedata.category(character)[0] in "LMN" or character in "\u00ad\u200c\u200d"
        if inside and start is None:
            start = place
        elif not inside and start is not None:
            yield start, place
            start = None
