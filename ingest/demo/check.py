"""Whether the run found what the newsroom holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.demo.newsroom import Newsroom, Piece
from ingest.model import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database says of the newsroom, by URL."""

    articles: dict[str, dict[str, Any]]  # rows of the view `articles`
    changes: dict[str, list[str]]  # kinds in order
    discards: dict[str, str]  # "stage rule"
    feeds: dict[str, dict[str, Any]]  # rows of the view `feed_health`


def find_misses(newsroom: Newsroom, found: Found) -> Iterator[str]:
    """Every way in which the run fell short, as sentences; none when it found everything."""
    for piece in newsroom.pieces:
        url = newsroom.url(piece)
        if piece.discard is not None:
            yield from _check_discard(piece, found.discards.get(url), url in found.articles)
            continue
        row = found.articles.get(url)
        if row is None:
            yield f"{piece.key}: not stored"
            continue
        yield from _check_relation(piece, row)
        yield from _check_life(piece, row, found.changes.get(url, []))
    for house, source in zip(newsroom.houses, newsroom.feed_sources(), strict=True):
        feed = found.feeds.get(source.url)
        if feed is None or not feed["polls"]:
            yield f"feed of {house.name}: never polled"
        elif (house.feed in {"failing", "html"}) != (feed["failed"] > 0):
            yield f"feed of {house.name}: {feed['failed']} of {feed['polls']} polls failed"
        elif house.feed not in {"failing", "html"} and not feed["not_modified"]:
            yield f"feed of {house.name}: never answered 304"


def _check_discard(piece: Piece, found: str | None, stored: bool) -> Iterator[str]:  # noqa: FBT001
    assert piece.discard is not None
    if stored:
        yield f"{piece.key}: stored, though it should be discarded ({piece.discard})"
    elif found is None:
        yield f"{piece.key}: no discard tells why it was not kept"
    elif not found.startswith(piece.discard):
        yield f"{piece.key}: discarded as {found!r} instead of {piece.discard!r}"


def _check_relation(piece: Piece, row: dict[str, Any]) -> Iterator[str]:
    told = Relation(row["relation_to_seed"])
    if told is not piece.relation:
        yield f"{piece.key}: called {told} instead of {piece.relation}"


def _check_life(piece: Piece, row: dict[str, Any], changes: list[str]) -> Iterator[str]:
    expected = [event.change.value for event in piece.events if event.change is not None]
    if changes != expected:
        yield f"{piece.key}: changes {changes} instead of {expected}"
    if row["versions"] != len(expected) + 1:
        yield f"{piece.key}: {row['versions']} versions instead of {len(expected) + 1}"
    way = {"gone": "gone", "wall": "blocked"}
    states = [way[event.serve] for event in piece.events if event.serve]
    state = states[-1] if states else "live"
    if row["state"] != state:
        yield f"{piece.key}: {row['state']} instead of {state}"
