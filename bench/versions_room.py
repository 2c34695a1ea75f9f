"""A press of 200 articles over 60 simulated days, with a script of all that happens to them.

Each article has states, each with the moment it begins and the kind of the edit that led to it, and
spells during which something else is served: walls, errors, old copies. The room logs what it
served, so that it is known what a look could have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from random import Random

from versions_prose import Writer
from versions_walls import GONE, PAGES, WALLS

from ingest.demo.http import Response

OUTLETS = 10
_LINES = {
    "en": ("Updated {0} minutes ago", "{0} comments", "Read more: The {0} best days of summer"),
    "de": ("Vor {0} Minuten aktualisiert", "{0} Kommentare", "Lesen Sie auch: Die {0} besten Seen"),
}


@dataclass(frozen=True)
class State:
    """An article's content from a moment on, and the kind of the edit that led to it."""

    at: datetime
    title: str
    text: str
    kind: str  # "first" for the first one


@dataclass(frozen=True)
class Spell:
    """Something else that is served for a while, to a share of the requests."""

    mode: str
    start: datetime
    end: datetime
    share: float = 1.0


@dataclass(frozen=True)
class Served:
    """What one request was answered with."""

    at: datetime
    mode: str  # ok, a wall, a way of being gone, hiccup, old, alternative
    state: int  # index of the state that was true


@dataclass
class Piece:
    """An article and all that happens to it."""

    number: int
    outlet: int
    language: str
    published: datetime
    states: list[State]
    spells: list[Spell] = field(default_factory=list)
    noisy: bool = False
    alternative: str = ""  # headline of an A/B test
    served: list[Served] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it stands on its site."""
        return f"/news/{self.published:%Y/%m/%d}/story-{self.number}"

    def state_at(self, now: datetime) -> int:
        """Index of the state that holds."""
        return max(i for i, state in enumerate(self.states) if state.at <= now or i == 0)

    def mode_at(self, now: datetime) -> str:
        """What is served at a moment; the same for everyone who asks at the same moment."""
        for number, spell in enumerate(self.spells):
            seed = f"{self.number}/{number}/{now.timestamp():.0f}".encode()
            chance = int.from_bytes(hashlib.sha256(seed).digest()[:4]) / 2**32
            if spell.start <= now < spell.end and chance < spell.share:
                return spell.mode
        return "ok"


def make_pieces(seed: int, *, count: int, start: datetime, days: float) -> list[Piece]:
    """Write the articles and their fates."""
    random = Random(seed)
    return [_make_piece(random, number, count, start=start, days=days) for number in range(count)]


def _make_piece(random: Random, number: int, count: int, *, start: datetime, days: float) -> Piece:
    language = "en" if number % OUTLETS < 6 else "de"
    writer = Writer(random, language)
    published = start + timedelta(days=days / 3 * number / count, minutes=random.uniform(0, 60))
    fate = _FATES[number % len(_FATES)]
    piece = Piece(
        number=number,
        outlet=number % OUTLETS,
        language=language,
        published=published,
        states=[],
        noisy=random.random() < 0.3 and fate != "boilerplate",  # it would not be told from noise
    )
    text = writer.text(random.randint(6, 9))
    if fate == "agency":
        text = f"{writer.place.upper()} (Reuters) - {text}"
    elif fate == "live":
        text = "\n\n".join(_entry(writer, 8 - i) for i in range(6))
    piece.states.append(State(published, writer.title(), text, "first"))
    end = start + timedelta(days=days)
    _live(random, writer, piece, fate, end=end)
    return piece


def _entry(writer: Writer, hour: int) -> str:
    minute = writer.random.randint(0, 59)
    return f"{(hour + 8) % 24:02d}:{minute:02d} {writer.paragraph()}"


_FATES = (
    "quiet", "headline", "substantive", "correction", "takedown", "wall", "edits", "revert", "late",
    "quiet", "headline", "agency", "live", "minor", "takedown", "wall", "edits", "ab", "cache",
    "truncated", "boilerplate", "substantive", "correction", "hiccup", "edits", "back", "headline",
    "stub", "correction", "revert",
)  # fmt: skip


def _live(random: Random, writer: Writer, piece: Piece, fate: str, *, end: datetime) -> None:
    """Let the article's fate happen."""

    def gap(hours: float) -> timedelta:
        return timedelta(hours=hours * random.lognormvariate(0.0, 0.7))

    at = piece.published + timedelta(minutes=20) + gap(3)
    if fate in {"headline", "substantive", "correction", "minor", "truncated", "boilerplate"}:
        _edit(random, writer, piece, fate, at)
        if random.random() < 0.5:
            _edit(random, writer, piece, random.choice(("headline", "substantive")), at + gap(6))
    elif fate == "agency":
        _edit(random, writer, piece, "agency-replaced", at)
    elif fate == "live":
        for _ in range(random.randint(3, 6)):
            _edit(random, writer, piece, "live-blog", at)
            at += gap(1.5)
    elif fate == "edits":
        for _ in range(random.randint(2, 6)):
            kind = random.choice(("headline", "substantive", "correction", "minor", "substantive"))
            _edit(random, writer, piece, kind, at)
            at += gap(5)
    elif fate == "late":
        at = piece.published + timedelta(days=random.uniform(5, 30))
        for kind in ("correction", "substantive"):
            _edit(random, writer, piece, kind, at)
            at += gap(48)
    elif fate == "revert":
        _edit(random, writer, piece, random.choice(("substantive", "headline")), at)
        _edit(random, writer, piece, "reverted", at + gap(12) + timedelta(hours=2))
    elif fate == "ab":
        while piece.alternative in {"", piece.states[0].title}:
            piece.alternative = writer.title()
        piece.spells.append(Spell("alternative", at, at + gap(30), share=0.5))
    elif fate == "cache":
        _edit(random, writer, piece, "substantive", at)
        piece.spells.append(Spell("old", at, at + timedelta(days=2), share=0.4))
    elif fate in {"takedown", "back"}:
        gone = piece.published + timedelta(days=random.uniform(0.3, 15))
        until = end + timedelta(days=1) if fate == "takedown" else gone + timedelta(days=6)
        piece.spells.append(Spell(random.choice(GONE), gone, until))
    elif fate == "hiccup":
        for mode in ("404", "503", "consent"):
            begin = piece.published + gap(12)
            piece.spells.append(Spell(mode, begin, begin + timedelta(minutes=40)))
    elif fate == "wall":
        begin = piece.published + gap(10)
        mode = random.choice(("consent", "login", "captcha", "error", "foreign"))
        piece.spells.append(Spell(mode, begin, begin + timedelta(days=random.uniform(1, 6))))
        piece.spells.append(Spell("consent", piece.published, end, share=0.1))
        _edit(random, writer, piece, "substantive", begin + timedelta(days=0.3))
    elif fate == "stub":
        begin = piece.published + timedelta(days=random.uniform(1, 4))
        piece.spells.append(Spell("stub", begin, end + timedelta(days=1)))


