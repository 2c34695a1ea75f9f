"""Running many commands for the price of one start.

A command takes a second to import its libraries and a tenth to do its work. Here one process
imports them, and each command is a fork of it: with its own arguments, folder, environment and exit
code, as if it had been typed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    exit_code: int
    output: str
    errors: str


Run = Callable[..., Done]
"""Takes the folder to stand in, the arguments, and variables of the environment as keywords."""


@contextmanager
def command_runner(folder: Path) -> Iterator[Run]:
    """Give a function that runs `storywatch`; `folder` takes what the commands print."""
    kept = {name: value for name, value in os.environ.items() if "STORYWATCH" not in name}
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.commands import serve; serve()"],
        cwd=ROOT, env=kept | {"OPENBLAS_NUM_THREADS": "1", "XDG_DATA_HOME": str(folder)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    ask, answer = server.stdin, server.stdout
    output, errors = folder / "output", folder / "errors"

    def run(where: Path, *arguments: str, **settings: str) -> Done:
        job = {"folder": str(where), "arguments": arguments, "settings": settings}
        job |= {"output": str(output), "errors": str(errors)}
        ask.write(json.dumps(job) + "\n")
        ask.flush()
        return Done(
            exit_code=int(answer.readline()),
            output=output.read_text(encoding="utf-8"),
            errors=errors.read_text(encoding="utf-8"),
        )

    with server:
        yield run
        ask.close()


def serve() -> None:
    """Run one command a line of standard input; answer with its exit code."""
    import ingest.cli.app  # noqa: F401, PLC0415 - to be there before the first fork
    from ingest.runtime import open_context  # noqa: F401, PLC0415
    from ingest.work import warm_up  # noqa: PLC0415

    warm_up()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(job: dict) -> None:
    """Turn this process into the command."""
    from ingest.cli import main  # noqa: PLC0415

    os.chdir(job["folder"])
    os.environ.update(job["settings"])
    for number, name in ((0, os.devnull), (1, job["output"]), (2, job["errors"])):
        mode = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(name, mode), number)
    sys.argv = ["storywatch", *job["arguments"]]
    main()
    sys.exit(0)
