"""The bytes in which a word may stand in a page, in every encoding that pages use.

Letters are brought together byte by byte, so that one pattern stands for many spellings and a page
is prepared by one `bytes.translate`:

    ALIKE    ASCII without case. Above it 0x80 equals 0xA0, 0xE0 equals 0xC0, 0xD1 equals 0xD0 and
             0xCF equals 0xCE, which is the case of Cyrillic, Greek and Latin-1 letters in UTF-8,
             in windows-125x and in KOI8. It brings unlike letters together too, so what is found
             under it has to be looked at again.
    LATIN    UTF-8 without the accents of Latin-1, once LATIN_LEAD is taken out
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from ingest.backfill.lettering import EVERYDAY
from ingest.backfill.wording import Word, weigh
from ingest.names import fold

ENCODINGS = (
    *("utf-16-le", "utf-16-be"),
    *(f"cp{number}" for number in range(1250, 1259)),
    *("koi8_r", "koi8_u", "cp866", "cp874"),
    *(f"iso8859_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
    *("cp949", "cp932", "euc_jp", "gb18030", "big5", "big5hkscs"),
)
"""Of pages that are not in UTF-8; each but the first two extends ASCII."""

LATIN_LEAD = b"\xc3"  # the first byte of U+00C0 to U+00FF in UTF-8

_MANY = 64  # spellings of a word
_LEAST = 2  # letters that are, after an initial
_ENOUGH = 4  # letters that are worth looking for


def _alike() -> bytes:
    table = bytearray(bytes(range(256)).lower())
    for byte in range(0x80, 0xA0):
        table[byte] = byte + 0x20
    for byte in range(0xE0, 0x100):
        table[byte] = byte - 0x20
    for byte, like in ((0xCF, 0xCE), (0xEF, 0xCE), (0xD1, 0xD0), (0xF1, 0xD0)):
        table[byte] = like
    return bytes(table)


def _latin() -> bytes:
    table = bytearray(bytes(range(256)).lower())
    for byte in range(0x80, 0xC0):
        letter = fold(chr(0xC0 + (byte & 0x3F)))[0]  # of "ss" one s
        table[byte] = ord(letter) if letter.isascii() else byte | 0x20
    return bytes(table)


ALIKE = _alike()
LATIN = _latin()


def sign_latin(word: Word) -> frozenset[bytes]:
    """The word under LATIN; nothing if it has letters beyond Latin-1."""
    if any(character > "\u00ff" for character in word.folded):
        return frozenset()
    texts = (*_texts(word.folded), *_texts(word.folded.replace("ss", "s")))  # of one sharp s
    return frozenset(text.encode().translate(LATIN, LATIN_LEAD) for text in texts)


def sign_plain(word: Word) -> frozenset[bytes]:
    """The word in UTF-8 under ALIKE, or a part of it that has few spellings."""
    return frozenset(
        sign
        for text in _texts(word.folded)
        for sign in _spell([_forms(character, "utf-8") for character in _choose_part(text)])
    )


def sign_folded(word: Word) -> frozenset[bytes]:
    """The word in UTF-8, in a page whose letters are all folded."""
    return frozenset(text.encode() for text in _texts(word.folded))


def sign_elsewhere(word: Word) -> dict[bytes, frozenset[str]]:
    """The word under ALIKE in all other encodings, and in which of them it stands so."""
    found: dict[bytes, set[str]] = {}
    for text in {*_texts(word.folded), *_texts(word.spelled)}:
        for encoding in ("ascii",) if text.isascii() else ("utf-8", *ENCODINGS):
            forms = [_forms(character, encoding) for character in text]
            if math.prod(map(len, forms)) <= _MANY:
                signs = _spell(forms)
            else:
                signs = _spell_alike(text, encoding)
            for sign in signs:
                found.setdefault(sign, set()).add(encoding)
    return {sign: frozenset(encodings) for sign, encodings in found.items()}


def reads_as(word: Word, spelled: bytes, encodings: frozenset[str]) -> bool:
    """Whether bytes that were found under ALIKE are the word in one of the encodings."""
    texts = {fold(text) for form in (word.folded, word.spelled) for text in _texts(form)}
    return any(fold(spelled.decode(encoding, "replace")) in texts for encoding in encodings)


def _texts(folded: str) -> Iterator[str]:
    """The word, and what follows its first letter when markup makes that an initial."""
    yield folded
    if weigh(folded[1:]) >= _LEAST:
        yield ">" + folded[1:]


def _choose_part(text: str) -> str:
    """The part of a word that is long enough and has fewest spellings, and of those the longest.

    Of the word of an initial it is the beginning.
    """
    counts = [len(_forms(character, "utf-8")) for character in text]
    starts = range(1 if text.startswith(">") else len(text))
    parts = [
        (math.prod(counts[start:stop]), start - stop, text[start:stop])
        for start in starts
        for stop in range(start + 1, len(text) + 1)
    ]
    enough = min(_ENOUGH, len(text))
    return min(part for part in parts if -part[1] >= enough)[2]


def _spell(forms: Sequence[frozenset[bytes]]) -> frozenset[bytes]:
    return frozenset(b"".join(letters) for letters in product(*forms))


def _spell_alike(text: str, encoding: str) -> frozenset[bytes]:
    """A word with many spellings, in small letters, in capitals, and with a capital before."""
    found = set()
    for form in (text, text.upper(), text.capitalize()):
        try:
            found.add(form.encode(encoding).translate(ALIKE))
        except UnicodeEncodeError:
            continue
    return frozenset(found)


@cache
def _forms(character: str, encoding: str) -> frozenset[bytes]:
    """A letter under ALIKE: small, capital, and the everyday letters that fold to the same."""
    folded = fold(character)
    like = [other for other in EVERYDAY if folded and fold(other) == folded]
    found = set()
    for form in (character, character.upper(), folded, folded.upper(), *like):
        try:
            found.add(form.encode(encoding).translate(ALIKE))
        except UnicodeEncodeError:
            continue
    return frozenset(found - {b""})
