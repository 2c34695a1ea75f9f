"""An address of an article that somebody else listed, and what they said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from ingest.model import DatedBy, Entry, FeedDocument

_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9-]{1,20})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """An address to fetch."""

    url: str  # absolute http or https
    title: str = ""
    published: DatedBy | None = None
    modified: datetime | None = None
    language: str | None = None  # ISO 639
    known_by: datetime | None = None  # it already stood there at this moment


def language_code(value: object) -> str | None:
    """Return the first part of a language tag in lower case (RFC 5646), as in "zh" for "zh-CN"."""
    found = _LANGUAGE.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1].lower() if found else None


def lead_of_entry(entry: Entry, document: FeedDocument) -> Lead:
    """An entry of a feed as a lead."""
    return Lead(
        url=entry.url,
        title=entry.title,
        published=entry.published,
        modified=entry.modified,
        language=document.language,
    )
