"""The terms of a text, as the search index holds them on both databases.

    text -> fold (case, accents, points, digits) -> words -> terms

A word of a script with spaces is a term. A run of a script without them, and of Korean, whose
particles are glued on, becomes its pairs of letters that overlap, and its last letter alone: 金正恩
is 金正, 正恩, 恩. A phrase of pairs then finds any string of two letters or more, and the beginning
of a pair finds a single letter. A letter is one with its vowel signs and tones.

Made here and not by the databases, whose own parsers disagree with each other and with themselves:
Postgres in the locale C takes « for a letter and keeps non-ASCII capitals, FTS5 cuts Hindi at its
vowel signs and leaves Arabic its points, and neither segments Chinese.

Folding follows NFKC_Casefold (Unicode 15, 3.13) without accents; Arabic letters as Lucene's
ArabicNormalizer has them. Letters that merely look like others with an accent stay: й, ї, ў, ґ.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise, zip_longest

MOST_CHARACTERS = 64
"""Of a term; Postgres takes 2,046 bytes. Longer ones are cut, in the text and in the query."""

MOST_TERMS = 65_536
MOST_BYTES = 600_000
"""Of a text: what follows is not indexed. A tsvector has a megabyte at most, for all its terms in
UTF-8 and up to five bytes for each of their positions."""

MOST_STEMMED_BYTES = 150_000
"""Of a text, for a stemmer: Postgres's parser may cut a word into many, as it does with Hindi."""

_UNSPACED = (
    "\u1000-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Korean
    "\u0e01-\u0e4e\u0e81-\u0eff\u1780-\u17dd\u1950-\u19df\u1a20-\u1aad"  # Thai, Lao, Khmer, Tai
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3035\u303b\u3041-\u30ff\u3105-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af"
)

_LETTERS = str.maketrans(
    {
        "_": " ",
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t",
        "æ": "ae", "œ": "oe", "þ": "th",
        "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه",
    }
)  # fmt: skip

