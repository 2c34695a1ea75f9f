"""The press that the daemon watches while it is mistreated: a script, and a server that plays it.

About forty feeds, RSS and Atom, with validators and real 304s. Three acts:

    1  every article is published, in several batches a feed
    2  a fifth of the articles are edited, one known edit each
    3  some are taken down (410), and then a few of these return

**Scrolling.** A feed shows one batch alone, with the last entries of the batch before. The next
batch replaces it as soon as the database itself, read by the bench, holds the validator of the
document with the batch: the daemon then claims to know that document, and will send that validator
and be told 304. A daemon that stores validator and entries in one transaction has the entries by
then; one that does not loses the batch at the next crash, for good, since nobody shows it again.
One that never stores a validator never sees the next batch: the run does not end, which is told.

Every answer has a number of its own in the header `X-Answer`, which the daemon stores with the
look: an answer may be seen in one observation at most.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from html import escape

from faults_script import OUTLETS, START, Item, Script, Text

_ANSWERS_A_CONNECTION = 6  # a new connection is a new chance for a fault
_OVERLAP = 3  # entries of the batch before that a feed still shows


@dataclass(frozen=True)
class Answer:
    """What is answered, before it is put on the wire."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    validators: dict[str, str] = field(default_factory=dict)
    style: int = 0  # how the body is sent


@dataclass
class Press:
    """The server's state; the bench moves `act`, `returned` and `shown`."""

    script: Script
    bases: list[str] = field(default_factory=list)  # an address for each outlet
    act: int = 1
    returned: bool = False
    shown: list[int] = field(default_factory=list)  # latest batch of each feed
    answers: int = 0
    told: dict[int, str] = field(default_factory=dict)  # number of an answer -> where
    full: Counter[str] = field(default_factory=Counter)  # 200, by where
    unmodified: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.shown = [0] * self.script.feeds
        self._pages = {(item.outlet, item.path): item for item in self.script.items}

    def feed_path(self, feed: int) -> str:
        """Where a feed stands at its outlet."""
        return f"/feed-{feed}"

    def validators(self, feed: int) -> dict[str, str]:
        """The validators of the document that a feed shows now: both, or one of them."""
        batch = self.shown[feed]
        etag = f'"feed-{feed}-{batch}"'
        modified = format_datetime(START + timedelta(days=30, seconds=60 * batch), usegmt=True)
        both = {"ETag": etag, "Last-Modified": modified}
        return {name: both[name] for name in (list(both), ["ETag"], ["Last-Modified"])[feed % 3]}

    def text_of(self, item: Item) -> Text:
        """What an article says now."""
        return item.texts[-1] if self.act >= 2 else item.texts[0]

    def is_gone(self, item: Item) -> bool:
        """Whether it is taken down at present."""
        return self.act >= 3 and item.removed and not (item.returns and self.returned)

    def answer(self, outlet: int, path: str) -> Answer:
        """What a path answers now."""
        if path.startswith("/feed-"):
            return self._feed(int(path.removeprefix("/feed-")))
        item = self._pages.get((outlet, path))
        if item is None or item.batch > self.shown[item.feed]:
            return Answer(404, b"<html><body>Nothing here</body></html>")
        if self.is_gone(item):
            return Answer(410, b"<html><body>Gone</body></html>")
        body = _page(self.text_of(item), item)
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        return Answer(200, body, validators={"ETag": etag}, style=item.number % 4)

    def _feed(self, feed: int) -> Answer:
        batch = self.shown[feed]
        listed = self.script.of_batch(feed, batch)
        if batch:
            listed = self.script.of_batch(feed, batch - 1)[-_OVERLAP:] + listed
        base = self.bases[feed % OUTLETS]
        body = (_rss if feed % 2 else _atom)(list(reversed(listed)), base).encode()
        kind = "application/rss+xml" if feed % 2 else "application/atom+xml"
        return Answer(200, body, kind, self.validators(feed), style=feed % 3)


def _rss(items: list[Item], base: str) -> str:
    entries = "".join(
        f"<item><title>{escape(item.texts[0].title)}</title><link>{base}{item.path}</link>"
        f"<guid>{item.number}</guid><pubDate>{format_datetime(item.published)}</pubDate></item>"
        for item in items
    )
    return f'<rss version="2.0"><channel><title>A feed</title>{entries}</channel></rss>'


def _atom(items: list[Item], base: str) -> str:
    entries = "".join(
        f"<entry><title>{escape(item.texts[0].title)}</title><id>{item.number}</id>"
        f'<link href="{base}{item.path}"/><published>{item.published.isoformat()}</published>'
        "</entry>"
        for item in items
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A feed</title>{entries}</feed>'


def _page(text: Text, item: Item) -> bytes:
    paragraphs = "".join(f"<p>{escape(part)}</p>\n" for part in text.sentences)
    title = escape(text.title)
    return (
        f'<!doctype html><html lang="{item.language}"><head><meta charset="utf-8">'
        f'<title>{title}</title><meta property="og:title" content="{title}">'
        f'<meta property="article:published_time" content="{item.published.isoformat()}">'
        "</head><body><nav><a href='/'>Home</a> <a href='/world'>World</a></nav><main><article>"
        f"<h1>{title}</h1>\n{paragraphs}</article></main><footer>Imprint</footer></body></html>"
    ).encode()


# ---------------------------------------------------------------- the wire


async def serve_outlet(press: Press, outlet: int) -> tuple[asyncio.Server, int]:
    """Serve an outlet on loopback; return the server and its port."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for turn in range(_ANSWERS_A_CONNECTION):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                asked = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head)}
                path = head[0].split(" ")[1]
                last = turn == _ANSWERS_A_CONNECTION - 1
                whole, closes = _render(press, outlet, path, asked, last=last)
                writer.write(whole)
                await writer.drain()
                if closes:
                    break
        except (OSError, asyncio.IncompleteReadError, IndexError):
            pass  # whoever asked is dead
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def _render(
    press: Press, outlet: int, path: str, asked: dict[str, str], *, last: bool
) -> tuple[bytes, bool]:
    """An answer as it is sent, and whether the connection ends with it.

    Bodies come gzipped with a length, gzipped in chunks, plain with a length, and gzipped up to the
    end of the connection: each way tells that something is missing.
    """
    answer = press.answer(outlet, path)
    where = f"{outlet}{path}"
    press.answers += 1
    number = press.answers
    press.told[number] = where
    headers = {"Content-Type": answer.content_type, "X-Answer": str(number), **answer.validators}
    known = asked.get("if-none-match"), asked.get("if-modified-since")
    status, body = answer.status, answer.body
    etag, modified = answer.validators.get("ETag"), answer.validators.get("Last-Modified")
    if status == 200 and (known[0] == etag if known[0] else modified and known[1] == modified):
        status, body = 304, b""
        press.unmodified[where] += 1
    elif status == 200:
        press.full[where] += 1
    closes = last
    if status != 304:
        if answer.style != 2:
            body = gzip.compress(body, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if answer.style == 1:
            headers["Transfer-Encoding"] = "chunked"
            pieces = [body[at : at + 400] for at in range(0, len(body), 400)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*pieces, b""])
        elif answer.style == 3:
            closes = True
        else:
            headers["Content-Length"] = str(len(body))
    if closes:
        headers["Connection"] = "close"
    head = f"HTTP/1.1 {status} Answer\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    return head.encode("latin-1") + b"\r\n" + body, closes
