"""Rows of the made-up archive: articles, their versions, looks and changes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

from queries_archive import (
    END,
    KINDS,
    OBSERVATIONS,
    Piece,
    Row,
    Size,
    hashed,
    learned_at,
    observed_at,
    sentences,
    text_of,
    title_of,
    version_id,
)


def articles(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for piece in pieces:
        exact = piece.number % 5 > 0
        seen = observed_at(piece, 1)
        state = (
            "gone" if piece.number % 50 == 7 else "blocked" if piece.number % 90 == 8 else "live"
        )
        url = f"https://outlet{piece.outlet}.example/{piece.published:%Y/%m}/{piece.number}"
        yield {
            "id": piece.number, "outlet_id": piece.outlet, "canonical_url": url,
            "check_url": url, "first_seen_at": seen, "published_at": piece.published,
            "published_source": "json-ld", "published_confidence": 0.9,
            "published_day_only": not exact, "state": state,
            "state_since": seen if state == "live" else seen + timedelta(days=9),
            "current_version_id": version_id(piece, 3), "last_checked_at": END,
            "check_interval_seconds": 3600.0, "next_check_at": None,
            "published_earliest": piece.published - timedelta(hours=0 if exact else 14),
            "published_latest": seen if exact else piece.published + timedelta(days=1),
            "recorded_at": learned_at(piece, 1),
        }  # fmt: skip


def fate_of(piece: Piece) -> str | None:
    return "gone" if piece.number % 50 == 7 else "blocked" if piece.number % 90 == 8 else None


def article_urls(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for piece in pieces:
        url = f"https://outlet{piece.outlet}.example/{piece.published:%Y/%m}/{piece.number}"
        seen = observed_at(piece, 1)
        yield {
            "id": piece.number,
            "article_id": piece.number,
            "url_key": hashed(url),
            "url": url,
            "kind": "feed",
            "first_seen_at": seen,
            "last_seen_at": END,
        }


def article_feeds(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for piece in pieces:
        seen = observed_at(piece, 1)
        yield {
            "article_id": piece.number,
            "feed_id": piece.outlet,
            "guid": str(piece.number),
            "first_seen_at": seen,
            "last_seen_at": seen + timedelta(days=1),
        }


def article_stories(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for piece in pieces:
        yield {
            "article_id": piece.number,
            "story_id": 1,
            "score": 0.8,
            "rule": "names",
            "rule_version": "1",
            "matched": [],
            "decided_at": observed_at(piece, 1),
        }


def versions(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for piece in pieces:
        for seq in (1, 2, 3):
            text = text_of(piece, seq)
            title = title_of(piece, seq)
            last = observed_at(piece, seq + 1) if seq < 3 else END
            yield {
                "id": version_id(piece, seq),
                "article_id": piece.number,
                "seq": seq,
                "content_hash": hashed(title + text),
                "title": title,
                "text": text,
                "language": piece.language,
                "words": len(text.split()),
                "published_at": piece.published,
                "extractor": "trafilatura",
                "extractor_version": "2.3.1",
                "first_observed_at": observed_at(piece, seq),
                "last_observed_at": last - timedelta(minutes=30),
                "recorded_at": learned_at(piece, seq),
            }


def observations(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    number = 0
    for piece in pieces:
        for look in range(OBSERVATIONS):
            number += 1
            seq = look // 2 + 1
            at = observed_at(piece, seq) + timedelta(minutes=10 * (look % 2))
            archived = piece.number % 10 == 0
            yield {
                "id": number,
                "article_id": piece.number,
                "version_id": version_id(piece, seq),
                "requested_url": f"https://outlet{piece.outlet}.example/{piece.number}",
                "observed_at": at,
                "source": "wayback" if archived else "live",
                "outcome": "unchanged" if look % 2 else "new-version",
                "status": 200,
                "recorded_at": END if archived else at,
            }


def changes(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    drawn = random.Random(2)
    for piece in pieces:
        for seq in (2, 3):
            kind = drawn.choice(KINDS)
            before, after = title_of(piece, seq - 1), title_of(piece, seq)
            stock = sentences(piece.language)
            yield {
                "id": piece.number * 2 + seq - 3,
                "article_id": piece.number,
                "kind": kind,
                "from_version_id": version_id(piece, seq - 1),
                "to_version_id": version_id(piece, seq),
                "reason": "1 sentence changed",
                "headline_from": before if before != after else None,
                "headline_to": after if before != after else None,
                "sentences_added": [stock[piece.opening + OBSERVATIONS + seq]],
                "sentences_removed": [stock[piece.opening + seq]],
                "words_added": 9,
                "words_removed": 8,
                "recorded_at": learned_at(piece, seq),
            }


def events(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    number = 0
    for piece in pieces:
        kind = fate_of(piece)
        if kind is not None:
            number += 1
            at = observed_at(piece, 1) + timedelta(days=9)
            yield {
                "id": number,
                "article_id": piece.number,
                "kind": kind,
                "first_sign_at": at,
                "decided_at": at + timedelta(hours=6),
                "reason": "HTTP 410",
                "recorded_at": at + timedelta(hours=6),
            }


def travels(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    drawn = random.Random(3)
    for piece in pieces:
        if piece.parent is not None:
            state = drawn.choice(("carries-old", "took-over", "never-had", "unclear"))
            taken = state == "took-over"
            at = observed_at(piece, 2)
            yield {
                "change_id": piece.parent * 2 - 1,
                "article_id": piece.number,
                "state": state,
                "relation": piece.relation,
                "passage": sentences(piece.language)[piece.opening],
                "version_id": version_id(piece, 1),
                "noted_at": at,
                "taken_version_id": version_id(piece, 2) if taken else None,
                "taken_at": at if taken else None,
                "recorded_at": at,
            }