def _edit(random: Random, writer: Writer, piece: Piece, kind: str, at: datetime) -> None:
    last = piece.states[-1]
    title, text = last.title, last.text
    parts = text.split("\n\n")
    if kind == "headline":
        while title in {state.title for state in piece.states}:
            title = writer.title()
    elif kind == "substantive":
        place = random.randrange(1, len(parts))
        if random.random() < 0.6:
            parts.insert(place, writer.paragraph())
        else:
            parts[place] = writer.paragraph()
        text = "\n\n".join(parts)
    elif kind == "correction":
        text = _correct(random, writer, text)
    elif kind == "minor":
        words = text.split(" ")
        place = next(i for i in range(len(words) // 2, len(words)) if words[i].isalpha())
        words[place] += ","
        text = " ".join(words)
    elif kind == "truncated":
        text = "\n\n".join(parts[: max(2, len(parts) // 3)])
    elif kind == "boilerplate":
        text += {"en": "\n\nAdvertisement", "de": "\n\nAnzeige"}[piece.language]
        text += {"en": "\n\nRelated: Ten quiet beaches", "de": "\n\nMehr zum Thema: Zehn Strände"}[
            piece.language
        ]
    elif kind == "agency-replaced":
        text = writer.text(len(parts))
    elif kind == "live-blog":
        text = f"{_entry(writer, len(parts) + 2)}\n\n{text}"
    elif kind == "reverted":
        title, text = piece.states[-2].title, piece.states[-2].text
    piece.states.append(State(at, title, text, kind))


def _correct(random: Random, writer: Writer, text: str) -> str:
    for way in random.sample(("number", "name", "notice"), 3):
        if way == "notice" and writer.notice() not in text:
            return f"{text}\n\n{writer.notice()}"
        sentences = text.split(". ")
        for place in random.sample(range(len(sentences)), len(sentences)):
            words = [word.strip(",.“”„") for word in sentences[place].split(" ")[1:]]
            old = next((word for word in words if _is_fact(way, word, writer)), None)
            if old is None:
                continue
            new = str(int(old) + random.randint(7, 60)) if way == "number" else writer.other_name()
            sentences[place] = sentences[place].replace(f" {old}", f" {new}", 1)
            return ". ".join(sentences)
    raise AssertionError("an article without a number and a name")


def _is_fact(way: str, word: str, writer: Writer) -> bool:
    if way == "number":
        return word.isdigit() and len(word) == 3
    return way == "name" and word in writer.names


class Room:
    """The sites of the press, at a simulated moment."""

    def __init__(self, pieces: list[Piece], *, start: datetime) -> None:
        """Nothing is published before `start`."""
        self.pieces = pieces
        self.now = start
        self.by_path = {(piece.outlet, piece.path): piece for piece in pieces}
        self.bases = [""] * OUTLETS
        self.feed_requests = 0

    def requests(self) -> int:
        """How many requests for articles were answered."""
        return sum(len(piece.served) for piece in self.pieces)

    def answer(self, outlet: int, target: str) -> Response:
        """What an outlet answers now."""
        if target == "/robots.txt":
            return Response(body=b"", content_type="text/plain")
        if target == "/feed":
            self.feed_requests += 1
            return self._feed(outlet)
        piece = self.by_path.get((outlet, target))
        if piece is None or piece.published > self.now:
            if target == "/":
                return Response(body=_page("Home", "The news of the day.", "en", None).encode())
            return Response(status=404, body=b"<html><body>Not found</body></html>")
        mode, state = piece.mode_at(self.now), piece.state_at(self.now)
        piece.served.append(Served(self.now, mode, state))
        return self.render(piece, mode, state)

    def listed(self, outlet: int) -> Iterator[Piece]:
        """The latest articles of an outlet."""
        listed = [p for p in self.pieces if p.outlet == outlet and p.published <= self.now]
        yield from listed[-15:]

    def _feed(self, outlet: int) -> Response:
        items = []
        for piece in self.listed(outlet):
            state = piece.states[piece.state_at(self.now)]
            updated = format_datetime(state.at) if outlet % 2 else ""
            tag = f"<updated>{state.at.isoformat()}</updated>" if updated else ""
            items.append(
                f"<entry><title>{escape(state.title)}</title><id>{piece.path}</id>{tag}"
                f'<link href="{self.bases[outlet]}{piece.path}"/>'
                f"<published>{piece.published.isoformat()}</published></entry>"
            )
        body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>{"".join(items)}</feed>'
        return Response(body=body.encode(), content_type="application/atom+xml")

    def render(self, piece: Piece, mode: str, index: int) -> Response:
        """The page of an article as it is served in a mode."""
        headers: dict[str, str] = {}
        if mode in {"404", "410", "503"}:
            return Response(status=int(mode), body=b"<html><body>Sorry</body></html>")
        if mode == "home":
            return Response(status=302, headers={"Location": "/"})
        title, text = self.content(piece, mode, index)
        if mode == "old" and piece.number % 2:
            headers["Age"] = str(int((self.now - piece.published).total_seconds()))
        when = None if mode in (*WALLS, *GONE) else piece.published
        return Response(body=_page(title, text, piece.language, when).encode(), headers=headers)

    def content(self, piece: Piece, mode: str, index: int) -> tuple[str, str]:
        """Headline and text that a page shows, what belongs to the page among it."""
        if mode in PAGES:
            return PAGES[mode]
        state = piece.states[index]
        if mode == "old":
            state = piece.states[max(index - 1, 0)]
        title, text = state.title, state.text
        if mode == "alternative":
            title = piece.alternative
        if mode == "stub":
            return title, text.split("\n\n")[0][:170] + " …"
        if piece.noisy:
            minutes = int((self.now - piece.published).total_seconds() // 60)
            lines = _LINES[piece.language]
            text += (
                f"\n\n{lines[0].format(minutes % 59 + 1)}\n\n{lines[1].format(minutes // 7 + 3)}"
            )
            text += f"\n\n{lines[2].format(minutes % 13 + 2)}"
        return title, text


def _page(title: str, text: str, language: str, published: datetime | None) -> str:
    paragraphs = "".join(f"<p>{escape(part)}</p>\n" for part in text.split("\n\n"))
    meta = (
        f'<meta property="article:published_time" content="{published.isoformat()}">'
        if published
        else ""
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<title>{escape(title)}</title><meta property="og:title" content="{escape(title)}">{meta}'
        "</head><body><nav><a href='/'>Home</a> <a href='/world'>World</a></nav><main><article>"
        f"<h1>{escape(title)}</h1>\n{paragraphs}</article></main><footer>Imprint</footer></body></html>"
    )
