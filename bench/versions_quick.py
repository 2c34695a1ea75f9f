"""The same press without sockets and worker processes, and without comparing articles.

What decides about looks, versions and events is the real code; a run takes minutes instead of half
an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from versions_room import Room

from ingest import settle_version, work
from ingest.compute import Workers
from ingest.context import Context
from ingest.fetch import Fetcher
from ingest.model import Failure, Fetched, FetchedPage, NotModified, Validators
from ingest.trip import status_kind


def make_quick(context: Context, room: Room) -> Context:
    """The same context with a fetcher that asks the room, and tasks done on the spot."""
    work.shared_encoder = lambda: None
    settle_version.relate_version = lambda *_, **__: 0  # no article here has text from another
    return replace(context, workers=_Here(), fetcher=cast("Fetcher", _Asking(room)))


class _Here(Workers):
    """Runs each task at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is the caller's to see, as of a worker
            done.set_exception(error)
        return done


class _Asking:
    """Answers as the fetcher would, redirects and validators included."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def fetch(
        self, url: str, *, validators: Validators | None = None, **_others: object
    ) -> Fetched:
        room, passed, asked = self._room, [], url
        answer = self._answer(asked)
        while answer.status == 302:
            passed.append(asked)
            asked = self._base(asked) + answer.headers["Location"]
            answer = self._answer(asked)
        if answer.status >= 400:
            kind = status_kind(answer.status, retry_after=None)
            reason = f"HTTP {answer.status}"
            return Failure(
                requested_url=url, kind=kind, reason=reason, at=room.now, status=answer.status
            )
        etag = f'"{sha256(answer.body).hexdigest()[:16]}"'
        if validators is not None and validators.etag == etag:
            return NotModified(requested_url=url, fetched_at=room.now, elapsed_ms=0.0)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return FetchedPage(
            requested_url=url,
            final_url=asked,
            redirects=tuple(passed),
            permanent=False,
            status=answer.status,
            headers={"content-type": answer.content_type, "etag": etag, **told},
            body=answer.body,
            fetched_at=room.now,
            elapsed_ms=0.0,
        )

    def _base(self, url: str) -> str:
        return "/".join(url.split("/", 3)[:3])

    def _answer(self, url: str) -> Any:
        base = self._base(url)
        return self._room.answer(self._room.bases.index(base), url[len(base) :] or "/")
