"""The `storywatch` command, one module a group of commands."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; errors of ours become one line and their exit code."""
    from ingest.cli.app import app  # noqa: PLC0415 - keeps `import ingest.cli` free of the CLI library
    from ingest.errors import StorywatchError  # noqa: PLC0415

    try:
        app()
    except StorywatchError as error:
        print(f"storywatch: error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
