"""The rows of a made-up archive of one story, table by table, for the bench of the queries.

Twelve languages, outlets that publish most and least as Zipf has it, a tenth of the articles in
the cluster of the seed's text, the others alone or in small clusters, three versions of each.
The same number of articles gives the same rows. Texts are sentences drawn from a stock of each
language, so that a query finds much and not all.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

Row = dict[str, Any]

BEGIN = datetime(2023, 9, 4, tzinfo=UTC)
DAYS = 60
END = BEGIN + timedelta(days=DAYS + 30)
LANGUAGES = ("de", "en", "ru", "fr", "es", "ko", "ja", "zh", "uk", "it", "ar", "th")
NAMES = {1: "Northern Wire", 3: "Le Méridien"}
"""Publishers that the questions name: the largest, and another large one."""
KINDS = ("headline", "correction", "substantive", "minor", "boilerplate", "reverted")
_LETTERS = {
    "ru": "абвгдежзийклмнопрстуфхцчшыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшьюя",
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "ko": "가나다라마바사아자차카타파하고노도로모보소",
    "ja": "あいうえおかきくけこさしすせそ日本国人年大",
    "zh": "的一是不了人我在有他这中大来上国朝鲜金正恩",
    "th": "กขคงจฉชซญดตถทธนบปผพฟภมยรลวสหอ",
}
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_STOCK = 2000  # sentences of a language
_SENTENCES = 9  # of an article
_DERIVED = ("near_duplicate", "translation", "excerpt", "identical")
_ALONE = ("same_story",) * 4 + ("unrelated",)
POLLS_A_DAY = 24
OBSERVATIONS = 6  # of an article


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is of what."""

    articles: int

    @property
    def outlets(self) -> int:
        """Publishers; each has one feed."""
        return max(self.articles // 200, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What an article is, from which all of its rows follow."""

    number: int  # article.id
    outlet: int
    language: str
    published: datetime
    parent: int | None
    cluster: int
    relation: str  # to the parent, or to the seed for those without
    changed_after: tuple[int, int]  # hours after the publication
    opening: int  # of its sentences in the stock


@cache
def sentences(language: str) -> tuple[str, ...]:
    """The stock of a language; one in fifty has the name that is searched for."""
    drawn = random.Random(language)
    letters = _LETTERS.get(language, _LATIN)
    gap = "" if language in {"ja", "zh", "th"} else " "
    words = ["".join(drawn.choices(letters, k=drawn.randint(2, 9))) for _ in range(3000)]
    weights = [1 / place for place in range(1, 3001)]
    found = []
    for number in range(_STOCK):
        told = drawn.choices(words, weights, k=drawn.randint(8, 18))
        if number % 50 == 0:
            told.insert(3, "Pyongyang")
        found.append(gap.join(told).capitalize() + ("。" if language in {"ja", "zh"} else "."))
    return tuple(found)


def make_pieces(size: Size) -> list[Piece]:
    """The articles, in the order in which they were published."""
    drawn = random.Random(size.articles)
    ranks = [1 / place for place in range(1, size.outlets + 1)]
    others = drawn.choices(range(1, size.outlets + 1), ranks, k=size.articles - 1)
    pieces: list[Piece] = []
    for number, outlet in enumerate((1, *others), 1):
        chance = drawn.random()
        parent = None
        if number > 1 and chance < 0.1:
            parent = 1
        elif number > 20 and chance < 0.45:
            parent = drawn.randint(max(number - 500, 2), number - 1)
        language = LANGUAGES[outlet % len(LANGUAGES)]
        first = drawn.randint(1, 240)
        pieces.append(
            Piece(
                number=number,
                outlet=outlet,
                language=language,
                published=BEGIN
                + timedelta(seconds=int(number * DAYS * 86_400 / (size.articles + 1))),
                parent=parent,
                cluster=pieces[parent - 1].cluster if parent else number,
                relation=drawn.choice(_DERIVED if parent else _ALONE),
                changed_after=(first, first + drawn.randint(1, 240)),
                opening=drawn.randrange(_STOCK - _SENTENCES - 3),
            )
        )
    return pieces


def title_of(piece: Piece, seq: int) -> str:
    """The headline of a version; every other third one differs."""
    told = sentences(piece.language)[piece.opening][:80]
    return f"{told} {seq}" if seq == 3 and piece.number % 2 else told


def text_of(piece: Piece, seq: int) -> str:
    """The text of a version: each has one sentence that the one before has not."""
    stock = sentences(piece.language)
    told = list(stock[piece.opening : piece.opening + _SENTENCES])
    for number in range(1, seq):
        told[number + 2] = stock[piece.opening + _SENTENCES + number]
    return "\n\n".join((" ".join(told[:4]), " ".join(told[4:])))


def observed_at(piece: Piece, seq: int) -> datetime:
    """When a version was first seen."""
    if seq == 1:
        return piece.published + timedelta(minutes=20)
    return piece.published + timedelta(hours=piece.changed_after[seq - 2])


def learned_at(piece: Piece, seq: int) -> datetime:
    """When a version was stored: at the end those of a tenth of the articles, from archives."""
    return END if piece.number % 10 == 0 else observed_at(piece, seq)


def version_id(piece: Piece, seq: int) -> int:
    """version.id."""
    return (piece.number - 1) * 3 + seq


def hashed(text: str) -> str:
    """A hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
