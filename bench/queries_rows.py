"""The made-up archive as rows of the tables, in the order in which they refer to each other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from queries_archive import (
    BEGIN,
    DAYS,
    KINDS,
    LANGUAGES,
    OBSERVATIONS,
    POLLS_A_DAY,
    Piece,
    Row,
    Size,
    hashed,
    observed_at,
    sentences,
    text_of,
    title_of,
    version_id,
)
from sqlalchemy import Table

from storage import schema

END = BEGIN + timedelta(days=DAYS + 30)
Rows = Callable[[Size, Sequence[Piece]], Iterator[Row]]


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
            "name": f"Outlet {number}",
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


def edges(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    number = 0
    evidence = {"pairs": [["a sentence of the article", "a sentence of the other"]] * 3}
    for piece in pieces:
        others: list[tuple[int | None, int | None]] = [(None, 1)]
        if piece.parent is not None:
            others.append((piece.parent, None))
        for seq in (1, 2, 3):
            for parent, seed in others:
                number += 1
                copies = piece.cluster == 1 and seed
                relation = piece.relation if parent or copies else "same_story"
                yield {
                    "id": number,
                    "child_version_id": version_id(piece, seq),
                    "seed_id": seed,
                    "parent_version_id": (parent - 1) * 3 + 1 if parent else None,
                    "relation": relation,
                    "score": 0.9,
                    "shared_child": 0.8,
                    "shared_parent": 0.7,
                    "needs_review": number % 40 == 0,
                    "method": "sentences",
                    "method_version": "3",
                    "evidence": evidence,
                    "decided_at": observed_at(piece, seq) + timedelta(seconds=2),
                }


def verdicts(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    for number, piece in enumerate(pieces[::500], 1):
        yield {
            "id": number,
            "child_version_id": version_id(piece, 3),
            "seed_id": 1,
            "relation": "excerpt",
            "author": "mk",
            "note": "",
            "decided_at": END,
        }


def clusters(_size: Size, pieces: Sequence[Piece]) -> Iterator[Row]:
    sizes: dict[int, int] = {}
    for piece in pieces:
        sizes[piece.cluster] = sizes.get(piece.cluster, 0) + 1
    for piece in pieces:
        earliest = piece.cluster == piece.number
        derived = piece.parent is not None
        yield {
            "article_id": piece.number,
            "cluster_id": piece.cluster,
            "earliest": earliest,
            "parent_article_id": piece.parent,
            "parent_relation": piece.relation if derived else None,
            "parent_shared_child": 0.8 if derived else None,
            "parent_shared_parent": 0.7 if derived else None,
            "size": sizes[piece.number] if earliest else 0,
            "updated_at": observed_at(piece, 1) + timedelta(seconds=3),
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


TABLES: tuple[tuple[Table, Rows], ...] = (
    (schema.story, stories),
    (schema.seed, seeds),
    (schema.outlet, outlets),
    (schema.feed, feeds),
    (schema.feed_poll, polls),
    (schema.article, articles),
    (schema.article_url, article_urls),
    (schema.article_feed, article_feeds),
    (schema.article_story, article_stories),
    (schema.version, versions),
    (schema.observation, observations),
    (schema.change, changes),
    (schema.article_event, events),
    (schema.change_travel, travels),
    (schema.outlet_alarm, alarms),
    (schema.edge, edges),
    (schema.analyst_verdict, verdicts),
    (schema.article_cluster, clusters),
    (schema.discard, discards),
    (schema.job_run, runs),
)
"""Every table that a view reads, and what makes its rows."""
