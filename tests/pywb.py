"""A real web archive on loopback: pywb, in an environment of its own, over a WARC of the test's.

`make test` makes the environment; TEST_PYWB names another one. A missing one is a failure, never a
skip: half of what the archives' client promises would go untested.
"""

from __future__ import annotations

import gzip
import http.client
import os
import subprocess
import time
from base64 import b32encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from pathlib import Path
from uuid import uuid4

from tests.postgres import _free_port

ROOT = Path(__file__).parent.parent
ENVIRONMENT = Path(os.environ.get("TEST_PYWB", ROOT / ".venv-pywb"))
COLLECTION = "news"
_START_SECONDS = 60


class NoPywbError(Exception):
    """No archive could be found or started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A page as a crawler got it."""

    url: str
    at: datetime
    body: bytes
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    revisit_of: datetime | None = None  # only the fact, and no body


def write_warc(file: Path, captures: Iterable[Capture]) -> None:
    """Write the captures after ISO 28500 (WARC 1.0), each compressed by itself."""
    file.write_bytes(b"".join(gzip.compress(_record(capture)) for capture in captures))


def _record(capture: Capture) -> bytes:
    digest = b32encode(sha1(capture.body).digest()).decode()
    lines = [f"HTTP/1.1 {capture.status}", *(f"{name}: {value}" for name, value in capture.headers)]
    block = "\r\n".join([*lines, f"Content-Length: {len(capture.body)}", "", ""]).encode()
    block += capture.body
    fields = {
        "WARC-Type": "response" if capture.revisit_of is None else "revisit",
        "WARC-Record-ID": f"<urn:uuid:{uuid4()}>",
        "WARC-Date": f"{capture.at:%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Target-URI": capture.url,
        "WARC-Payload-Digest": f"sha1:{digest}",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    }
    if capture.revisit_of is not None:
        fields |= {
            "WARC-Profile": "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest",
            "WARC-Refers-To-Target-URI": capture.url,
            "WARC-Refers-To-Date": f"{capture.revisit_of:%Y-%m-%dT%H:%M:%SZ}",
        }
    head = "\r\n".join(["WARC/1.0", *(f"{k}: {v}" for k, v in fields.items()), "", ""])
    return head.encode() + block + b"\r\n\r\n"


def find_program(name: str, environment: Path = ENVIRONMENT) -> Path:
    """A program of pywb's. Raises NoPywbError when it is not there."""
    program = environment / "bin" / name
    if not program.is_file():
        raise NoPywbError(f"no pywb in {environment}: run `make .venv-pywb/.ready`")
    return program


@contextmanager
def running_pywb(folder: Path, captures: Iterable[Capture]) -> Iterator[str]:
    """URL of a collection with these captures, served until the end of the block."""
    manager, server = find_program("wb-manager"), find_program("wayback")
    warc, log = folder / "captures.warc.gz", folder / "log"
    write_warc(warc, captures)
    with log.open("wb") as output:
        for arguments in (["init", COLLECTION], ["add", COLLECTION, str(warc)]):
            done = subprocess.run(
                [manager, *arguments], cwd=folder, stdout=output, stderr=output, check=False
            )
            if done.returncode != 0:
                raise NoPywbError(f"wb-manager failed:\n{log.read_text(errors='replace')}")
        port = _free_port()
        running = subprocess.Popen(
            [server, "-p", str(port), "-b", "127.0.0.1"],
            cwd=folder, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        _await(port, running, log)
        yield f"http://127.0.0.1:{port}/{COLLECTION}"
    finally:
        running.kill()  # at once: nothing is worth a clean end
        running.wait()


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; it has no other way to tell."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", f"/{COLLECTION}/cdx?url=example.org")
            if connection.getresponse().status == 200:
                return
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                shown = log.read_text(errors="replace")
                raise NoPywbError(f"pywb did not start:\n{shown}") from error
        finally:
            connection.close()
        time.sleep(0.05)
