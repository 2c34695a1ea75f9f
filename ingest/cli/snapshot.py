"""`snapshot`: the views as they are now, kept under a name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.state import State
from ingest.errors import OperationError
from ingest.log import mask

if TYPE_CHECKING:
    from storage.snapshots import Snapshot

app = typer.Typer(
    help="Keep the views as they are now under a name, so that numbers stay.", no_args_is_help=True
)

_NAME = "Small letters, digits and underscores."


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=_NAME)],
    note: Annotated[str, typer.Option(help="Why it is made, for others to read.")] = "",
) -> None:
    """Keep what every view shows now; later changes of the database do not reach it.

    Example: storywatch snapshot create before_backfill --note "as in the report of May"
    """
    import ingest  # noqa: PLC0415 - --help needs none of it
    from ingest.runtime import open_database, utc_now  # noqa: PLC0415
    from storage.provenance import provenance  # noqa: PLC0415
    from storage.snapshots import create_snapshot  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine:
        made = create_snapshot(
            engine,
            name,
            note=note,
            made_by=provenance(engine, program_version=ingest.__version__),
            now=utc_now,
        )
    typer.echo(f"{made.name}: {len(made.contents)} views, {_rows(made)} rows")


@app.command("list")
def list_all(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the snapshots; with --json, what each table of them holds.

    Example: storywatch snapshot list
    """
    from ingest.runtime import open_views  # noqa: PLC0415
    from storage.snapshots import has_place, list_snapshots  # noqa: PLC0415

    state: State = context.obj
    with open_views(state.load()) as engine:
        found = [(item, has_place(engine, item.name)) for item in list_snapshots(engine)]
    for item, there in found:
        if as_json:
            line = {**asdict(item), "created_at": item.created_at.isoformat(), "there": there}
            typer.echo(json.dumps(line, ensure_ascii=False))
            continue
        lost = "" if there else "  LOST: its schema or file is gone"
        note = f"  {mask(item.note)}" if item.note else ""
        typer.echo(f"{item.name}  {item.created_at:%Y-%m-%d %H:%M:%S}  {_rows(item)}{note}{lost}")


@app.command()
def drop(context: typer.Context, name: Annotated[str, typer.Argument(help=_NAME)]) -> None:
    """Remove a snapshot for good.

    Example: storywatch snapshot drop before_backfill
    """
    from ingest.runtime import open_database  # noqa: PLC0415
    from storage.snapshots import drop_snapshot  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine:
        drop_snapshot(engine, name)
    typer.echo(f"{name} is dropped")


@app.command()
def verify(context: typer.Context, name: Annotated[str, typer.Argument(help=_NAME)]) -> None:
    """Hash every table of a snapshot again; exit code 1 if one is not what it was.

    Example: storywatch snapshot verify before_backfill
    """
    from ingest.runtime import open_views  # noqa: PLC0415
    from storage.snapshots import find_snapshot, verify_snapshot  # noqa: PLC0415

    state: State = context.obj
    differing = []
    with open_views(state.load()) as engine:
        kept = find_snapshot(engine, name).contents
        for view, content in verify_snapshot(engine, name):
            if content == kept[view]:
                typer.echo(f"{content.sha256}  {view}  {content.rows} rows")
                continue
            differing.append(view)
            found = "no table" if content is None else f"{content.rows} rows, {content.sha256}"
            typer.echo(f"{view} DIFFERS: {found}; was {kept[view].rows} rows, {kept[view].sha256}")
    if differing:
        raise OperationError(
            f"the snapshot {name!r} is not what it was: {', '.join(differing)} changed"
        )


def _rows(item: Snapshot) -> int:
    return sum(content.rows for content in item.contents.values())
