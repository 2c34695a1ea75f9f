"""Where a listing of captures goes on: from page to page, and after the program was killed.

    start_cursor -> Cursor -> ask -> (CdxPage) -> follow -> (CaptureRow, Cursor after it), ...

The Internet Archive gives a key to go on with. pywb gives none, and its rows are in the order of
addresses, so its pages are windows of time: one that is full is halved, and after one that is
half empty the next is twice as long. A page that was half done is asked for again, and goes on
after the last capture that was given; if that is not there any more the page is given anew. So a
capture may come twice and is never lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.backfill.cdx import (
    FIRST_YEAR,
    CaptureRow,
    CdxPage,
    Dialect,
    format_timestamp,
    parse_timestamp,
)
from ingest.backfill.cdxquery import CdxQuery, Match, cdx_url
from ingest.errors import UsageError

_SECOND = timedelta(seconds=1)  # archives know no less


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The capture that was given last, by what finds it again."""

    key: str
    timestamp: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time that one page covers, both ends included, and where the last one ends."""

    since: datetime
    until: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """How many it holds, one at least."""
        return (self.until - self.since) // _SECOND + 1

    def halved(self) -> Window:
        """The first half of one that has two seconds or more."""
        return replace(self, until=self.since + (self.seconds // 2 - 1) * _SECOND)

    def following(self, *, after: datetime, longer: bool) -> Window | None:
        """The window after a moment, None at the end."""
        if after >= self.end:
            return None
        since = after + _SECOND
        most = (self.end - since) // _SECOND
        more = min(self.seconds * (2 if longer else 1) - 1, most)
        return replace(self, since=since, until=since + more * _SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a listing goes on; `as_dict` gives it for JSON, and `read_cursor` takes it back."""

    resume_key: str | None = None  # of the page in hand, for the Internet Archive
    window: Window | None = None  # of the page in hand, for pywb
    last: Mark | None = None
    done: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The cursor as text, lists and truth values."""
        window, last = self.window, self.last
        times = window and [window.since, window.until, window.end]
        return {
            "resume_key": self.resume_key,
            "window": times and [format_timestamp(time) for time in times],
            "last": last and [last.key, last.timestamp, last.digest],
            "done": self.done,
        }


def read_cursor(data: object) -> Cursor:
    """Take back what `Cursor.as_dict` gave. Raises UsageError when it is something else."""
    fields = data if isinstance(data, dict) else {}
    key, done = fields.get("resume_key"), fields.get("done")
    if not isinstance(done, bool) or not isinstance(key, str | None):
        raise _no_cursor(data)
    window, last = fields.get("window"), fields.get("last")
    return Cursor(
        resume_key=key,
        window=None if window is None else _read_window(window),
        last=None if last is None else _read_mark(last),
        done=done,
    )


def _read_window(value: object) -> Window:
    times = [parse_timestamp(text) for text in value] if isinstance(value, list) else []
    match times:
        case [datetime() as since, datetime() as until, datetime() as end] if since <= until <= end:
            return Window(since=since, until=until, end=end)
    raise _no_cursor(value)


def _read_mark(value: object) -> Mark:
    match value:
        case [str() as key, str() as timestamp, str() | None as digest]:
            return Mark(key=key, timestamp=timestamp, digest=digest)
    raise _no_cursor(value)


def _no_cursor(value: object) -> UsageError:
    return UsageError(f"{str(value)[:200]} is no cursor; begin without one")


# ---------------------------------------------------------------- moving on


def start_cursor(query: CdxQuery, *, dialect: Dialect, now: datetime) -> Cursor:
    """The cursor of a listing that begins."""
    if dialect is Dialect.WAYBACK:
        return Cursor()
    since = query.since or datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    until = (query.until or now).replace(microsecond=0)
    window = Window(since=since.replace(microsecond=0), until=until, end=until)
    return Cursor(window=window, done=window.since > window.end)


def ask(server: str, query: CdxQuery, cursor: Cursor, *, dialect: Dialect, limit: int) -> str:
    """The address that asks for the page a cursor stands at, of `limit` lines at most.

    A window of one second can't be halved, so all of it is asked for.
    """
    window = cursor.window
    if window is None:
        key = cursor.resume_key
        return cdx_url(server, query, dialect=dialect, limit=limit, resume_key=key)
    part = replace(query, since=window.since, until=window.until)
    most = None if window.since == window.until else limit
    return cdx_url(server, part, dialect=dialect, limit=most)


def follow(
    query: CdxQuery, cursor: Cursor, page: CdxPage, *, limit: int
) -> tuple[tuple[tuple[CaptureRow, Cursor], ...], Cursor]:
    """The captures of a page that are new, each with the cursor after it, and the next page's.

    Of captures of one address that follow each other with the same body, the first is new.
    """
    if cursor.window is None:
        given = page.rows
        after = replace(cursor, resume_key=page.resume_key, done=page.resume_key is None)
    else:
        given, window = _follow_window(query, cursor.window, page, limit=limit)
        after = replace(cursor, window=window or cursor.window, done=window is None)
    rows = tuple(_fresh(given, last=cursor.last))
    if not rows:
        return (), after
    after = replace(after, last=_mark(rows[-1]))
    places = [replace(cursor, last=_mark(row)) for row in rows[:-1]]
    return tuple(zip(rows, [*places, after], strict=True)), after


def _follow_window(
    query: CdxQuery, window: Window, page: CdxPage, *, limit: int
) -> tuple[tuple[CaptureRow, ...], Window | None]:
    full = page.lines >= limit and window.since < window.until
    if not full:
        longer = page.lines * 2 < limit
        return page.rows, window.following(after=window.until, longer=longer)
    if query.match is Match.EXACT and page.rows:  # one address: its rows are in order of time
        latest = max(row.at for row in page.rows)
        return page.rows, window.following(after=max(latest, window.since), longer=False)
    return (), window.halved()


def _fresh(rows: tuple[CaptureRow, ...], *, last: Mark | None) -> Iterator[CaptureRow]:
    given = [place for place, row in enumerate(rows) if last and _is_same(_mark(row), last)]
    for row in rows[given[-1] + 1 :] if given else rows:
        mark = _mark(row)
        if last and (_is_same(mark, last) or _has_same_body(mark, last)):
            continue
        last = mark
        yield row


def _mark(row: CaptureRow) -> Mark:
    return Mark(key=row.key, timestamp=row.timestamp, digest=row.digest)


def _is_same(mark: Mark, other: Mark) -> bool:
    return (mark.key, mark.timestamp) == (other.key, other.timestamp)


def _has_same_body(mark: Mark, other: Mark) -> bool:
    return mark.digest is not None and (mark.key, mark.digest) == (other.key, other.digest)
