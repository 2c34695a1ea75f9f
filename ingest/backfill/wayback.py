"""A web archive as a source: listing captures and replaying them, at a pace that it bears.

    CdxQuery ─captures─> (CaptureRow, Cursor), ... ─replay─> FetchedPage of then
                 └──> Failure | Rejection, and where to go on

All traffic goes through the one Fetcher, whose own interval for a host holds as well: with the
usual one a second no archive is asked more often. `patient_policy` makes a policy that fits.

The Internet Archive allows 30 queries of the index and 600 captures a minute, and asks programs to
stay at four fifths of that; it answers 429 to who is faster, and then refuses connections
(https://github.com/edgi-govdata-archiving/wayback, release notes of 0.5.1). So both are answered
with a minute of silence, for queries and captures alike.

Robots.txt is obeyed unless `Manners` says otherwise. The Internet Archive has none (404 in 2026);
asking for it costs a request a day. Other archives disallow replay, to keep search engines from
showing old pages in place of the new; that is not what is done here, where each page is named by
the index of the archive itself, so whoever runs it may decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TypeVar

from ingest.backfill.cdx import CaptureRow, CdxPage, Dialect, parse_cdx
from ingest.backfill.cdxcursor import Cursor, ask, follow, start_cursor
from ingest.backfill.cdxquery import CdxQuery
from ingest.backfill.memento import read_memento, reject_row, replay_url
from ingest.backfill.mementobody import read_encodings
from ingest.backfill.pace import Lane, Pace
from ingest.fetch import Fetcher, FetchPolicy
from ingest.inflate import decode_body
from ingest.model import Failure, FailureKind, FetchedPage, NotModified, Rejection

_REMEMBERED_CAPTURES = 10_000
_AWAY = frozenset({FailureKind.RATE_LIMITED, FailureKind.HTTP_SERVER})
_ASKED_TO_WAIT = frozenset({FailureKind.RATE_LIMITED, FailureKind.NETWORK})
# A query is heavy work: much goes wrong with one, and passes.
_INDEX_PASSES = _AWAY | _ASKED_TO_WAIT | {FailureKind.TIMEOUT, FailureKind.TRUNCATED}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an archive answers, and in which dialect."""

    cdx: str  # the index
    replay: str  # what stands before "/{timestamp}id_/{url}"
    dialect: Dialect


INTERNET_ARCHIVE = Endpoint(
    cdx="https://web.archive.org/cdx/search/cdx",
    replay="https://web.archive.org/web",
    dialect=Dialect.WAYBACK,
)


