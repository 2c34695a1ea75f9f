"""What the demonstration prints at its end: tables, what was missed, queries to try."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from ingest.demo.check import Found, find_misses
from ingest.demo.newsroom import Newsroom
from ingest.demo.run import DemoRun
from ingest.log import mask
from storage.engine import open_engine
from storage.readonly import read_only_query

QUERIES = (
    "SELECT outlet, language, title, relation_to_seed FROM articles ORDER BY published_at",
    "SELECT outlet, relation, parent_outlet, shared_article FROM derivations",
    "SELECT outlet, kind, reason, headline_to FROM article_changes ORDER BY changed_at",
    "SELECT outlet, kind, title, first_sign_at, decided_at FROM article_events",
    "SELECT stage, rule, title, detail FROM discards ORDER BY stage, rule",
)


def print_report(console: Console, run: DemoRun, newsroom: Newsroom) -> bool:
    """Print what was found; whether it is all that the newsroom holds."""
    engine = open_engine(f"sqlite:///{run.database}")
    try:
        found = _read(engine)
        console.print(
            _articles(engine, newsroom),
            _derivations(engine),
            _changes(engine),
            _events(engine),
            _discards(engine),
            _feeds(engine),
        )
    finally:
        engine.dispose()
    misses = list(find_misses(newsroom, found))
    if run.daemon_exit_code != 0:
        misses.append(f"the daemon ended with exit code {run.daemon_exit_code}")
    if run.acts_played < run.acts:
        misses.append(f"only {run.acts_played} of {run.acts} acts were seen in time")
    for miss in misses:
        console.print(f"[red]missed:[/red] {escape(miss)}")
    if not misses:
        console.print(
            f"[green]all found:[/green] {len(found.articles)} articles,"
            f" {sum(map(len, found.changes.values()))} changes, {len(found.discards)} discards"
        )
    console.print(f"\nThe database is left at [bold]{run.database}[/bold]. Five queries to try:")
    for query in QUERIES:
        console.print(
            f'  storywatch --config {run.config} sql "{query}"', soft_wrap=True, highlight=False
        )
    return not misses


def _rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    columns, rows = read_only_query(engine, query)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _read(engine: Engine) -> Found:
    changes: dict[str, list[str]] = {}
    for row in _rows(engine, "SELECT url, kind FROM article_changes ORDER BY to_seq"):
        changes.setdefault(row["url"], []).append(row["kind"])
    return Found(
        articles={row["url"]: row for row in _rows(engine, "SELECT * FROM articles")},
        changes=changes,
        discards={
            row["canonical_url"]: f"{row['stage']} {row['rule']}"
            for row in _rows(engine, "SELECT canonical_url, stage, rule FROM discard")
        },
        feeds={row["url"]: row for row in _rows(engine, "SELECT * FROM feed_health")},
    )


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold")


def _text(value: object) -> str:
    return escape(mask("" if value is None else str(value)))


def _articles(engine: Engine, newsroom: Newsroom) -> Table:
    true = {newsroom.url(piece): piece.relation for piece in newsroom.pieces}
    table = _table(
        "Articles",
        "outlet",
        "lang",
        "headline",
        "relation to the seed",
        "in truth",
        "versions",
        "state",
    )
    for row in _rows(engine, "SELECT * FROM articles ORDER BY published_at, article_id"):
        relation = row["relation_to_seed"]
        told = f"{relation} {row['seed_score']:.2f}"
        if row["needs_review"]:
            told += ", review"
        table.add_row(
            _text(row["outlet"]),
            row["language"],
            _text(row["title"]),
            told,
            _text(true.get(row["url"])),
            str(row["versions"]),
            row["state"],
        )
    return table


def _derivations(engine: Engine) -> Table:
    table = _table("Who has it from whom", "outlet", "headline", "relation", "share", "from")
    for row in _rows(engine, "SELECT * FROM derivations ORDER BY parent_article_id, article_id"):
        table.add_row(
            _text(row["outlet"]),
            _text(row["title"]),
            row["relation"],
            f"{row['shared_article']:.0%}",
            _text(f"{row['parent_outlet']}: {row['parent_title']}"),
        )
    return table


def _changes(engine: Engine) -> Table:
    table = _table("Changes", "outlet", "versions", "kind", "reason")
    for row in _rows(engine, "SELECT * FROM article_changes ORDER BY changed_at, url"):
        reason = row["reason"]
        if row["headline_to"]:
            reason += f": {row['headline_from']!r} became {row['headline_to']!r}"
        table.add_row(
            _text(row["outlet"]),
            f"{row['from_seq']} to {row['to_seq']}",
            row["kind"],
            _text(reason),
        )
    return table


def _events(engine: Engine) -> Table:
    table = _table("Disappeared or walled off", "outlet", "headline", "what", "looks", "reason")
    looks = "SELECT COUNT(*) AS n FROM observation WHERE outcome = 'failed' AND article_id = "
    for row in _rows(engine, "SELECT * FROM article_events ORDER BY decided_at, url"):
        (failed,) = _rows(engine, f"{looks}{int(row['article_id'])}")
        table.add_row(
            _text(row["outlet"]),
            _text(row["title"]),
            row["kind"],
            f"{failed['n']} failed",
            _text(row["reason"]),
        )
    return table


def _discards(engine: Engine) -> Table:
    table = _table("Discards", "outlet", "headline", "stage", "rule", "detail")
    for row in _rows(engine, "SELECT * FROM discards ORDER BY stage, rule, title"):
        table.add_row(
            _text(row["outlet"]),
            _text(row["title"]),
            row["stage"],
            row["rule"],
            _text(row["detail"]),
        )
    return table


def _feeds(engine: Engine) -> Table:
    table = _table("Feeds", "outlet", "health", "polls", "304", "failed", "last error")
    for row in _rows(engine, "SELECT * FROM feed_health ORDER BY outlet"):
        table.add_row(
            _text(row["outlet"]),
            row["health"],
            str(row["polls"]),
            str(row["not_modified"]),
            str(row["failed"]),
            _text(row["last_error"]),
        )
    return table
