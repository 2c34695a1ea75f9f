"""Which address an article has by its page's own word."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ingest.errors import BadURLError
from ingest.urls import canonicalize, registered_domain, resolve

_BROKEN = re.compile(r"https?:(?!//)", re.IGNORECASE)  # encoded twice: it would be a relative path


def choose_canonical(stated: str | None, *, url: str) -> str:
    """Return the page's own word for its canonical URL if that is believable.

    Another site, the home page or a section above the article is a mistake that would merge all
    the articles below it.
    """
    own = canonicalize(url)
    link = resolve(url, stated) if stated and not _BROKEN.match(stated.strip()) else None
    if link is None:
        return own
    try:
        candidate = canonicalize(link)
        same_site = registered_domain(candidate) == registered_domain(own)
    except BadURLError:
        return own
    return candidate if same_site and not _is_above(candidate, own) else own


def _is_above(candidate: str, own: str) -> bool:
    path, below = urlsplit(candidate).path, urlsplit(own).path
    if path in ("", "/"):
        return below not in ("", "/")
    section = path.rstrip("/") + "/"
    last = section.split("/")[-2]
    return below.startswith(section) and below != section and not re.search(r"[\d_.-]", last)
