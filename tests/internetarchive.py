"""A small web archive on loopback that speaks the Internet Archive's dialect.

The index pages by resume key, collapses neighbours by digest and filters; replay leads to the
nearest capture, names time and address, and shows pages of the archive's own. A test can put other
answers in their place.
"""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha1
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.loopback import Loopback, Reply, answer, redirect, serve

FIELDS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
NOT_ARCHIVED = (
    b"<html><head><title>Wayback Machine</title></head><body><div id='error'><h2>Hrm.</h2>"
    b"<p>The Wayback Machine has not archived that URL.</p></div></body></html>"
)
EXCLUDED = (
    b"<html><head><title>Wayback Machine</title></head><body><div id='error'><p>Sorry.</p>"
    b"<p>This URL has been excluded from the Wayback Machine.</p></div></body></html>"
)
CRAWL_TIME_REDIRECT = (
    b"<html><head><title></title></head><body><div id='error'><p class='code'>Loading...</p>"
    b"<p class='code shift red'>Got an HTTP 301 response at crawl time</p>"
    b"<p class='code'>Redirecting to...</p></div></body></html>"
)
TOO_FAST = b"<html><head><title>429 Too Many Requests</title></head><body></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stored:
    """A capture; ordered as the index is."""

    key: str
    timestamp: str
    url: str
    body: bytes = field(compare=False)
    mime: str = field(compare=False, default="text/html")
    status: str = field(compare=False, default="200")
    headers: Mapping[str, str] = field(compare=False, default_factory=dict)
    playable: bool = field(compare=False, default=True)

    @property
    def row(self) -> list[str]:
        """The line of the index."""
        digest = sha1(self.body).hexdigest().upper()[:32]
        length = str(len(self.body))
        return [self.key, self.timestamp, self.url, self.mime, self.status, digest, length]

    @property
    def at(self) -> datetime:
        """The time of capture."""
        return datetime.strptime(f"{self.timestamp}+0000", "%Y%m%d%H%M%S%z")


def surt(url: str) -> str:
    """The key of an address, as in "org,example)/a"."""
    parts = urlsplit(url.lower())
    labels = (parts.hostname or "").removeprefix("www.").split(".")
    query = f"?{parts.query}" if parts.query else ""
    return f"{','.join(reversed(labels))})/{parts.path.strip('/')}{query}"


@dataclass(slots=True)
class Archive(Mapping[str, Reply]):
    """The routes of the server: what it holds, and answers that come first, once each."""

    captures: list[Stored] = field(default_factory=list)
    first: list[Reply] = field(default_factory=list)  # before any other answer
    instead: dict[str, Reply] = field(default_factory=dict)  # by path
    base: str = ""

    def add(self, url: str, timestamp: str, body: bytes, **more: object) -> Stored:
        """Keep a capture."""
        stored = Stored(key=surt(url), timestamp=timestamp, url=url, body=body, **more)
        insort(self.captures, stored)
        return stored

    def __getitem__(self, path: str) -> Reply:
        if self.first and path != "/robots.txt":
            return self.first.pop(0)
        if path in self.instead:
            return self.instead[path]
        if path.startswith("/cdx/search/cdx?"):
            return self._list(parse_qs(path.partition("?")[2]))
        if path.startswith("/web/"):
            return self._replay(path.removeprefix("/web/"))
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def _list(self, asked: dict[str, list[str]]) -> bytes:
        start = unquote(asked.get("resumeKey", [""])[0]).replace("+", " ")
        limit, last_digest, found = int(asked["limit"][0]), "", []
        for capture in self.captures:
            if not self._is_asked(capture, asked) or f"{capture.key} {capture.timestamp}" < start:
                continue
            if "collapse" in asked and capture.row[5] == last_digest:
                continue
            if len(found) == limit:
                key = quote(f"{found[-1].key} {found[-1].timestamp}!", safe="").replace("%20", "+")
                return _listed([c.row for c in found], key)
            found.append(capture)
            last_digest = capture.row[5]
        return _listed([c.row for c in found], None)

    def _is_asked(self, capture: Stored, asked: dict[str, list[str]]) -> bool:
        key, wanted = capture.key, surt(asked["url"][0])
        match asked["matchType"][0]:
            case "exact":
                here = key == wanted
            case "prefix":
                here = key.startswith(wanted)
            case _:
                here = key.split(")")[0].startswith(wanted.split(")")[0])
        filters = dict(item.split(":", 1) for item in asked.get("filter", []))
        return (
            here
            and capture.timestamp >= asked.get("from", [""])[0]
            and capture.timestamp <= asked.get("to", ["9"])[0]
            and filters.get("statuscode", capture.status) == capture.status
            and ("mimetype" not in filters or capture.mime.startswith("text/html"))
        )

    def _replay(self, path: str) -> bytes:
        timestamp, _, url = path.partition("id_/")
        same = [capture for capture in self.captures if capture.key == surt(url)]
        exact = [capture for capture in same if capture.timestamp == timestamp]
        if exact and exact[0].playable:
            return self._play(exact[0])
        others = [capture for capture in same if capture.playable]
        if not others:
            return answer(NOT_ARCHIVED, status="404 NOT FOUND", content_type="text/html")
        at = datetime.strptime(f"{timestamp}+0000", "%Y%m%d%H%M%S%z")
        nearest = min(others, key=lambda capture: abs(capture.at - at))
        return redirect(f"{self.base}/web/{nearest.timestamp}id_/{nearest.url}")

    def _play(self, capture: Stored) -> bytes:
        original = {f"x-archive-orig-{name}": value for name, value in capture.headers.items()}
        return answer(
            capture.body,
            status=f"{capture.status} OK",
            content_type=f"{capture.mime}; charset=utf-8",
            memento_datetime=format_datetime(capture.at.astimezone(UTC), usegmt=True),
            link=f'<{capture.url}>; rel="original", <{self.base}/web/>; rel="timegate"',
            **{"x-archive-orig-server": "nginx", "x-archive-orig-set-cookie": "a=b"} | original,
        )


def _listed(rows: list[list[str]], key: str | None) -> bytes:
    items: list[list[str]] = [FIELDS, *rows] if rows else []
    if key is not None:
        items += [[], [key]]
    body = "[" + ",\n ".join(json.dumps(item) for item in items) + "]\n"
    return answer(body.encode(), content_type="application/json")


@asynccontextmanager
async def serve_archive(archive: Archive) -> AsyncIterator[Loopback]:
    """Serve it on 127.0.0.1, a free port."""
    async with serve(archive) as site:
        archive.base = site.base
        yield site
