"""Normal form, words and sentences of a text in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, wraps
from hashlib import sha256
from itertools import islice
from typing import TypeVar

UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces: their words are taken as single characters."""

_SPACE = re.compile(r"\s+")
_SIGNS = {
    **dict.fromkeys("„“”‟«»〝〞＂「」『』", '"'),
    **dict.fromkeys("‚‘’‛‹›＇`´", "'"),
    **dict.fromkeys("‐‑‒–—―−﹘－", "-"),
    "…": "...",
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),  # soft hyphen, nothing wide
}
_SIGN = re.compile(f"[{''.join(map(re.escape, _SIGNS))}]")
UNSPACED_CLASS = (
    "\u0e00-\u0fff\u1780-\u17ff\u1000-\u109f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Characters of the scripts written without spaces, as a regular expression's class."""
_WORD = re.compile(
    rf"[{UNSPACED_CLASS}]|\d+(?:[.,:]\d+)*|[^\W\d_{UNSPACED_CLASS}]+(?:['-][^\W\d_{UNSPACED_CLASS}]+)*"
)
_END = re.compile(r"[.!?]+[\"')\]”“’»]*(?=\s)|[。！？｡]+[\"'」』）)]*|[؟۔।॥։።፧།༎၊။។៕]+[\"')»]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-zÀ-ÿА-Яа-яЇїІіЄє]|Mr|Mrs|Ms|Dr|Prof|St|Nr|No|Sr|Jr|vs|etc|bzw|ca|Mio|Mrd|Inc|Ltd|Co|Gen|Col|Lt"
    r"|Sen|Rep|Gov|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Okt|Oct|Nov|Dez|Dec|U\.S|z\.B|d\.h|u\.a|г|гг|им|ул|руб|млн|млрд|тыс|т\.е|т\.д)|\b\d{1,2})\.$"
)
_MAX_SENTENCE = 2000
_KEPT_LENGTH = 20_000

T = TypeVar("T")
_UNENDED = 160  # characters: Thai and Lao end no sentence, a space must do
_LONG_RUN = re.compile(r"[\u0e00-\u0eff]{12}")


def kept_for_articles(read: Callable[[str], T]) -> Callable[[str], T]:
    """Keep what a function makes of the last 32 texts: an article is compared with many in a row.

    A text of more than 20,000 characters is no article, and would fill the memory.
    """
    kept = lru_cache(maxsize=32)(read)

    @wraps(read)
    def look_up(text: str) -> T:
        return kept(text) if len(text) <= _KEPT_LENGTH else read(text)

    return look_up


def normalize_text(text: str) -> str:
    """Return the text in NFC with quotation marks, dashes and white space made equal; case kept."""
    return _SPACE.sub(" ", _plain_signs(unicodedata.normalize("NFC", text))).strip()


@kept_for_articles
def normal_form(text: str) -> str:
    """Return what `normalize_text` makes of an article; its pieces would only push others out."""
    return normalize_text(text)


def _plain_signs(text: str) -> str:
    return _SIGN.sub(lambda found: _SIGNS[found.group()], text)


def text_hash(text: str) -> str:
    """Return the sha256, as hex, of the normalised text."""
    return sha256(normalize_text(text).encode("utf-8", "replace")).hexdigest()


def tokens(text: str) -> list[str]:
    """Return the words in lower case; every character of an unspaced script is one."""
    return _WORD.findall(normalize_text(text).casefold())


def has_words(text: str, count: int) -> bool:
    """Whether a text has `count` words or more; no further ones are looked for."""
    return sum(1 for _ in islice(_WORD.finditer(text), count)) == count


def token_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words of a normalised text stand, as (start, end) character offsets."""
    return [found.span() for found in _WORD.finditer(text)]


@kept_for_articles
def split_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences in order; a line break ends one, an abbreviation does not.

    Linear in the length of the text; what does not end after 2,000 characters is cut there.
    """
    text = _plain_signs(unicodedata.normalize("NFC", text))
    sentences: list[str] = []
    start = 0
    for end in sentence_ends(text):
        _append(sentences, text[start:end])
        start = end
    _append(sentences, text[start:])
    return tuple(sentences)


def sentence_ends(text: str) -> Iterator[int]:
    """Yield the offsets at which sentences end, but for the last one; linear in the length."""
    start = 0
    for found in _END.finditer(text):
        if "\n" not in found.group(0) and _goes_on(text, start, found.end()):
            continue
        yield found.end()
        start = found.end()


def _goes_on(text: str, start: int, end: int) -> bool:
    if not _ABBREVIATION.search(text[max(start, end - 12) : end]):
        return False
    following = text[end : end + 2].strip()
    return bool(following) and not following.isspace()


def _append(sentences: list[str], part: str) -> None:
    part = _SPACE.sub(" ", part).strip()
    if len(part) > _UNENDED and _LONG_RUN.search(part):
        *complete, part = _at_spaces(part)
        sentences += complete
    while len(part) > _MAX_SENTENCE:
        sentences.append(part[:_MAX_SENTENCE])
        part = part[_MAX_SENTENCE:]
    if any(character.isalnum() for character in part):
        sentences.append(part)


def _at_spaces(part: str) -> list[str]:
    """Cut at the first space after every 160 characters."""
    pieces = [""]
    for word in part.split(" "):
        if len(pieces[-1]) >= _UNENDED:
            pieces.append(word)
        else:
            pieces[-1] = f"{pieces[-1]} {word}".strip()
    return [piece for piece in pieces if piece]


def quoted_shares(sentences: Sequence[str]) -> list[float]:
    """Return which share of each sentence stands in quotation marks, 0 to 1.

    A quotation may run over several sentences; one that is never closed ends after four.
    """
    shares = []
    inside = open_for = 0
    for sentence in sentences:
        parts = _plain_signs(sentence).split('"')
        quoted = sum(len(part) for part in parts[1 - inside :: 2])
        shares.append(quoted / max(len(sentence), 1))
        inside = (inside + len(parts) - 1) % 2
        open_for = open_for + 1 if inside else 0
        if open_for > 4:
            inside = open_for = 0
    return shares
