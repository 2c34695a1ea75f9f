"""The search index: the terms of every version, written with the version.

On SQLite the FTS5 table `version_search`, which holds no text of its own (contentless); on Postgres
a table of that name with two tsvectors. Migrations make it, this module fills it. It is not in
`schema.metadata`, which knows what both databases have alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, text

from storage.engine import transaction
from storage.search_render import is_overfull, ts_vector
from storage.terms import indexed_terms, stemmed_words

TABLE = "version_search"
INDEX_TABLES = frozenset(
    {TABLE, *(f"{TABLE}_{part}" for part in ("config", "content", "data", "docsize", "idx"))}
)
"""The index, and what FTS5 keeps it in."""

TABLE_DDL = {
    "sqlite": f"""
        CREATE VIRTUAL TABLE {TABLE} USING fts5(
            title, text, content='',
            tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co'"
        )
    """,
    "postgresql": f"""
        CREATE TABLE {TABLE} (
            version_id BIGINT CONSTRAINT pk_{TABLE} PRIMARY KEY
                CONSTRAINT fk_{TABLE}_version_id REFERENCES version (id) ON DELETE CASCADE,
            words TSVECTOR NOT NULL,
            stems TSVECTOR NOT NULL,
            is_overfull BOOLEAN NOT NULL
        )
    """,
}
STORAGE_SQL = "ALTER TABLE version_search ALTER COLUMN words SET STORAGE MAIN"
"""On Postgres: kept in the row, or the table that is left beside the large values would be so small
that the planner reads all of it, values included, instead of the index."""

RANK_SQL = "INSERT INTO version_search (version_search, rank) VALUES ('rank', 'bm25(4.0, 1.0)')"
"""On SQLite: a word in the headline counts four times as much, for whoever orders by rank."""

INDEX_DDL = tuple(
    f"CREATE INDEX IF NOT EXISTS ix_{TABLE}_{name} ON {TABLE} USING gin ({name})"
    for name in ("words", "stems")
)
"""On Postgres; made after the table is filled, which is several times as fast."""

CONFIGURATIONS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
"""Postgres's text search configuration of a language, by ISO 639-1; others have no stems.

