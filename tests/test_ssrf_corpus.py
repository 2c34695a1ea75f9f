"""Every way we know to make a fetcher knock at a private door, against doors that count knocks.

Listeners stand at 127.0.0.1, 127.0.0.2 and ::1 at a port that the policy allows, so that only the
address can be what is refused. 127.0.0.9 plays the public Internet: it is the one address that the
policy allows. No name server is asked: numbers are read by the system, names by a table.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from html import escape

import pytest

from ingest.fetch import Fetcher
from ingest.model import Failure, FailureKind, Fetched, FetchedPage
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from tests.loopback import NOW, Loopback, Reply, answer, quick, redirect, serve
from tests.running import ACCEPT_ALL, TALKS, read_config, rows, write_config

PUBLIC = "127.0.0.9"
"""Stands for the addresses of the Internet."""

DOORS = ("127.0.0.1", "127.0.0.2", "::1")
SHUT = {FailureKind.REFUSED_ADDRESS, FailureKind.BAD_URL}


@dataclass(slots=True, kw_only=True)
class Doors:
    """Listeners that nobody may reach, all at one port."""

    port: int
    listeners: list[socket.socket]

    def knocks(self) -> int:
        """How many connections came in: the kernel completes them without our help."""
        count = 0
        for listener in self.listeners:
            while True:
                try:
                    listener.accept()[0].close()
                except BlockingIOError:
                    break
                count += 1
        return count


@pytest.fixture(scope="module")
def open_doors() -> Iterator[Doors]:
    with ExitStack() as stack:
        first = stack.enter_context(closing(socket.create_server((DOORS[0], 0))))
        doors = Doors(port=first.getsockname()[1], listeners=[first])
        for address in DOORS[1:]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, doors.port), family=family)
            doors.listeners.append(stack.enter_context(closing(listener)))
        for listener in doors.listeners:
            listener.setblocking(False)
        yield doors


@pytest.fixture
def doors(open_doors: Doors) -> Iterator[Doors]:
    """The listeners; after each test none of them was knocked at."""
    yield open_doors
    assert open_doors.knocks() == 0


@dataclass(slots=True, kw_only=True)
class Names:
    """A name server with a table; a name with several answers gives one after the other."""

    table: dict[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host in self.table:
            answers = self.table[host]
            return answers[min(self.asked.count(host), len(answers)) - 1]
        numeric = socket.AI_NUMERICHOST  # inet_aton's forms too, and never a question to a server
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=numeric)
        return [str(address[0]) for *_, address in found]


Scenario = Callable[[Fetcher, Loopback], Awaitable[None]]


def explore(
    doors: Doors,
    scenario: Scenario,
    *,
    routes: dict[str, Reply] | None = None,
    names: Names | None = None,
    **changes: object,
) -> Loopback:
    """Run a scenario with a public site and a fetcher that is allowed that site alone."""

    async def run() -> Loopback:
        async with serve(routes or {}, host=PUBLIC) as site:
            policy = quick(
                allow_networks=(f"{PUBLIC}/32",), allowed_ports=(80, 443, doors.port), **changes
            )
            resolve = names or Names()
            async with Fetcher(policy, now=lambda: NOW, resolve=resolve) as fetcher:
                await scenario(fetcher, site)
            return site

    return asyncio.run(run())


def is_shut_out(outcome: Fetched) -> bool:
    """Whether a fetch ended because of where it would have led."""
    return isinstance(outcome, Failure) and outcome.kind in SHUT


def test_the_doors_would_count_a_knock(open_doors):
    """Without this, no knocks could mean that nobody listens."""
    urls = [f"http://{f'[{door}]' if ':' in door else door}:{open_doors.port}/" for door in DOORS]

    async def run() -> None:
        networks = ("127.0.0.0/8", "::1/128")
        policy = quick(allow_networks=networks, total_seconds=0.2, per_host_concurrency=4)
        async with Fetcher(policy, now=lambda: NOW) as fetcher:
            outcomes = await asyncio.gather(*map(fetcher.fetch, urls))
        assert {outcome.kind for outcome in outcomes} == {FailureKind.TIMEOUT}

    asyncio.run(run())
    assert open_doors.knocks() == len(DOORS)


# ---------------------------------------------------------------- URLs


HOSTS = [
    # 127.0.0.1 in the forms of inet_aton
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0x7f.0x0.0x0.0x1"),
    *("0177.0.0.1", "0177.1", "017700000001", "127.0.0.01", "0127.0.0.1", "0", "0.0.0.0", "00"),
    # its neighbours
    *("127.0.0.2", "127.2", "2130706434", "127.255.255.254"),
    # dots and digits of other scripts, which IDNA makes into plain ones
    *("127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。1"),
    # percent-encoded, and what ends a string elsewhere
    *("%31%32%37.0.0.1", "127.0.0.1%00.example.org", "127.0.0.1%2f.example.org", "127.0.0.1%23"),
    # IPv6, and IPv4 inside it
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]"),
    *("[fec0::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[5f00::1]"),
    # other ranges that are nobody's page
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.8"),
    *("192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "203.0.113.1"),
    # names for them
    *("localhost", "LOCALHOST", "localhost.", "sub.localhost", "127.0.0.1."),
    *("loop.test", "meta.test"),
]  # fmt: skip

LOOPBACK_NAMES = {
    name: [["127.0.0.1", "::1"]]
    for name in ("localhost", "localhost.", "sub.localhost", "127.0.0.1.")
} | {"loop.test": [["127.0.0.1"]], "meta.test": [["169.254.169.254"]]}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_not_public_is_not_knocked_at(host, doors):
    async def scenario(fetcher, _site):
        outcome = await fetcher.fetch(f"http://{host}:{doors.port}/")
        assert is_shut_out(outcome), outcome
        outcome = await fetcher.fetch(f"https://{host}:{doors.port}/", check_robots=True)
        assert is_shut_out(outcome), outcome

    explore(doors, scenario, names=Names(table=LOOPBACK_NAMES))


URLS = [
    "http://user:secret@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://public.test@127.0.0.1:{port}/",
    "http://public.test:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.test/",
    "http://127.0.0.1:{port}#@public.test:0/",
    "http://127.0.0.1:{port}?@public.test/",
    "http://127.0.0.1:{port};@public.test/",
    "http://public.test\\@127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}\\",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
    "\thttp://127.0.0.1:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "http://127.0.\n0.1:{port}/",
    "http://127.0.0.1\r\n:{port}/",
    "http://127.0.0.1 :{port}/",
    "http://127.0.0.1\0:{port}/",
    "http://127.0.0.1:{port}\0.public.test/",
    "http://127.0.0.1:{port}:80/",
    "http://127.0.0.1:+{port}/",
    "http://127.0.0.1:٠{port}/",
    "http://[::1:{port}/",
    "http://[[::1]]:{port}/",
    "http://::1:{port}/",
    "http://[v1.127.0.0.1]:{port}/",
    "HtTp://127.1:{port}/",
    "http://127.0.0.1:{port}/" + "a" * 100_000,
    "http://127.0.0.\ud8001:{port}/",
    "file://127.0.0.1:{port}/etc/passwd",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "ftp://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/info",
    "ldap://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
    "jar:http://127.0.0.1:{port}!/",
    "view-source:http://127.0.0.1:{port}/",
    "javascript:location='http://127.0.0.1:{port}/'",
    "data:text/html,<img src='http://127.0.0.1:{port}/'>",
]


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url[:50]))
def test_a_url_of_two_meanings_leads_to_neither(url, doors):
    async def scenario(fetcher, _site):
        outcome = await fetcher.fetch(url.format(port=doors.port))
        assert is_shut_out(outcome), outcome
        assert "secret" not in str(outcome)

    explore(doors, scenario, names=Names(table={"public.test": [["127.0.0.1"]]}))


@pytest.mark.parametrize("port", [22, 25, 6379, 11211, 8080])
def test_a_port_that_is_not_the_webs_is_not_knocked_at_wherever_it_is(port, doors):
    """Not even at a public address, 192.0.2.1 aside, which would be refused in any case."""

    async def scenario(fetcher, _site):
        outcome = await fetcher.fetch(f"http://public.test:{port}/")
        assert is_shut_out(outcome)
        assert f"port {port}" in outcome.reason

    explore(doors, scenario, names=Names(table={"public.test": [["1.1.1.1"]]}))


# ---------------------------------------------------------------- names


MIXED = [
    [PUBLIC, "127.0.0.1"],
    ["127.0.0.1", PUBLIC],
    [PUBLIC, PUBLIC, PUBLIC, PUBLIC, PUBLIC, "127.0.0.1"],
    [PUBLIC, "::1"],
    [PUBLIC, "::ffff:127.0.0.1"],
    [PUBLIC, "64:ff9b::7f00:1"],
    [PUBLIC, "169.254.169.254"],
    ["::1", "127.0.0.1", "127.0.0.2"],
    ["127.1"],
    ["2130706433"],
    ["localhost"],
    ["::1%lo"],
    [""],
]


@pytest.mark.parametrize("addresses", MIXED, ids=" ".join)
def test_a_name_with_one_address_that_is_not_public_is_refused_as_a_whole(addresses, doors):
    async def scenario(fetcher, _site):
        assert is_shut_out(await fetcher.fetch(f"http://mixed.test:{doors.port}/"))

    site = explore(doors, scenario, names=Names(table={"mixed.test": [addresses]}))
    assert site.connections == 0


def test_a_name_is_looked_up_once_and_a_second_answer_is_never_heard(doors):
    names = Names(table={"rebind.test": [[PUBLIC], ["127.0.0.1"]]})

    async def scenario(fetcher, site):
        page = await fetcher.fetch(f"http://rebind.test:{site.port}/page")
        assert page.body == b"public"
        assert names.asked == ["rebind.test"]

    explore(doors, scenario, names=names, routes={"/page": answer(b"public")})


@pytest.mark.parametrize("check_robots", [True, False], ids=["after robots.txt", "after a page"])
def test_a_name_that_turns_private_between_two_connections_is_refused_then(check_robots, doors):
    """The port is that of the doors at both addresses, as it would be in earnest."""
    names = Names(table={"rebind.test": [[PUBLIC], ["127.0.0.1"]]})
    closed = answer(b"public", connection="close")
    url = f"http://rebind.test:{doors.port}/page"

    async def run() -> None:
        routes = {"/page": closed, "/robots.txt": closed}
        policy = quick(
            allow_networks=(f"{PUBLIC}/32",), allowed_ports=(doors.port,), obey_robots=True
        )
        async with (
            serve(routes, host=PUBLIC, port=doors.port) as site,
            Fetcher(policy, now=lambda: NOW, resolve=names) as fetcher,
        ):
            if not check_robots:
                assert isinstance(await fetcher.fetch(url, check_robots=False), FetchedPage)
            assert is_shut_out(await fetcher.fetch(url, check_robots=check_robots))
            assert site.connections == 1

    asyncio.run(run())


# ---------------------------------------------------------------- redirects


STATUSES = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
TARGETS = [
    "http://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "///127.0.0.1:{port}/",
    "/\\127.0.0.1:{port}/",
    "https://127.0.0.2:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://localhost:{port}/",
    "http://x@127.0.0.1:{port}/",
    "http://public.test:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
]
PRIVATE_NAMES = LOOPBACK_NAMES | {"public.test": [["127.0.0.1"]]}


def leads_nowhere(outcome: Fetched, site: Loopback) -> bool:
    """Whether a redirect ended: refused, or as a path of the site itself that it does not have."""
    own = isinstance(outcome, Failure) and outcome.kind is FailureKind.NOT_FOUND
    return is_shut_out(outcome) or (own and str(outcome.final_url).startswith(site.base))


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status[:3])
def test_no_redirect_of_any_kind_leads_in(status, doors):
    async def scenario(fetcher, site):
        for number in range(len(TARGETS)):
            outcome = await fetcher.fetch(f"{site.base}/{number}")
            assert leads_nowhere(outcome, site), (TARGETS[number], outcome)

    routes: dict[str, Reply] = {
        f"/{number}": redirect(target.format(port=doors.port), status=status)
        for number, target in enumerate(TARGETS)
    }
    explore(doors, scenario, routes=routes, names=Names(table=PRIVATE_NAMES))


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_the_last_hop_is_guarded_like_the_first(hops, doors):
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(f"{site.base}/1")
        assert outcome.kind is FailureKind.REFUSED_ADDRESS
        assert len(site.asks) == hops

    routes: dict[str, Reply] = {f"/{n}": redirect(f"/{n + 1}") for n in range(1, hops)}
    routes[f"/{hops}"] = redirect(f"http://127.0.0.1:{doors.port}/")
    explore(doors, scenario, routes=routes)


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status[:3])
def test_robots_txt_leads_in_neither_and_closes_the_site(status, doors):
    async def scenario(fetcher, site):
        outcome = await fetcher.fetch(site.base + "/page")
        assert outcome.kind is FailureKind.ROBOTS
        assert site.paths == ["/robots.txt"]

    routes: dict[str, Reply] = {
        "/robots.txt": redirect(f"http://127.0.0.1:{doors.port}/robots.txt", status=status),
        "/page": answer(b"x"),
    }
    explore(doors, scenario, routes=routes, obey_robots=True)


def test_the_robots_txt_of_a_private_host_is_not_asked_for(doors):
    async def scenario(fetcher, site):
        for url in (f"http://127.0.0.1:{doors.port}/page", site.base + "/away"):
            assert is_shut_out(await fetcher.fetch(url))

    routes = {"/away": redirect(f"http://127.0.0.2:{doors.port}/page")}
    explore(doors, scenario, routes=routes, obey_robots=True)


# ---------------------------------------------------------------- what answers say besides


HEADERS = {
    "refresh": "0; url=http://127.0.0.1:{port}/",
    "link": "<http://127.0.0.1:{port}/>; rel=preload",
    "location": "http://127.0.0.1:{port}/",
    "content_location": "http://127.0.0.1:{port}/",
    "alt_svc": 'h2="127.0.0.1:{port}", h3=":{port}"',
    "x_accel_redirect": "http://127.0.0.1:{port}/",
    "sourcemap": "http://127.0.0.1:{port}/",
    "content_security_policy": "default-src 'none'; report-uri http://127.0.0.1:{port}/",
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("status", ["200 OK", "201 Created", "305 Use Proxy", "407 Proxy", "401 x"])
def test_a_header_that_names_an_address_is_no_reason_to_go_there(header, status, doors):
    async def scenario(fetcher, site):
        for _ in range(2):
            await fetcher.fetch(site.base + "/page")
        assert len(site.asks) == 2

    named = {header: HEADERS[header].format(port=doors.port)}
    explore(doors, scenario, routes={"/page": answer(b"x", status=status, **named)})


def test_a_proxy_of_the_environment_is_not_asked(doors, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{doors.port}")

    async def scenario(fetcher, site):
        assert isinstance(await fetcher.fetch(site.base + "/page"), FetchedPage)

    explore(doors, scenario, routes={"/page": answer(b"x")})


# ---------------------------------------------------------------- the whole pipeline


ATOM = "http://www.w3.org/2005/Atom"


def entry(number: int, link: str) -> str:
    """An entry of a feed that names one link in every way there is."""
    link = escape(link)
    return (
        f"<item><title>Zug {number}</title><link>{link}</link><comments>{link}</comments>"
        f"<guid isPermaLink='true'>{link}</guid><enclosure url='{link}' type='image/png'/></item>"
    )


def test_no_feed_and_no_page_makes_the_pipeline_knock(doors, tmp_path, sqlite_url):
    private = f"http://127.0.0.1:{doors.port}/"
    paragraphs = "".join(f"<p>{part}</p>" for part in TALKS.split("\n\n"))
    page = (
        f"<html><head><title>Z</title><link rel=canonical href='{private}'><base href='{private}'>"
        f"<meta property='og:url' content='{private}'><link rel=amphtml href='{private}amp'>"
        f"<meta http-equiv=refresh content='0; url={private}'></head><body><article>{paragraphs}"
        f"<img src='{private}i.png'><iframe src='{private}'></iframe></article></body></html>"
    )
    links = [f"http://{host}:{doors.port}/{number}" for number, host in enumerate(HOSTS)]
    links += [url.format(port=doors.port) for url in URLS if "\0" not in url and url.isascii()]

    async def run() -> None:
        policy = quick(allow_networks=(f"{PUBLIC}/32",), allowed_ports=(doors.port,))
        routes: dict[str, Reply] = {
            "/moved": redirect(private), "/1": redirect(private),
            "/page": answer(page.encode(), content_type="text/html"),
        }  # fmt: skip
        names = Names(table=LOOPBACK_NAMES)
        async with (
            serve(routes, host=PUBLIC) as site,
            Fetcher(policy, now=lambda: NOW, resolve=names) as fetcher,
        ):
            own = [site.base + "/page", site.base + "/1"]
            items = "".join(map(entry, range(len(links) + 2), [*own, *links]))
            archive = f"<a:link xmlns:a='{ATOM}' rel='prev-archive' href='{private}'/>"
            feed = f"<rss version='2.0'><channel><title>t</title>{archive}{items}</channel></rss>"
            routes["/rss"] = answer(feed.encode("utf-8", "xmlcharrefreplace"))
            feeds = [site.base + "/rss", site.base + "/moved", private]
            file = write_config(tmp_path, feeds=feeds, database_url=sqlite_url, story=ACCEPT_ALL)
            config = read_config(file)
            with open_database(config) as engine:
                async with open_context(engine, config, now=lambda: NOW) as context:
                    for _ in range(2):
                        await run_pass(replace(context, fetcher=fetcher), everything=True)
                assert rows(engine, "SELECT count(*) FROM article") == [(1,)]
                found = rows(engine, "SELECT rule, url FROM discard")
                assert len(found) > 60
                elsewhere = {rule for rule, url in found if not url.startswith(site.base)}
                assert elsewhere == {"refused-address", "bad-url"}

    asyncio.run(run())


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(HOSTS) + len(URLS) + len(MIXED) + len(STATUSES) * len(TARGETS) >= 150
