"""`db`: the schema of the database."""

from __future__ import annotations

import typer

from ingest.cli.state import State
from ingest.errors import SchemaError

app = typer.Typer(help="Upgrade, check and name the schema.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to the schema this program needs; doing it twice changes nothing.

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
    finally:
        engine.dispose()
    typer.echo(f"at {after}" if before == after else f"{before or 'empty'} -> {after}")


@app.command()
def check(context: typer.Context) -> None:
    """Compare the database with the schema this program needs; exit code 1 if they differ.

    Example: storywatch db check
    """
    from storage import migrate  # noqa: PLC0415
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
