"""What evidence is asked for: an article, or the relation of two texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.cli.article import find_article
from ingest.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.evidence import KeptVerdict

_RELATION = re.compile(r"relation:(\d{1,18})")
_SEED = re.compile(r"seed(?::(.+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Articles and the verdicts on them."""

    name: str
    article_ids: tuple[int, ...]
    verdicts: tuple[KeptVerdict, ...]


def find_subject(connection: Connection, named: str, other: str | None) -> Subject:
    """The articles and verdicts that one or two words name.

    Raises UsageError when there is nothing of that name, or no verdict on the two.
    """
    relation = _RELATION.fullmatch(named)
    if relation:
        if other is not None:
            raise UsageError(f"{named} names both texts already: leave {other} out")
        return _of_edge(connection, int(relation[1]))
    article_id = find_article(connection, named).id
    if other is None:
        return _of_article(connection, article_id)
    seed = _SEED.fullmatch(other)
    if seed:
        return _of_seed(connection, article_id, seed[1])
    return _of_pair(connection, article_id, find_article(connection, other).id)


def _of_edge(connection: Connection, edge_id: int) -> Subject:
    from storage.evidence import verdict_of_edge  # noqa: PLC0415 - --help needs none of it

    verdict = verdict_of_edge(connection, edge_id)
    if verdict is None:
        raise UsageError(
            f"relation:{edge_id}: no such verdict; the view relations has each with its edge_id"
        )
    return Subject(
        name=f"relation {edge_id}: {verdict.child.name} to {verdict.parent.name}",
        article_ids=_articles(verdict),
        verdicts=(verdict,),
    )


def _articles(verdict: KeptVerdict) -> tuple[int, ...]:
    ids = (verdict.child.article_id, verdict.parent.article_id)
    return tuple(sorted(article_id for article_id in ids if article_id is not None))


def _of_article(connection: Connection, article_id: int) -> Subject:
    from storage.evidence import verdicts_on_article  # noqa: PLC0415

    return Subject(
        name=f"article {article_id}",
        article_ids=(article_id,),
        verdicts=tuple(verdicts_on_article(connection, article_id)),
    )


def _of_seed(connection: Connection, article_id: int, story: str | None) -> Subject:
    from storage.evidence import verdicts_on_article  # noqa: PLC0415

    found = tuple(
        verdict
        for verdict in verdicts_on_article(connection, article_id)
        if verdict.parent.article_id is None
        and story in (None, verdict.parent.name.rpartition(" of ")[2])
    )
    if not found:
        raise UsageError(f"article {article_id} was compared with no such seed")
    return Subject(
        name=f"article {article_id} and the seed{f' of {story}' if story else ''}",
        article_ids=(article_id,),
        verdicts=found,
    )


def _of_pair(connection: Connection, one: int, two: int) -> Subject:
    from storage.evidence import verdicts_on_pair  # noqa: PLC0415

    if one == two:
        raise UsageError(f"article {one} twice: name two articles")
    found = tuple(verdicts_on_pair(connection, one, two))
    if not found:
        raise UsageError(
            f"articles {one} and {two} were never compared; `storywatch compare` compares two texts"
        )
    return Subject(
        name=f"articles {one} and {two}", article_ids=(min(one, two), max(one, two)), verdicts=found
    )
