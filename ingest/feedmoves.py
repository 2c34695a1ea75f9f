"""Where a feed is polled from now on: redirects for good are adopted, a 410 is taken at its word.

FeedPlace + what a poll gave ─after_answer | after_failure─> FeedPlace + FeedEvents

RFC 9110 asks clients to use the target of a 301 or 308 from then on (sections 15.4.2, 15.4.9). One
of them may be a slip, or a hotel's wireless network: it takes several polls in a row, over a day at
least, that were all sent to one address for good and found the feed there. The listed address stays
what the feed is known by, and is polled again if the other one fails for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

from ingest.errors import BadURLError
from ingest.model import FailureKind, FeedEvent, FeedEventKind, FeedPlace
from ingest.urls import registered_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePolicy:
    """What it takes to poll a feed elsewhere."""

    sightings: int = 3  # polls in a row
    spread: timedelta = timedelta(days=1)  # from the first of them to the last, at least
    failures: float = 3.0  # at the new address, weighted as everywhere: three hard ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a poll makes of a feed."""

    place: FeedPlace
    events: tuple[FeedEvent, ...] = ()


def after_answer(
    url: str,
    place: FeedPlace,
    *,
    redirects: Sequence[str],
    final_url: str | None,
    permanent: bool,
    now: datetime,
    policy: MovePolicy,
) -> Standing:
    """Judge a poll that found the feed: a body that is one, or the word that it is unchanged.

    `redirects` are the addresses passed on the way, the polled one first. Anything but the same
    redirect for good starts the count anew.
    """
    events = [] if place.gone_since is None else [_back(place.gone_since)]
    settled = FeedPlace(moved_to=place.moved_to)
    polled = place.moved_to or url
    if not permanent or final_url in {None, polled} or _is_downgrade([*redirects, str(final_url)]):
        return Standing(place=settled, events=tuple(events))
    target = str(final_url)
    again = place.target == target and place.sighted_since is not None
    since = place.sighted_since if again and place.sighted_since is not None else now
    seen = replace(
        settled,
        target=target,
        sightings=place.sightings + 1 if again else 1,
        sighted_since=since,
    )
    if seen.sightings < policy.sightings or now - since < policy.spread:
        return Standing(place=seen, events=tuple(events))
    events.append(_moved(polled, target, back=target == url, sightings=seen.sightings))
    return Standing(
        place=FeedPlace(moved_to=None if target == url else target), events=tuple(events)
    )


def after_failure(
    url: str,
    place: FeedPlace,
    *,
    kind: FailureKind,
    reason: str,
    failures: float,
    now: datetime,
    policy: MovePolicy,
) -> Standing:
    """Judge a poll that failed; `failures` are the weighted ones since the last success.

    A new address that fails for long is given up for the listed one. A 410 there, or at the
    listed one's redirects, means that the publisher took the feed away.
    """
    settled = FeedPlace(moved_to=place.moved_to, gone_since=place.gone_since)
    if place.moved_to is not None:
        if failures < policy.failures:
            return Standing(place=settled)
        detail = f"{place.moved_to} failed too often, at last with {kind}: {reason}; now {url}"
        event = FeedEvent(kind=FeedEventKind.MOVED_BACK, detail=detail)
        return Standing(place=FeedPlace(), events=(event,))
    if kind is not FailureKind.GONE or place.gone_since is not None:
        return Standing(place=settled)
    gone = FeedEvent(
        kind=FeedEventKind.GONE, detail=f"its publisher took it away ({reason}); polled once a week"
    )
    return Standing(place=replace(settled, gone_since=now), events=(gone,))


def _is_downgrade(way: Sequence[str]) -> bool:
    """Whether a hop leads from https to http: who listens there could lead us anywhere."""
    schemes = [urlsplit(url).scheme for url in way]
    return any(pair == ("https", "http") for pair in pairwise(schemes))


def _back(gone_since: datetime) -> FeedEvent:
    return FeedEvent(
        kind=FeedEventKind.BACK, detail=f"it answers again; gone since {gone_since:%Y-%m-%d %H:%M}"
    )


def _moved(polled: str, target: str, *, back: bool, sightings: int) -> FeedEvent:
    detail = f"{polled} redirects for good to {target}, at {sightings} polls in a row"
    old, new = _domain(polled), _domain(target)
    if old != new:
        detail += f"; another registered domain: {old} -> {new}"
    return FeedEvent(kind=FeedEventKind.MOVED_BACK if back else FeedEventKind.MOVED, detail=detail)


def _domain(url: str) -> str:
    try:
        return registered_domain(url)
    except BadURLError:
        return urlsplit(url).netloc
