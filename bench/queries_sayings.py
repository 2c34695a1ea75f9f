"""Rows of the made-up archive: what its articles quote and count.

Of an article's four quotations one may be the seed's, one is a sentence that others have too, the
rest are its own; of its eight figures five are small and common. A tenth of either is dropped by
a later version.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from queries_archive import Piece, Row, Size, hashed, observed_at, sentences, text_of, version_id

from ingest.sayings import METHOD_VERSION

_SEED_QUOTES = (
    "nichts zu sagen",
    "eine sehr gute Begründung",
    "auf höchster Ebene",
    "jederzeit bereit",
    "Waffengespräche schreiten voran",
    "kein Kommentar zu diesem Thema",
    "einen hohen Preis zahlen",
    "so bald wie möglich",
)
_SEED_FIGURES = ((122.0, "mm"), (152.0, "mm"), (2006.0, ""), (3.0, "day"))
_UNITS = ("", "", "", "mm", "km", "%", "USD", "kg")
_COUNTED = ("soldiers", "people", "shells", "trains", "factories")
_FIGURES = 8  # of an article
_COMMON = 5  # of them


def quotations(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    """Each once, as whoever had it first writes it."""
    told: set[str] = set()
    for piece in pieces:
        for quote in quotes_of(piece):
            if quote not in told:
                told.add(quote)
                yield {"key": hashed(quote), "text": quote, "words": len(quote.split())}


def quotes_of(piece: Piece) -> list[str]:
    """Of an article, each but once."""
    drawn = random.Random(piece.number)
    stock = sentences(piece.language)
    found = [stock[piece.opening].rstrip(".。"), f"{stock[piece.opening + 1]} {piece.number}"]
    if piece.language == "de" or piece.cluster == 1:
        found.append(_SEED_QUOTES[int(drawn.random() ** 2 * len(_SEED_QUOTES))])
    while len(found) < 4:
        found.append(f"{stock[piece.opening + len(found)]} {piece.number}")
    return found


def quotation_uses(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    """Which article has which quotation."""
    for piece in pieces:
        for place, quote in enumerate(quotes_of(piece)):
            start = place * 60
            yield {
                "quotation_key": hashed(quote),
                "article_id": piece.number,
                **_run(piece, place),
                "start": start,
                "stop": start + len(quote),
            }


def figures(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    """Which article has which figure."""
    for piece in pieces:
        longest = len(text_of(piece, 1)) - 120
        for place, (value, unit, counted) in enumerate(_figures_of(piece)):
            start = min(place * 90, longest)
            yield {
                "article_id": piece.number,
                "value": value,
                "unit": unit,
                "counted": counted,
                **_run(piece, place),
                "text": f"{value:g} {unit or counted}",
                "start": start + 20,
                "stop": start + 30,
                "sentence_start": start,
                "sentence_stop": start + 110,
            }


def _figures_of(piece: Piece) -> list[tuple[float, str, str]]:
    drawn = random.Random(-piece.number)
    found: dict[tuple[float, str, str], None] = {}
    while len(found) < _FIGURES:
        common = len(found) < _COMMON
        if common and drawn.random() < 0.1:
            value, unit = drawn.choice(_SEED_FIGURES)
        else:
            unit = drawn.choice(_UNITS)
            value = float(int(200 * drawn.random() ** 3) + 1 if common else drawn.randrange(10**6))
        found[value, unit, "" if unit else drawn.choice(_COUNTED)] = None
    return list(found)


def _run(piece: Piece, place: int) -> Row:
    """The versions that have it: most from the first to the current one."""
    chance = (piece.number * 7 + place * 3) % 10
    first = 2 if chance == 1 else 1
    return {
        "first_version_id": version_id(piece, first),
        "first_seen_at": observed_at(piece, first),
        "language": piece.language,
        "last_version_id": version_id(piece, 2) if chance == 0 else None,
    }


def read_articles(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    """All of them were read."""
    for piece in pieces:
        yield {"article_id": piece.number, "method_version": METHOD_VERSION}


def seed_quotations(_size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    """What the seed quotes."""
    for quote in _SEED_QUOTES:
        yield {"seed_id": 1, "quotation_key": hashed(quote)}


def seed_figures(_size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    """What the seed counts."""
    for value, unit in _SEED_FIGURES:
        yield {"seed_id": 1, "value": value, "unit": unit}
