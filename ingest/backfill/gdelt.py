"""Articles that GDELT saw, by its DOC 2.0 API: what to ask, and what the answers say.

groups of English names ─build_queries─> queries; a query and a Window ─query_url─> an address
    ─fetch─> bytes ─read_articles─> ArticleList of Lead

Documentation: https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/. It searches translations
into English, so the words of a query are English whatever the language of the articles
(https://blog.gdeltproject.org/updates-doc-2-0-api/). What of its syntax is not documented is known
from its refusals, which come as text with status 200: alternatives need parentheses, nothing else
may have them, quotation marks are for what has a space or a hyphen and are refused around less than
five characters, and a query of more than about 250 characters is too long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ingest.backfill.leads import Lead
from ingest.dates import parse_date
from ingest.errors import UsageError
from ingest.model import DateSource, FailureKind, Rejection
from ingest.textclean import clean_line, clean_text
from ingest.urls import resolve

API = "https://api.gdeltproject.org/api/v2/doc/doc"
RECORDS = 250
"""Articles of one answer, the most that GDELT gives."""

_LONGEST_QUERY = 250
_LEAST_QUOTED = 5
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
_FLAT_OBJECT = re.compile(r"\{[^{}]*\}")
_SEEN = re.compile(r"(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)Z?")
_TOO_FAST = re.compile(r"limit requests|too many requests|rate limit", re.IGNORECASE)
_CODES = (
    "af:afrikaans sq:albanian ar:arabic hy:armenian az:azerbaijani bn:bengali bs:bosnian"
    " bg:bulgarian ca:catalan zh:chinese hr:croatian cs:czech da:danish nl:dutch en:english"
    " et:estonian fi:finnish fr:french gl:galician ka:georgian de:german el:greek gu:gujarati"
    " he:hebrew hi:hindi hu:hungarian is:icelandic id:indonesian it:italian ja:japanese kn:kannada"
    " kk:kazakh ko:korean lv:latvian lt:lithuanian mk:macedonian ms:malay ml:malayalam mr:marathi"
    " mn:mongolian ne:nepali no:norwegian fa:persian pl:polish pt:portuguese pa:punjabi ro:romanian"
    " ru:russian sr:serbian si:sinhalese sk:slovak sl:slovenian so:somali es:spanish sw:swahili"
    " sv:swedish ta:tamil te:telugu th:thai bo:tibetan tr:turkish uk:ukrainian ur:urdu"
    " vi:vietnamese"
)
_LANGUAGES = {pair[3:]: pair[:2] for pair in _CODES.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when to when articles were seen."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleList:
    """An answer."""

    leads: tuple[Lead, ...]
    listed: int  # the unusable ones too
    repaired: bool = False  # it was no JSON, and articles may be missing


# ---------------------------------------------------------------- asking


def build_queries(
    groups: Sequence[Sequence[str]], *, language: str | None = None, longest: int = _LONGEST_QUERY
) -> tuple[str, ...]:
    """Return queries for articles that name something of every group, in English.

    Where one would be too long the largest group is shared out between two. `language` is one of
    GDELT's codes (ISO 639-3), as "deu". Raises UsageError when a group has no name GDELT can look
    for, or the query cannot be made short enough.
    """
    terms = [tuple(dict.fromkeys(filter(None, map(_term, group)))) for group in groups]
    if not terms or not all(terms):
        raise UsageError("GDELT needs an English name of three letters or more for every group")
    source = f" sourcelang:{clean_line(language)}" if language else ""
    return tuple(_shared_out(terms, source, longest=longest))


def _shared_out(terms: list[tuple[str, ...]], source: str, *, longest: int) -> Iterator[str]:
    query = " ".join(map(_alternatives, terms)) + source
    if len(query) <= longest:
        yield query
        return
    largest = max(range(len(terms)), key=lambda number: len(" ".join(terms[number])))
    half = len(terms[largest]) // 2
    if half == 0:
        raise UsageError(f"GDELT takes no query of more than {longest} characters: {query[:300]}")
    for part in (terms[largest][:half], terms[largest][half:]):
        shorter = [*terms[:largest], part, *terms[largest + 1 :]]
        yield from _shared_out(shorter, source, longest=longest)


def _term(name: str) -> str | None:
    """A name as GDELT takes it; None for one that it would refuse."""
    words = re.sub(r"[^\w\s'.&-]|\*", " ", clean_line(name)).split()
    plain = " ".join(words)
    if plain.isalnum():
        return plain if len(plain) >= 3 else None
    return f'"{plain}"' if len(plain) >= _LEAST_QUOTED else None


def _alternatives(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"


def query_url(query: str, window: Window, *, records: int = RECORDS, api: str = API) -> str:
    """Return the address that answers a query with the articles of a window, the oldest first."""
    return f"{api}?" + urlencode(
        {
            "query": query,
            "mode": "artlist",
            "format": "json",
            "sort": "dateasc",
            "maxrecords": records,
            "startdatetime": _stamp(window.start),
            "enddatetime": _stamp(window.end),
        }
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


# ---------------------------------------------------------------- reading


def read_articles(body: bytes, *, url: str, now: datetime) -> ArticleList | Rejection:
    """Read an answer; `{}` is one without articles.

    Rejected with RATE_LIMITED is a call that came too early, with HTTP_CLIENT a query that GDELT
    refuses, with TRUNCATED what is no answer. When GDELT saw an article bounds its date
    (`known_by`) and is none. GDELT writes escapes that JSON does not know, which are mended; of
    JSON that is broken otherwise every article is kept that can be read by itself.
    """
    text = body.decode("utf-8-sig", "replace").strip()
    if not text.startswith("{"):
        return _refusal(text)
    mended = _ESCAPE.sub(lambda found: found[0] if len(found[0]) > 1 else "", text)
    data, repaired = _load(mended), False
    if data is None:
        repaired = True
        inner = mended[1:]  # without the object around them all
        data = {"articles": [_load(found[0]) for found in _FLAT_OBJECT.finditer(inner)]}
    articles = data.get("articles", [])
    if not isinstance(articles, list) or (repaired and not articles):
        return Rejection(kind=FailureKind.TRUNCATED, reason=f"no list of articles: {_told(text)}")
    leads = [_read_article(item, base=url, now=now) for item in articles[: 2 * RECORDS]]
    return ArticleList(
        leads=tuple(lead for lead in leads if lead is not None),
        listed=len(articles),
        repaired=repaired,
    )


def _load(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _refusal(text: str) -> Rejection:
    if not text:
        return Rejection(kind=FailureKind.TRUNCATED, reason="GDELT answered nothing")
    kind = FailureKind.RATE_LIMITED if _TOO_FAST.search(text[:2000]) else FailureKind.HTTP_CLIENT
    if text.startswith("<"):  # a page of a proxy or an overloaded server
        kind = FailureKind.HTTP_SERVER
    return Rejection(kind=kind, reason=f"GDELT said: {_told(text)}")


def _told(text: str) -> str:
    return clean_line(text[:1000], limit=200)


def _read_article(item: object, *, base: str, now: datetime) -> Lead | None:
    if not isinstance(item, dict):
        return None
    link, title, language = (item.get(name) for name in ("url", "title", "language"))
    url = resolve(base, clean_text(link)) if isinstance(link, str) and link.strip() else None
    if url is None:
        return None
    seen = _SEEN.fullmatch(str(item.get("seendate"))[:40])
    moment = None
    if seen is not None:
        stated = "{}-{}-{}T{}:{}:{}Z".format(*seen.groups())
        moment = parse_date(stated, source=DateSource.FEED, now=now)
    return Lead(
        url=url,
        title=clean_line(title) if isinstance(title, str) else "",
        language=_LANGUAGES.get(language.strip().lower()) if isinstance(language, str) else None,
        known_by=moment.value if moment else None,
    )
