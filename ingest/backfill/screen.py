"""Whether a page may concern a story, from its bytes, before anything is parsed.

    body ─> without programs and styles, escapes undone
         ─> UTF-8: does it seem to name all sides of a story? ─no─> refused
                ─yes─> every letter folded, as far as names need it ─> all words of a name of each
                       side, with the word boundaries of `ingest.names`?
         ─> UTF-16 and ISO-2022-JP, if it looks so: decoded, then the same
         ─> any other encoding: decoded as the extraction will do it, then the same; without a
            label, the bytes of all words in all encodings are looked for besides

Nearly every page ends at the first question (`ingest.backfill.firstlook`): a few passes over its
bytes in C, and hardly a decision in Python. What passes does name the sides, but for pages of
other encodings without a label; whether near each other and in time, is for `ingest.story` to say.

What it may miss, though `ingest.story.judge_text` would accept the text: a name that is cut in two,
at every mention, by markup inside a word other than a first letter set apart or a `<wbr>`; names in
an encoding that nothing labels, when they are in odd letters (mixed case, accents that are not
configured, character references), which the extraction can't read either; a text that belongs to a
story only because it has the text of its seed and not the names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.backfill.automata import Finder, compile_finder, find_words
from ingest.backfill.bytesigns import ALIKE, reads_as, sign_elsewhere, sign_folded
from ingest.backfill.escapes import CONTROLS, undo_escapes, undo_letter_escapes
from ingest.backfill.firstlook import FirstLook, compile_first_look, find_tag, seems_told
from ingest.backfill.lettering import (
    Lettering,
    choose_lettering,
    matters,
    replace_every,
)
from ingest.backfill.unread import cut_unread
from ingest.backfill.vocabulary import Vocabulary, is_told, read_vocabulary
from ingest.backfill.wording import Word, read_sides
from ingest.htmltext import decode_html, known_codec
from ingest.story import StoryRule

_ASCII = bytes(range(128))
_WIDE = ("utf-16-le", "utf-16-be")
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = frozenset({"utf-8"})
_CHANCE = 150  # bytes after the first of a character, which could be UTF-8 by chance
_LARGEST = 3 * 2**20  # as MAX_HTML of ingest.extract
_BEGINNING = 4096  # bytes in which a label may stand
_LABEL = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What `compile_screen` makes; to another process it goes as its rules, to be made anew."""

    rules: tuple[StoryRule, ...]
    largest: int  # bytes of a page that is looked at
    vocabulary: Vocabulary
    lettering: Lettering
    first_look: FirstLook
    folded: Finder  # of the words in UTF-8, as they are once every letter is folded
    elsewhere: Finder  # of the words in other encodings, under ALIKE

    def __reduce__(self) -> tuple[object, ...]:
        return _compile, (self.rules, self.largest)

    def may_concern(self, body: bytes, *, charset: str | None = None) -> bool:
        """Whether a page may be of one of the stories; its content encoding must be undone.

        `charset` is what its HTTP header says. Never raises; the time is linear in the size, and
        the memory of a page made to take much is sixty times its size. One above `largest` passes.
        """
        if len(body) > self.largest:
            return True
        read = cut_unread(body)
        if self._concerns(body, read, charset):
            return True
        for encoding in _choose_wide(body, read):
            wide = body.decode(encoding, "replace").encode("utf-8", "replace")
            if self._concerns(wide, cut_unread(wide)):
                return True
        return False

    def _concerns(self, body: bytes, read: bytes, charset: str | None = None) -> bool:
        label = charset or _read_label(body)
        if known_codec(label) not in {None, "utf-8"} and not _is_utf8(read):
            return self._concerns_text(decode_html(read, charset=label).encode("utf-8", "replace"))
        plain = undo_letter_escapes(read)
        text = _read_utf8(plain, label=label)
        if text is not None:
            if seems_told(self.first_look, text) and self._is_told(plain):
                return True
            is_short = 0 < len(plain) - len(text) < _CHANCE
            return is_short and not label and self._is_told_in_other(plain, body)
        decoded = decode_html(body, charset=charset).encode("utf-8", "replace")
        return self._concerns_text(cut_unread(decoded)) or (
            not label and self._is_told_elsewhere(body)
        )

    def _concerns_text(self, read: bytes) -> bool:
        """The same of what was decoded."""
        plain = undo_letter_escapes(read)
        return seems_told(self.first_look, plain.decode("utf-8", "replace")) and self._is_told(
            plain
        )

    def _is_told(self, body: bytes) -> bool:
        """Whether all sides of a story are named, once every letter is folded."""
        stream = undo_escapes(body)
        if matters(stream.translate(None, _ASCII).decode("utf-8", "ignore"), self.lettering):
            text = replace_every(stream.decode("utf-8", "replace"), self.lettering)
            stream = text.encode("utf-8", "replace")
        stream = stream.lower()

        def stands(number: int, start: int, end: int, _encodings: frozenset[str]) -> bool:
            return _stands_alone(self.vocabulary.words[number], stream, start, end)

        found = find_words(self.folded, stream, stands)
        if found is None:
            return True
        return is_told(self.vocabulary, found) and is_told(
            self.vocabulary, found, text=stream.decode("utf-8", "replace")
        )

    def _is_told_elsewhere(self, body: bytes) -> bool:
        """The same by the bytes of many encodings, without word boundaries."""
        found = self._find_elsewhere(undo_letter_escapes(body))
        return found is None or is_told(self.vocabulary, found)

    def _is_told_in_other(self, plain: bytes, body: bytes) -> bool:
        """The same of a page that seems to be UTF-8, if that may be words in another encoding."""
        tail = plain.translate(None, _ASCII)
        return bool(self._find_elsewhere(tail, besides=_UTF8)) and self._is_told_elsewhere(body)

    def _find_elsewhere(
        self, body: bytes, *, besides: frozenset[str] = frozenset()
    ) -> set[int] | None:
        def stands(number: int, start: int, end: int, encodings: frozenset[str]) -> bool:
            word = self.vocabulary.words[number]
            return reads_as(word, body[start:end], encodings - besides)

        return find_words(self.elsewhere, body.translate(ALIKE), stands)


