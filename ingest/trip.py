"""One fetch from hop to hop: what it may do, what it sends, what an answer makes of it.

FetchPolicy ─> Trip ─redirected─> Trip ─failed─> Failure
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urldefrag, urljoin, urlsplit

from ingest.errors import ConfigError
from ingest.model import (
    Failure,
    FailureKind,
    FetchedPage,
    NotModified,
    Rejection,
    Validators,
)
from ingest.netguard import is_inside

NO_VALIDATORS = Validators()
PERMANENT = {301: True, 302: False, 303: False, 307: False, 308: True}  # the redirects we follow
_SENDABLE = re.compile(r"[\x20-\x7e]{1,1000}")  # the bytes of RFC 9110, section 5.5, in ASCII
_HTML_START = re.compile(rb"<html[\s>]", re.IGNORECASE)
_HTML_END = re.compile(rb"</(?:html|body)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_BEGINNING = 4096  # bytes in which HTML shows itself
_CONTENT_RANGE = re.compile(r"bytes[ \t]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_KINDS = {
    206: FailureKind.TRUNCATED,  # nobody asked for a part
    404: FailureKind.NOT_FOUND,
    410: FailureKind.GONE,
    429: FailureKind.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How to behave on the network, and how much to put up with."""

    user_agent: str
    allow_networks: tuple[str, ...] = ()  # CIDRs let through the guard, with any port
    allowed_ports: tuple[int, ...] = (80, 443)
    connect_seconds: float = 5  # name resolution and all addresses together; TLS the same again
    read_seconds: float = 10  # without a byte
    total_seconds: float = 30  # over all hops; waiting for a turn is not counted
    max_redirects: int = 5
    max_wire_bytes: int = 5 * 2**20
    large_bytes: int = 2**20  # bodies above it are held in memory, at most so many at once:
    large_bodies: int = 3
    per_host_concurrency: int = 2
    per_host_interval_seconds: float = 1.0  # from start to start
    per_host_wait_seconds: float = 120  # a longer queue is not joined: RATE_LIMITED
    concurrency: int = 16
    obey_robots: bool = True
    max_robots_bytes: int = 512_000
    robots_ttl_seconds: float = 86_400

    @property
    def timeouts(self) -> dict[str, float]:
        """The seconds for each step of an exchange, by httpx's names."""
        return {
            "connect": self.connect_seconds,
            "read": self.read_seconds,
            "write": self.read_seconds,
            "pool": self.total_seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One fetch between two of its hops."""

    requested_url: str
    url: str
    max_bytes: int
    accept: str
    validators: Validators = NO_VALIDATORS
    check_robots: bool = False
    cut: bool = False  # keep the beginning of a body that is too large
    part: tuple[int, int] | None = None  # of the body: from a byte, and before a byte
    redirects: tuple[str, ...] = ()
    permanent: bool = True
    elapsed_ms: float = 0.0  # in exchanges

    def request_headers(self, *, user_agent: str) -> dict[str, str]:
        """What to send; a validator that no server can have sent stays out."""
        headers = {"User-Agent": user_agent, "Accept": self.accept, "Accept-Encoding": "gzip"}
        if self.part is not None:
            # of the file itself, not of a compressed form of it: RFC 9110, section 14.2
            start, stop = self.part
            headers |= {"Accept-Encoding": "identity", "Range": f"bytes={start}-{stop - 1}"}
        conditions = {
            "If-None-Match": self.validators.etag,
            "If-Modified-Since": self.validators.last_modified,
        }
        return headers | {k: v for k, v in conditions.items() if v and _SENDABLE.fullmatch(v)}

    def redirected(self, location: str, *, status: int, max_redirects: int) -> Trip | Rejection:
        """The next hop; what we know of a page is not told to another origin."""
        if len(self.redirects) >= max_redirects:
            return Rejection(
                kind=FailureKind.TOO_MANY_REDIRECTS, reason=f"more than {max_redirects} redirects"
            )
        try:
            target = urldefrag(urljoin(self.url, location)).url
            stays = urlsplit(target)[:2] == urlsplit(self.url)[:2]
        except ValueError as error:
            return Rejection(kind=FailureKind.BAD_URL, reason=f"redirect: {error}"[:200])
        return replace(
            self,
            url=target,
            validators=self.validators if stays else NO_VALIDATORS,
            redirects=(*self.redirects, self.url),
            permanent=self.permanent and PERMANENT[status],
        )

    def arrived(
        self, body: bytes, *, status: int, headers: Mapping[str, str], at: datetime
    ) -> FetchedPage:
        """The outcome of a trip that found a page; cookies are of no use to anyone."""
        return FetchedPage(
            requested_url=self.requested_url,
            final_url=self.url,
            redirects=self.redirects,
            permanent=self.permanent and bool(self.redirects),
            status=status,
            headers={name: value for name, value in headers.items() if name != "set-cookie"},
            body=body,
            fetched_at=at,
            elapsed_ms=self.elapsed_ms,
        )

    def unchanged(self, *, at: datetime) -> NotModified:
        """The outcome of a trip that found what we hold."""
        return NotModified(
            requested_url=self.requested_url,
            fetched_at=at,
            elapsed_ms=self.elapsed_ms,
            final_url=self.url,
            redirects=self.redirects,
            permanent=self.permanent and bool(self.redirects),
        )

    def failed(
        self,
        rejection: Rejection,
        *,
        at: datetime,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> Failure:
        """The outcome of a trip that ends here; passwords in URLs are not passed on."""
        return Failure(
            requested_url=_USERINFO.sub("", self.requested_url),
            kind=rejection.kind,
            reason=rejection.reason,
            at=at,
            status=status,
            retry_after_seconds=retry_after_seconds,
            final_url=_USERINFO.sub("", self.url) if self.redirects else None,
            elapsed_ms=self.elapsed_ms,
        )


def check_policy(policy: FetchPolicy) -> None:
    """Raise ConfigError when a policy can't be followed."""
    try:
        is_inside("127.0.0.1", policy.allow_networks)
    except ValueError as error:
        raise ConfigError(f"allow_networks: {error}; write networks as in 10.0.0.0/8") from error
    if not (policy.user_agent.isascii() and policy.user_agent.isprintable()):
        raise ConfigError("user_agent: only printable ASCII characters can be sent")


def status_kind(status: int, *, retry_after: float | None) -> FailureKind:
    """Return what a status other than a whole 2xx, a 304 or a redirect means for us."""
    if status == 503 and retry_after is not None:
        return FailureKind.RATE_LIMITED
    if status in _KINDS:
        return _KINDS[status]
    if 400 <= status < 600:
        return FailureKind.HTTP_CLIENT if status < 500 else FailureKind.HTTP_SERVER
    return FailureKind.NETWORK  # an answer that makes no sense to a plain GET


def read_content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """From and before which byte a part of a body is, and of how many (RFC 9110, section 14.4)."""
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None:
        return None
    first, last, size = map(int, found.groups())
    return (first, last + 1, size) if first <= last < size else None


def refuse_part(
    part: tuple[int, int], *, status: int, headers: Mapping[str, str]
) -> Rejection | None:
    """Why an answer to a request for a part of a file is not that part; None if it is."""
    if status != 206:
        whole = "the server sends whole files only, no parts of them"
        return Rejection(kind=FailureKind.TOO_LARGE, reason=whole)
    came = read_content_range(headers)
    if came is not None and came[0] == part[0] and came[1] <= part[1]:
        return None
    told = headers.get("content-range", "nothing")[:60]
    reason = f"asked for bytes {part[0]} to {part[1]}, got {told}"
    return Rejection(kind=FailureKind.NETWORK, reason=reason)


def lacks_its_end(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a page that ends with its connection was cut off, by the looks of it.

    Without a length nothing else tells a broken connection from the end, and a text that is cut
    would look like an edited one. Compressed bodies and feeds have an end of their own.
    """
    if {"content-length", "transfer-encoding", "content-encoding"} & headers.keys():
        return False
    return bool(_HTML_START.search(body[:_BEGINNING])) and not _HTML_END.search(body)
