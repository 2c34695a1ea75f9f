"""`db`: the schema of the database, and who may do what in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli.state import State
from ingest.errors import SchemaError, StorageError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(
    help="Upgrade, check and name the schema; set the rights of its users.", no_args_is_help=True
)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to the schema this program needs; doing it twice changes nothing.

    Quotations and figures of what was stored before are read then. Killed, it goes on where it was
    when it is started again; a daemon's housekeeping does the same.

    Example: storywatch db upgrade
    """
    from storage import migrate  # noqa: PLC0415
    from storage.engine import open_engine  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        before = migrate.current(engine)
        migrate.upgrade(engine)
        after = migrate.current(engine)
        typer.echo(f"at {after}" if before == after else f"{before or 'empty'} -> {after}")
        _read_sayings(engine)
    finally:
        engine.dispose()


def _read_sayings(engine: Engine) -> None:
    from ingest.noting import count_unread, read_unread  # noqa: PLC0415

    waiting = count_unread(engine)
    if not waiting:
        return
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("articles", total=waiting)
        read = read_unread(engine, on_articles=lambda count: progress.advance(bar, count))
    typer.echo(f"read the quotations and figures of {read} articles")


@app.command()
def check(context: typer.Context) -> None:
    """Compare the database with the schema this program needs; exit code 1 if they differ.

    And the views with the contract that they keep.

    Example: storywatch db check
    """
    from storage import migrate  # noqa: PLC0415
    from storage.contract import promised_contract  # noqa: PLC0415
    from storage.engine import open_engine  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        differences = migrate.check(engine)
    finally:
        engine.dispose()
    for line in differences:
        typer.echo(line)
    if differences:
        raise SchemaError("the database differs from the schema; run `storywatch db upgrade`")
    typer.echo("the database is at the schema this program needs")
    typer.echo(f"its views keep version {promised_contract().version} of the contract")


@app.command()
def current(context: typer.Context) -> None:
    """Print the revision the database is at, and the one this program needs.

    Example: storywatch db current
    """
    from storage import migrate  # noqa: PLC0415
    from storage.engine import open_engine  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        revision = migrate.current(engine)
    finally:
        engine.dispose()
    typer.echo(f"database {revision or 'empty'}, program {migrate.head()}")


@app.command()
def reindex(context: typer.Context) -> None:
    """Make the search index anew, as after a repair of texts by hand; searches find part meanwhile.

    Stopped halfway, it is completed by the next run. Example: storywatch db reindex
    """
    from storage.engine import open_engine  # noqa: PLC0415
    from storage.migrate import require_head  # noqa: PLC0415
    from storage.search_index import rebuild_index  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        require_head(engine)
        added = rebuild_index(engine)
    finally:
        engine.dispose()
    typer.echo(f"{added} versions are in the search index")


@app.command()
def grant(
    context: typer.Context,
    writer: Annotated[
        str | None, typer.Option(help="Role for the daemon and all other commands: rows only.")
    ] = None,
    analyst: Annotated[
        str | None, typer.Option(help="Role for people with queries: the views only.")
    ] = None,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="The analyst may add to analyst_verdict.")
    ] = False,
    statement_seconds: Annotated[
        int, typer.Option(min=1, help="How long a query of the analyst may run.")
    ] = 60,
    connections: Annotated[
        int, typer.Option(min=1, help="How many connections the analyst may have.")
    ] = 5,
) -> None:
    """Set the rights of users of a Postgres database; doing it twice changes nothing.

    Run it as the owner of the tables. Example: storywatch db grant --analyst ada
    """
    if writer is None and analyst is None:
        raise UsageError("name a role with --writer or --analyst")
    from storage.engine import open_engine  # noqa: PLC0415
    from storage.migrate import require_head  # noqa: PLC0415
    from storage.roles import AnalystLimits, grant_roles  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        if engine.dialect.name != "sqlite":
            require_head(engine)
        refused = grant_roles(
            engine,
            writer=writer,
            analyst=analyst,
            verdicts=verdicts,
            limits=AnalystLimits(statement_seconds=statement_seconds, connections=connections),
        )
    finally:
        engine.dispose()
    for name, may in ((writer, "reads and writes rows"), (analyst, "reads the views")):
        if name is not None:
            typer.echo(f"{name} {may}")
    if refused:
        for statement in refused:
            typer.echo(f"{statement};")
        raise StorageError(
            "the rights are set, but this user may not limit the analyst: let an administrator of"
            " the server execute the statements above"
        )