def pywb_endpoint(collection: str) -> Endpoint:
    """The endpoint of a pywb collection, as in "https://archive.example.org/news"."""
    base = collection.rstrip("/")
    return Endpoint(cdx=f"{base}/cdx", replay=base, dialect=Dialect.PYWB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How fast to ask, and how to take a refusal."""

    queries_per_minute: float = 24
    captures_per_second: float = 8
    silence_seconds: float = 60  # after a 429 or a refused connection; a Retry-After may be longer
    longest_silence_seconds: float = 900  # rather than wait longer, the work is left for later
    tries: int = 4
    obey_robots: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much to take at once, and which nearest capture will do."""

    page_lines: int = 1_000
    max_index_bytes: int = 8 * 2**20  # of one page of the index
    max_body_bytes: int = 20 * 2**20  # of a capture that was compressed twice, inflated once
    tolerance: timedelta = timedelta(hours=24)


def patient_policy(policy: FetchPolicy, manners: Manners) -> FetchPolicy:
    """The policy of a Fetcher for archives alone, whose index may search for a minute."""
    return replace(
        policy,
        read_seconds=max(policy.read_seconds, 90.0),
        total_seconds=max(policy.total_seconds, 120.0),
        per_host_interval_seconds=1 / manners.captures_per_second,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of request: its pace, and what it may meet."""

    lane: Lane
    accept: str
    max_wire_bytes: int | None
    again: frozenset[FailureKind]  # worth asking again after a silence
    passing: frozenset[FailureKind]  # about the archive as it is now, though sent as a page


class WaybackArchive:
    """One archive; `captures` and `replay` may be in use by several tasks at once."""

    def __init__(
        self,
        fetcher: Fetcher,
        endpoint: Endpoint,
        *,
        now: Callable[[], datetime],
        manners: Manners = Manners(),
        bounds: Bounds = Bounds(),
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now` ends queries without an end; `clock` counts the seconds that `pause` waits."""
        self.bad_lines = 0  # of the index, so far
        self._fetcher = fetcher
        self._endpoint = endpoint
        self._now = now
        self._manners = manners
        self._bounds = bounds
        self._pace = Pace(clock=clock, pause=pause)
        self._given: dict[tuple[str, datetime], datetime] = {}
        self._index = _Kind(
            lane=Lane(interval_seconds=60 / manners.queries_per_minute),
            accept="application/json",
            max_wire_bytes=bounds.max_index_bytes,
            again=_INDEX_PASSES,
            passing=_INDEX_PASSES,
        )
        self._captures = _Kind(
            lane=Lane(interval_seconds=1 / manners.captures_per_second),
            accept="text/html,*/*;q=0.5",
            max_wire_bytes=None,
            again=_ASKED_TO_WAIT,
            passing=_AWAY,
        )

    async def captures(
        self, query: CdxQuery, cursor: Cursor | None = None
    ) -> AsyncIterator[tuple[CaptureRow | Failure | Rejection, Cursor]]:
        """List captures, from a cursor on; each comes with the cursor to go on after it.

        A Failure or Rejection ends the listing; its cursor goes on with the page that was not had.
        """
        dialect, limit = self._endpoint.dialect, self._bounds.page_lines
        place = cursor or start_cursor(query, dialect=dialect, now=self._now())
        keys = {place.resume_key}
        while not place.done:
            url = ask(self._endpoint.cdx, query, place, dialect=dialect, limit=limit)
            page = await self._ask(url, self._index, read=self._read_index)
            if not isinstance(page, CdxPage):
                yield page, place
                return
            self.bad_lines += page.bad_lines
            found, place = follow(query, place, page, limit=limit)
            for row, after in found:
                yield row, after
            if place.resume_key in keys and not place.done and place.window is None:
                reason = f"the archive goes on where it was: {str(place.resume_key)[:200]}"
                yield Rejection(kind=FailureKind.HTTP_SERVER, reason=reason), place
                return
            keys.add(place.resume_key)

    async def replay(self, row: CaptureRow) -> FetchedPage | Failure | Rejection:
        """Fetch a capture as the page that it was.

        A Rejection is about the capture, and final. A Failure is about the archive, and worth
        another try later when its kind is temporary. A nearest capture that another row has got
        already is a Rejection too.
        """
        rejection = reject_row(row)
        if rejection:
            return rejection
        url = replay_url(self._endpoint.replay, row)
        outcome = await self._ask(url, self._captures, read=partial(self._read_capture, row))
        if isinstance(outcome, Failure):
            return replace(outcome, requested_url=row.url, final_url=url)
        if isinstance(outcome, FetchedPage) and not self._give(outcome, row):
            reason = f"the nearest capture, of {outcome.fetched_at:%Y-%m-%d %H:%M:%S}, came before"
            return Rejection(kind=FailureKind.NOT_FOUND, reason=reason)
        return outcome

    def _read_index(self, page: FetchedPage) -> CdxPage | Rejection:
        encoding = ", ".join(read_encodings(page.headers.get("content-encoding")))
        body = decode_body(page.body, encoding, max_bytes=self._bounds.max_index_bytes)
        return body if isinstance(body, Rejection) else parse_cdx(body, self._endpoint.dialect)

    def _read_capture(self, row: CaptureRow, page: FetchedPage) -> FetchedPage | Rejection:
        return read_memento(
            page,
            row,
            replay=self._endpoint.replay,
            tolerance=self._bounds.tolerance,
            max_bytes=self._bounds.max_body_bytes,
        )

    def _give(self, page: FetchedPage, row: CaptureRow) -> bool:
        """Whether this capture was not given to another row; a row may get its own again."""
        served = (row.key, page.fetched_at)
        owner = self._given.setdefault(served, row.at)
        if len(self._given) > _REMEMBERED_CAPTURES:
            del self._given[next(iter(self._given))]
        return owner == row.at

    async def _ask(
        self, url: str, kind: _Kind, *, read: Callable[[FetchedPage], T | Rejection]
    ) -> T | Rejection | Failure:
        """Fetch and read, again after a silence when the archive asks for one."""
        for _try in range(max(1, self._manners.tries)):
            outcome = await self._try(url, kind, read=read)
            if not isinstance(outcome, Failure) or outcome.kind not in kind.again:
                break
            asked = (outcome.retry_after_seconds or 0.0) + 1  # the Fetcher counts it as well
            wait = max(self._manners.silence_seconds, asked)
            if wait > self._manners.longest_silence_seconds:
                break
            self._pace.keep_silent(wait)
        return outcome

    async def _try(
        self, url: str, kind: _Kind, *, read: Callable[[FetchedPage], T | Rejection]
    ) -> T | Rejection | Failure:
        await self._pace.turn(kind.lane)
        fetched = await self._fetcher.fetch(
            url,
            accept=kind.accept,
            max_wire_bytes=kind.max_wire_bytes,
            check_robots=self._manners.obey_robots,
        )
        assert not isinstance(fetched, NotModified)  # nothing conditional was asked
        if isinstance(fetched, Failure):
            return fetched
        outcome = read(fetched)
        if isinstance(outcome, Rejection) and outcome.kind in kind.passing:
            return Failure(
                requested_url=url, kind=outcome.kind, reason=outcome.reason, at=self._now()
            )
        return outcome
