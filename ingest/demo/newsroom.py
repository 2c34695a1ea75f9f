"""A small press: outlets on 127.0.0.1, their articles, and what happens to them.

The newsroom lives in acts. Each article's file tells what it is and what happens to it in which
act; `advance` turns the page, `settled` tells whether the watcher has looked at all that is new.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from types import TracebackType
from typing import Any

from ingest.demo.http import Response, serve
from ingest.demo.render import Item, render_feed, render_page, render_soft_404, render_wall
from ingest.model import ChangeKind, FeedSource, Outlet, Relation

ACTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An outlet of the newsroom."""

    key: str
    name: str
    country: str
    language: str
    feed: str  # rss, atom, rdf; failing and html are broken ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens to an article when an act begins."""

    act: int
    change: ChangeKind | None = None  # what the watcher should call it
    title: str | None = None
    replace: tuple[tuple[str, str], ...] = ()
    append: str = ""
    back: bool = False  # to the first title and text
    serve: str | None = None  # gone, wall

    @property
    def looks(self) -> int:
        """How many looks it takes to be sure of it."""
        if self.back:
            return 4
        return 1 if self.serve is None else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An article of the newsroom and what is true of it."""

    key: str
    house: str
    path: str
    title: str
    author: str
    language: str
    published: datetime
    text: str
    act: int  # in which it appears
    relation: Relation | None  # to the seed; None: not an article of the story
    discard: str | None  # "stage rule" when it should be discarded
    serve: str | None  # wall, missing: from the start
    visits: int  # how often the watcher must have come before it may decide
    events: tuple[Event, ...]

    def at(self, act: int) -> tuple[str, str, str | None]:
        """Title, text and way of serving in an act."""
        title, text, way = self.title, self.text, self.serve
        for event in self.events:
            if event.act > act:
                continue
            if event.back:
                title, text = self.title, self.text
            title = event.title or title
            for old, new in event.replace:
                text = text.replace(old, new)
            text += f"\n\n{event.append}" if event.append else ""
            way = event.serve or way
        return title, text, way


class Newsroom:
    """The running newsroom; an async context manager."""

    acts = ACTS

    def __init__(self, seed_title: str, seed_text: str) -> None:
        """Read the articles; nothing is served yet."""
        self.houses, self.pieces = load(seed_title, seed_text)
        self.act = 0
        self.requests: Counter[tuple[str, str]] = Counter()  # (house, path), since the act began
        self._visits: Counter[tuple[str, str]] = Counter()  # since the start
        self._ports: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Newsroom:
        """Open every outlet at a port of its own."""
        for house in self.houses:
            server, port = await serve(partial(self._answer, house))
            self._servers.append(server)
            self._ports[house.key] = port
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every outlet."""
        for server in self._servers:
            server.close()

    def advance(self) -> None:
        """Begin the next act."""
        self.act += 1
        self.requests.clear()

    def settled(self) -> bool:
        """Whether every feed and all that is new in this act were asked for since it began."""
        asked = self.requests
        return (
            all(asked[house.key, "/feed"] for house in self.houses)
            and all(asked[piece.house, piece.path] >= looks for piece, looks in self._news())
            and (self.act + 1 < ACTS or self._visited())
        )

    def _visited(self) -> bool:
        return all(self._visits[piece.house, piece.path] >= piece.visits for piece in self.pieces)

    def _news(self) -> Iterator[tuple[Piece, int]]:
        """Each piece that something happens to in this act, and the looks it takes to tell."""
        for piece in self.pieces:
            fetched = piece.discard is None or not piece.discard.startswith("entry")
            happens = [event for event in piece.events if event.act == self.act]
            if fetched and (piece.act == self.act or happens):
                yield piece, max((event.looks for event in happens), default=1)

    def url(self, piece: Piece) -> str:
        """Where a piece is published."""
        return f"{self._base(piece.house)}{piece.path}"

    def _base(self, house: str) -> str:
        return f"http://127.0.0.1:{self._ports[house]}"

    def feed_sources(self) -> tuple[FeedSource, ...]:
        """The feeds of every outlet, for the configuration of the watcher."""
        return tuple(
            FeedSource(
                url=f"{self._base(house.key)}/feed",
                outlet=Outlet(
                    domain=f"127.0.0.1:{self._ports[house.key]}",
                    name=house.name,
                    country=house.country,
                    language=house.language,
                ),
            )
            for house in self.houses
        )

    def _answer(self, house: House, target: str) -> Response:
        path = target.partition("?")[0].removesuffix("/amp")
        self.requests[house.key, path] += 1
        self._visits[house.key, path] += 1
        if path == "/robots.txt":
            return Response(body=b"User-agent: *\nDisallow: /private/\n", content_type="text/plain")
        if path == "/feed":
            return self._feed(house)
        for piece in self.pieces:
            if (piece.house, piece.path) == (house.key, path) and piece.act <= self.act:
                return self._page(piece)
        return Response(status=404, body=b"<html><body><p>Not found</p></body></html>")

    def _feed(self, house: House) -> Response:
        if house.feed == "failing":
            return Response(status=500, body=b"the feed is being rebuilt")
        if house.feed == "html":
            return Response(
                body=b"<!doctype html><html><body><p>Our feed has moved</p></body></html>"
            )
        items = [
            self._item(piece)
            for piece in self.pieces
            if piece.house == house.key and piece.act <= self.act
        ]
        body = render_feed(house.feed, house.name, items)
        return Response(body=body, content_type="application/xml; charset=utf-8")

    def _item(self, piece: Piece) -> Item:
        title, text, _way = piece.at(self.act)
        house = next(item for item in self.houses if item.key == piece.house)
        return Item(
            url=self.url(piece),
            title=title,
            text=text,
            author=piece.author,
            language=piece.language,
            outlet=house.name,
            published=piece.published,
        )

    def _page(self, piece: Piece) -> Response:
        _title, _text, way = piece.at(self.act)
        if way == "gone":
            return Response(status=410, body=b"<html><body><p>Withdrawn</p></body></html>")
        if way == "wall":
            return Response(body=render_wall(piece.language).encode())
        if way == "missing":
            return Response(body=render_soft_404().encode())
        return Response(body=render_page(self._item(piece)).encode())


