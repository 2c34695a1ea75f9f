"""Real press pages served on loopback, with feeds made from their index; shared by the benches."""

from __future__ import annotations

import json
import multiprocessing
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FEED_SIZE = 60

SEED = (
    "Ein Ausgangstext für den Durchsatz\n\n"
    + "Dieser Text steht hier, damit die Konfiguration einen Seed hat, mit dem verglichen wird. "
    * 6
)


@dataclass(frozen=True)
class Page:
    """One saved page."""

    id: str
    url: str
    path: str  # under the loopback server
    compressed: bytes  # gzip


def load_pages(data: Path) -> list[Page]:
    """All pages of the index, compressed as they are on disk."""
    pages = []
    for line in (data / "index.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] == "page":
            body = (data / row["path"]).read_bytes()
            pages.append(Page(row["id"], row["url"], f"/page/{row['id']}", body))
    return pages


def make_feeds(pages: list[Page], base: str) -> dict[str, bytes]:
    """RSS feeds of FEED_SIZE entries each, by path; links only, so that every page is fetched."""
    feeds = {}
    for number, start in enumerate(range(0, len(pages), FEED_SIZE)):
        items = "".join(
            f"<item><link>{base}{page.path}</link></item>"
            for page in pages[start : start + FEED_SIZE]
        )
        feeds[f"/feed/{number}.xml"] = (
            f'<rss version="2.0"><channel><title>{number}</title>{items}</channel></rss>'
        ).encode()
    return feeds


def _serve(listener: socket.socket, pages: list[Page], base: str, wild: Sequence[Path]) -> None:
    bodies = {page.path: page.compressed for page in pages}
    feeds = make_feeds(pages, base)
    feeds |= {f"/wild/{number}": file.read_bytes() for number, file in enumerate(wild)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path in bodies:
                self._answer(200, "text/html", bodies[self.path], gzipped=True)
            elif self.path in feeds:
                self._answer(200, "application/rss+xml", feeds[self.path], gzipped=False)
            else:
                self._answer(404, "text/plain", b"not here", gzipped=False)

        def _answer(self, status: int, kind: str, body: bytes, *, gzipped: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if gzipped:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    server.serve_forever()


@contextmanager
def press_server(pages: list[Page], wild: Sequence[Path] = ()) -> Iterator[str]:
    """Serve pages and feeds from a process of its own; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_serve, args=(listener, pages, base, wild))
    process.start()
    try:
        yield base
    finally:
        process.terminate()
        process.join()
        listener.close()


def write_press_config(
    folder: Path, *, base: str, pages: list[Page], wild: Sequence[Path] = ()
) -> Path:
    """A configuration for these feeds, with a story that accepts every article."""
    (folder / "seed.txt").write_text(SEED, encoding="utf-8")
    accepting = '[[stories]]\nslug = "everything"\ntitle = "Everything"\nseed = "seed.txt"\n'
    feeds = ",\n".join(
        f'  {{ url = "{base}{path}", outlet = "Press", domain = "127.0.0.1" }}'
        for path in [*make_feeds(pages, base), *(f"/wild/{n}" for n in range(len(wild)))]
    )
    text = (
        f"feeds = [\n{feeds}\n]\n"
        f'[database]\nurl = "sqlite:///{folder / "press.db"}"\n'
        # the server says the same each time, so there is nothing to wait for
        "[schedule]\nretry_attempts = 0\n"
        '[fetch]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval_seconds = 0.0\n'
        "per_host_concurrency = 16\n"
        f"{accepting}"
    )
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file
