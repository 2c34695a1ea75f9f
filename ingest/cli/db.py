"""`db`: the schema of the database, who may do what in it, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ingest.cli.state import State
from ingest.errors import SchemaError, StorageError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(
    help="Upgrade, check and name the schema; set the rights of users; copy the database.",
    no_args_is_help=True,
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
    _tell_refused(refused, "the rights are set, but this user may not limit the analyst")


@app.command("grant-analyst")
def grant_analyst(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="A role of the server, for people with queries.")],
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="It may add to analyst_verdict.")
    ] = False,
    statement_seconds: Annotated[
        int, typer.Option(min=1, help="How long a query may run, and a transaction stand idle.")
    ] = 60,
    connections: Annotated[int, typer.Option(min=1, help="How many connections it may have.")] = 5,
) -> None:
    """Let a role of Postgres read the views and the snapshots, and do nothing else.

    Run it as the owner of the tables. Example: storywatch db grant-analyst ada
    """
    grant(
        context,
        writer=None,
        analyst=role,
        verdicts=verdicts,
        statement_seconds=statement_seconds,
        connections=connections,
    )


@app.command("revoke-analyst")
def revoke_analyst(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="The role; it stays, without rights.")],
) -> None:
    """Take from a role of Postgres what grant-analyst gave it; doing it twice changes nothing.

    Example: storywatch db revoke-analyst ada
    """
    from storage import roles  # noqa: PLC0415
    from storage.engine import open_engine  # noqa: PLC0415

    state: State = context.obj
    engine = open_engine(state.load().database.url)
    try:
        refused = roles.revoke_analyst(engine, role)
    finally:
        engine.dispose()
    typer.echo(f"{role} reads nothing any more")
    _tell_refused(refused, "the rights are taken, but this user may not undo the role's limits")


def _tell_refused(refused: list[str], what: str) -> None:
    if not refused:
        return
    for statement in refused:
        typer.echo(f"{statement};")
    raise StorageError(f"{what}: let an administrator of the server execute the statements above")


@app.command()
def snapshot(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="File to make.")],
    views_only: Annotated[
        bool, typer.Option("--views-only", help="What the views show, as tables, and no more.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Copy an SQLite database as of one moment, beside whoever writes to it, and check the copy.

    Example: storywatch db snapshot analysts.db
    """
    import ingest  # noqa: PLC0415 - --help needs none of it
    from ingest.runtime import open_database, utc_now  # noqa: PLC0415
    from storage.copying import copy_database, copy_views, require_file  # noqa: PLC0415
    from storage.provenance import provenance  # noqa: PLC0415
    from storage.snapshotplan import SnapshotPlan  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine:
        require_file(engine, file)
        if views_only:
            plan = SnapshotPlan(
                name=file.stem,
                note="",
                made_by=provenance(engine, program_version=ingest.__version__),
                now=utc_now,
            )
            told = f"{copy_views(engine, file, plan, replace=force)} rows of the views"
        else:
            told = f"{copy_database(engine, file, replace=force)} bytes"
    typer.echo(f"{file}: {told}")
