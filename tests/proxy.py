"""A way to Postgres that can be cut, also just when COMMIT passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

from sqlalchemy import make_url

_COMMIT = b"COMMIT\0"


class Cut(Enum):
    """What happens to the next COMMIT."""

    BEFORE = auto()  # it never arrives, and the server sees the connection close
    SILENT = auto()  # it never arrives, and the server sees nothing: its session lives on
    AFTER = auto()  # it is done, and the answer never arrives


class Proxy:
    """Passes bytes both ways between its clients and a server."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.next_commit: Cut | None = None
        self.at_cut: Callable[[], object] = lambda: None  # runs before the client is told
        self.cuts = 0
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def url(self) -> str:
        """The server's address by way of this."""
        port = self._listener.getsockname()[1]
        via = self._target.set(host="127.0.0.1", port=port)
        via = via.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
        return via.render_as_string(hide_password=False)

    def cut_all(self) -> None:
        """Close every connection at both ends."""
        while self._open:
            self._close(self._open.pop())

    def close(self) -> None:
        """Stop for good."""
        self._close(self._listener)
        self.cut_all()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _close(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", int(self._target.port or 5432)))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            answered = threading.Event()
            silenced = threading.Event()
            self._start(self._forward, client, server, answered, silenced)
            self._start(self._return, server, client, answered, silenced)

    def _forward(
        self,
        client: socket.socket,
        server: socket.socket,
        answered: threading.Event,
        silenced: threading.Event,
    ) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if _COMMIT not in data or self.next_commit is None:
                    server.sendall(data)
                    continue
                cut, self.next_commit = self.next_commit, None
                self.cuts += 1
                silenced.set()
                answered.clear()
                if cut is Cut.AFTER:
                    server.sendall(data)
                    answered.wait(10)
                if cut is not Cut.SILENT:
                    self._close(server)
                self.at_cut()
                self._close(client)
                return
        self._close(server)

    def _return(
        self,
        server: socket.socket,
        client: socket.socket,
        answered: threading.Event,
        silenced: threading.Event,
    ) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                answered.set()
                if not silenced.is_set():
                    client.sendall(data)
        if not silenced.is_set():
            self._close(client)


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A proxy that is gone at the end of the block."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