_DROPPED = (
    "(?<![гк])\u0301|(?<![иу])\u0306|(?<!і)\u0308|[\u0300\u0302-\u0305\u0307\u0309-\u036f"
    "\u0483-\u0489"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08d3-\u08e1\u08e3-\u08ff"  # Arabic points, tatweel
    "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"  # unseen
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_NOT_ASCII_DIGIT = re.compile(r"(?![0-9])\d")
_ASCII_WORD = re.compile("[0-9a-z]+")


def fold(text: str) -> str:
    """The text without what a search should not tell apart; doing it twice changes nothing."""
    if text.isascii():
        return text.lower().replace("_", " ")
    text = unicodedata.normalize("NFKD", text)
    text = unicodedata.normalize("NFKD", text.casefold())
    text = _dropped().sub("", text).translate(_LETTERS)
    text = _NOT_ASCII_DIGIT.sub(lambda found: str(unicodedata.digit(found[0])), text)
    return unicodedata.normalize("NFC", text)


def terms_of(text: str) -> list[str]:
    """The terms of a text in their order, without an end."""
    folded = fold(text)
    if folded.isascii():
        return [word[:MOST_CHARACTERS] for word in _ASCII_WORD.findall(folded)]
    if not _unspaced().search(folded):
        return [word[:MOST_CHARACTERS] for word in _words().findall(folded)]
    terms: list[str] = []
    for run, word in _runs().findall(folded):
        if run:
            letters = _letters().findall(run)
            terms += [(one + two)[:MOST_CHARACTERS] for one, two in pairwise(letters)]
            word = letters[-1]  # noqa: PLW2901 - the last letter stands alone
        terms.append(word[:MOST_CHARACTERS])
    return terms


def located_terms(text: str) -> list[tuple[str, int, int]]:
    """The terms of a text, each with the offsets in it of what it was made of."""
    found: list[tuple[str, int, int]] = []
    for chunk in _chunks().finditer(text):
        letters = [
            (letter, chunk.start() + piece.start(), chunk.start() + piece.end())
            for piece in _pieces().finditer(chunk[0])
            for letter in _letters_or_word(piece[0])
        ]
        for (one, start, end), following in zip_longest(letters, letters[1:]):
            if following is not None and is_unspaced(one) and is_unspaced(following[0]):
                found.append(((one + following[0])[:MOST_CHARACTERS], start, following[2]))
            else:
                found.append((one[:MOST_CHARACTERS], start, end))
    return found


def is_unspaced(term: str) -> bool:
    """Whether a term is of a script without spaces."""
    return _unspaced().match(term) is not None


def _letters_or_word(piece: str) -> list[str]:
    return [
        part
        for run, word in _runs().findall(fold(piece))
        for part in (_letters().findall(run) if run else [word])
    ]


def indexed_terms(title: str, text: str) -> tuple[list[str], list[str]]:
    """The terms of a headline and of a text, as far as they are indexed."""
    head = _bounded(terms_of(title), MOST_TERMS // 4, MOST_BYTES // 4)
    return head, _bounded(terms_of(text), MOST_TERMS - len(head), MOST_BYTES - _size(head))


def searched_terms(text: str) -> tuple[list[str], bool]:
    """The terms that a text must have side by side to contain this one; whether the last may go on.

    The last letter of a run is part of a pair already, or begins one.
    """
    terms = terms_of(text)
    folded = fold(text)
    if folded.isascii() or not _unspaced().search(folded):
        return terms, False
    *_, (run, _word) = _runs().findall(folded)
    if not run:
        return terms, False
    if len(_letters().findall(run)) > 1:
        return terms[:-1], False
    return terms, True


def stemmed_words(title: str, text: str) -> tuple[str, str]:
    """What is handed to a stemmer of a headline and of a text: words with spaces between them."""
    head = _bounded(words_of(title), MOST_TERMS // 4, MOST_STEMMED_BYTES // 4)
    rest = _bounded(words_of(text), MOST_TERMS - len(head), MOST_STEMMED_BYTES - _size(head))
    return " ".join(head), " ".join(rest)


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, accents kept; no runs without spaces."""
    small = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    small = _unseen().sub("", small).replace("_", " ")
    found = _runs().findall(small) if _unspaced().search(small) else _words().findall(small)
    words = (word if isinstance(word, str) else word[1] for word in found)
    return [word[:MOST_CHARACTERS] for word in words if word]


def _bounded(terms: list[str], most: int, room: int) -> list[str]:
    if len(terms) <= most and _size(terms) <= room:
        return terms
    kept = []
    for term in terms[:most]:
        room -= len(term.encode())
        if room < 0:
            break
        kept.append(term)
    return kept


def _size(terms: list[str]) -> int:
    return len("".join(terms).encode())


# ---------------------------------------------------------------- patterns, made when first used


@cache
def _marks() -> str:
    """All combining marks, as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def _dropped() -> re.Pattern[str]:
    return re.compile(_DROPPED)


@cache
def _unseen() -> re.Pattern[str]:
    return re.compile("[\u00ad\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


@cache
def _words() -> re.Pattern[str]:
    return re.compile(rf"[\w{_marks()}]+")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"(?=\w)[{_UNSPACED}]")


@cache
def _letters() -> re.Pattern[str]:
    return re.compile(rf"(?=\w)[{_UNSPACED}][{_marks()}]*")


@cache
def _chunks() -> re.Pattern[str]:
    """What holds together as it is written, unseen characters included."""
    return re.compile(rf"(?:[^\W_]|[{_marks()}\u00ad\u061c\u200b-\u200f\u2060\ufeff])+")


@cache
def _pieces() -> re.Pattern[str]:
    """A letter of a script without spaces, or all that is none."""
    letter = rf"(?=\w)[{_UNSPACED}\uff66-\uff9d]"
    marks = rf"[{_marks()}\uff9e\uff9f\u200b-\u200f]"
    # the vowel am of Thai and Lao is a mark and a letter once it is folded
    return re.compile(rf"{letter}{marks}*[\u0e33\u0eb3]?|(?:(?!{letter}).)+", re.DOTALL)


@cache
def _runs() -> re.Pattern[str]:
    """Two groups, of which one is filled: a run without spaces, or a word."""
    unspaced = rf"(?=\w)[{_UNSPACED}]"
    return re.compile(rf"((?:{unspaced}[{_marks()}]*)+)|((?:(?!{unspaced})[\w{_marks()}])+)")
