"""The posts of a WordPress site, by its REST API.

posts_url ─fetch─> JSON ─read_posts─> PostsPage of Lead ─next_page─> the number of the next page

Documentation: https://developer.wordpress.org/rest-api/reference/posts/ and
https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ingest.backfill.leads import Lead
from ingest.dates import parse_date
from ingest.feeds import plain_text
from ingest.model import DatedBy, DateSource, Failure, FailureKind, Rejection
from ingest.textclean import clean_line, clean_text
from ingest.urls import resolve

PER_PAGE = 100
"""Posts a page, the most that WordPress gives."""

_FIELDS = "id,link,date_gmt,modified_gmt,title"
_ZONES = timedelta(hours=14)  # no site is farther from UTC
_ROOTS = ("/wp-json/", "/?rest_route=/")
_HEAD = 200_000  # bytes of a page in which its head is
_NAME = "https://api.w.org/"
_LINK_HEADER = re.compile(r"""<([^<>]{1,2000})>\s{0,9};[^,<>]{0,200}?rel="?https://api\.w\.org/""")
_LINK = re.compile(rb"<link\b([^<>]{1,2000})>", re.IGNORECASE)
_HREF = re.compile(r"""href\s{0,9}=\s{0,9}["']?([^\s"'<>]{1,2000})""", re.IGNORECASE)
_LIST = re.compile(rb"\[\s{0,99}[{\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostsPage:
    """One page of a list of posts."""

    leads: tuple[Lead, ...]
    listed: int  # the unusable ones too
    total_pages: int | None  # as the X-WP-TotalPages header says


def usual_roots(url: str) -> tuple[str, ...]:
    """Return where the API of a site usually is: with and without rewritten addresses."""
    guesses = (resolve(url, path) for path in _ROOTS)
    return tuple(guess for guess in guesses if guess is not None)


def announced_root(html: bytes, *, url: str, link_header: str = "") -> str | None:
    """Return the API's root as a page of the site announces it, in its head or its Link header.

    Documentation: https://developer.wordpress.org/rest-api/using-the-rest-api/discovery/.
    """
    found = _LINK_HEADER.search(link_header[:_HEAD])
    if found is not None:
        return resolve(url, clean_text(found[1]))
    for tag in _LINK.finditer(html[:_HEAD]):
        attributes = tag[1].decode("utf-8", "replace")
        href = _HREF.search(attributes)
        if _NAME in attributes and href is not None:
            return resolve(url, clean_text(href[1]))
    return None


def posts_url(
    root: str, *, since: datetime, until: datetime, page: int, per_page: int = PER_PAGE
) -> str:
    """Return the address of a page of posts published in the range, the oldest first.

    That order stays as it is while the site goes on publishing. The range is asked for 14 hours
    wider, because what WordPress compares it with is the site's own local time.
    """
    query = {
        "per_page": per_page,
        "page": page,
        "after": _stamp(since - _ZONES),
        "before": _stamp(until + _ZONES),
        "orderby": "date",
        "order": "asc",
        "_fields": _FIELDS,
    }
    joint = "&" if "?" in root else "?"
    return f"{root.rstrip('/')}/wp/v2/posts{joint}{urlencode(query, safe=',:')}"


def read_posts(
    body: bytes, *, headers: Mapping[str, str], url: str, now: datetime
) -> PostsPage | Rejection:
    """Read a page of posts; `headers` by lower-case name, `url` where it was found.

    Rejected with NOT_A_FEED is what is no list of posts, as when the API is switched off.
    """
    data = _load(body)
    if not isinstance(data, list):
        reason = "no JSON"
        if isinstance(data, dict):
            reason = clean_line(f"{data.get('code')}: {data.get('message')}", limit=200)
        return Rejection(kind=FailureKind.NOT_A_FEED, reason=f"no list of posts: {reason}")
    posts = data[: 10 * PER_PAGE]
    leads = [_read_post(post, base=url, now=now) for post in posts if isinstance(post, dict)]
    pages = headers.get("x-wp-totalpages", "").strip()
    return PostsPage(
        leads=tuple(lead for lead in leads if lead is not None),
        listed=len(posts),
        total_pages=int(pages) if re.fullmatch(r"[0-9]{1,9}", pages) else None,
    )


def next_page(page: int, posts: PostsPage, *, most: int = 1000) -> int | None:
    """Return the number of the page after this one; None when it was the last, or there are `most`.

    Without the total, which some caches drop, an empty page is the last: a site may give fewer
    posts a page than it was asked for.
    """
    if page >= most:
        return None
    more = posts.listed > 0 if posts.total_pages is None else page < posts.total_pages
    return page + 1 if more else None


def is_past_the_end(failure: Failure, *, page: int) -> bool:
    """Whether a failure says that there are fewer pages: 400, rest_post_invalid_page_number."""
    return failure.status == 400 and page > 1


def feed_page_url(feed_url: str, page: int) -> str:
    """Return the address of an older page of a WordPress feed, as in "/feed/?paged=2"."""
    parts = urlsplit(feed_url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "paged"]
    query = urlencode([*kept, ("paged", str(page))])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _load(body: bytes) -> object:
    """The JSON of a body, also after warnings of PHP; None when there is none."""
    text = body.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    start = _LIST.search(body)
    if start is None:
        return None
    rest = body[start.start() :].decode("utf-8", "replace")
    try:
        return json.JSONDecoder(strict=False).raw_decode(rest)[0]
    except (ValueError, RecursionError):
        return None


def _read_post(post: dict[str, Any], *, base: str, now: datetime) -> Lead | None:
    link, title = post.get("link"), post.get("title")
    if isinstance(title, dict):
        title = title.get("rendered")
    url = resolve(base, clean_text(link)) if isinstance(link, str) and link.strip() else None
    if url is None:
        return None
    modified = _date(post.get("modified_gmt"), now=now)
    return Lead(
        url=url,
        title=clean_line(plain_text(title)) if isinstance(title, str) else "",
        published=_date(post.get("date_gmt"), now=now),
        modified=modified.value if modified else None,
    )


def _date(value: object, *, now: datetime) -> DatedBy | None:
    """A date of GMT, which is written without a zone; a draft has "0000-00-00T00:00:00"."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    zoned = f"{text}Z" if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{5,12}", text) else text
    return parse_date(zoned, source=DateSource.FEED, now=now)
