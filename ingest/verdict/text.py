"""Normal form, words and sentences of a text in any script."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces: their words are taken as single characters."""

_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans(
    {
        **dict.fromkeys("„“”‟«»〝〞＂「」『』", '"'),
        **dict.fromkeys("‚‘’‛‹›＇`´", "'"),
        **dict.fromkeys("‐‑‒–—―−﹘－", "-"),
        "…": "...",
        "\u00ad": None,  # soft hyphen
        "\u200b": None,
        "\u200c": None,
        "\u200d": None,
        "\u2060": None,
        "\ufeff": None,
    }
)
_UNSPACED_CLASS = (
    "\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_WORD = re.compile(
    rf"[{_UNSPACED_CLASS}]|\d+(?:[.,:]\d+)*|[^\W\d_{_UNSPACED_CLASS}]+(?:['-][^\W\d_{_UNSPACED_CLASS}]+)*"
)
_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)|[。！？｡]+[\"'」』）)]*|[؟۔।॥]+[\"')]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-zÀ-ÿА-Яа-яЇїІіЄє]|Mr|Mrs|Ms|Dr|Prof|St|Nr|No|Sr|Jr|vs|etc|bzw|ca|Mio|Mrd|Inc|Ltd|Co|Gen|Col|Lt"
    r"|Sen|Rep|Gov|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Okt|Oct|Nov|Dez|Dec|U\.S|z\.B|d\.h|u\.a|г|гг|им|ул|руб|млн|млрд|тыс|т\.е|т\.д)|\b\d{1,2})\.$"
)
_MAX_SENTENCE = 2000


def normalize_text(text: str) -> str:
    """Return the text in NFC with quotation marks, dashes and white space made equal; case kept."""
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    return _SPACE.sub(" ", text).strip()


def text_hash(text: str) -> str:
    """Return the sha256, as hex, of the normalised text."""
    return sha256(normalize_text(text).encode("utf-8", "replace")).hexdigest()


def tokens(text: str) -> list[str]:
    """Return the words in lower case; every character of an unspaced script is one."""
    return _WORD.findall(normalize_text(text).casefold())


def token_spans(text: str) -> list[tuple[int, int]]:
    """Return where the words of a normalised text stand, as (start, end) character offsets."""
    return [found.span() for found in _WORD.finditer(text)]


def split_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences in order; a line break ends one, an abbreviation does not.

    Linear in the length of the text; what does not end after 2,000 characters is cut there.
    """
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    sentences: list[str] = []
    start = 0
    for found in _END.finditer(text):
        if "\n" not in found.group(0) and _goes_on(text, start, found.end()):
            continue
        _append(sentences, text[start : found.end()])
        start = found.end()
    _append(sentences, text[start:])
    return tuple(sentences)


def _goes_on(text: str, start: int, end: int) -> bool:
    if not _ABBREVIATION.search(text[max(start, end - 12) : end]):
        return False
    following = text[end : end + 2].strip()
    return bool(following) and not following.isspace()


def _append(sentences: list[str], part: str) -> None:
    part = _SPACE.sub(" ", part).strip()
    while len(part) > _MAX_SENTENCE:
        sentences.append(part[:_MAX_SENTENCE])
        part = part[_MAX_SENTENCE:]
    if any(character.isalnum() for character in part):
        sentences.append(part)


def numbers(text: str) -> list[str]:
    """Return the numbers of a text in order, digits of every script made ASCII."""
    found = re.findall(r"\d+(?:[.,]\d+)*", text)
    return [
        "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in item) for item in found
    ]
