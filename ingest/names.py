"""Finding many names in a text of any script, in one pass.

A name is written in the configuration as its script needs it:

- Latin, Cyrillic, Greek, ...: matched as whole words; a trailing `*` makes it the start of a word,
  which covers case endings and suffixes ("Nordkorea*", "Ким Чен Ын*"); a `*` inside stands for the
  rest of that word ("северн* коре*").
- Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese: matched anywhere, since no space or only a
  particle follows.
- Arabic and Hebrew: as Latin, and the one-letter words written onto the next one (and, in, to,
  the) may stand before it.

Letters are compared without case, width (Unicode NFKC), accents, vowel points and Arabic spelling
variants; hyphens of every kind equal a space.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

# Accents of Latin, Greek and Cyrillic; Hebrew points; Arabic vowel signs and the tatweel. Marks of
# other scripts stay: in Thai, Hindi or Japanese they are letters in their own right.
_DROPPED = (
    *range(0x0300, 0x0370),
    *range(0x0591, 0x05C8),
    *range(0x064B, 0x0660),
    0x0640,
    0x0670,
    0x00AD,  # soft hyphen
    *range(0x200B, 0x2010),  # zero width, joiners and direction marks
    0xFEFF,
)
_DASHES = "-‐‑‒–—―−־_·・"
_FOLDED: dict[int, int | str | None] = {
    **dict.fromkeys(_DROPPED),
    **dict.fromkeys(map(ord, _DASHES), " "),
    **dict.fromkeys(map(ord, "’‘ʼ׳`´ʹ"), "'"),
    **str.maketrans("أإآٱىیةکıøłđ", "اااايي" + "هكiold"),
    **{start + digit: str(digit) for start in (0x0660, 0x06F0, 0x0966) for digit in range(10)},
}
_BLANKS = re.compile(r"[^\S\n]+")
_SENTENCE_END = re.compile(r"(?:\.(?=\s|$)|[!?;…؟؛۔।。]+)\s*|\s*\n\s*")
_ANYWHERE = (
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF"  # Thai, Lao, Burmese, Khmer
    r"\u1100-\u11FF\u3040-\u30FF\u3130-\u318F\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF"
)
_SCRIPTS = (
    # which names, what may stand before them; the first that fits
    (re.compile(f"[{_ANYWHERE}]"), ""),
    (re.compile(r"[\u0600-\u06FF]"), r"(?<!\w)(?:[وف]?[بكل]?(?:ال)?|[وف]?لل)"),
    (re.compile(r"[\u0590-\u05FF]"), r"(?<!\w)[ושהבלמכ]{0,3}"),
    (re.compile(""), r"(?<!\w)"),
)

Trie = dict[str, "Trie | int"]  # a character to what follows; "" to the number of the name
_END = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name to look for and what it stands for."""

    key: str
    text: str  # as configured


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """Names compiled for searching."""

    patterns: tuple[tuple[re.Pattern[str], tuple[tuple[Name, ...], ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name found in a text."""

    name: Name
    sentence: int  # counted from 0; a line counts as a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesFound:
    """The names of a text in order of appearance, and how many sentences it has."""

    mentions: tuple[Mention, ...]
    sentences: int


def fold(text: str) -> str:
    """Bring a text to the form in which names are compared; line breaks stay.

    Follows Unicode's compatibility caseless matching (The Unicode Standard, section 3.13, D146).
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold()).translate(_FOLDED)
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", decomposed).casefold())


def compile_names(names: Iterable[Name]) -> NameIndex:
    """Compile names into one pattern for each kind of script.

    Raises ValueError for a name with nothing to look for.
    """
    by_lead: dict[str, dict[str, list[Name]]] = {}
    for name in names:
        folded = fold(name.text).strip()
        if not folded.strip("* "):
            raise ValueError(f"{name.text!r} has no letters to look for")
        lead = next(lead for script, lead in _SCRIPTS if script.search(folded))
        if not lead:
            folded = folded.replace("*", "")  # nothing ends a word there, so all of it would follow
        same = by_lead.setdefault(lead, {}).setdefault(folded, [])
        if all(other.key != name.key for other in same):
            same.append(name)
    return NameIndex(patterns=tuple(_compile(lead, found) for lead, found in by_lead.items()))


def find_names(index: NameIndex, folded: str) -> NamesFound:
    """Find every name in a folded text."""
    ends = [match.end() for match in _SENTENCE_END.finditer(folded)]
    found = sorted(_matches(index, folded), key=itemgetter(0))
    return NamesFound(
        mentions=tuple(
            Mention(name=name, sentence=bisect_right(ends, start)) for start, name in found
        ),
        sentences=len(ends) + (not ends or ends[-1] < len(folded)),
    )


def _matches(index: NameIndex, folded: str) -> Iterator[tuple[int, Name]]:
    for pattern, names in index.patterns:
        for match in pattern.finditer(folded):
            if match.lastindex is not None:
                for name in names[match.lastindex - 1]:
                    yield match.start(), name


def _compile(
    lead: str, names: Mapping[str, Sequence[Name]]
) -> tuple[re.Pattern[str], tuple[tuple[Name, ...], ...]]:
    trie: Trie = {}
    for number, folded in enumerate(names):
        node = trie
        for character in folded:
            following = node.setdefault(character, {})
            assert isinstance(following, dict)
            node = following
        node[_END] = number
    order: list[int] = []
    whole_words = bool(lead)
    source = lead + _alternatives(trie, order, whole_words=whole_words, open_end=False)
    numbered = tuple(tuple(found) for found in names.values())
    return re.compile(source), tuple(numbered[number] for number in order)


def _alternatives(trie: Trie, order: list[int], *, whole_words: bool, open_end: bool) -> str:
    """Write a trie as a pattern, longest first; an empty group at each end tells which was found.

    Common beginnings are factored out, so a position costs a few steps however many names there are
    (tries as regular expressions: Perl's Regexp::Assemble and Regexp::Trie).
    """
    branches = []
    for character, following in trie.items():
        if isinstance(following, dict):
            is_star = character == "*"
            inner = _alternatives(following, order, whole_words=whole_words, open_end=is_star)
            branches.append((r"\w*" if is_star else re.escape(character)) + inner)
    end = trie.get(_END)
    if isinstance(end, int):
        order.append(end)
        branches.append("()" if open_end or not whole_words else r"()(?!\w)")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