A server older than 18 knows fewer of them; there the rest is `simple`.
"""

_INSERT = {
    "sqlite": text("INSERT INTO version_search (rowid, title, text) VALUES (:id, :title, :text)"),
    "postgresql": text("""
        INSERT INTO version_search (version_id, words, stems, is_overfull)
        SELECT :id, CAST(:words AS tsvector),
               setweight(to_tsvector(c.name, CAST(:title AS text)), 'A')
               || to_tsvector(c.name, CAST(:text AS text)), :overfull
        FROM (SELECT COALESCE(
            (SELECT oid::regconfig FROM pg_ts_config
             WHERE cfgname = :configuration AND cfgnamespace = 'pg_catalog'::regnamespace),
            'pg_catalog.simple'::regconfig) AS name) c
    """),
}
_BATCH = {
    "sqlite": text("""
        SELECT v.id, v.title, v.text, v.language FROM version v
        WHERE v.id > :after AND NOT EXISTS (
            SELECT 1 FROM version_search_docsize d WHERE d.id = v.id
        )
        ORDER BY v.id LIMIT 500
    """),
    "postgresql": text("""
        SELECT v.id, v.title, v.text, v.language FROM version v
        WHERE v.id > :after AND NOT EXISTS (
            SELECT 1 FROM version_search d WHERE d.version_id = v.id
        )
        ORDER BY v.id LIMIT 500
    """),
}
_EMPTY = {
    "sqlite": "INSERT INTO version_search (version_search) VALUES ('delete-all')",
    "postgresql": "DELETE FROM version_search",
}
_MISSING = {
    "sqlite": """
        SELECT COUNT(*) FROM version v
        WHERE NOT EXISTS (SELECT 1 FROM version_search_docsize d WHERE d.id = v.id)
    """,
    "postgresql": """
        SELECT COUNT(*) FROM version v
        WHERE NOT EXISTS (SELECT 1 FROM version_search d WHERE d.version_id = v.id)
    """,
}
_EXTRA = {
    "sqlite": """
        SELECT COUNT(*) FROM version_search_docsize d
        WHERE NOT EXISTS (SELECT 1 FROM version v WHERE v.id = d.id)
    """,
    "postgresql": "SELECT 0",  # the foreign key sees to it
}
_THERE = {
    "sqlite": "SELECT COUNT(*) FROM sqlite_master WHERE name = :name",
    "postgresql": "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass(:name)",
}


def index_version(
    connection: Connection, version_id: int, *, title: str, body: str, language: str | None
) -> None:
    """Add a version to the index."""
    dialect = connection.dialect.name
    row = _row(dialect, version_id, title=title, body=body, language=language)
    connection.execute(_INSERT[dialect], row)


def index_again(connection: Connection, version_id: int) -> None:
    """Add a version that was written by copying another one."""
    title, body, language = connection.execute(
        text("SELECT title, text, language FROM version WHERE id = :id"), {"id": version_id}
    ).one()
    index_version(connection, version_id, title=title, body=body, language=language)


def create_index(connection: Connection) -> None:
    """Make the index, empty."""
    dialect = connection.dialect.name
    connection.exec_driver_sql(TABLE_DDL[dialect])
    for statement in (STORAGE_SQL, *INDEX_DDL) if dialect == "postgresql" else (RANK_SQL,):
        connection.exec_driver_sql(statement)


def fill_index(connection: Connection) -> int:
    """Add all versions that are not in the index, and make it fast; return how many were added."""
    added, after = 0, 0
    while batch := add_missing(connection, after=after):
        added, after = added + len(batch), batch[-1]
    if connection.dialect.name == "postgresql":
        for statement in INDEX_DDL:
            connection.exec_driver_sql(statement)
    return added


def rebuild_index(engine: Engine) -> int:
    """Make the index anew beside other writers, some versions a transaction; return how many.

    Raises StorageError when the database refuses.
    """
    with transaction(engine) as connection:
        there = _THERE[connection.dialect.name]
        if connection.execute(text(there), {"name": TABLE}).scalar():
            empty_index(connection)
        else:
            create_index(connection)
    added, after = 0, 0
    while True:
        with transaction(engine) as connection:
            batch = add_missing(connection, after=after)
        if not batch:
            return added
        added, after = added + len(batch), batch[-1]


def add_missing(connection: Connection, *, after: int) -> list[int]:
    """Add the next versions that are not in the index; return their ids, none at the end."""
    dialect = connection.dialect.name
    rows = [
        _row(dialect, item.id, title=item.title, body=item.text, language=item.language)
        for item in connection.execute(_BATCH[dialect], {"after": after})
    ]
    if rows:
        connection.execute(_INSERT[dialect], rows)
    return [int(row["id"]) for row in rows]


def empty_index(connection: Connection) -> None:
    """Take everything out of the index."""
    connection.exec_driver_sql(_EMPTY[connection.dialect.name])


def index_faults(connection: Connection) -> list[str]:
    """What is wrong with the index, for people; nothing when all is well."""
    dialect = connection.dialect.name
    there = text(_THERE[dialect])
    names = [TABLE]
    if dialect == "postgresql":
        names += [f"ix_{TABLE}_words", f"ix_{TABLE}_stems"]
    lost = [name for name in names if not connection.execute(there, {"name": name}).scalar()]
    if lost:
        return [f"the search index lacks {name}" for name in lost]
    missing = connection.exec_driver_sql(_MISSING[dialect]).scalar_one()
    extra = connection.exec_driver_sql(_EXTRA[dialect]).scalar_one()
    counted = ((missing, "that it should have"), (extra, "that are not there any more"))
    return [
        f"the search index differs by {count} versions {what}: run `storywatch db reindex`"
        for count, what in counted
        if count
    ]


def _row(
    dialect: str, version_id: int, *, title: str, body: str, language: str | None
) -> dict[str, Any]:
    head, rest = indexed_terms(title, body)
    if dialect == "sqlite":
        return {"id": version_id, "title": " ".join(head), "text": " ".join(rest)}
    configuration = CONFIGURATIONS.get(language or "")
    stem_head, stem_rest = stemmed_words(title, body) if configuration else ("", "")
    return {
        "id": version_id,
        "words": ts_vector(head, rest),
        "title": stem_head,
        "text": stem_rest,
        "configuration": configuration or "simple",
        "overfull": is_overfull(head, rest),
    }