def compile_screen(rules: Sequence[StoryRule], *, largest: int = _LARGEST) -> Screen | None:
    """Prepare a screen for all stories, in about half a second; None when one takes any text.

    `largest` is in bytes; what is larger the extraction does not take either, and says so itself.
    A side with a name that consists of signs only counts as named; a story whose sides are all so
    takes any text. Raises ValueError for a name with nothing to look for.
    """
    return _compile(tuple(rules), largest) if all(map(read_sides, rules)) else None


def _compile(rules: tuple[StoryRule, ...], largest: int) -> Screen:
    vocabulary = read_vocabulary(rules)
    lettering = choose_lettering(word.folded for word in vocabulary.words)
    return Screen(
        rules=rules,
        largest=largest,
        vocabulary=vocabulary,
        lettering=lettering,
        first_look=compile_first_look(vocabulary, lettering),
        folded=compile_finder(
            [dict.fromkeys(sign_folded(word), _UTF8) for word in vocabulary.words]
        ),
        elsewhere=compile_finder([sign_elsewhere(word) for word in vocabulary.words]),
    )


def _read_label(body: bytes) -> str | None:
    # Looking for a word first takes a tenth of the time of the pattern.
    place = body[:_BEGINNING].lower().find(b"charset")
    found = _LABEL.search(body, place, _BEGINNING) if place >= 0 else None
    return found[1].decode("ascii") if found else None


def _read_utf8(body: bytes, *, label: str | None) -> str | None:
    """A page in UTF-8, or None; in one with little but ASCII its label wins, as in extraction."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        rest = body.translate(None, CONTROLS)
        return _read_utf8(rest, label=label) if len(rest) < len(body) else None
    is_short = 0 < len(body) - len(text) < _CHANCE
    return None if is_short and known_codec(label) not in {None, "utf-8"} else text


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _choose_wide(body: bytes, read: bytes) -> tuple[str, ...]:
    """The encodings that look like ASCII and may be a page's; `read` is what of it is read."""
    wide = _WIDE if b"\0" in read or body.startswith(_MARKS) else ()
    return (*wide, "iso2022_jp") if b"\x1b" in read else wide


def _stands_alone(word: Word, stream: bytes, start: int, end: int) -> bool:
    """Whether a word has the boundaries it needs, as `ingest.names` draws them."""
    if stream.startswith(b">", start):  # the rest of a word, after a tag
        initial = word.folded[0].encode()
        start = find_tag(stream, start) - len(initial)
        if not stream.startswith(initial, max(start, 0)):
            return False
    before = stream[max(start - 4, 0) : start].decode("utf-8", "ignore")[-1:]
    after = stream[end : end + 4].decode("utf-8", "ignore")[:1]
    return not (word.opens and before.isalnum()) and not (word.closes and after.isalnum())
