"""When an article was published: reading dates strictly, and choosing among those a page gives.

A date parser that guesses is never let near page text: it is slow on hostile input and finds dates
in prices. What is known is ISO 8601 with its common departures, RFC 5322, and numeric tuples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from time import struct_time
from urllib.parse import urlsplit

from ingest.model import DateBounds, DatedBy, DateSource

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LEEWAY = timedelta(hours=48)  # time zones and clocks; the year 2420 is no leeway
_EASTERNMOST, _WESTERNMOST = timedelta(hours=14), timedelta(hours=12)  # zones ahead, behind UTC
_MAX_LENGTH = 64
CONFIDENCE = {
    DateSource.JSON_LD: 0.95,
    DateSource.META: 0.9,
    DateSource.FEED: 0.8,
    DateSource.URL: 0.7,
    DateSource.TEXT: 0.5,
    DateSource.GIVEN: 0.9,
}
_ISO_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})\Z")
_ISO_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,9}))?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?\Z",
    re.IGNORECASE,
)
_URL_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[/_-](0?[1-9]|1[0-2])[/_-](0?[1-9]|[12]\d|3[01])(?!\d)"
)
_MONTHS = (
    # the beginnings of a month's names in en de fr es it pt nl pl ru uk, in this order
    "jan jän ene gen sty янв січ",
    "feb fév lut фев лют",
    "mar mär maa mrt мар бер",
    "apr avr abr kwi апр кві",
    "may mai mag mei maj мая май тра",
    "jun juin giu cze июн чер",
    "jul juil lug lip июл лип",
    "aug août aou ago sie авг сер",
    "sep set wrz сен вер",
    "oct okt ott out paź окт жов",
    "nov lis ноя лис",
    "dec déc dez dic gru дек гру",
)
_BEGINNINGS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_VISIBLE_DAYS = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d{2})[./]\s?(?P<m>\d{1,2})[./]\s?(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>(?:19|20)\d{2})(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2})(?:\.|st|nd|rd|th|er|º)?\s(?:de\s)?(?P<name>[^\W\d]{3,12})\.?,?\s"
        r"(?:de\s)?(?P<y>(?:19|20)\d{2})(?!\d)"
    ),
    re.compile(
        r"(?<!\w)(?P<name>[^\W\d]{3,12})\.?\s(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s"
        r"(?P<y>(?:19|20)\d{2})(?!\d)"
    ),
)
_MAX_VISIBLE = 200  # characters; more is no date line
_URL_COMPACT = re.compile(r"(?<!\d)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")


def parse_date(
    text: str, *, source: DateSource, now: datetime, confidence: float | None = None
) -> DatedBy | None:
    """Read one date string; None when it is none, before 1990 or more than 48 h after `now`.

    A time without a zone is taken as UTC, at a lower confidence.
    """
    text = text.strip()
    if not 8 <= len(text) <= _MAX_LENGTH or not text.isascii():
        return None
    sure = CONFIDENCE[source] if confidence is None else confidence
    day = _ISO_DAY.match(text)
    if day:
        return _dated(_day(*map(int, day.groups())), source, sure, now=now, day_only=True)
    value = _parse_iso(text) or _parse_rfc(text)
    if value is None:
        return None
    zone_known = value.tzinfo is not None
    if not zone_known:
        value, sure = value.replace(tzinfo=UTC), sure * 0.9
    return _dated(value, source, sure, now=now, zone_known=zone_known)


def _parse_iso(text: str) -> datetime | None:
    found = _ISO_TIME.match(text)
    if not found:
        return None
    day, minutes, seconds, fraction, zone = found.groups()
    zone = (zone or "").upper().replace("UTC", "+00:00").replace("GMT", "+00:00")
    micros = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        return datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{micros}{zone}")
    except ValueError:
        return None


def _parse_rfc(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _day(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime.combine(date(year, month, day), time(), tzinfo=UTC)
    except ValueError:
        return None


def _dated(
    value: datetime | None,
    source: DateSource,
    confidence: float,
    *,
    now: datetime,
    day_only: bool = False,
    zone_known: bool = True,
) -> DatedBy | None:
    if value is None:
        return None
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        return None
    if not _EARLIEST <= value <= now + _LEEWAY:
        return None
    return DatedBy(
        value=value,
        source=source,
        confidence=confidence,
        day_only=day_only,
        zone_known=zone_known,
    )


def from_struct_time(
    value: struct_time | tuple[int, ...] | None, *, source: DateSource, now: datetime
) -> DatedBy | None:
    """Read feedparser's UTC tuple, which may hold years like -1 or 10000."""
    if value is None:
        return None
    try:
        year, month, day, hour, minute, second = value[:6]
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return _dated(moment, source, CONFIDENCE[source], now=now)


def from_url(url: str, *, now: datetime) -> DatedBy | None:
    """Read the day that many addresses carry, as in /2023/09/05/ or -20230905."""
    path = urlsplit(url).path
    found = _URL_DAY.search(path) or _URL_COMPACT.search(path)
    if not found:
        return None
    value = _day(*map(int, found.groups()))
    return _dated(value, DateSource.URL, CONFIDENCE[DateSource.URL], now=now, day_only=True)


def find_day(text: str, *, now: datetime) -> DatedBy | None:
    """Read the day that a date line shows a reader, as in "Updated: 14. September 2023, 10:15".

    Months are known in ten European languages, besides the numeric forms whose order is beyond
    doubt: 9/5/2023 is not read. None for lines over 200 characters.
    """
    if len(text) > _MAX_VISIBLE:
        return None
    for pattern in _VISIBLE_DAYS:
        for found in pattern.finditer(" ".join(text.split())):
            parts = found.groupdict()
            month = _month(parts["name"]) if "name" in parts else int(parts["m"])
            value = _day(int(parts["y"]), month, int(parts["d"]))
            source = DateSource.TEXT
            dated = _dated(value, source, CONFIDENCE[source], now=now, day_only=True)
            if dated is not None:
                return dated
    return None


def _month(name: str) -> int:
    """The number of a month from how its name begins; 0, which is no month, for other words."""
    name = name.lower()
    longest = (name[:length] for length in (4, 3))
    return next((_BEGINNINGS[part] for part in longest if part in _BEGINNINGS), 0)


def choose_published(candidates: Iterable[DatedBy | None]) -> DatedBy | None:
    """Return the most trusted of the dates a page, its feed and its address give.

    A day that a less trusted source states to the minute is taken from there, if both agree on
    the day. Never the time of fetching: None when nothing is known.
    """
    known = [item for item in candidates if item is not None]
    if not known:
        return None
    best = max(known, key=lambda item: item.confidence)
    if not best.day_only:
        return best
    finer = [
        item
        for item in known
        if not item.day_only and abs(item.value - best.value) < timedelta(hours=36)
    ]
    return max(finer, key=lambda item: item.confidence) if finer else best


def bound_published(published: DatedBy | None, *, known_by: datetime) -> DateBounds:
    """Return between which moments an article was published, whatever zone its site counts in.

    `known_by` is the first moment at which it is known to have stood there: the first look, or an
    older capture of an archive. It bounds a date that lies later, or is missing.
    """
    if published is None:
        return DateBounds(earliest=None, latest=known_by)
    earliest = latest = published.value
    if published.day_only:
        earliest -= _EASTERNMOST
        latest += timedelta(days=1) + _WESTERNMOST
    elif not published.zone_known:
        earliest -= _EASTERNMOST
        latest += _WESTERNMOST
    latest = min(latest, known_by)
    return DateBounds(earliest=min(earliest, latest), latest=latest)
