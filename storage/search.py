"""Searching: a query and what else a hit must be, as one SELECT on the view `search_index`.

query -> parse_query -> search_statement -> find_hits -> Found
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    Text,
    cast,
    exists,
    func,
    inspect,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY

from ingest.errors import UsageError
from storage.search_index import CONFIGURATIONS
from storage.search_query import Node, has_neighbours, loosened, matches
from storage.search_render import fts5_query, stem_query, ts_query
from storage.terms import indexed_terms
from storage.views import article_versions, articles, search_index, seed_relations, seeds

_i, _v = search_index.c, article_versions.c
_SHOWN = (
    "article_id", "version_id", "seq", "is_current", "url", "outlet", "domain", "title", "language",
    "published_at", "first_observed_at", "last_observed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, and what else a hit must be."""

    query: Node
    language: str | None = None  # ISO 639-1
    outlet: str | None = None  # registered domain
    story: str | None = None  # slug
    relation: str | None = None  # to the seed, the analyst's if there is one
    since: datetime | None = None  # of the publication, else of the first look
    until: datetime | None = None
    ever: bool = False  # versions that were replaced as well
    stem: bool = False  # all forms of a word, as the language's stemmer knows them


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A version that was found."""

    article_id: int
    version_id: int
    seq: int
    is_current: bool
    url: str
    outlet: str
    domain: str
    title: str
    text: str
    language: str | None
    published_at: datetime | None
    first_observed_at: datetime
    last_observed_at: datetime
    relations: tuple[tuple[str, str], ...]  # to the seed: the story's slug and the relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best hits, the best first."""

    hits: tuple[Hit, ...]
    has_more: bool


def search_statement(dialect: str, search: Search) -> Select[Any]:
    """The versions that are hits, the best first.

    On Postgres a phrase may be missing in what is overfull: such versions are checked afterwards.
    """
    found, worth = _on_sqlite(search) if dialect == "sqlite" else _on_postgres(search)
    return (
        select(*(_i[name] for name in _SHOWN), _i.is_overfull)
        .where(found, *_conditions(search))
        .order_by(worth, _i.version_id)
    )


def find_hits(connection: Connection, search: Search, *, limit: int) -> Found:
    """The best hits with their texts.

    Raises UsageError for an outlet, story, stemmer or index that the database does not have.
    """
    if not inspect(connection).has_table(search_index.name):
        raise UsageError(
            "a copy of the views has no index of words: search the database itself, or a whole copy"
            " of it, by `storywatch db snapshot FILE`"
        )
    _require_known(connection, search)
    dialect = connection.dialect.name
    statement = search_statement(dialect, search)
    checks = dialect == "postgresql" and not search.stem and has_neighbours(search.query)
    asked = limit + 1
    while True:
        rows = connection.execute(statement.limit(asked)).all()
        doubtful = [row.version_id for row in rows if checks and row.is_overfull]
        refused = _refused(connection, search.query, doubtful)
        kept = [row for row in rows if row.version_id not in refused]
        if len(kept) > limit or len(rows) < asked:
            break
        asked *= 4
    ids = [row.version_id for row in kept[:limit]]
    texts, relations = _texts(connection, ids), _relations(connection, ids)
    hits = tuple(
        Hit(
            **{name: getattr(row, name) for name in _SHOWN},
            text=texts[row.version_id],
            relations=tuple(relations.get(row.version_id, ())),
        )
        for row in kept[:limit]
    )
    return Found(hits=hits, has_more=len(kept) > limit)


# ---------------------------------------------------------------- what is asked of the index


def _on_sqlite(search: Search) -> tuple[ColumnElement[bool], ColumnElement[float]]:
    if search.stem:
        raise UsageError("SQLite has no stemmer: write the beginning of the word, as in train*")
    asked = literal(fts5_query(search.query), Text)
    return _i.words.op("MATCH", is_comparison=True)(asked), _i.rank


def _on_postgres(search: Search) -> tuple[ColumnElement[bool], ColumnElement[float]]:
    if search.stem:
        stems = _stemmed(search)
        return _found_in(_i.stems, stems), func.ts_rank_cd(_i.stems, stems, type_=Float).desc()
    exact = cast(literal(ts_query(search.query), Text), TSQUERY)
    found = _found_in(_i.words, exact)
    if has_neighbours(search.query):
        loose = cast(literal(ts_query(loosened(search.query)), Text), TSQUERY)
        found = (found & ~_i.is_overfull) | (_found_in(_i.words, loose) & _i.is_overfull)
    return found, func.ts_rank_cd(_i.words, exact, type_=Float).desc()


def _stemmed(search: Search) -> ColumnElement[Any]:
    configuration = CONFIGURATIONS.get(search.language or "")
    if configuration is None:
        raise UsageError("--stem needs --language with one of " + ", ".join(sorted(CONFIGURATIONS)))
    return func.to_tsquery(
        cast(literal(configuration, Text), REGCONFIG),
        literal(stem_query(search.query), Text),
        type_=TSQUERY,
    )


def _found_in(column: ColumnElement[Any], asked: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.op("@@", is_comparison=True)(asked)


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    known = seed_relations.c
    if not search.ever:
        wanted.append(_i.is_current)
    if search.language is not None:
        wanted.append(_i.language == search.language)
    if search.outlet is not None:
        wanted.append(_i.domain == search.outlet)
    at = func.coalesce(_i.published_at, _i.first_observed_at)
    if search.since is not None:
        wanted.append(at >= search.since)
    if search.until is not None:
        wanted.append(at <= search.until)
    # asked of each hit, for a list of all that are so related grows with the archive
    if search.relation is not None:
        related = [known.version_id == _i.version_id, known.final_relation == search.relation]
        if search.story is not None:
            related.append(known.story == search.story)
        wanted.append(exists().where(*related))
    elif search.story is not None:
        own = articles.c.article_id == _i.article_id
        wanted.append(exists().where(own, articles.c.story == search.story))
    return wanted


# ---------------------------------------------------------------- what is made of the hits


def _require_known(connection: Connection, search: Search) -> None:
    """Tell a slip of the pen from a search without hits."""
    for column, value, table, where in (
        (seeds.c.story, search.story, "story", "SELECT story FROM seeds"),
        (articles.c.domain, search.outlet, "outlet", "SELECT domain FROM articles"),
    ):
        known = select(column).where(column == value).limit(1)
        if value is None or connection.execute(known).first():
            continue
        raise UsageError(f"{value}: there is no such {table}; `{where}` has them")
    if search.stem and connection.dialect.name == "postgresql":
        asked = select(func.numnode(_stemmed(search)))
        if not connection.execute(asked).scalar_one():
            raise UsageError("the stemmer passes over all of these words: search without --stem")


def _refused(connection: Connection, query: Node, doubtful: Sequence[int]) -> set[int]:
    """Of versions whose words are all there, those that are no hits."""
    refused = set()
    for version_id in doubtful:
        title, body = connection.execute(
            select(_v.title, _v.text).where(_v.version_id == version_id)
        ).one()
        if not matches(query, *indexed_terms(title, body)):
            refused.add(version_id)
    return refused


def _texts(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = connection.execute(select(_v.version_id, _v.text).where(_v.version_id.in_(ids)))
    return {row.version_id: row.text for row in rows}


def _relations(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """How versions relate to the seeds of their stories."""
    known = seed_relations.c
    rows = connection.execute(
        select(known.version_id, known.story, known.final_relation)
        .where(known.version_id.in_(ids))
        .order_by(known.story)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.version_id, []).append((row.story, row.final_relation))
    return found
