"""Running many commands for the price of one start.

A command takes a second to import its libraries and a tenth to do its work. Here one process
imports them, and each command is a fork of it: with its own arguments, folder, environment and exit
code, as if it had been typed. Workers come from one fork server, which loads the models once.
"""

from __future__ import annotations

import atexit
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import forkserver
from pathlib import Path
from subprocess import CompletedProcess

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
    yield partial(_run, folder)


def call(*arguments: object, config: Path | None = None, **environment: str) -> CompletedProcess:
    """Run `storywatch` once, where its configuration is, and give what it printed."""
    given = ["--config", str(config)] if config else []
    with tempfile.TemporaryDirectory() as folder:
        done = _run(
            Path(folder), config.parent if config else ROOT, *given, *map(str, arguments),
            **environment,
        )  # fmt: skip
    return CompletedProcess(arguments, done.exit_code, done.output, done.errors)


def _run(folder: Path, where: Path, *arguments: str, **settings: str) -> Done:
    output, errors = folder / "output", folder / "errors"
    job = {"folder": str(where), "arguments": arguments}
    job |= {"settings": {"XDG_DATA_HOME": str(folder), **settings}}
    job |= {"output": str(output), "errors": str(errors)}
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(job) + "\n")
    server.stdin.flush()
    return Done(
        exit_code=int(server.stdout.readline()),
        output=output.read_text(encoding="utf-8"),
        errors=errors.read_text(encoding="utf-8"),
    )


@cache
def _server() -> subprocess.Popen[str]:
    """The process that all commands are forks of; it ends with the tests."""
    kept = {name: value for name, value in os.environ.items() if "STORYWATCH" not in name}
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.commands import serve; serve()"],
        cwd=ROOT, env=kept | {"OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()


def serve() -> None:
    """Run one command a line of standard input; answer with its exit code."""
    import ingest.cli.app  # noqa: PLC0415 - to be there before the first fork
    import ingest.runtime  # noqa: PLC0415
    from ingest.compute import PRELOAD  # noqa: PLC0415
    from ingest.work import warm_up  # noqa: PLC0415

    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    forkserver.ensure_running()
    # To a command it is no child, and it would ask whether its child lives.
    vars(forkserver._forkserver)["ensure_running"] = forkserver.ensure_running = lambda: None
    warm_up()
    ingest.runtime.forget_model = lambda: None  # it costs a fork nothing to have it
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
