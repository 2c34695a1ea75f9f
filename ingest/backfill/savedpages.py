"""Pages that somebody saved into a folder, as if they were fetched when they were saved.

a folder ─find_saved_pages─> paths ─read_saved_page─> SavedPage, which holds a FetchedPage

An address is taken from, in this order: a sidecar (`page.html.json`, `page.url` or `page.webloc`),
the header of an MHTML file, the comment in which SingleFile, a browser or HTTrack says where it
saved the page, a canonical link and og:url, and a file name that is a quoted address. The time is
taken from the same and a last-modified of the page, and as the last resort from the file. Links
are followed nowhere, so nothing outside the folder is read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.backfill.savedorigins import (
    Origin,
    find_origins,
    read_name,
    read_sidecar,
    unpack_mhtml,
)
from ingest.errors import BadURLError, UsageError
from ingest.htmltext import decode_html
from ingest.inflate import decode_body
from ingest.model import FailureKind, FetchedPage, Rejection
from ingest.urls import canonicalize

MAX_BYTES = 32 * 2**20
"""Bytes of a saved page, images of an MHTML file included."""

_DEPTH = 40  # folders within folders
_HEAD = 500_000  # bytes of a page in which it says where it came from
_SNIFFED = 4096
_MAX_SIDECAR = 2**20
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_PAGES = re.compile(r"\.(?:x?html?|xht|shtml|mhtml?)(?:\.gz)?\Z", re.IGNORECASE)
_MHTML = re.compile(r"\.mhtml?(?:\.gz)?\Z", re.IGNORECASE)
_SIDECARS = (".json", ".url", ".webloc")
_OTHERS = re.compile(
    r"\.(?:css|js|mjs|json|xml|txt|md|csv|pdf|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|eot|mp[34]"
    r"|m4[av]|webm|ogg|zip|gz|bz2|xz|zst|tar|warc|docx?|xlsx?|pptx?|epub|db|sqlite\d?|log|url|webloc)\Z",
    re.IGNORECASE,
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|main)[\s>]", re.IGNORECASE)
# What browsers put the pictures of a page into, in their languages; frames lie there as HTML.
_PARTS = re.compile(
    r"(.+)[_.\- ](?:files|file|dateien|fichiers|archivos|bestanden|filer|tiedostot|pliki|soubory"
    r"|elemei|ficheiros|arquivos|dosyalar|datoteke|fitxers|failid|fails|bylos|fajlovi|fitxategiak)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file or folder that was passed over."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """A page, and what its address and its time were taken from."""

    page: FetchedPage
    path: Path
    url_from: str
    time_from: str


# ---------------------------------------------------------------- which files


def find_saved_pages(folder: Path) -> Iterator[Path | SkippedFile]:
    """Yield the pages in a folder and the folders in it, in the order of their names.

    Raises UsageError when the folder can't be read.
    """
    waiting = [(folder, 0)]
    while waiting:
        current, depth = waiting.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if depth == 0:
                raise UsageError(f"{folder}: {error.strerror}; give a folder of pages") from error
            yield SkippedFile(path=current, reason="unreadable")
            continue
        stems = {_stem(entry.name) for entry in entries if _PAGES.search(entry.name)}
        folders = []
        for entry in entries:
            found = _judge(entry, stems, depth)
            if found is None:
                folders.append((Path(entry.path), depth + 1))
            else:
                yield found
        waiting += reversed(folders)


def _judge(entry: os.DirEntry[str], stems: set[str], depth: int) -> Path | SkippedFile | None:
    """A page, something to pass over, or None for a folder to look into."""
    path = Path(entry.path)
    reason = None
    if entry.name.startswith("."):
        reason = "hidden"
    elif entry.is_symlink():
        reason = "a link"
    elif entry.is_dir(follow_symlinks=False):
        parts = _PARTS.fullmatch(entry.name)
        if parts and parts[1] in stems:
            reason = "parts of a saved page"
        elif depth >= _DEPTH:
            reason = "too deep"
        else:
            return None
    elif not entry.is_file(follow_symlinks=False):
        reason = "no file"
    elif not _PAGES.search(entry.name):
        reason = _look_into(path)
    return path if reason is None else SkippedFile(path=path, reason=reason)


def _look_into(path: Path) -> str | None:
    """Why a file of another name is no page; None when it looks like one."""
    if _OTHERS.search(path.name):
        return "not HTML"
    start = _read(path, limit=_SNIFFED)
    return None if isinstance(start, _Content) and _HTML.search(start.data) else "not HTML"


def _stem(name: str) -> str:
    return _PAGES.sub("", name)


# ---------------------------------------------------------------- what a file holds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    data: bytes
    modified: float  # seconds since 1970


def read_saved_page(
    path: Path, *, folder: Path, now: datetime, max_bytes: int = MAX_BYTES
) -> SavedPage | Rejection:
    """Read a page that `find_saved_pages` gave.

    Rejections: BAD_URL when no source knows its address, NOT_FOUND for what can't be read or lies
    outside the folder, TOO_LARGE, NOT_HTML for MHTML without a page, TRUNCATED for damaged gzip,
    HTTP_CLIENT for what was saved with another status than 2xx.
    """
    if not _lies_in(folder, path):
        return _refuse(FailureKind.NOT_FOUND, "it lies outside the folder")
    content = _read(path, limit=max_bytes + 1)
    if isinstance(content, Rejection):
        return content
    encoding = "gzip" if path.name.lower().endswith(".gz") else ""
    body = decode_body(content.data, encoding, max_bytes=max_bytes)
    if isinstance(body, Rejection):
        return body
    origins = _read_sidecars(path, now=now)
    content_type = "text/html"
    if _MHTML.search(path.name):
        unpacked = unpack_mhtml(body, now=now)
        if unpacked is None:
            return _refuse(FailureKind.NOT_HTML, "no page in the MHTML file")
        body, content_type = unpacked.html, unpacked.content_type
        origins.append(unpacked.origin)
    origins += find_origins(decode_html(body[:_HEAD], charset=None), now=now)
    origins += filter(None, [read_name(path.name.removesuffix(".gz"))])
    return _assemble(path, body, content_type, origins, modified=content.modified, now=now)


def _lies_in(folder: Path, path: Path) -> bool:
    try:
        return path.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a zero byte in a name
        return False


def _read(path: Path, *, limit: int) -> _Content | Rejection:
    """The first bytes of a regular file, and never of what a link leads to."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would block
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return _refuse(FailureKind.NOT_FOUND, "no regular file")
            return _Content(data=file.read(limit), modified=status.st_mtime)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _refuse(FailureKind.NOT_FOUND, f"it can't be read: {reason}")


