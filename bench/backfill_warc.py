"""The made-up pages as a WARC file that looks like a crawl.

Between the pages stand requests, metadata, images, redirects, pages that are not there; some bodies
are gzipped, some in chunks. Each record is a gzip member. The same number of pages gives the same
bytes. What is expected of a reader is what was written: it is noted in a file beside it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from backfill_pages import SEED, Page, Writer

FRAMES = ("plain", "gzip", "chunked", "gzip chunked")
FRAME_WEIGHTS = (0.88, 0.05, 0.05, 0.02)  # off story; on story all are as frequent


@dataclass(slots=True, kw_only=True)
class Written:
    """What is in a file."""

    made_by: str
    pages: int = 0
    on_story: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    """Language, encoding, label and first sentence by address."""
    hard: dict[str, str] = field(default_factory=dict)  # the kind of those that are neither
    html_bytes: int = 0


def keep_warc(path: Path, pages: int) -> Written:
    """Write the file, and one beside it without the pages of the story, unless they are there."""
    notes = path.with_name(path.name + ".json")
    made_by = _hash_sources(pages)
    if path.exists() and off_story_path(path).exists() and notes.exists():
        told = json.loads(notes.read_text(encoding="utf-8"))
        if told["made_by"] == made_by:
            return Written(**told)
    written = write_warc(path, pages)
    notes.write_text(json.dumps(asdict(written), ensure_ascii=False), encoding="utf-8")
    return written


def off_story_path(path: Path) -> Path:
    """The file with all other records."""
    return path.with_name("off-story-" + path.name)


def write_warc(path: Path, pages: int) -> Written:
    """Write both files."""
    writer = Writer()
    written = Written(made_by=_hash_sources(pages))
    with path.open("wb") as whole, off_story_path(path).open("wb") as others:
        for number in range(pages):
            page = writer.page(number)
            written.pages += 1
            written.html_bytes += len(page.html)
            if page.kind == "on-story":
                cell = (page.language, page.encoding, page.label, page.opening)
                written.on_story[page.address] = cell
            elif page.kind != "plain":
                written.hard[page.address] = page.kind
            besides = b"".join(_besides(number, page.address))
            response = record("response", page.address, respond(number, page))
            whole.write(besides + response)
            others.write(besides + (b"" if page.kind == "on-story" else response))
    return written


def _hash_sources(pages: int) -> str:
    folder = Path(__file__).parent
    sources = [
        (folder / name).read_bytes()
        for name in ("backfill_warc.py", "backfill_pages.py", "backfill_texts.py")
    ]
    return hashlib.sha256(b"".join([*sources, f"{SEED} {pages}".encode()])).hexdigest()


def respond(number: int, page: Page) -> bytes:
    """The bytes of the answer that the page came with."""
    weights = None if page.kind == "on-story" else FRAME_WEIGHTS
    frame = random.Random(number).choices(FRAMES, weights)[0]
    body, more = page.html, ""
    if "gzip" in frame:
        body, more = gzip.compress(body, 6, mtime=0), "Content-Encoding: gzip\r\n"
    if "chunked" in frame:
        parts = [body[at : at + 16384] for at in range(0, len(body), 16384)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        more += "Transfer-Encoding: chunked\r\n"
    else:
        more += f"Content-Length: {len(body)}\r\n"
    return _answer("200 OK", page.content_type, body, more)


def _answer(status: str, content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nDate: Tue, 05 Sep 2023 10:00:00 GMT\r\nServer: nginx\r\n"
        f"Content-Type: {content_type}\r\nCache-Control: max-age=60\r\n{more}"
        "Vary: Accept-Encoding\r\n\r\n"
    )
    return head.encode() + body


def _besides(number: int, address: str) -> Iterator[bytes]:
    """Records that are no pages, before that of the page."""
    host, _slash, path = address.removeprefix("https://").partition("/")
    if number == 0:
        yield record("warcinfo", "", b"software: a bench\r\nformat: WARC File Format 1.0\r\n")
    if number % 4 == 0:
        yield record("request", address, f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    if number % 10 == 0:
        yield record("metadata", address, b"fetchTimeMs: 210\r\n")
    for every, rest, status, kind, name in (
        (40, 11, "404 Not Found", "text/html; charset=utf-8", "old.html"),
        (25, 12, "200 OK", "image/jpeg", "photo.jpg"),
        (50, 13, "301 Moved Permanently", "text/html", "moved"),
        (97, 5, "200 OK", "text/plain", "robots.txt"),
    ):
        if number % every == rest:
            body = b"<html><body><h1>Nothing here</h1></body></html>"
            if kind == "image/jpeg":
                body = b"\xff\xd8\xff\xe0" + random.Random(number).randbytes(30_000)
            elif kind == "text/plain":
                body = b"User-agent: *\nDisallow:\n"
            yield record("response", f"https://{host}/{number}/{name}", _answer(status, kind, body))


def record(kind: str, address: str, block: bytes) -> bytes:
    """A record as a gzip member of its own."""
    digest = hashlib.sha1(block, usedforsecurity=False).digest()
    name = hashlib.md5(f"{kind} {address}".encode(), usedforsecurity=False).hexdigest()
    about = "application/warc-fields"
    if kind in {"request", "response"}:
        about = f"application/http; msgtype={kind}"
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{name}>\r\n"
        f"{f'WARC-Target-URI: {address}{chr(13)}{chr(10)}' if address else ''}"
        f"WARC-Date: 2023-09-05T10:00:00Z\r\nContent-Type: {about}\r\n"
        f"WARC-Block-Digest: sha1:{base64.b32encode(digest).decode()}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", 6, mtime=0)
