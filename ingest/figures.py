"""Numbers in digits that tell how many or how much, in a text of any language.

Dates, times, years, ordinals and the numbers in names (G20, F-16, Covid-19) are left apart, and
numbers in words are left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from math import inf
from typing import TypeVar

from ingest.figure_words import FigureWords, figure_words, look_up
from ingest.model import Figure
from ingest.numerals import GAPS, ascii_digits, decimal_sign, find_numbers, value_of
from ingest.verdict.text import UNSPACED_CLASS, normalize_text, sentence_ends

T = TypeVar("T")

_MOST_FIGURES = 1000  # of a text: what has more is a table
_MOST_NUMBERS = 20_000  # that are looked at
_LONGEST_SENTENCE = 600  # characters on either side of a number
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_JOINED_SCRIPTS = f"{UNSPACED_CLASS}\uac00-\ud7a3\u0600-\u06ff"  # words stand joined to numbers
_DATE = re.compile(
    r"(?<!\d)(?<!\d[.,])(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)"
    r"|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(?:(?:19|20)\d{2}|\d{2})(?![.,]?\d)"
    r"|\d{1,2}:\d{2}(?::\d{2})?(?!\d)|\d{1,2}h\d{2}(?!\d)"
    r"|(?:19|20)\d{2}\s?[-–/]\s?(?:(?:19|20)\d{2}|\d{2})(?!\d)"
    r"|\d{1,2}/\d{1,2}(?![\d/])"
    r"|\d{4}\s?[年년]"
    r"|\d{1,2}\s?[月월]"
    r"|\d{1,2}\s?[日일号號](?![間间本元円간])"
    r"|\d{1,2}\s?(?:[時时시](?![間间간])|[點点](?=[^\w.]|[半多左\d]))(?:\s?\d{1,2}\s?[分분])?)"
)
_IN_A_NAME = re.compile(
    rf"(?:[^\W\d_{_JOINED_SCRIPTS}][-‐‑–]?|[#@№_/=&.,:[]|\b[nN](?:[or]\.|º) ?|№ |[第제] ?)\Z"
)
_WORD = re.compile(
    rf"(?P<gap>[{GAPS}]{{0,2}}[-‐‑]?)(?P<word>[%％٪$€£₩₽₴₹₺₪㎞㎝㎜㎏℃℉]|[°º]\s?[CFcf]\b"
    rf"|[{UNSPACED_CLASS}]{{1,8}}|[\uac00-\ud7a3]{{1,8}}"
    r"|[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff]|['’.](?=[^\W\d_])){0,30}\.?)"
)
_REST = re.compile(rf"\d{{1,4}}(?=[{_CJK}\uac00-\ud7a3])")  # of 1億5000万
_REST_SPACED = re.compile(r" (\d{1,3})(?![\d.,])")  # of 15 bin 335
_JOINED = re.compile(f"[{_JOINED_SCRIPTS}]")
_ELISION = re.compile(r"[dlDL]['’](?=\w\w)")
_MINUS = re.compile(r"(?:\A|[\s(])[-−]\Z")
_LIST_MARK = re.compile(r"[.)]\s")
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_LAST_WORD = re.compile(r"([^\W\d_]+\.?)[\s,]*\Z")
_CURRENCY_MULTIPLIERS = {"k": 1_000, "m": 1_000_000, "b": 10**9, "tn": 10**12, "t": 10**12}


def find_figures(text: str, *, language: str | None) -> tuple[Figure, ...]:
    """Return the figures of a text, at most 1,000, in order; linear in the length of the text.

    `language` is ISO 639-1; None when it is not known.
    """
    words = figure_words(language)
    numbers = list(islice(_numbers(text, words), _MOST_NUMBERS))
    sign = decimal_sign([number.group() for number in numbers], usual=words.decimal_sign)
    ends: list[int] | None = None
    figures: list[Figure] = []
    for number in numbers:
        after = figures[-1].stop if figures else 0
        if number.start() < after:
            continue  # the second part of 1億5000万
        figure = _read(text, number, after=after, language=language, sign=sign, words=words)
        if figure is None:
            continue
        ends = list(sentence_ends(text)) if ends is None else ends
        figures.append(_in_its_sentence(text, ends, figure))
        if len(figures) == _MOST_FIGURES:
            break
    return tuple(figures)


def _numbers(text: str, words: FigureWords) -> Iterator[re.Match[str]]:
    """What is written in digits and is no date, time or part of a name."""
    dates = _DATE.finditer(text)
    date = next(dates, None)
    for found in find_numbers(text, has_spaced_groups=words.has_spaced_groups):
        while date is not None and date.end() <= found.start():
            date = next(dates, None)
        in_date = date is not None and date.start() < found.end()
        start = found.start()
        if not in_date and not _IN_A_NAME.search(text[max(0, start - 5) : start]):
            yield found


def _read(
    text: str,
    number: re.Match[str],
    *,
    after: int,
    language: str | None,
    sign: str | None,
    words: FigureWords,
) -> Figure | None:
    value = value_of(number.group(), sign=sign)
    if value is None:
        return None
    start, stop = number.span()
    start, unit = _currency_before(text[max(after, start - 6) : start], start, words)
    if unit == "JPY" and language == "zh":
        unit = "CNY"  # ¥ in either country
    if start > after and _MINUS.search(text[max(0, start - 2) : start]):
        value, start = -value, start - 1
    value, stop, multiplied = _multiply(text, value, stop, words=words, is_money=bool(unit))
    if not multiplied and not unit and _is_moment(text, number, value, language, words):
        return None
    if not unit:
        unit, stop = _unit(text, stop, words=words, value=value)
    if not unit and not multiplied and _says_which(text, number, words):
        return None
    return Figure(
        value=float(value) or 0.0,  # no minus before zero
        unit=unit,
        counted="" if unit else _counted(text, stop, words),
        text=normalize_text(text[start:stop]),
        start=start,
        stop=stop,
        sentence_start=start,
        sentence_stop=stop,
    )


def _currency_before(before: str, start: int, words: FigureWords) -> tuple[int, str]:
    """Where a number begins with the currency before it, and which that is; else empty."""
    shown = before[:-1] if before and before[-1] in GAPS else before
    for prefix, unit in words.prefixes.items():
        if shown.endswith(prefix):
            ahead = shown[: -len(prefix)][-1:]
            if not (prefix[0].isalpha() and ahead.isalpha()):
                return start - (len(before) - len(shown)) - len(prefix), unit
    return start, ""


def _multiply(
    text: str,
    value: Decimal,
    stop: int,
    *,
    words: FigureWords,
    is_money: bool = False,
    below: float = inf,
) -> tuple[Decimal, int, bool]:
    """Multiply by what follows: 2,5 Mio., 3 mil millones; and add the rest of 1億5000万."""
    multiplied = False
    for _ in range(2):
        found = _WORD.match(text, stop)
        if found is None or "-" in found["gap"]:
            break
        word, by = _longest(words.multipliers, found["word"])
        if not by and is_money:
            word = found["word"].lower()
            by = _CURRENCY_MULTIPLIERS.get(word)
        if not by or by >= below:
            break
        value, stop, multiplied = value * by, found.start("word") + len(word), True
        rest = _REST.match(text, stop)
        further = _REST_SPACED.match(text, stop)
        if further is not None and word == "bin":
            return value + int(further[1]), further.end(), True
        if rest is not None and word[0] in "万萬만億亿억兆조":
            more, end, _ = _multiply(
                text, Decimal(int(rest.group())), rest.end(), words=words, below=by
            )
            return value + more, end, True
    return value, stop, multiplied


def _following(text: str, place: int, words: FigureWords) -> tuple[str, int, int] | None:
    """The word at a place with its span, connectors left out: "milliards d'euros" gives euros."""
    for _ in range(2):
        found = _WORD.match(text, place)
        if found is None:
            return None
        word, start = found["word"], found.start("word")
        elided = _ELISION.match(word)
        if elided:
            return word[elided.end() :], start + elided.end(), found.end()
        if word.lower() not in words.connectors:
            return word, start, found.end()
        place = found.end()
    return None


def _longest(table: Mapping[str, T], word: str) -> tuple[str, T | None]:
    """The word, or in a script without spaces its longest beginning, that a table has."""
    lowered = word.lower()
    for written in (word, word.rstrip(".")):
        found = look_up(table, written.lower())
        if found is not None:
            return written, found
    if _JOINED.match(lowered):
        for size in range(len(word) - 1, 0, -1):
            if word[:size] in table:
                return word[:size], table[word[:size]]
    return word, None


def _unit(text: str, stop: int, *, words: FigureWords, value: Decimal) -> tuple[str, int]:
    following = text[stop : stop + 24].lower()
    stripped = following.lstrip(GAPS)
    for phrase, unit in words.phrases.items():
        if stripped.startswith(phrase):
            return unit, stop + len(following) - len(stripped) + len(phrase)
    found = _following(text, stop, words)
    if found is None:
        return "", stop
    word, unit_found = _longest(words.units, found[0])
    if unit_found is None or (word == "won" and value < 100):  # who won?
        return "", stop
    return unit_found, found[1] + len(word)


def _is_moment(
    text: str, number: re.Match[str], value: Decimal, language: str | None, words: FigureWords
) -> bool:
    """Whether a number is a day beside its month, an hour, or a year."""
    dotted = number.end() + (text[number.end() : number.end() + 1] == ".")  # 5. September
    following = _WORD.match(text, dotted)
    after = following["word"].lower() if following is not None else ""
    named = _following(text, dotted, words)  # 5 de septiembre
    month = named[0].lower() if named is not None else ""
    last = _LAST_WORD.search(text[max(0, number.start() - 24) : number.start()])
    before = last[1].lower() if last is not None else ""
    named_first = language in {"en", "hu", "lt", "tl", None}  # September 5
    near = (month, before) if named_first else (month,)
    if value <= 31 and any(
        look_up(words.months, word) or look_up(words.months, word.rstrip(".")) for word in near
    ):
        return True
    if value <= 24 and (after in words.clocks or after.rstrip(".") in words.clocks):
        return True
    if not _YEAR.match(ascii_digits(number.group())):
        return False
    return bool(value % 100) or before in words.before_years or not after


def _says_which(text: str, number: re.Match[str], words: FigureWords) -> bool:
    """Whether a number without unit is an ordinal, the mark of a list, or a part of a name."""
    line = text[max(0, number.start() - 4) : number.start()].rpartition("\n")[2]
    if _LIST_MARK.match(text, number.end()) and not line.strip(" -*•"):
        return True
    following = _WORD.match(text, number.end())
    joined = following is not None and not following["gap"].strip(GAPS)
    if following is not None and joined and not following["gap"]:
        return not _JOINED.match(following["word"])
    if following is not None and following["gap"] in {"-", "‑", "‐"}:
        return following["word"].lower() in words.ordinals
    dotted = text[number.end() : number.end() + 2] == ". " and words.has_ordinal_dot
    return dotted and number.group().isdigit() and len(number.group()) <= 2


def _counted(text: str, stop: int, words: FigureWords) -> str:
    """The word behind a number: what is counted, as far as one word can tell."""
    found = _following(text, stop, words)
    if found is None:
        return ""
    word = found[0].lower().rstrip(".")
    if re.match(f"[{_CJK}]", word):
        return word[0]
    return "" if word in words.before_years or re.match(f"[{UNSPACED_CLASS}]", word) else word


def _in_its_sentence(text: str, ends: Sequence[int], figure: Figure) -> Figure:
    index = bisect_right(ends, figure.start)
    start = max(ends[index - 1] if index else 0, figure.start - _LONGEST_SENTENCE)
    stop = min(ends[index] if index < len(ends) else len(text), figure.stop + _LONGEST_SENTENCE)
    stop = max(stop, figure.stop)
    while start < figure.start and text[start].isspace():
        start += 1
    while stop > figure.stop and text[stop - 1].isspace():
        stop -= 1
    return replace(figure, sentence_start=start, sentence_stop=stop)