def _read_sidecars(path: Path, *, now: datetime) -> list[Origin]:
    names = [f"{name}{suffix}" for name in (path.name, _stem(path.name)) for suffix in _SIDECARS]
    origins = []
    for name in dict.fromkeys(names):
        content = _read(path.with_name(name), limit=_MAX_SIDECAR)
        if isinstance(content, _Content):
            origins.append(read_sidecar(content.data, name=name, now=now))
    return origins


def _assemble(
    path: Path,
    body: bytes,
    content_type: str,
    origins: list[Origin],
    *,
    modified: float,
    now: datetime,
) -> SavedPage | Rejection:
    placed = next((origin for origin in origins if _is_usable(origin.url)), None)
    if placed is None or placed.url is None:
        hint = f"write it into {path.name}.url"
        return _refuse(FailureKind.BAD_URL, f"nothing says what address it had; {hint}")
    status = next((origin.status for origin in origins if origin.status != 200), 200)
    if not 200 <= status < 300:
        return _refuse(FailureKind.HTTP_CLIENT, f"it was saved with status {status}")
    timed = next((origin for origin in origins if origin.at), None)
    headers = {"content-type": content_type}
    for origin in origins:
        headers |= origin.headers
    page = FetchedPage(
        requested_url=placed.url,
        final_url=placed.url,
        redirects=(),
        permanent=False,
        status=status,
        headers=headers,
        body=body,
        fetched_at=(timed.at if timed else None) or _file_time(modified, now=now),
        elapsed_ms=0.0,
    )
    time_from = timed.by if timed else "the file"
    return SavedPage(page=page, path=path, url_from=placed.by, time_from=time_from)


def _is_usable(url: str | None) -> bool:
    try:
        return url is not None and bool(canonicalize(url))
    except BadURLError:
        return False


def _file_time(modified: float, *, now: datetime) -> datetime:
    try:
        moment = datetime.fromtimestamp(modified, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return moment if _EARLIEST <= moment <= now else now


def _refuse(kind: FailureKind, reason: str) -> Rejection:
    return Rejection(kind=kind, reason=reason)
