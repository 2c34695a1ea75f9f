"""Quotations in a text of any language, by its quotation marks.

The marks of a paragraph are read once from left to right with a stack of what is open. A mark that
opens in one language and closes in another („Haus“, “house”, ”hus”, »Haus«, «maison») closes what
it can close, else it opens. Straight marks are told by the white space around them, apostrophes by
the letters. What no mark closes within its paragraph, or not within 1,200 characters, is no
quotation, except that a paragraph may run on into the next one if that opens with the same mark
again. Speech behind a dash is left out: nothing tells where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from ingest.model import Quotation
from ingest.verdict.text import UNSPACED_CLASS, normalize_text, tokens

_LEAST_WORDS = 3  # what is shorter is a term, a title or a scare quote
_LONGEST = 1200  # characters: a longer one was never closed
_MOST_MARKS = 20_000  # of a text that are looked at
_DEEPEST = 8  # quotations in each other

# A mark that may close -> the marks that it closes.
_CLOSES = {
    "“": "„‟“",
    "”": "“„”‟",
    "«": "»",
    "»": "«»",
    "‹": "›",
    "›": "‹›",
    "‘": "‚‛",
    "’": "‘‚‛",
    "」": "「",
    "』": "『",
    "》": "《",
    "〟": "〝„",
    "〞": "〝",
    '"': '"',
    "＂": "＂",
    "'": "'",
}
_ONLY_OPENS = "„‟‚‛「『《〝"
_SINGLE = "'’‘"  # apostrophes as well
_MARK = re.compile(f"[{''.join(_CLOSES)}{_ONLY_OPENS}]")
_OPENING = re.compile(r"[\s(\[{/:;,.>|–—―¡¿-]|\Z")  # before a mark that opens
_CLOSING = re.compile(r"[\s)\]}/:;,.!?…<|–—―-]|\Z")  # after one that closes
_WORD_FOLLOWS = re.compile(r"\s[a-zß-ÿ]")
_SOON = 400  # characters
_UNSPACED = re.compile(f"[{UNSPACED_CLASS}]")
_HANGUL = re.compile("[\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A mark that waits to be closed."""

    mark: str
    place: int


def find_quotations(text: str) -> tuple[Quotation, ...]:
    """Return the quotations of three words or more, inner ones too, in the order of their ends.

    Spans are what stands between the marks, as offsets into the text. Every two characters of a
    script without spaces count as a word. Linear in the length of the text.
    """
    return tuple(
        quotation
        for start, stop in _spans(text)
        if (quotation := _as_quotation(text, start, stop)) is not None
    )


def quotation_key(text: str) -> str:
    """Return what equal quotations have in common: 16 hex digits of the sha256 of their words.

    Case, punctuation, the kind of marks and white space count for nothing.
    """
    return sha256(" ".join(tokens(text)).encode("utf-8", "replace")).hexdigest()[:16]


def _as_quotation(text: str, start: int, stop: int) -> Quotation | None:
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and (text[stop - 1].isspace() or text[stop - 1] in ",，、،"):
        stop -= 1
    inside = text[start:stop]
    words = _count_words(inside)
    is_title = text[start - 1 : start] == "《" and not _HANGUL.search(inside)
    if words < _LEAST_WORDS or is_title:
        return None
    return Quotation(
        key=quotation_key(inside),
        text=normalize_text(inside),
        words=words,
        start=start,
        stop=stop,
    )


def _count_words(text: str) -> int:
    found = tokens(text)
    unspaced = sum(1 for token in found if _UNSPACED.match(token))
    return len(found) - unspaced + (unspaced + 1) // 2


def _spans(text: str) -> Iterator[tuple[int, int]]:
    waiting: list[_Open] = []
    end = -1  # of the paragraph
    for found in islice(_MARK.finditer(text), _MOST_MARKS):
        place, mark = found.start(), found.group()
        while place > end:
            yield from _run_on(text, waiting, end=end, place=place, mark=mark)
            waiting.clear()
            end = text.find("\n", max(place, end + 1))
            end = len(text) if end < 0 else end
        before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
        if mark in _SINGLE and (_is_apostrophe(before, after) or _is_genitive(text, place)):
            continue
        partner = _partner(waiting, mark, place=place, before=before, after=after)
        if partner is not None:
            opened = waiting[partner]
            del waiting[partner:]
            yield opened.place + 1, place
        elif _may_open(mark, before, after) and len(waiting) < _DEEPEST:
            waiting.append(_Open(mark=mark, place=place))


def _run_on(
    text: str, waiting: list[_Open], *, end: int, place: int, mark: str
) -> Iterator[tuple[int, int]]:
    """What a paragraph leaves open is a quotation if the next one opens with the same mark."""
    if not waiting or mark in _SINGLE:
        return
    outer = waiting[0]
    between = text[end + 1 : place] if place - end <= 4 else "no"
    if outer.mark == mark and not between.strip() and end - outer.place <= _LONGEST:
        yield outer.place + 1, end


def _partner(waiting: list[_Open], mark: str, *, place: int, before: str, after: str) -> int | None:
    """The place on the stack of what a mark closes; None when it closes nothing."""
    opens = _CLOSES.get(mark, "")
    for index in range(len(waiting) - 1, -1, -1):
        if waiting[index].mark not in opens:
            continue
        if place - waiting[index].place > _LONGEST:
            del waiting[index:]
            return None
        if mark in _SINGLE and not _CLOSING.match(after) and not _is_unspaced(after):
            return None
        # Of two marks that look alike, one that stands like an opening one opens.
        if waiting[index].mark == mark and before.isspace() and not _CLOSING.match(after):
            del waiting[index:]  # the one before was never closed
            return None
        return index
    return None


def _is_apostrophe(before: str, after: str) -> bool:
    """Whether a single mark stands within a word."""
    return (before.isalnum() and after.isalnum()) and not (
        _is_unspaced(before) or _is_unspaced(after)
    )


def _is_genitive(text: str, place: int) -> bool:
    """Whether a single mark follows a plural, as in “the soldiers’ families”.

    It may as well close a quotation; then no other mark does so later.
    """
    mark = text[place]
    if text[place - 1 : place] != "s" or not _WORD_FOLLOWS.match(text, place + 1):
        return False
    later = text.find(mark, place + 1, min(place + _SOON, _end_of_line(text, place)))
    return later > 0 and bool(_CLOSING.match(text[later + 1 : later + 2]))


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place, place + _SOON)
    return place + _SOON if end < 0 else end


def _may_open(mark: str, before: str, after: str) -> bool:
    if mark in _ONLY_OPENS:
        return True
    if not after or after == "\n":
        return False
    if mark in "«»‹›":  # French puts spaces inside
        return not before.isalnum() or _is_unspaced(before)
    if after.isspace() or mark == "’":
        return False
    if mark in "“‘":
        return True
    return bool(_OPENING.match(before)) or before in "“„«‹‘「『《\"'" or _is_unspaced(before)


def _is_unspaced(character: str) -> bool:
    return bool(_UNSPACED.match(character) or _HANGUL.match(character))
