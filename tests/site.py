"""A web site on loopback whose pages a test can change while it is being watched."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What a path answers."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A running site: `answers` by path, and how often each path was asked for."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    conditional: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)  # how often a range was asked for
    gives_parts: bool = True

    def page(self, path: str, *, title: str, text: str, status: int = 200, date: str = "") -> str:
        """Serve an article; return its URL."""
        paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
        meta = f'<meta property="article:published_time" content="{date}">' if date else ""
        html = (
            f'<html lang="de"><head><title>{escape(title)}</title>'
            f'<meta property="og:title" content="{escape(title)}">{meta}</head>'
            f"<body><nav><a href='/'>Start</a></nav><article><h1>{escape(title)}</h1>"
            f"{paragraphs}</article><footer>Impressum</footer></body></html>"
        )
        self.answers[path] = Answer(
            html.encode(), status, {"Content-Type": "text/html; charset=utf-8"}
        )
        return self.url + path

    def feed(self, path: str, entries: list[tuple[str, str]]) -> str:
        """Serve an RSS feed of (url, title); return its URL."""
        items = "".join(
            f"<item><title>{escape(title)}</title><link>{escape(url)}</link></item>"
            for url, title in entries
        )
        body = f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'
        self.answers[path] = Answer(body.encode(), 200, {"Content-Type": "application/rss+xml"})
        return self.url + path


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a request for a part."""
    found = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", header or "")
    return (int(found[1]), min(int(found[2]), size - 1)) if found else None


@contextmanager
def serve_site() -> Iterator[Site]:
    """Serve on 127.0.0.1, a free port, until the end of the block."""
    site = Site(url="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.path = self.path.partition("?")[0]
            site.requests[self.path] += 1
            answer = site.answers.get(self.path, Answer(b"not here", 404))
            etag = '"' + hashlib.sha256(answer.body).hexdigest()[:16] + '"'
            if self.headers.get("If-None-Match") == etag and answer.status == 200:
                site.conditional[self.path] += 1
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            span = read_range(self.headers.get("Range"), len(answer.body))
            if span is not None and site.gives_parts and answer.status == 200:
                site.parts[self.path] += 1
                first, last = span
                part = answer.body[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(answer.body)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status == 200:
                self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
