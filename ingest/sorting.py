"""What a feed's entries are to us: pages to look at, or URLs of no use."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.errors import BadURLError
from ingest.model import Candidate, Discard, FailureKind, Feed, FeedDocument, Stage
from ingest.urls import canonicalize, registered_domain, url_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedEntries:
    """The entries of a document by URL key; an unusable URL is a discard at once."""

    candidates: dict[str, Candidate]
    discards: dict[str, Discard]
    unread_dates: dict[str, tuple[str, str]]  # (URL, date as it stands) of the candidates


def sort_entries(document: FeedDocument, feed: Feed, *, rule_version: str) -> SortedEntries:
    """Give every entry its canonical URL; the first of several entries of one URL counts."""
    candidates: dict[str, Candidate] = {}
    discards: dict[str, Discard] = {}
    unread_dates: dict[str, tuple[str, str]] = {}
    language = document.language or feed.outlet.language
    for entry in document.entries:
        try:
            canonical = canonicalize(entry.url)
        except BadURLError as error:
            discards[url_key_of_text(entry.url)] = discard_bad_url(
                entry.url, error, title=entry.title, rule_version=rule_version, feed_id=feed.id
            )
            continue
        key = url_key(canonical)
        if entry.unread_date is not None and key not in candidates:
            unread_dates[key] = (entry.url, entry.unread_date)
        candidates.setdefault(
            key,
            Candidate(
                url=entry.url,
                canonical_url=canonical,
                title=entry.title,
                summary=entry.summary,
                published=entry.published,
                language=language,
                feed_id=feed.id,
                guid=entry.guid,
                modified=entry.modified,
                domain=registered_domain(canonical),
            ),
        )
    return SortedEntries(candidates=candidates, discards=discards, unread_dates=unread_dates)


def url_key_of_text(text: str) -> str:
    """A key for a string that is no URL, so that it is discarded once."""
    return f"bad:{text[:200]}"


def discard_bad_url(
    url: str, error: BadURLError, *, title: str, rule_version: str, feed_id: int | None
) -> Discard:
    """The discard of a string that is no URL."""
    return Discard(
        url=url,
        canonical_url=url,
        title=title,
        stage=Stage.ENTRY,
        rule=FailureKind.BAD_URL.value,
        score=None,
        rule_version=rule_version,
        detail=str(error),
        feed_id=feed_id,
    )
