"""`config`: is the configuration sound, and what does it say?"""

from __future__ import annotations

import typer

from ingest.cli.state import State

app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)


@app.command()
def check(context: typer.Context) -> None:
    """Read the configuration and every seed; exit code 2 and one line if something is wrong.

    The C libraries that read feeds and pages are looked at too: exit code 1 if one is too old.

    Example: storywatch --config config.toml config check
    """
    from ingest.runtime import load_stories  # noqa: PLC0415
    from ingest.selfcheck import found_versions, require_sound  # noqa: PLC0415

    state: State = context.obj
    config = state.load()
    stories = load_stories(config)
    countries = {item.outlet.country for item in config.feeds if item.outlet.country}
    languages = {item.outlet.language for item in config.feeds if item.outlet.language}
    for story in stories:
        words = len(story.seed.text.split())
        typer.echo(
            f"story {story.rule.slug}: seed {story.seed.path}, {words} words,"
            f" language {story.seed.language or 'unknown'}"
        )
    typer.echo(
        f"{len(config.feeds)} feeds of {len(countries)} countries in {len(languages)} languages"
    )
    found = found_versions()
    require_sound(found)
    typer.echo("libraries: " + ", ".join(f"{name} {version}" for name, version in found.items()))
    typer.echo("the configuration is sound")


@app.command()
def show(context: typer.Context) -> None:
    """Print the configuration in force, flags and environment included, secrets masked.

    Example: storywatch config show
    """
    from ingest.config import describe_config  # noqa: PLC0415

    state: State = context.obj
    typer.echo(describe_config(state.load()))
