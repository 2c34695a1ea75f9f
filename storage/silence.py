"""Connections to Postgres that do not wait for ever for a server that stopped in its tracks.

A server that hangs, in a debugger, on a dead disk or behind a wall that swallows its packets, keeps
its connections: the kernel goes on acknowledging, so neither keepalives nor tcp_user_timeout tell,
and the server's own statement_timeout hangs with it. So after a while of silence a second
connection is tried. Where that is answered, the statement is merely long, and its end is for the
server's limits to say.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout


class _Watched(psycopg.Connection[Any]):
    """A connection that asks after its server."""

    parameters: dict[str, Any]
    silence_seconds: float = 0.0

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - psycopg's signature, which grows
        """Every wait for the server goes through here."""
        if self.silence_seconds:
            gen = self._watch(gen)
        return super().wait(gen, *args, **kwargs)

    def _watch(self, work: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same work; psycopg resumes it ten times a second, with 0 when nothing came."""
        heard = time.monotonic()
        try:
            wanted = next(work)
            while True:
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silence_seconds:
                    self._ask()
                    heard = time.monotonic()
                wanted = work.send(ready)
        except StopIteration as done:
            return done.value

    def _ask(self) -> None:
        """Raise OperationalError when the server does not answer a new connection either."""
        try:
            psycopg.connect(**self.parameters).close()
        except ConnectionTimeout as error:
            self.close()
            raise psycopg.OperationalError("the server has stopped answering") from error
        except psycopg.Error:
            return  # it answered, if only to refuse: what is wrong comes to light by itself


def connect_watched(parameters: dict[str, Any], *, silence_seconds: float) -> psycopg.Connection:
    """Connect with libpq's parameters, among them a connect_timeout; 0 seconds watch nothing."""
    connection = _Watched.connect(**parameters)
    connection.parameters = parameters
    connection.silence_seconds = silence_seconds
    return connection
