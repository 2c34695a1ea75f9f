"""Numbers in digits of any script: what is written so, and what it is worth.

Which of point and comma stands before decimals is told by the text itself where it can (1.234,5;
1.000.000), else by its language, else by the digits behind: three are thousands.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

GAPS = " \u00a0\u202f\u2009"
"""White space between groups of digits, and between a number and its unit."""

_MOST_DIGITS = 15  # what is longer is no count, and a float could not hold it
_SPACED = re.compile(
    rf"\d{{1,3}}(?:[{GAPS}'’]\d{{3}})+(?!\d)(?:[.,٫]\d{{1,6}}(?!\d))?|\d+(?:[.,٫٬،]\d+)*"
)
_UNSPACED = re.compile(_SPACED.pattern.replace("[ ", "["))


def find_numbers(text: str, *, has_spaced_groups: bool) -> Iterator[re.Match[str]]:
    """Yield what is written in digits, signs of decimals and thousands with it."""
    return (_SPACED if has_spaced_groups else _UNSPACED).finditer(text)


def decimal_sign(written: Sequence[str], *, usual: str | None) -> str | None:
    """Which of point and comma stands before decimals in a text; None when nobody knows.

    `written` are all its numbers, `usual` is the sign of its language.
    """
    votes: Counter[str] = Counter()
    for number in written:
        signs = [character for character in number if character in ".,"]
        if not signs:
            continue
        other = "." if signs[-1] == "," else ","
        *_, last = re.split("[.,]", number)
        if len(set(signs)) == 2 and signs.count(signs[-1]) == 1:
            votes[signs[-1]] += 1
        elif len(signs) > 1 and _are_thousands(re.split("[.,]", number)):
            votes[other] += 1
        elif len(signs) == 1 and len(last) != 3 and usual is None:
            votes[signs[-1]] += 1
    if votes["."] != votes[","]:
        return max(votes, key=lambda sign: votes[sign])
    return usual


def _are_thousands(groups: Sequence[str]) -> bool:
    """Whether digits stand in groups of three, or as in India two, two and three."""
    first, *middle, last = groups
    sizes = {len(group) for group in middle}
    return 1 <= len(first) <= 3 and len(last) == 3 and (sizes <= {3} or sizes <= {2})


def value_of(written: str, *, sign: str | None) -> Decimal | None:
    """What a number is worth; None for what is none, such as that of a version or an address."""
    plain = ascii_digits(written)
    if sum(map(str.isdigit, plain)) > _MOST_DIGITS or re.match(r"0\d", plain):
        return None
    groups = re.split("[.,]", plain)
    signs = re.findall("[.,]", plain)
    if len(set(signs)) == 2:
        is_decimal = signs.count(signs[-1]) == 1 and (
            len(groups) == 2 or _are_thousands(groups[:-1])
        )
        return _decimal(groups) if is_decimal else None
    if len(signs) > 1:
        return Decimal("".join(groups)) if _are_thousands(groups) else None
    if signs and "٫" not in written and signs[0] != sign and _are_thousands(groups):
        return Decimal("".join(groups)) if groups[0] != "0" else _decimal(groups)
    return _decimal(groups)


def _decimal(groups: Sequence[str]) -> Decimal:
    *whole, last = groups
    return Decimal("".join(whole) + "." + last if whole else last)


def ascii_digits(written: str) -> str:
    """Write a number with ASCII digits, points and commas, without other separators."""
    return "".join(_ascii(character) for character in written)


def _ascii(character: str) -> str:
    """A digit or a sign as Decimal reads it; nothing for a separator of thousands."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return {".": ".", ",": ",", "٫": "."}.get(character, "")
