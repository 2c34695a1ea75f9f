"""Walking a feed back into its past, page by page (RFC 5005).

An archived feed links to the archive before it (`prev-archive`, section 4), a paged one to its next
page (`next`, section 3). WordPress links to neither, and gives older entries under `?paged=N`.

an address to read ─parse_feed─> FeedDocument ─walk_on─> FeedWalk, with the next address or why not
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from ingest.backfill.wordpress import feed_page_url
from ingest.errors import BadURLError, UsageError
from ingest.model import Entry, Failure, FeedDocument, NotAFeed, Rejection
from ingest.urls import registered_domain

_LEEWAY = timedelta(days=2)  # feeds are not quite in order, nor their clocks right


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedBudget:
    """How far back a feed is walked."""

    pages: int = 200
    guess_pages: bool = True  # ask for `?paged=2` where nothing is linked


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWalk:
    """Where a walk through a feed is."""

    url: str | None  # to read next; None: the walk is over
    start: str  # the feed itself
    visited: tuple[str, ...] = ()  # marks of addresses
    contents: tuple[str, ...] = ()  # marks of what was read there
    latest: tuple[str, ...] = ()  # marks of the entries of the last page
    guessed: int = 0  # the number of the page that `url` was made for, 0 when it was linked
    ended: str = ""  # why, for people


def start_walk(url: str) -> FeedWalk:
    """Begin with the feed itself."""
    return FeedWalk(url=url, start=url, visited=(_mark(url),))


def walk_on(
    walk: FeedWalk, document: FeedDocument, *, since: datetime, budget: FeedBudget
) -> FeedWalk:
    """Return the walk after the page at its address was read.

    It ends where no older page is known or allowed, where all entries are older than `since`, where
    a page repeats another one, and where it would leave the sites of the feed and its entries.
    """
    latest = tuple(_mark(entry.url) for entry in document.entries)
    content = _mark("\n".join(latest))
    reason = _end(walk, document, since=since, budget=budget)
    if latest and (content in walk.contents or _hardly_differs(walk, latest)):
        reason = "the page repeats an earlier one"
    if reason:
        return _ended(walk, reason)
    linked = document.previous_archive or document.next_page
    page = 0 if linked else max(walk.guessed, 1) + 1
    older = linked or feed_page_url(walk.start, page)
    if not linked and not _may_guess(walk, document, budget):
        return _ended(walk, "no older page is linked")
    if _mark(older) in walk.visited:
        return _ended(walk, f"the older page was read before: {older}")
    if linked and not _is_of_site(older, walk, document):
        return _ended(walk, f"the older page lies on another site: {older}")
    return replace(
        walk,
        url=older,
        visited=(*walk.visited, _mark(older)),
        contents=(*walk.contents, content),
        latest=latest,
        guessed=page,
    )


def stop_walk(walk: FeedWalk, problem: Failure | Rejection | NotAFeed) -> FeedWalk:
    """Return the walk after its page could not be had: over, unless it may come another time.

    Past the last page WordPress answers 404, which is the end and no failure.
    """
    if isinstance(problem, Failure | Rejection) and problem.kind.temporary:
        return walk
    end = "there is no page" if walk.guessed else f"page {walk.url} could not be read"
    return _ended(walk, f"{end}: {problem.reason}")


def _ended(walk: FeedWalk, reason: str) -> FeedWalk:
    return replace(walk, url=None, ended=reason)


def _hardly_differs(walk: FeedWalk, latest: tuple[str, ...]) -> bool:
    """Whether a site ignores `?paged=N` and gives its latest entries again, maybe with new ones."""
    shared = len(set(latest) & set(walk.latest))
    return walk.guessed > 0 and shared * 2 >= len(latest)


def _end(walk: FeedWalk, document: FeedDocument, *, since: datetime, budget: FeedBudget) -> str:
    """Why the walk is over after this page; nothing when it goes on."""
    if len(walk.contents) + 1 >= budget.pages:
        return f"{budget.pages} pages were read"
    if not document.entries:  # an archive may hold a month without news
        return "" if document.previous_archive else "the page has no entries"
    moments = [_moment(entry) for entry in document.entries]
    known = [moment for moment in moments if moment is not None]
    if len(known) * 2 >= len(moments) and max(known) < since - _LEEWAY:
        return "all entries are older"
    return ""


def _moment(entry: Entry) -> datetime | None:
    published = entry.published.value if entry.published else None
    return max(filter(None, (published, entry.modified)), default=None)


def _may_guess(walk: FeedWalk, document: FeedDocument, budget: FeedBudget) -> bool:
    """Whether `?paged=N` makes sense: from the feed itself on, and not within linked pages."""
    in_order = walk.guessed or len(walk.visited) == 1
    return budget.guess_pages and bool(in_order and document.entries)


def _is_of_site(url: str, walk: FeedWalk, document: FeedDocument) -> bool:
    """Whether an address belongs to the feed's site, or to one that its entries link to.

    A feed service such as FeedBurner serves the feed of another site.
    """
    try:
        domain = registered_domain(url)
        return domain in {
            registered_domain(walk.start),
            *(registered_domain(entry.url) for entry in document.entries),
        }
    except BadURLError:
        return False


def _mark(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def walk_as_json(walk: FeedWalk) -> dict[str, Any]:
    """Return the walk as values that JSON can hold."""
    return asdict(walk)


def walk_from_json(values: Mapping[str, Any]) -> FeedWalk:
    """Return the walk that was kept; raises UsageError for anything else."""
    try:
        return FeedWalk(
            url=None if values["url"] is None else str(values["url"]),
            start=str(values["start"]),
            visited=tuple(map(str, values["visited"])),
            contents=tuple(map(str, values["contents"])),
            latest=tuple(map(str, values["latest"])),
            guessed=int(values["guessed"]),
            ended=str(values["ended"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"no walk through a feed: {error!r}; start it anew") from error
