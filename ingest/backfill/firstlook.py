"""The first look at a page, after which nearly all are put aside.

Only one side of each story is looked for, the one whose names are longest, in the bytes as they
stand: under LATIN for Latin letters, under ALIKE for those of other scripts, and of these only
for the scripts that the page has. What it lets pass may still be nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.backfill.automata import (
    Detector,
    Finder,
    Stands,
    compile_detector,
    compile_finder,
    detect_words,
    find_words,
)
from ingest.backfill.bytesigns import ALIKE, LATIN, LATIN_LEAD, sign_latin, sign_plain
from ingest.backfill.lettering import (
    Lettering,
    any_of,
    find_rare,
    replace_styled,
    replace_unexpected,
)
from ingest.backfill.squeeze import LETTERS, squeeze
from ingest.backfill.vocabulary import Vocabulary, is_told
from ingest.backfill.wording import Word

_ASCII = bytes(range(128))
_UTF8 = frozenset({"utf-8"})
_FEW = 8  # characters that are faster replaced one by one
_STYLED_LEAD = b"\xf0\x9d"  # of bold, script and other mathematical letters
_LONGEST_TAG = 300
_TAG_END = ord(">")
_ESCAPING = re.compile(rb"[&\\\x80-\xff]")
_SCRIPTS = (
    # the first bytes in UTF-8: Latin, Greek, Cyrillic, Armenian and Hebrew, Arabic and Syriac, of
    # India and Thailand, Chinese, Japanese and Korean, all others
    *(range(0xC2, 0xCE), range(0xCE, 0xD0), range(0xD0, 0xD4), range(0xD4, 0xD8)),
    *(range(0xD8, 0xE0), range(0xE0, 0xE2), range(0xE3, 0xEE), (0xE2, *range(0xEE, 0xF5))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The keys whose first letter beyond ASCII begins with one of these bytes."""

    leads: bytes
    keys: Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What is looked for, under LATIN and under ALIKE."""

    vocabulary: Vocabulary
    lettering: Lettering
    latin_keys: Detector
    latin: Finder
    scripts: tuple[Script, ...]
    alike: Finder
    unsqueezed: re.Pattern[str]  # rare characters that `squeeze` does not write as letters


def compile_first_look(vocabulary: Vocabulary, lettering: Lettering) -> FirstLook:
    """Prepare the strings and their automata."""
    words = vocabulary.words
    keys = [words[number] for number in sorted(vocabulary.keys)]
    return FirstLook(
        vocabulary=vocabulary,
        lettering=lettering,
        latin_keys=compile_detector(_signs_of(sign_latin, keys)),
        latin=_compile_words(sign_latin, words),
        scripts=tuple(_compile_scripts(keys)),
        alike=_compile_words(sign_plain, words),
        unsqueezed=any_of(lettering.rare_characters.difference(LETTERS)),
    )


def _compile_scripts(keys: Sequence[Word]) -> Iterator[Script]:
    for leads in _SCRIPTS:
        own = [key for key in keys if _lead_of(key) in leads]
        if own:
            yield Script(leads=bytes(leads), keys=compile_detector(_signs_of(sign_plain, own)))


def _lead_of(word: Word) -> int | None:
    return next((byte for byte in word.folded.encode() if byte >= 0xC0), None)


def _signs_of(sign: Callable[[Word], frozenset[bytes]], words: Sequence[Word]) -> frozenset[bytes]:
    return frozenset().union(*map(sign, words))


def _compile_words(sign: Callable[[Word], frozenset[bytes]], words: Sequence[Word]) -> Finder:
    return compile_finder([dict.fromkeys(sign(word), _UTF8) for word in words])


def seems_told(look: FirstLook, body: bytes, tail: bytes) -> bool:
    """Whether a page may name all sides of a story.

    `body` has its escapes undone and no control characters; `tail` is what of it is not ASCII.
    Raises UnicodeDecodeError when that is not UTF-8.
    """
    body, tail, latin = _prepare(look, body, tail)
    scripts = [script for script in look.scripts if any(lead in tail for lead in script.leads)]
    alike = body.translate(ALIKE) if scripts else b""
    if not (
        detect_words(look.latin_keys, look.latin, latin, _stands(look, latin, only_keys=True))
        or any(
            detect_words(script.keys, look.alike, alike, _stands(look, alike, only_keys=True))
            for script in scripts
        )
    ):
        return False
    found = find_words(look.latin, latin, _stands(look, latin))
    others = find_words(look.alike, alike, _stands(look, alike))
    return found is None or others is None or is_told(look.vocabulary, found | others)


def _prepare(look: FirstLook, body: bytes, tail: bytes) -> tuple[bytes, bytes, bytes]:
    """Replace what no string expects, the cheapest way; last in the result is it under LATIN."""
    tail.decode()
    if _STYLED_LEAD in tail:
        body = replace_styled(body.decode("utf-8", "replace")).encode("utf-8", "replace")
    rare = find_rare(tail, look.lettering, most=_FEW)
    if rare is None and not look.unsqueezed.search(tail.decode()):
        return body, tail, squeeze(body)
    if rare is None:
        body = replace_unexpected(body.decode("utf-8", "replace"), look.lettering).encode()
        return body, body.translate(None, _ASCII), body.lower()
    for character, letters in rare.items():
        body = _pattern(character).sub(letters.encode(), body)
    is_accented = LATIN_LEAD in tail
    return body, tail, body.translate(LATIN, LATIN_LEAD) if is_accented else body.lower()


@lru_cache(maxsize=1024)
def _pattern(character: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(character.encode()))  # four times as fast as bytes.replace


def _stands(look: FirstLook, stream: bytes, *, only_keys: bool = False) -> Stands:
    words, keys = look.vocabulary.words, look.vocabulary.keys

    def stands(number: int, start: int, end: int, _encodings: frozenset[str]) -> bool:
        if only_keys and number not in keys:
            return False
        return _may_stand(words[number], stream, start, end)

    return stands


def _may_stand(word: Word, stream: bytes, start: int, end: int) -> bool:
    """Whether a word has its boundaries, as far as the bytes beside it are surely letters.

    They may be the end of an escape, of a character reference or of a sign that is not ASCII.
    """
    is_ascii = word.folded.isascii()
    if is_ascii and word.closes and stream[end : end + 1].isalpha():
        return False
    if stream.startswith(b">", start):
        tag = find_tag(stream, start)
        return tag > 0 and not stream[tag - 1 : tag].isspace() and stream[tag - 1] != _TAG_END
    before = stream[max(start - 8, 0) : start]
    is_inside = before[-1:].isalpha() and not _ESCAPING.search(before)
    return not (is_ascii and word.opens and is_inside)


def find_tag(stream: bytes, end: int) -> int:
    """Where the tag begins that ends there; -1 if none does."""
    return stream.rfind(b"<", max(end - _LONGEST_TAG, 0), end)