def load(seed_title: str, seed_text: str) -> tuple[tuple[House, ...], tuple[Piece, ...]]:
    """Read the outlets and articles that ship with the package."""
    folder = files("ingest.demo") / "articles"
    houses = tomllib.loads((folder / "houses.toml").read_text(encoding="utf-8"))["houses"]
    pieces = [
        _read_piece(
            item.name.removesuffix(".md"),
            item.read_text(encoding="utf-8"),
            seed_title=seed_title,
            seed_text=seed_text,
        )
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".md")
    ]
    return tuple(House(**house) for house in houses), tuple(pieces)


def _read_piece(key: str, content: str, *, seed_title: str, seed_text: str) -> Piece:
    _before, head, text = content.split("+++\n", 2)
    facts: dict[str, Any] = tomllib.loads(head)
    text = text.strip()
    if facts.pop("from_seed", False):
        text = seed_text
        for old, new in facts.pop("rewrite", []):
            text = text.replace(old, new)
        facts.setdefault("title", seed_title)
    events = tuple(
        Event(
            act=item["act"],
            change=ChangeKind(item["change"]) if "change" in item else None,
            title=item.get("title"),
            replace=tuple((old, new) for old, new in item.get("replace", [])),
            append=item.get("append", ""),
            back=item.get("back", False),
            serve=item.get("serve"),
        )
        for item in facts.pop("event", [])
    )
    relation = facts.pop("relation", None)
    return Piece(
        key=key,
        text=text,
        events=events,
        relation=Relation(relation) if relation else None,
        act=facts.pop("act", 0),
        discard=facts.pop("discard", None),
        serve=facts.pop("serve", None),
        visits=facts.pop("visits", 0),
        **facts,
    )
