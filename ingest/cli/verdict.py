"""`verdict`: analysts' corrections, and how the rule does by them."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from ingest.cli.state import State
from ingest.errors import UsageError
from ingest.model import Relation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from ingest.verdict_score import Scores, Share

app = typer.Typer(
    help="Correct verdicts, and score the rule by the corrections.", no_args_is_help=True
)

_WHERE_IDS_ARE = '`storywatch sql "SELECT article_id, title FROM articles"` lists the articles'


@app.command("set")
def set_verdict(
    context: typer.Context,
    child: Annotated[str, typer.Argument(help="Article id, or v and a version id, as in v12.")],
    parent: Annotated[str, typer.Argument(help="The same, or seed, or seed:STORY.")],
    relation: Annotated[Relation, typer.Argument(help="What is true.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    author: Annotated[str, typer.Option(help="Who says so.")] = "",
) -> None:
    """Say how two texts truly relate; it counts over every rule, now and later.

    Example: storywatch verdict set 12 seed:kim-putin same_story --note "own reporting"
    """
    from ingest.relating import refresh_clusters  # noqa: PLC0415 - --help needs none of it
    from ingest.runtime import open_database, utc_now  # noqa: PLC0415
    from storage.analyst_verdicts import add_analyst_verdict  # noqa: PLC0415
    from storage.engine import transaction  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine, transaction(engine) as connection:
        child_version, child_article = _version(connection, child)
        seed_id = _seed(connection, parent, child_article)
        parent_version = None
        if seed_id is None:
            parent_version, parent_article = _version(connection, parent)
            if parent_article == child_article:
                raise UsageError(
                    f"{child} and {parent} are one article; its versions are related by"
                    " article_changes"
                )
        add_analyst_verdict(
            connection,
            child_version_id=child_version,
            parent_version_id=parent_version,
            seed_id=seed_id,
            relation=relation,
            author=author,
            note=note,
            now=utc_now(),
        )
        refresh_clusters(connection, [child_article], utc_now())
    typer.echo(f"version {child_version} to {parent}: {relation.value}")


@app.command("list")
def list_verdicts(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the corrections in force, with what the rule says of the same pairs."""
    from dataclasses import asdict  # noqa: PLC0415

    from ingest.runtime import open_database  # noqa: PLC0415
    from storage.analyst_verdicts import corrections  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine, read_connection(engine) as connection:
        found = list(corrections(connection))
    for item in found:
        if as_json:
            typer.echo(json.dumps(asdict(item), default=str, ensure_ascii=False))
        else:
            typer.echo(
                f"{item.relation.value} (rule: {item.machine.value}): {item.child!r} to"
                f" {item.parent!r}" + (f"; {item.note}" if item.note else "")
            )


@app.command("score")
def score_verdicts(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell the rule's precision and recall by the corrections.

    Corrections are of pairs somebody looked at, often for being wrong: they flatter no rule.
    """
    from ingest.runtime import open_database  # noqa: PLC0415
    from ingest.verdict_score import score  # noqa: PLC0415
    from storage.analyst_verdicts import corrections  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine, read_connection(engine) as connection:
        scores = score([(item.machine, item.relation) for item in corrections(connection)])
    if as_json:
        typer.echo(json.dumps(_fields(scores)))
    elif not scores.pairs:
        typer.echo(
            "no corrections yet; `storywatch verdict set CHILD PARENT RELATION` adds one, and so"
            " does an INSERT into analyst_verdict"
        )
    else:
        _print_scores(scores)


def _print_scores(scores: Scores) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table("relation", "precision", "95 %", "recall", "95 %")
    for item in scores.relations:
        table.add_row(item.relation.value, *_cells(item.precision), *_cells(item.recall))
    console.print(table)
    occurring = [item.relation for item in scores.relations]
    matrix = Table("rule \\ analyst", *(relation.value for relation in occurring))
    for machine in occurring:
        counts = (scores.confusion.get((machine, analyst), 0) for analyst in occurring)
        matrix.add_row(machine.value, *map(str, counts))
    console.print(matrix)


def _cells(share: Share) -> tuple[str, str]:
    if share.share is None:
        return "none", ""
    return f"{share.hits}/{share.count} {share.share:.2f}", f"{share.low:.2f} to {share.high:.2f}"


def _fields(scores: Scores) -> dict[str, object]:
    from dataclasses import asdict  # noqa: PLC0415

    return {
        "pairs": scores.pairs,
        "relations": [asdict(item) for item in scores.relations],
        "confusion": [
            {"machine": machine.value, "analyst": analyst.value, "pairs": count}
            for (machine, analyst), count in sorted(scores.confusion.items())
        ],
    }


def _version(connection: Connection, given: str) -> tuple[int, int]:
    """Return (version, article) of what was given on the command line."""
    from storage.analyst_verdicts import find_version  # noqa: PLC0415

    if not re.fullmatch(r"v?[0-9]{1,18}", given):
        raise UsageError(
            f"{given}: give an article's id, as in 12, or a version's, as in v12, and after it the"
            f" same, seed or seed:STORY; {_WHERE_IDS_ARE}"
        )
    if given.startswith("v"):
        found = find_version(connection, version_id=int(given[1:]))
        unknown = "version; the view article_versions has them all"
    else:
        found = find_version(connection, article_id=int(given))
        unknown = f"article; {_WHERE_IDS_ARE}"
    if found is None:
        raise UsageError(f"{given}: there is no such {unknown}")
    return found


def _seed(connection: Connection, given: str, article_id: int) -> int | None:
    """Return the current seed that was meant, None when a text was."""
    from storage.analyst_verdicts import current_seeds  # noqa: PLC0415

    kind, named, slug = given.partition(":")
    if kind != "seed":
        return None
    every = current_seeds(connection)
    if named:
        if slug not in every:
            raise UsageError(f"{given}: there is no such story; write {_choices(every)}")
        return every[slug]
    own = current_seeds(connection, article_id=article_id)
    if len(own) != 1:
        raise UsageError(
            f"seed: article {article_id} is of {len(own)} stories; write {_choices(own or every)}"
        )
    return next(iter(own.values()))


def _choices(slugs: Iterable[str]) -> str:
    return " or ".join(f"seed:{slug}" for slug in slugs)
