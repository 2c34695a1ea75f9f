"""What may be reached, and what may not under any of its names."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import FailureKind, Rejection
from ingest.netguard import GuardedBackend, RefusedAddressError, check_address, check_url
from tests.loopback import serve

_PRIVATE = """
    0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1
    172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1 100::1
    2001::1 2001:10::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1
    fe80::1%eth0 fec0::1 ff02::1
"""

_PUBLIC = "1.1.1.1 8.8.8.8 9.255.255.255 172.32.0.1 193.0.0.1 2606:4700::1111 2a00:1450::1"


@pytest.mark.parametrize("address", _PRIVATE.split())
def test_an_address_that_is_not_public_is_refused(address):
    assert check_address(address)


@pytest.mark.parametrize("address", _PUBLIC.split())
def test_a_public_address_is_let_through(address):
    assert check_address(address) is None


def test_an_allowed_network_is_let_through_and_its_neighbour_is_not():
    allowed = ("127.0.0.1/32", "fd00::/8")
    assert check_address("127.0.0.1", allowed) is None
    assert check_address("fd00::7", allowed) is None
    assert check_address("127.0.0.2", allowed)
    assert check_address("::ffff:127.0.0.1", allowed)


def test_what_is_no_address_is_refused():
    assert check_address("localhost")


def test_a_network_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="nonsense"):
        check_address("1.1.1.1", ["nonsense"])


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file:///etc/passwd", FailureKind.REFUSED_ADDRESS),
        ("javascript:alert(1)", FailureKind.REFUSED_ADDRESS),
        ("data:text/html,x", FailureKind.REFUSED_ADDRESS),
        ("ftp://example.org/", FailureKind.REFUSED_ADDRESS),
        ("gopher://example.org/", FailureKind.REFUSED_ADDRESS),
        ("http://user:secret@example.org/", FailureKind.REFUSED_ADDRESS),
        ("http://@example.org/", FailureKind.REFUSED_ADDRESS),
        ("http://example.org:22/", FailureKind.REFUSED_ADDRESS),
        ("https://example.org:6379/", FailureKind.REFUSED_ADDRESS),
        ("http://example.org:0/", FailureKind.REFUSED_ADDRESS),
        ("http://example.org:99999/", FailureKind.BAD_URL),
        ("http://example.org:x/", FailureKind.BAD_URL),
        ("http://[::1/", FailureKind.BAD_URL),
        ("http:///path", FailureKind.BAD_URL),
        ("http://a b/", FailureKind.BAD_URL),
        ("http://a%20b/", FailureKind.BAD_URL),
        ("http://[fe80::1%eth0]/", FailureKind.BAD_URL),
        ("http://a\\b/", FailureKind.BAD_URL),
        ("http://a..b/", FailureKind.BAD_URL),
        ("http://" + "a" * 64 + ".org/", FailureKind.BAD_URL),
        ("http://" + "a.b" * 100 + ".org/", FailureKind.BAD_URL),
        ("http://example.org/" + "a" * 100_000, FailureKind.BAD_URL),
        ("example.org/page", FailureKind.BAD_URL),
        ("", FailureKind.BAD_URL),
    ],
)
def test_a_url_that_may_not_be_fetched_says_why(url, kind):
    rejection = check_url(url)
    assert rejection.kind is kind
    assert "secret" not in rejection.reason


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org:443/a?b#c",
        "HTTP://EXAMPLE.ORG./",
        "https://ü.de/",
    ],
)
def test_an_ordinary_url_may_be_looked_up(url):
    assert check_url(url) is None


@given(st.text(max_size=60) | st.text(max_size=60).map("http://".__add__))
@settings(deadline=None)
def test_any_text_is_judged_without_an_exception(text):
    assert isinstance(check_url(text), Rejection | None)


def backend(*answers: list[str], allow: tuple[str, ...] = ("127.0.0.1/32",)) -> GuardedBackend:
    """A backend whose name server gives these answers, one after the other."""
    left = iter(answers)

    async def resolve(_host: str) -> list[str]:
        return next(left)

    return GuardedBackend(resolve, allow_networks=allow, allowed_ports=(80, 443))


def test_one_private_address_among_public_ones_refuses_the_name():
    with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
        asyncio.run(backend(["1.1.1.1", "10.0.0.1"]).connect_tcp("mixed.test", 80, timeout=1))


def test_a_public_address_at_an_odd_port_is_refused_even_beside_an_allowed_network():
    with pytest.raises(RefusedAddressError, match="port 8080"):
        asyncio.run(backend(["1.1.1.1"]).connect_tcp("public.test", 8080, timeout=1))


def test_a_name_is_resolved_once_and_the_checked_address_is_used():
    async def scenario() -> int:
        async with serve({}) as site:
            guarded = backend(["127.0.0.1"], ["10.0.0.1"])  # a second lookup would rebind
            connection = await guarded.connect_tcp("rebind.test", site.port, timeout=1)
            port = connection.get_extra_info("peername")[1]
            await connection.aclose()
            return port == site.port

    assert asyncio.run(scenario())


def test_a_dead_address_leaves_time_for_the_next():
    async def scenario() -> str:
        async with serve({}) as site:
            guarded = backend(["127.0.0.3", "127.0.0.1"], allow=("127.0.0.0/8",))
            connection = await guarded.connect_tcp("two.test", site.port, timeout=1)
            address = connection.get_extra_info("peername")[0]
            await connection.aclose()
            return address

    assert asyncio.run(scenario()) == "127.0.0.1"


def test_when_no_address_answers_the_last_error_is_told():
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(
            backend(["127.0.0.1", "127.0.0.2"], allow=("127.0.0.0/8",)).connect_tcp(
                "dead.test", 1, timeout=1
            )
        )


def test_a_slow_name_server_costs_no_more_than_the_time_to_connect():
    async def never(_host: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    guarded = GuardedBackend(never, allow_networks=(), allowed_ports=(80,))
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(guarded.connect_tcp("slow.test", 80, timeout=0.05))
    assert time.monotonic() - started < 1


def test_a_name_without_addresses_can_not_be_reached():
    with pytest.raises(OSError, match="no address"):
        asyncio.run(backend([]).connect_tcp("none.test", 80, timeout=1))
