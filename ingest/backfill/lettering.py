"""Bringing a page to the letters in which names are looked for, as far as the names need it.

`ingest.names.fold` does it for a text, at twelve megabytes a second. A page of a crawl is nearly
always about something else, so here only those characters are replaced that could be part of a
name, all that are alike in one call, and escapes are undone wherever they stand in the markup.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from ingest.names import fold

CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x1b")) + b"\x7f"
"""What the extraction deletes wherever it stands; but for the mark of ISO-2022-JP."""

EVERYDAY = "ЁёЙйЇїЎўΆΈΉΊΌΎΏΪΫάέήίόύώϊϋΐΰςأإآٱىیةکؤئ"
"""Letters of three scripts that most pages have and that fold to another: patterns list them."""

_SKIPPED = ((0x3400, 0xA000), (0xAC00, 0xD7A4), (0xD800, 0xF900))  # these stand for themselves
_LAST = 0x10000  # of what a character class can hold and be fast
_ASTRAL = re.compile("[\U00010000-\U0010ffff]+")  # among them bold and script letters
_COMMON_LEADS = b"\xc2\xe2"  # of the no-break space and of quotation marks
_SIGNS = (
    rb"quot|nbsp|lt|gt|apos|[rl]aquo|[mn]dash|hellip|[lrb]dquo|[lr]squo|sbquo|copy|middot|bull"
    rb"|#0?3[489]|#[xX]0*(?:2[0-9a-fA-F]|3[a-fA-F]|[aA]0|20[12][0-9a-fA-F])|#6[02]|#160"
    rb"|#8(?:2(?:1\d|2\d|30)|364)|#171|#187"
)
# With or without the semicolon, as browsers take it (HTML standard, section 13.2.5.73). An escaped
# ampersand before it is undone too, for a headline is unescaped once more than its page.
_CLOSED = rb"(?:#(?:[0-9]{1,12}+|[xX][0-9a-fA-F]{1,12}+)|[A-Za-z][A-Za-z0-9]{1,30}+);"
_OPEN = (
    rb"#(?:[0-9]{1,12}+|[xX][0-9a-fA-F]{1,12}+)"
    rb"|[A-Za-z](?:acute|grave|circ|uml|tilde|cedil|ring|slash)|szlig|shy"
)
_ENTITIES = re.compile(rb"&(?:amp;)*+(?:%s|%s)" % (_CLOSED, _OPEN))
_LETTER_ENTITIES = re.compile(
    rb"&(?:amp;)*+(?:(?=%s)(?!(?:%s);)%s|(?!%s)(?:%s))" % (_CLOSED, _SIGNS, _CLOSED, _CLOSED, _OPEN)
)
_PLAIN_ESCAPES = rb"00(?:2[0-9a-fA-F]|3[a-fA-F]|[aA]0)|20[12][0-9a-fA-F]"
_ESCAPE = (  # RFC 8259, section 7; a pair of them is one character
    rb"\\u%s(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})"
)
_ESCAPES = re.compile(_ESCAPE % b"")
_LETTER_ESCAPES = re.compile(_ESCAPE % (rb"(?!%s)" % _PLAIN_ESCAPES))
_SHORT_ESCAPES = re.compile(rb"\\[nrt]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """Which characters of a page matter to some names."""

    folded: Mapping[str, str]  # a character to what stands for it
    every: re.Pattern[str]  # all of those
    unexpected: re.Pattern[str]  # those that patterns of bytes do not list
    latin: re.Pattern[str]  # of these, the ones in Latin-1
    rare: re.Pattern[str]  # and the others
    rare_characters: frozenset[str]
    harmless: bytes  # what no rare one begins with
    hidden: tuple[re.Pattern[bytes], ...]  # the rare ones that begin as signs do in most pages
    composing: re.Pattern[str]  # what joins with the character before it, as a voicing mark


def choose_lettering(words: Iterable[str]) -> Lettering:
    """Choose what matters to these folded words; takes some 50 ms the first time."""
    composed = "".join(words)
    parts = {part for letter in composed for part in unicodedata.normalize("NFD", letter)[1:]}
    alphabet = frozenset(composed + unicodedata.normalize("NFD", composed))
    telling = {
        character: letters
        for character, letters in _all_foldings().items()
        if not letters or not alphabet.isdisjoint(letters)
    }
    # These seem to be part of a word and are not, once they are folded.
    apart = {
        character: letters
        for character, letters in _all_foldings().items()
        if character.isalnum() and not letters.isalnum()
    }
    folded = apart | telling
    expected = {upper for letter in alphabet for upper in letter.upper()} | set(EVERYDAY)
    unexpected = telling.keys() - expected - {"ª", "º"}
    latin = {character for character in unexpected if "\u00c0" <= character <= "\u00ff"}
    composing = (parts - folded.keys()) | {
        character for character, letters in telling.items() if not parts.isdisjoint(letters)
    }
    rare = unexpected - latin | composing
    return Lettering(
        folded=folded,
        every=any_of(folded.keys()),
        unexpected=any_of(unexpected),
        latin=any_of(latin),
        rare=any_of(rare),
        rare_characters=frozenset(rare),
        harmless=bytes(set(range(256)) - {character.encode()[0] for character in rare}),
        hidden=tuple(_beginning_with(lead, rare) for lead in _COMMON_LEADS),
        composing=any_of(composing),
    )


@cache
def _all_foldings() -> dict[str, str]:
    """Every letter, mark, digit and invisible character that folds to something else."""
    found = {}
    for code in range(0x80, _LAST):
        if any(first <= code < end for first, end in _SKIPPED):
            continue
        character = chr(code)
        letters = fold(character)
        if letters != character and (not letters or unicodedata.category(character)[0] in "LMN"):
            found[character] = letters
    return found


def any_of(characters: Iterable[str]) -> re.Pattern[str]:
    """A pattern of one of these characters."""
    members = "".join(sorted(map(re.escape, characters)))
    return re.compile(f"[{members}]" if members else r"(?!)")


def _beginning_with(lead: int, characters: Iterable[str]) -> re.Pattern[bytes]:
    encoded = sorted(character.encode() for character in characters)
    rests = b"|".join(re.escape(one[1:]) for one in encoded if one[0] == lead)
    return re.compile(re.escape(bytes([lead])) + b"(?:" + (rests or b"(?!)") + b")")


def undo_letter_escapes(body: bytes) -> bytes:
    """Undo character references and JSON escapes that may be letters, and leave common signs."""
    body = _LETTER_ESCAPES.sub(_unescape, body)
    return _LETTER_ENTITIES.sub(_dereference, body)


def undo_escapes(body: bytes) -> bytes:
    """Undo all that may stand in or beside a word: escapes, references, possible line breaks."""
    body = _ESCAPES.sub(_unescape, body)
    body = _SHORT_ESCAPES.sub(b" ", body)
    body = _ENTITIES.sub(_dereference, body)
    return body.translate(None, CONTROLS)


def _unescape(match: re.Match[bytes]) -> bytes:
    return _unescaped(match[0])


def _dereference(match: re.Match[bytes]) -> bytes:
    return _dereferenced(match[0])


@lru_cache(maxsize=8192)
def _unescaped(escape: bytes) -> bytes:
    units = bytes.fromhex(escape.replace(rb"\u", b"").decode("ascii"))
    return fold(units.decode("utf-16-be", "replace")).encode("utf-8", "replace")


@lru_cache(maxsize=8192)
def _dereferenced(reference: bytes) -> bytes:
    text = reference.decode("ascii")
    for _ in range(3):
        text = html.unescape(text)
    return fold(text).encode("utf-8", "replace")


def find_rare(tail: bytes, lettering: Lettering, *, most: int) -> dict[str, str] | None:
    """The rare characters of a text and what stands for them; None if they need more than that.

    `tail` is all of it that is not ASCII, in UTF-8.
    """
    leads = tail.translate(None, lettering.harmless)
    if not leads.translate(None, _COMMON_LEADS) and not any(
        hidden.search(tail) for hidden in lettering.hidden
    ):
        return {}
    found: dict[str, str] = {}
    for match in lettering.rare.finditer(tail.decode()):
        character = match[0]
        if character not in found:
            if len(found) == most or lettering.composing.match(character):
                return None
            found[character] = lettering.folded[character]
    return found


def matters(text: str, lettering: Lettering) -> bool:
    """Whether `replace_every` would change something."""
    return any(pattern.search(text) for pattern in (lettering.every, lettering.composing, _ASTRAL))


def replace_styled(text: str) -> str:
    """Replace the letters beyond the first plane that are styles of common ones."""
    return _ASTRAL.sub(lambda match: fold(match[0]), text)


def replace_every(text: str, lettering: Lettering) -> str:
    """Replace every character that matters by what stands for it in a folded word."""
    return _replace(lettering.every, replace_styled(text), lettering)


def replace_unexpected(text: str, lettering: Lettering) -> str:
    """Replace the characters that patterns of bytes do not expect."""
    return _replace(lettering.unexpected, text, lettering)


def _replace(which: re.Pattern[str], text: str, lettering: Lettering) -> str:
    folded = lettering.folded
    is_composing = lettering.composing.search(text) is not None
    text = which.sub(lambda match: folded[match[0]], text)
    return unicodedata.normalize("NFC", text) if is_composing else text
