"""Fetching what a source is read from, through the one way out."""

from __future__ import annotations

from dataclasses import replace

from ingest.context import Context
from ingest.inflate import decode_body
from ingest.model import Failure, FetchedPage, NotModified, Rejection

_WIRE = 50 * 2**20
"""The largest sitemap that the protocol allows, not compressed."""


async def load_body(
    context: Context, url: str, *, accept: str, max_bytes: int, check_robots: bool = True
) -> FetchedPage | Failure | Rejection:
    """Fetch a document; its body has its content encoding undone, in a worker."""
    fetched = await context.fetcher.fetch(
        url, accept=accept, max_wire_bytes=min(max_bytes, _WIRE), check_robots=check_robots
    )
    assert not isinstance(fetched, NotModified), "no validators were sent"
    if not isinstance(fetched, FetchedPage):
        return fetched
    encoding = fetched.headers.get("content-encoding", "")
    if not encoding:
        return fetched
    body = await context.compute(decode_body, fetched.body, encoding, max_bytes=max_bytes)
    return body if isinstance(body, Rejection) else replace(fetched, body=body)
