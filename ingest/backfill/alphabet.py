"""A page with one byte for each letter, whatever its script: the letters that names have, folded.

One look into a table for each character does what `ingest.names.fold` does, some forty times as
fast. The few characters that need more have a byte of their own, and only their pages pay for it.

    0            folds to nothing, and is left out
    1            folds to several letters or joins with its neighbours: replaced before
    2 to 7       is two letters, in so many pages that it has its own byte
    ASCII        itself, in lower case
    0x7F         a letter in no name
    0x80 to 0xFF a letter of some name; letters of different scripts may share a byte
    space        any other sign
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from ingest.backfill.escapes import CONTROLS
from ingest.backfill.lettering import (
    Lettering,
    all_foldings,
    fold_of,
    replace_astral,
    replace_every,
)
from ingest.backfill.wording import weigh

_DROPPED, _SPECIAL, _OTHER, _SIGN = 0, 1, 0x7F, ord(" ")
_OWN = range(0x80, 0xA8)  # a script has fewer letters, but for the dense ones
_DENSE = range(_OWN.stop, 0x100)  # for letters of which two make a name
_TWOFOLD = "ß\u0e33"  # each page in German or Thai has them
_FIRST_TWOFOLD = 2
_NEIGHBOURS = 40  # characters before and behind a special one
_MOST_SPECIAL = 200  # one of so many is special: then all of the text is looked at
_UNITS = 0x10000  # of UTF-16
_STYLED = range(0xD834, 0xD838)  # with what follows a bold, script or other mathematical letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Alphabet:
    """The letters that names have, and how a page is brought to them."""

    lettering: Lettering
    codes: dict[str, int]  # of the letters that names have
    table: NDArray[np.uint8]  # of each unit of UTF-16
    latin: bytes  # the same for Latin-1
    twofold: tuple[tuple[bytes, bytes], ...]  # a byte and the two that stand for it
    letters: frozenset[int]  # bytes that stand for letters only

    def write(self, text: str) -> bytes:
        """The text with a byte for each letter."""
        stream = self._look_up(text)
        if _SPECIAL in stream:
            stream = self._replace_special(text, stream)
        for code, letters in self.twofold:
            if code in stream:
                stream = stream.replace(code, letters)
        return stream.replace(bytes([_DROPPED]), b"")

    def _replace_special(self, text: str, stream: bytes) -> bytes:
        """The same with what needs more than one look, for which its neighbours are looked at."""
        if len(stream) != len(text):  # letters beyond the table: two units each
            text = replace_astral(text)
            stream = self._look_up(text)
        special = np.flatnonzero(np.frombuffer(stream, np.uint8) == _SPECIAL)
        if len(special) * _MOST_SPECIAL > len(stream):
            return self._look_up(replace_every(text, self.lettering))
        parts: list[bytes] = []
        done = 0
        for start, end in _surroundings(special.tolist(), len(text)):
            mended = replace_every(text[start:end], self.lettering)
            parts += (stream[done:start], self._look_up(mended))
            done = end
        return b"".join((*parts, stream[done:]))

    def spell(self, folded: str) -> bytes:
        """A folded word as it stands in what `write` makes."""
        return bytes(self.codes[letter] for letter in folded)

    def _look_up(self, text: str) -> bytes:
        try:
            return text.encode("latin-1").translate(self.latin)
        except UnicodeEncodeError:
            units = np.frombuffer(text.encode("utf-16-le"), "<u2")
            return self.table.take(units).tobytes()


def _surroundings(places: list[int], size: int) -> Iterator[tuple[int, int]]:
    """From where to where there are special characters and what they may join with."""
    start = end = 0
    for place in places:
        if place - _NEIGHBOURS > end:
            if end:
                yield start, end
            start = max(place - _NEIGHBOURS, 0)
        end = min(place + _NEIGHBOURS, size)
    if end:
        yield start, end


def compile_alphabet(words: Iterable[str], lettering: Lettering) -> Alphabet:
    """Choose the bytes for these folded words."""
    codes = {chr(code): code for code in range(128)}
    own, dense = cycle(_OWN), cycle(_DENSE)
    for letter in sorted(set("".join(words)) - codes.keys()):
        codes[letter] = next(dense if weigh(letter) > 1 else own)
    every = "".join(map(chr, range(_UNITS)))
    table = np.array([_OTHER if letter.isalnum() else _SIGN for letter in every], np.uint8)
    for letter in {*every[:128], *codes, *all_foldings(), *lettering.composing.findall(every)}:
        table[ord(letter)] = _classify(letter, codes, lettering)
    table[list(CONTROLS)] = _DROPPED
    table[_STYLED.start : _STYLED.stop] = _SPECIAL
    twofold = []
    for number, character in enumerate(_TWOFOLD, _FIRST_TWOFOLD):
        if character in lettering.folded:
            letters = [_classify(letter, codes, lettering) for letter in fold_of(character)]
            twofold.append((bytes([number]), bytes(letters)))
            table[ord(character)] = number
    return Alphabet(
        lettering=lettering,
        codes=codes,
        table=table,
        latin=table[:256].tobytes(),
        twofold=tuple(twofold),
        letters=frozenset(
            {*filter(_is_ascii_letter, range(128)), *_OWN, *_DENSE, _OTHER}
        ).difference(code for letter, code in codes.items() if not letter.isalnum()),
    )


def _is_ascii_letter(code: int) -> bool:
    return chr(code).isalpha()


def _classify(character: str, codes: dict[str, int], lettering: Lettering) -> int:
    """The byte for a character of a page."""
    if lettering.composing.match(character):
        return _SPECIAL
    folded = fold_of(character)
    if not folded:
        return _DROPPED
    if len(folded) > 1:
        return _SPECIAL if character in lettering.telling else _SIGN
    return codes.get(folded, _OTHER if folded.isalnum() else _SIGN)
