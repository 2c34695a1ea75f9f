"""Rows of the made-up archive: the story, its sources, and what was not kept."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

from queries_archive import (
    BEGIN,
    DAYS,
    END,
    LANGUAGES,
    NAMES,
    POLLS_A_DAY,
    Piece,
    Row,
    Size,
    hashed,
    text_of,
)


def stories(_size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    yield {"id": 1, "slug": "kim-putin", "title": "Kim and Putin", "created_at": BEGIN}


def seeds(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    text = text_of(pieces[0], 1)
    yield {
        "id": 1,
        "story_id": 1,
        "seq": 1,
        "is_current": True,
        "path": "seed.txt",
        "sha256": hashed(text),
        "title": "Kim",
        "text": text,
        "residue": "",
        "language": "de",
        "loaded_at": BEGIN,
    }


def outlets(size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    for number in range(1, size.outlets + 1):
        language = LANGUAGES[number % len(LANGUAGES)]
        yield {
            "id": number,
            "domain": f"outlet{number}.example",
            "name": NAMES.get(number, f"Outlet {number}"),
            "country": language.upper(),
            "language": language,
        }


def feeds(size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    for number in range(1, size.outlets + 1):
        url = f"https://outlet{number}.example/feed"
        yield {
            "id": number,
            "outlet_id": number,
            "url": url,
            "url_sha256": hashed(url),
            "origin": "config",
            "state": "active",
            "interval_seconds": 3600.0,
            "next_poll_at": END,
            "last_polled_at": END,
            "last_success_at": END,
            "failures": 0.0,
            "added_at": BEGIN,
            "entries_read_at": END,
        }


def polls(size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    drawn = random.Random(1)
    number = 0
    for hour in range(DAYS * POLLS_A_DAY):
        for feed in range(1, size.outlets + 1):
            number += 1
            chance = drawn.random()
            outcome = "not-modified" if chance < 0.7 else "parsed" if chance < 0.97 else "failed"
            yield {
                "id": number,
                "feed_id": feed,
                "polled_at": BEGIN + timedelta(hours=hour),
                "outcome": outcome,
                "status": 500 if outcome == "failed" else 200,
                "entries": 30 if outcome == "parsed" else 0,
                "new_entries": int(chance > 0.9),
                "bytes": 20_000,
                "ms": 120.0,
                "failure": "http-5xx" if outcome == "failed" else None,
            }


def alarms(size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    for number in range(1, size.outlets, 40):
        yield {
            "id": number,
            "outlet_id": number,
            "raised_at": BEGIN + timedelta(days=7),
            "cleared_at": None,
            "looks": 20,
            "failed": 20,
            "detail": "20 of 20 gave no text",
        }


def discards(size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    rules = (("entry", "no-names"), ("text", "missing-group"), ("extract", "blocked"))
    for number in range(1, size.articles * 3 + 1):
        stage, rule = rules[number % 3]
        url = f"https://outlet{number % size.outlets + 1}.example/discarded/{number}"
        at = BEGIN + timedelta(seconds=number * DAYS * 86_400 / (size.articles * 3))
        yield {
            "id": number,
            "url_key": hashed(url),
            "url": url,
            "canonical_url": url,
            "title": f"Discarded {number}",
            "stage": stage,
            "rule": rule,
            "score": None,
            "rule_version": "1",
            "detail": "story kim-putin",
            "discarded_at": at,
            "feed_id": number % size.outlets + 1,
        }


def runs(_size: Size, _pieces: Sequence[Piece]) -> Iterator[Row]:
    for number in range(1, DAYS * 24 + 1):
        at = BEGIN + timedelta(hours=number)
        yield {
            "id": number,
            "job": "poll-due-feeds",
            "started_at": at,
            "counts": {"feeds": 12},
            "finished_at": at + timedelta(minutes=2),
            "outcome": "done",
        }
