"""Ukrainian written so that an encoder which knows Russian understands more of it.

Common words and stems are looked up in `rules/uk-ru.txt`, endings that correspond regularly are
exchanged, and what letters are left without a Russian form are mapped. Nobody is meant to read the
result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

TO_RUSSIAN_LETTERS = str.maketrans("іїєґўІЇЄҐЎ", "ииегуИИЕГУ")
_WORD = re.compile("[а-яіїєґё]+(?:['’ʼ][а-яіїєґё]+)*", re.IGNORECASE)
_MIN_STEM = 4
_ENDINGS = (  # the first that fits; from Ukrainian letters to Russian
    ("ування", "ование"), ("юється", "юется"), ("ується", "уется"), ("юються", "юются"),
    ("уються", "уются"), ("аються", "аются"), ("яються", "яются"), ("ються", "ются"),
    ("ається", "ается"), ("яється", "яется"), ("ється", "ется"), ("ляться", "лятся"),
    ("ться", "тся"), ("тися", "ться"), ("ався", "ался"), ("алися", "ались"), ("алася", "алась"),
    ("илися", "ились"), ("илася", "илась"), ("ився", "ился"), ("івся", "елся"), ("ання", "ание"),
    ("яння", "яние"), ("ення", "ение"), ("іння", "ение"), ("ття", "тие"), ("ського", "ского"),
    ("ської", "ской"), ("ському", "скому"), ("ський", "ский"), ("ська", "ская"), ("ське", "ское"),
    ("ські", "ские"), ("ською", "ской"), ("ську", "скую"), ("цький", "цкий"), ("цької", "цкой"),
    ("цького", "цкого"), ("цька", "цкая"), ("цькі", "цкие"), ("ність", "ность"), ("ності", "ности"),
    ("істю", "остью"), ("ість", "ость"), ("ості", "ости"), ("ував", "овал"), ("увала", "овала"),
    ("ували", "овали"), ("увати", "овать"), ("ємо", "ем"), ("ають", "ают"), ("яють", "яют"),
    ("ують", "уют"), ("юють", "юют"), ("ає", "ает"), ("яє", "яет"), ("ує", "ует"), ("ює", "юет"),
    ("іє", "еет"), ("ати", "ать"), ("ити", "ить"), ("іти", "еть"), ("яти", "ять"), ("ути", "уть"),
    ("нути", "нуть"), ("ав", "ал"), ("яв", "ял"), ("ив", "ил"), ("ніх", "них"), ("льні", "льные"),
    ("йні", "йные"), ("чні", "чные"), ("нні", "нные"), ("рні", "рные"), ("тні", "тные"),
    ("вні", "вные"), ("сні", "сные"), ("жні", "жные"), ("дні", "дные"), ("зні", "зные"),
    ("бні", "бные"), ("льна", "льная"), ("йна", "йная"), ("чна", "чная"), ("нна", "нная"),
    ("рна", "рная"), ("тна", "тная"), ("льне", "льное"), ("йне", "йное"), ("чне", "чное"),
    ("нне", "нное"), ("тне", "тное"), ("льну", "льную"), ("чну", "чную"), ("тну", "тную"),
    ("ові", "овые"), ("ова", "овая"), ("ої", "ой"), ("ою", "ой"), ("ими", "ыми"), ("них", "ных"),
    ("ним", "ным"), ("ний", "ный"), ("ній", "ной"), ("ції", "ции"), ("ія", "ия"), ("ій", "ий"),
    ("ів", "ов"), ("їв", "ев"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lexicon:
    words: dict[str, str]
    stems: dict[str, str]


def russianize(text: str) -> str:
    """Return Ukrainian text with its words, endings and letters exchanged for Russian ones."""
    return _WORD.sub(lambda found: _exchange(found.group()), text).translate(TO_RUSSIAN_LETTERS)


def _exchange(word: str) -> str:
    lower = word.lower()
    russian = _russian(lower)
    return russian.capitalize() if lower != word and word[0].isupper() else russian


@lru_cache(maxsize=50_000)
def _russian(word: str) -> str:
    lexicon = _lexicon()
    known = lexicon.words.get(word)
    if known is not None:
        return known
    start, ending = "", word
    for size in range(len(word), _MIN_STEM - 1, -1):
        stem = lexicon.stems.get(word[:size])
        if stem is not None:
            start, ending = stem, word[size:]
            break
    for ukrainian, russian in _ENDINGS:
        if ending.endswith(ukrainian) and len(start) + len(ending) > len(ukrainian) + 1:
            return start + ending[: -len(ukrainian)] + russian
    return start + ending


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    words, stems = {}, {}
    raw = (files("ingest.verdict") / "rules" / "uk-ru.txt").read_text("utf-8")
    for line in raw.splitlines():
        if line.startswith("#"):
            continue
        ukrainian, _, russian = line.partition(" ")
        if ukrainian.endswith("*"):
            stems[ukrainian[:-1]] = russian[:-1]
        else:
            words[ukrainian] = russian
    return _Lexicon(words=words, stems=stems)
