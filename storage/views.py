"""Analysts' views: made, dropped, compared with what they should be.

They are the interface that SQL written elsewhere relies on: a column may be added, never renamed
or removed. On both databases a column holds the same value; in SQL, a boolean is asked for with
`WHERE is_current`, since SQLite holds it as 0 or 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Table

from storage.view import view_sql
from storage.view_articles import article_changes, article_versions, articles, seed_relations
from storage.view_coverage import coverage
from storage.view_graph import cluster_members, clusters, derivations, relations
from storage.view_headlines import disappearances, headline_changes
from storage.view_looks import backfills, looks
from storage.view_press import outlets, timeline
from storage.view_reports import first_reports, independent_reports
from storage.view_runs import contract_version, runs
from storage.view_sayings import figures, quotes
from storage.view_search import search_index
from storage.view_snapshots import snapshots
from storage.view_sources import discards, feed_events, feed_health, feed_polls
from storage.view_stories import seeds
from storage.view_verdicts import verdicts
from storage.view_versions import article_events, correction_lag, outlet_alarms

VIEWS: Mapping[str, Table] = {
    view.name: view
    for view in (
        articles, article_versions, article_changes, headline_changes, article_events,
        disappearances, seeds, seed_relations, clusters, cluster_members, derivations, relations,
        verdicts,
        independent_reports, first_reports, timeline, correction_lag, outlets, outlet_alarms,
        discards, feed_health, feed_polls, feed_events, coverage, looks, backfills, runs,
        quotes, figures, search_index, snapshots, contract_version,
    )
}  # fmt: skip

__all__ = [
    "VIEWS",
    "article_changes",
    "article_events",
    "article_versions",
    "articles",
    "backfills",
    "cluster_members",
    "clusters",
    "comment_statements",
    "contract_version",
    "correction_lag",
    "coverage",
    "create_views",
    "derivations",
    "disappearances",
    "discards",
    "drop_views",
    "feed_events",
    "feed_health",
    "feed_polls",
    "figures",
    "first_reports",
    "headline_changes",
    "independent_reports",
    "looks",
    "outlet_alarms",
    "outlets",
    "quotes",
    "relations",
    "runs",
    "search_index",
    "seed_relations",
    "seeds",
    "snapshots",
    "stale_views",
    "timeline",
    "verdicts",
    "view_readers",
]


_GRANTS = """
SELECT table_name, privilege_type, grantee FROM information_schema.role_table_grants
WHERE table_schema = current_schema() AND grantee <> current_user
"""


_READERS = """
SELECT grantee FROM information_schema.role_table_grants
WHERE table_schema = current_schema() AND privilege_type = 'SELECT' AND grantee <> current_user
  AND table_name IN ({names})
GROUP BY grantee HAVING COUNT(DISTINCT table_name) = {count}
ORDER BY grantee
"""


def create_views(connection: Connection, grants: Sequence[str] = ()) -> None:
    """Make all views, on Postgres with the data dictionary as comments; then execute the grants."""
    dialect = connection.dialect.name
    for view in VIEWS.values():
        _execute(connection, _create_statement(view, dialect))
        if dialect == "postgresql":
            _execute(connection, ";\n".join(comment_statements(view)))
    for statement in grants:
        _execute(connection, statement)


def drop_views(connection: Connection) -> tuple[str, ...]:
    """Drop those views that are there; return the statements that grant them as they were.

    On Postgres this fails while another view is built on one of them.
    """
    grants = _grant_statements(connection)
    for name in VIEWS:
        _execute(connection, f"DROP VIEW IF EXISTS {name}")
    return grants


def stale_views(connection: Connection) -> tuple[str, ...]:
    """Names of the views that are missing or are not what this program would make."""
    found = _definitions(connection)
    return tuple(
        name
        for name, view in VIEWS.items()
        if not found.get(name, "").endswith(_definition(view, connection.dialect.name))
    )


def _execute(connection: Connection, statement: str) -> None:
    # no parameters: a percent sign is a percent sign
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _create_statement(view: Table, dialect: str) -> str:
    return f"CREATE VIEW {view.name} AS\n{view_sql(view, dialect)}"


def _definition(view: Table, dialect: str) -> str:
    """What tells a definition from another: SQLite keeps the text, Postgres a rewritten one."""
    statement = _create_statement(view, dialect)
    if dialect == "sqlite":
        return statement
    dictionary = "\n".join(f"{column.name}: {column.comment}" for column in view.columns)
    digest = hashlib.sha256(f"{statement}\n{view.comment}\n{dictionary}".encode()).hexdigest()
    return f"[definition {digest[:16]}]"


def _definitions(connection: Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'view'"
    else:
        query = """
            SELECT relname, COALESCE(obj_description(oid, 'pg_class'), '') FROM pg_class
            WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace
        """
    return {str(name): str(made) for name, made in connection.exec_driver_sql(query)}


def comment_statements(view: Table, *, kind: str = "VIEW", prefix: str = "") -> Iterator[str]:
    """The data dictionary's words on a view, or a TABLE of its shape in a schema, for Postgres."""
    described = f"{view.comment} {_definition(view, 'postgresql')}"
    yield f"COMMENT ON {kind} {prefix}{view.name} IS {_literal(described)}"
    for column in view.columns:
        place = f"{prefix}{view.name}.{column.name}"
        yield f"COMMENT ON COLUMN {place} IS {_literal(column.comment or '')}"


def _literal(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def view_readers(connection: Connection) -> tuple[str, ...]:
    """Who may read every view that is there, quoted as in a GRANT; on SQLite nobody is anybody."""
    if connection.dialect.name == "sqlite":
        return ()
    there = [name for name in _definitions(connection) if name in VIEWS]
    if not there:
        return ()
    query = _READERS.format(names=", ".join(map(_literal, there)), count=len(there))
    return tuple(_grantee(connection, who) for (who,) in connection.exec_driver_sql(query))


def _grantee(connection: Connection, who: str) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return "PUBLIC" if who == "PUBLIC" else quote(who)


def _grant_statements(connection: Connection) -> tuple[str, ...]:
    """The grants on views as they are; who reads all of them will read those to come as well."""
    if connection.dialect.name == "sqlite":
        return ()
    as_they_are = [
        f"GRANT {privilege} ON {name} TO {_grantee(connection, who)}"
        for name, privilege, who in connection.exec_driver_sql(_GRANTS)
        if name in VIEWS
    ]
    all_views = ", ".join(VIEWS)
    return (
        *as_they_are,
        *(f"GRANT SELECT ON {all_views} TO {who}" for who in view_readers(connection)),
    )
