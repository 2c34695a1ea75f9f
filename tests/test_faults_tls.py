"""TLS as it goes wrong: certificates of a test authority, made by the openssl command."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import certifi
import pytest

from ingest.fetch import Fetcher
from ingest.model import Failure, FailureKind, Fetched, FetchedPage
from tests.loopback import NOW, Loopback, Reply, answer, closing, quick, serve

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")

NAME = "news.test"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority in a folder of its own."""

    folder: Path

    @property
    def root(self) -> Path:
        """The certificate to trust."""
        return self.folder / "ca.pem"

    def certificate(self, name: str, *, days: int = 2) -> Path:
        """A certificate with its key for a name; negative days make it one that has expired."""
        request, key = f"{name}.csr", f"{name}.key"
        _openssl(
            self.folder, "req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}"
        )
        (self.folder / "names").write_text(f"subjectAltName=DNS:{name}")
        file = self.folder / f"{name}{days}.pem"
        _openssl(
            self.folder, "x509", "-req", "-in", request, "-CA", "ca.pem", "-CAkey", "ca.key",
            "-days", str(days), "-extfile", "names", "-out", file.name,
        )  # fmt: skip
        file.write_bytes(file.read_bytes() + (self.folder / key).read_bytes())
        return file


def _make_authority(folder: Path) -> Authority:
    _openssl(
        folder, "req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=A test authority", "-days", "2",
    )  # fmt: skip
    return Authority(folder=folder)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _make_authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return _make_authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(autouse=True)
def _trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one authority that the fetcher's own context finds where it looks for all of them."""
    monkeypatch.setattr(certifi, "where", lambda: str(authority.root))


def server_context(file: Path) -> ssl.SSLContext:
    """What a server with this certificate and key speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def fetch_over_tls(
    context: ssl.SSLContext, reply: Reply, *, name: str = NAME
) -> tuple[Fetched, Fetched, Loopback]:
    """Fetch a page by name, and one in the clear afterwards; and what the first server saw."""

    async def resolve(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def run() -> tuple[Fetched, Fetched, Loopback]:
        async with (
            serve({"/page": reply}, tls=context) as site,
            serve({"/fine": answer(b"fine")}) as plain,
            Fetcher(quick(), now=lambda: NOW, resolve=resolve) as fetcher,
        ):
            first = await fetcher.fetch(f"https://{name}:{site.port}/page")
            return first, await fetcher.fetch(plain.base + "/fine"), site

    return asyncio.run(run())


def test_the_certificate_and_the_server_name_are_those_of_the_name_not_of_the_address(authority):
    context = server_context(authority.certificate(NAME))
    named = []
    context.sni_callback = lambda _connection, name, _context: named.append(name)
    page, _, site = fetch_over_tls(context, answer(b"safe"))
    assert isinstance(page, FetchedPage)
    assert page.body == b"safe"
    assert named == [NAME]
    assert site.asks[0].headers["host"] == f"{NAME}:{site.port}"


def expired(authority: Authority, _stranger: Authority) -> ssl.SSLContext:
    return server_context(authority.certificate(NAME, days=-1))


def for_another_name(authority: Authority, _stranger: Authority) -> ssl.SSLContext:
    return server_context(authority.certificate("other.test"))


def of_an_unknown_authority(_authority: Authority, stranger: Authority) -> ssl.SSLContext:
    return server_context(stranger.certificate(NAME))


def signed_by_itself(_authority: Authority, stranger: Authority) -> ssl.SSLContext:
    folder = stranger.folder
    _openssl(
        folder, "req", "-x509", *_NEW_KEY, "-keyout", "self.key", "-out", "self.pem",
        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2",
    )  # fmt: skip
    both = folder / "self"
    both.write_bytes((folder / "self.pem").read_bytes() + (folder / "self.key").read_bytes())
    return server_context(both)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (expired, "certificate has expired"),
        (for_another_name, "Hostname mismatch"),
        (of_an_unknown_authority, "unable to get local issuer"),
        (signed_by_itself, "self-signed certificate"),
    ],
)
def test_a_certificate_that_proves_nothing_is_a_failure_before_anything_is_asked(
    make: Callable[[Authority, Authority], ssl.SSLContext], told, authority, stranger
):
    failure, plain, site = fetch_over_tls(make(authority, stranger), answer(b"secret"))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.NETWORK
    assert told in failure.reason
    assert site.asks == []
    assert plain.body == b"fine"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_that_speaks_outdated_tls_only_is_not_spoken_to(authority):
    context = server_context(authority.certificate(NAME))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    failure, plain, site = fetch_over_tls(context, answer(b"x"))
    assert (failure.kind, site.asks) == (FailureKind.NETWORK, [])
    assert plain.body == b"fine"


@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["http/1.1"], []])
def test_http_1_is_spoken_whatever_else_is_offered(offered, authority):
    context = server_context(authority.certificate(NAME))
    context.set_alpn_protocols(offered)
    agreed = []

    async def note(_ask, writer):
        agreed.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(answer(b"one"))

    page, _, _ = fetch_over_tls(context, note)
    assert page.body == b"one"
    assert agreed == (["http/1.1"] if offered else [None])


def test_a_server_that_knows_http_2_only_is_a_failure(authority):
    context = server_context(authority.certificate(NAME))
    context.set_alpn_protocols(["h2"])
    settings = closing(b"\0\0\0\x04\0\0\0\0\0")
    failure, plain, _ = fetch_over_tls(context, settings)
    assert failure.kind is FailureKind.NETWORK
    assert plain.body == b"fine"


def test_a_server_that_answers_https_in_the_clear_is_a_failure():
    async def resolve(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def run() -> Fetched:
        async def babble(_reader, writer):
            writer.write(answer(b"not TLS"))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Fetcher(quick(), now=lambda: NOW, resolve=resolve) as fetcher:
            return await fetcher.fetch(f"https://{NAME}:{port}/")

    assert asyncio.run(run()).kind is FailureKind.NETWORK


def test_a_handshake_that_never_ends_costs_no_more_than_the_time_to_connect():
    async def resolve(_host: str) -> list[str]:
        return ["127.0.0.1"]

    async def run() -> Fetched:
        with socket.create_server(("127.0.0.1", 0)) as mute:  # its kernel accepts, nobody answers
            port = mute.getsockname()[1]
            async with Fetcher(quick(), now=lambda: NOW, resolve=resolve) as fetcher:
                return await fetcher.fetch(f"https://{NAME}:{port}/")

    failure = asyncio.run(run())
    assert failure.kind is FailureKind.TIMEOUT
    assert failure.elapsed_ms < 2_000
