"""The dates between which a story happened, and what the dates in a text say about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>(?:19|20)\d\d)[./-](?P<m>\d\d?)[./-](?P<d>\d\d?)"
    r"|(?P<a>\d\d?)[./-](?P<b>\d\d?)[./-](?P<z>(?:19|20)\d\d))(?!\d)"
    r"|(?<!\d)(?P<cy>(?:19|20)\d\d) ?[年년] ?(?P<cm>\d\d?) ?[月월] ?(?P<cd>\d\d?) ?[日일]"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DIGITS = {
    start + digit: str(digit) for start in (0x0660, 0x06F0, 0x0966, 0xFF10) for digit in range(10)
}


class WindowEvidence(StrEnum):
    """What the dates written in a text say about when it was written."""

    INSIDE = "inside"  # a date or a year of the window is named
    LATER = "later"  # only years after the window are
    TITLE_OUTSIDE = "title-outside"  # the title bears a full date, and it is another one
    NONE = "none"  # earlier years, which every report names as history, or nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class DateWindow:
    """From one day until another, both included; None where a side is open. Days are in UTC."""

    since: date | None = None
    until: date | None = None

    @property
    def open(self) -> bool:
        """Whether any date fits."""
        return self.since is None and self.until is None

    def contains(self, day: date) -> bool:
        """Whether a day lies inside."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )

    def contains_year(self, year: int) -> bool:
        """Whether some day of a year lies inside."""
        return (self.since is None or self.since.year <= year) and (
            self.until is None or year <= self.until.year
        )


def weigh_dates(window: DateWindow, *, title: str, text: str) -> WindowEvidence:
    """Judge a text of unknown date by the dates it names.

    Only numeric dates are read in full, of words only the year: month names of every language are
    a library of their own, and dates in running text are mostly those of other events anyway.
    """
    title, text = title.translate(_DIGITS), text.translate(_DIGITS)
    in_title = [
        any(map(window.contains, days)) for match in _DATE.finditer(title) if (days := _days(match))
    ]
    if in_title:
        return WindowEvidence.INSIDE if any(in_title) else WindowEvidence.TITLE_OUTSIDE
    if any(window.contains(day) for match in _DATE.finditer(text) for day in _days(match)):
        return WindowEvidence.INSIDE
    years = {int(year) for year in _YEAR.findall(_DATE.sub(" ", f"{title}\n{text}"))}
    if any(map(window.contains_year, years)):
        return WindowEvidence.INSIDE
    if window.until is not None and any(year > window.until.year for year in years):
        return WindowEvidence.LATER
    return WindowEvidence.NONE


def _days(match: re.Match[str]) -> list[date]:
    """Every day a numeric date may mean: 4/9/2023 is in September or in April."""
    part = match.groupdict()
    year = part["y"] or part["z"] or part["cy"]
    readings = (
        ((part["a"], part["b"]), (part["b"], part["a"]))
        if part["z"]
        else ((part["d"] or part["cd"], part["m"] or part["cm"]),)
    )
    return list(_valid(int(year), ((int(day), int(month)) for day, month in readings)))


def _valid(year: int, readings: Iterable[tuple[int, int]]) -> Iterator[date]:
    for day, month in readings:
        try:
            yield date(year, month, day)
        except ValueError:
            continue  # not a date in this reading
