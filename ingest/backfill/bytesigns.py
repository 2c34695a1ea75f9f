"""The bytes in which a word may stand in a page, in every encoding that pages use.

Letters are brought together byte by byte, so that one pattern stands for many spellings and a page
is prepared by one `bytes.translate`:

    ALIKE    ASCII without case. Above it 0x80 equals 0xA0, 0xE0 equals 0xC0, 0xD1 equals 0xD0 and
             0xCF equals 0xCE, which is the case of Cyrillic, Greek and Latin-1 letters in UTF-8,
             in windows-125x and in KOI8. It brings unlike letters together too, so what is found
             under it has to be looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import product

from ingest.backfill.lettering import EVERYDAY
from ingest.backfill.wording import Word, initial_forms
from ingest.names import fold

ENCODINGS = (
    *("utf-16-le", "utf-16-be"),
    *(f"cp{number}" for number in range(1250, 1259)),
    *("koi8_r", "koi8_u", "cp866", "cp874"),
    *(f"iso8859_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
    *("cp949", "cp932", "euc_jp", "gb18030", "big5", "big5hkscs"),
)
"""Of pages that are not in UTF-8; each but the first two extends ASCII."""

_MANY = 64  # spellings of a word


def _alike() -> bytes:
    table = bytearray(bytes(range(256)).lower())
    for byte in range(0x80, 0xA0):
        table[byte] = byte + 0x20
    for byte in range(0xE0, 0x100):
        table[byte] = byte - 0x20
    for byte, like in ((0xCF, 0xCE), (0xEF, 0xCE), (0xD1, 0xD0), (0xF1, 0xD0)):
        table[byte] = like
    return bytes(table)


ALIKE = _alike()


def sign_folded(word: Word) -> frozenset[bytes]:
    """The word in UTF-8, in a page whose letters are all folded."""
    return frozenset(text.encode() for text in initial_forms(word.folded))


def sign_elsewhere(word: Word) -> dict[bytes, frozenset[str]]:
    """The word under ALIKE in all other encodings, and in which of them it stands so."""
    found: dict[bytes, set[str]] = {}
    for text in {*initial_forms(word.folded), *initial_forms(word.spelled)}:
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
    texts = {fold(text) for form in (word.folded, word.spelled) for text in initial_forms(form)}
    return any(fold(spelled.decode(encoding, "replace")) in texts for encoding in encodings)


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
    found = set()
    for form in (character, character.upper(), folded, folded.upper(), *_everyday(folded)):
        try:
            found.add(form.encode(encoding).translate(ALIKE))
        except UnicodeEncodeError:
            continue
    return frozenset(found - {b""})


@cache
def _everyday(folded: str) -> tuple[str, ...]:
    """The everyday letters that fold to this one."""
    return tuple(letter for letter in EVERYDAY if folded and fold(letter) == folded)
