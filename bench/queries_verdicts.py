"""Rows of the made-up archive: verdicts on its articles, and their clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from queries_archive import END, Piece, Row, Size, observed_at, version_id


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
        placed_at = observed_at(piece, 1) + timedelta(seconds=3)
        yield {
            "article_id": piece.number,
            "cluster_id": piece.cluster,
            "earliest": earliest,
            "parent_article_id": piece.parent,
            "parent_relation": piece.relation if derived else None,
            "parent_shared_child": 0.8 if derived else None,
            "parent_shared_parent": 0.7 if derived else None,
            "size": sizes[piece.number] if earliest else 0,
            "updated_at": placed_at,
            "parent_since": placed_at if derived else None,
        }
