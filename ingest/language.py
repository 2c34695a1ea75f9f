"""Which language a text is in."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_MIN_LETTERS = 20
_SAMPLE = 2000  # characters; more changes nothing but the time
_SCRIPTS = (
    # ranges of letters whose script decides the language, or nearly so
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
)
_NOT_IN_THE_PRESS = frozenset({"an", "eo", "la", "sa", "vo", "wa"})
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_UKRAINIAN = re.compile(r"[іїєґІЇЄҐ]")
_RUSSIAN = re.compile(r"[ыэёЫЭЁ]")  # ъ is Bulgarian as well
# Belarusian, Kazakh, Kyrgyz, Mongolian, Tatar, Tajik: they share letters with both
_NEITHER = re.compile(r"[ўәғқңөұүһҳҷӣӯ]", re.IGNORECASE)


_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def count_words(text: str) -> int:
    """Count words; two characters of an unspaced script (Chinese, Japanese, Thai) count as one."""
    spaced, unspaced = _UNSPACED.subn(" ", text)
    return len(spaced.split()) + unspaced // 2


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's main language, None when there is too little text.

    Scripts of one language decide by themselves, Ukrainian and Russian by the letters only one of
    them has; the rest is left to py3langid (Lui and Baldwin 2012, langid.py).
    """
    sample = text[:_SAMPLE]
    letters = sum(character.isalpha() for character in sample)
    script = _language_of_script(sample, letters)
    if script is not None:
        return script
    if letters < _MIN_LETTERS:
        return None
    cyrillic = len(_CYRILLIC.findall(sample))
    if cyrillic > letters * 0.6 and not _NEITHER.search(sample):
        ukrainian, russian = len(_UKRAINIAN.findall(sample)), len(_RUSSIAN.findall(sample))
        if ukrainian > 2 * russian and ukrainian * 50 > cyrillic:
            return "uk"
        if russian > 2 * ukrainian and russian * 100 > cyrillic:
            return "ru"
    code, _score = _identifier().classify(sample)
    return str(code).partition("-")[0]


def _language_of_script(sample: str, letters: int) -> str | None:
    counts = Counter({code: len(pattern.findall(sample)) for code, pattern in _SCRIPTS})
    if counts["ja"] * 10 > counts["zh"] > 0:  # Japanese is written in kanji as well
        counts["ja"] += counts.pop("zh")
    (code, count), *_rest = counts.most_common(1)
    # A syllable block or ideograph says as much as several letters.
    least = 5 if code in {"ko", "ja", "zh"} else _MIN_LETTERS
    return code if count >= least and count > letters * 0.5 else None


def forget_model() -> None:
    """Give back the 80 MB of the model; the next text that needs it loads it anew."""
    _identifier.cache_clear()


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # Loading takes a third of a second: once in a process, at the first use.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = {code for code in identifier.labels if len(code) == 2} - _NOT_IN_THE_PRESS
    identifier.set_languages(sorted(known))  # the model has dialects and ISO 639-3 besides
    return identifier
