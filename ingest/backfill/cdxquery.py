"""What the index of a web archive is asked.

    what a person names, or the URLs of an article -> CdxQuery -> cdx_url

Parameters after https://archive.org/developers/wayback-cdx-server.html, and for pywb
https://pywb.readthedocs.io/en/latest/manual/cdxserver_api.html, whose filters have an operator.
Both find an address by its SURT: in lower case, without scheme, "www." and a slash at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import unquote, urlencode

from ingest.backfill.cdx import PYWB_FIELDS, WAYBACK_FIELDS, Dialect, format_timestamp
from ingest.urls import canonicalize

_HTML = ("text/html", "application/xhtml+xml")


class Match(StrEnum):
    """Which addresses a query is about, as `matchType` names it."""

    EXACT = "exact"
    PREFIX = "prefix"
    HOST = "host"
    DOMAIN = "domain"  # and all hosts below


@dataclass(frozen=True, slots=True, kw_only=True)
class CdxQuery:
    """Which captures to list; both ends of the time are included."""

    url: str
    match: Match = Match.EXACT
    since: datetime | None = None
    until: datetime | None = None
    status: int | None = 200  # None: any
    mimes: tuple[str, ...] = ()  # empty: any


def target_query(
    text: str, *, since: datetime | None = None, until: datetime | None = None
) -> CdxQuery:
    """Make the query for what a person names: an address, "https://example.org/news/*" or
    "*.example.org".

    The last two list HTML only, for a site has more images than articles. Raises BadURLError.
    """
    text = text.strip()
    wanted, match = text, Match.EXACT
    if text.startswith("*."):
        wanted, match = text[2:], Match.DOMAIN
    elif text.endswith("*"):
        wanted, match = text[:-1], Match.PREFIX
    if "://" not in wanted:
        wanted = f"http://{wanted}"  # the scheme does not count
    canonicalize(wanted)  # for its errors
    mimes = () if match is Match.EXACT else _HTML
    return CdxQuery(url=wanted, match=match, since=since, until=until, mimes=mimes)


def article_queries(
    urls: Iterable[str], *, since: datetime | None = None, until: datetime | None = None
) -> tuple[CdxQuery, ...]:
    """Make the queries for one article that is known under these URLs, as few as will do.

    An archive that goes by SURT gives the captures of http and https, with and without "www." and
    a slash at the end, in one answer, so these are one query. Worth asking besides is the canonical
    form: it lacks what only says how a reader came, or it is another host than a mobile page's.
    Raises BadURLError when one is no URL.
    """
    asked: dict[str, str] = {}
    for url in urls:
        for variant in (url.strip(), canonicalize(url)):
            asked.setdefault(_same_for_archives(variant), variant)
    return tuple(CdxQuery(url=url, since=since, until=until) for url in asked.values())


def _same_for_archives(url: str) -> str:
    """What two URLs have in common that an archive takes for one; it may tell too many apart."""
    rest = unquote(url.partition("#")[0].partition("://")[2]).lower()
    host, slash, tail = re.sub(r"^www\d*\.", "", rest).partition("/")
    path, question, query = tail.partition("?")
    ordered = "&".join(sorted(query.split("&")))
    return f"{host}{slash}{path}".rstrip("/") + question + ordered


def cdx_url(
    server: str,
    query: CdxQuery,
    *,
    dialect: Dialect,
    limit: int | None,
    resume_key: str | None = None,
) -> str:
    """The address that asks a server, as in "https://web.archive.org/cdx/search/cdx", a query.

    Equal neighbours are left out by the Internet Archive only when the query is about one address:
    its `collapse` does not look at the address, and would drop the first capture of a page whose
    text the one before it has. `follow` leaves out the others.
    """
    wayback = dialect is Dialect.WAYBACK
    fields = WAYBACK_FIELDS if wayback else PYWB_FIELDS
    parameters = [("url", query.url), ("matchType", query.match.value), ("output", "json")]
    parameters.append(("fl", ",".join(fields)))
    if query.since:
        parameters.append(("from", format_timestamp(query.since)))
    if query.until:
        parameters.append(("to", format_timestamp(query.until)))
    if query.status is not None:
        parameters.append(("filter", f"{'' if wayback else '='}{fields[4]}:{query.status}"))
    if query.mimes:
        either = "|".join(re.escape(mime) for mime in query.mimes)
        parameters.append(("filter", f"{'' if wayback else '~'}{fields[3]}:(?:{either})"))
    if limit is not None:
        parameters.append(("limit", str(limit)))
    if wayback:
        parameters.append(("showResumeKey", "true"))
        if query.match is Match.EXACT:
            parameters.append(("collapse", "digest"))
    if resume_key is not None:
        parameters.append(("resumeKey", resume_key))  # printed encoded, and encoded once more
    return f"{server}?{urlencode(parameters)}"
