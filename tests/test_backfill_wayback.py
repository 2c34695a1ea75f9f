"""Web archives as a source: a real pywb, and a server with the Internet Archive's dialect."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.backfill.cdx import CaptureRow, Dialect
from ingest.backfill.cdxcursor import read_cursor
from ingest.backfill.cdxquery import CdxQuery, Match, article_queries, target_query
from ingest.backfill.wayback import (
    INTERNET_ARCHIVE,
    Bounds,
    Endpoint,
    Manners,
    WaybackArchive,
    patient_policy,
    pywb_endpoint,
)
from ingest.fetch import Fetcher
from ingest.inflate import decode_body
from ingest.model import Failure, FailureKind, FetchedPage, Rejection
from tests.internetarchive import EXCLUDED, Archive, serve_archive
from tests.loopback import answer, closing, quick, redirect
from tests.pywb import Capture, NoPywbError, find_program, running_pywb

ROOT = Path(__file__).parent.parent
NOW = datetime(2023, 9, 20, tzinfo=UTC)
URL = "https://www.example.org/news/a"
PATIENT = {"connect_seconds": 20.0, "read_seconds": 20.0, "total_seconds": 60.0}


def html(text: str) -> bytes:
    return f"<html><head><title>{text}</title></head><body><p>{text}</p></body></html>".encode()


class Time:
    """A clock that moves only while somebody waits, and the waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


Scenario = Callable[[WaybackArchive], Awaitable[None]]


def ask_endpoint(endpoint: Endpoint, scenario: Scenario, *, time=None, fetch=None, **options):
    time = time or Time()
    options.setdefault("manners", Manners(tries=2))

    async def run() -> None:
        async with Fetcher(quick(**PATIENT | (fetch or {})), now=lambda: NOW) as fetcher:
            archive = WaybackArchive(
                fetcher, endpoint, now=lambda: NOW, clock=time.clock, pause=time.pause, **options
            )
            await scenario(archive)

    asyncio.run(run())
    return time


async def listed(archive: WaybackArchive, query: CdxQuery, cursor=None) -> list:
    return [found async for found, _cursor in archive.captures(query, cursor)]


async def listed_in_pieces(archive: WaybackArchive, query: CdxQuery) -> list:
    """All captures, by a program that is killed after each."""
    found, stored = [], None
    while True:
        cursor = None if stored is None else read_cursor(json.loads(stored))
        async with aclosing(archive.captures(query, cursor)) as listing:
            step = await anext(listing, None)
        if step is None:
            return found
        found.append(step[0])
        stored = json.dumps(step[1].as_dict())


def shown(rows: list) -> list[tuple[str, str]]:
    assert all(isinstance(row, CaptureRow) for row in rows), rows
    return [(row.url, row.timestamp) for row in rows]


def content(page) -> bytes:
    assert isinstance(page, FetchedPage), page
    encoding = page.headers.get("content-encoding", "")
    body = decode_body(page.body, encoding, max_bytes=10**6)
    assert isinstance(body, bytes)
    return body


# ---------------------------------------------------------------- pywb


def at(day: int, hour: int = 10) -> datetime:
    return datetime(2023, 9, day, hour, tzinfo=UTC)


COMPRESSED = (("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("ETag", '"v3"'))
MOVED = (("Content-Type", "text/html"), ("Location", "http://127.0.0.1:9/live"))
HELD = [
    Capture(url="https://www.example.org/news/a", at=at(4), body=html("one")),
    Capture(url="http://example.org/news/a", at=at(4, 12), body=html("one")),
    Capture(url="http://example.org/news/a/", at=at(5), body=html("two")),
    Capture(
        url="https://example.org/news/a", at=at(6), body=gzip.compress(html("three"), mtime=0),
        headers=COMPRESSED,
    ),
    Capture(url="https://example.org/news/a", at=at(7), body=html("one")),
    Capture(url="https://example.org/news/a", at=at(8), body=b"", revisit_of=at(7)),
    Capture(url="https://example.org/news/b", at=at(5), body=html("b")),
    Capture(url="https://example.org/news/b", at=at(9), body=html("limit"), status="429 Too Many"),
    Capture(url="https://example.org/news/c", at=at(6), body=html("c")),
    Capture(url="https://example.org/news/c.jpg", at=at(6), body=b"\xff\xd8",
            headers=(("Content-Type", "image/jpeg"),)),
    Capture(url="https://example.org/news/moved", at=at(6), body=b"", status="301 Moved",
            headers=MOVED),
    Capture(url="https://other.test/a", at=at(6), body=html("other")),
]  # fmt: skip


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory):
    with running_pywb(tmp_path_factory.mktemp("pywb"), HELD) as url:
        yield pywb_endpoint(url)


def test_pywb_lists_an_article_under_all_its_addresses(collection):
    async def scenario(archive: WaybackArchive) -> None:
        (query,) = article_queries(["http://www.example.org/news/a/", URL])
        assert shown(await listed(archive, query)) == [
            ("https://www.example.org/news/a", "20230904100000"),
            ("http://example.org/news/a/", "20230905100000"),
            ("https://example.org/news/a", "20230906100000"),
            ("https://example.org/news/a", "20230907100000"),  # the first text, come back
        ]

    ask_endpoint(collection, scenario)


def test_pywb_lists_within_a_time(collection):
    async def scenario(archive: WaybackArchive) -> None:
        query = CdxQuery(url=URL, since=at(4, 11), until=at(6))
        times = [timestamp for _url, timestamp in shown(await listed(archive, query))]
        assert times == ["20230904120000", "20230905100000", "20230906100000"]

    ask_endpoint(collection, scenario)


@pytest.mark.parametrize("page_lines", [3, 1000])
@pytest.mark.parametrize("listing", [listed, listed_in_pieces])
def test_pywb_lists_a_part_of_a_site_in_pages_of_any_size(collection, page_lines, listing):
    async def scenario(archive: WaybackArchive) -> None:
        query = target_query("https://example.org/news/*", since=at(1), until=at(10))
        assert sorted(shown(await listing(archive, query))) == [
            ("http://example.org/news/a/", "20230905100000"),
            ("https://example.org/news/a", "20230906100000"),
            ("https://example.org/news/a", "20230907100000"),
            ("https://example.org/news/b", "20230905100000"),
            ("https://example.org/news/c", "20230906100000"),
            ("https://www.example.org/news/a", "20230904100000"),
        ]

    ask_endpoint(collection, scenario, bounds=Bounds(page_lines=page_lines))


def test_pywb_gives_the_pages_of_their_time(collection):
    async def scenario(archive: WaybackArchive) -> None:
        pages = [await archive.replay(row) for row in await listed(archive, CdxQuery(url=URL))]
        assert [content(page) for page in pages] == [
            html(t) for t in ("one", "two", "three", "one")
        ]
        assert [page.fetched_at for page in pages] == [at(4), at(5), at(6), at(7)]
        assert pages[1].requested_url == pages[1].final_url == "http://example.org/news/a/"
        assert pages[2].body == gzip.compress(html("three"), mtime=0)
        assert pages[2].headers["etag"] == '"v3"'

    ask_endpoint(collection, scenario)


def test_pywb_lists_what_is_no_article_when_asked_to_and_it_is_rejected(collection):
    async def scenario(archive: WaybackArchive) -> None:
        query = CdxQuery(url="https://example.org/news/", match=Match.PREFIX, status=None)
        rows = await listed(archive, query)
        outcomes = {(row.url, row.timestamp): await archive.replay(row) for row in rows}
        reasons = {
            key: outcome.reason
            for key, outcome in outcomes.items()
            if isinstance(outcome, Rejection)
        }
        assert reasons == {
            ("https://example.org/news/a", "20230908100000"): (
                "a revisit: the body is that of an earlier capture"
            ),
            ("https://example.org/news/b", "20230909100000"): "captured as HTTP 429",
            ("https://example.org/news/c.jpg", "20230906100000"): "captured as image/jpeg",
            ("https://example.org/news/moved", "20230906100000"): "captured as HTTP 301",
        }

    ask_endpoint(collection, scenario)


def made_row(url: str, moment: datetime, **changes) -> CaptureRow:
    values = {"key": url, "url": url, "at": moment, "mime": None, "status": None}
    return CaptureRow(**values | {"digest": None, "length": None} | changes)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        pytest.param(
            made_row("https://example.org/none", at(6)), FailureKind.NOT_FOUND, id="not held"
        ),
        pytest.param(
            made_row("https://example.org/news/c", at(1)), FailureKind.NOT_FOUND, id="far away"
        ),
        pytest.param(
            made_row("https://example.org/news/moved", at(6)), FailureKind.NETWORK,
            id="a redirect to the live site",
        ),
        pytest.param(
            made_row("https://example.org/news/b", at(9)), FailureKind.RATE_LIMITED,
            id="a 429 of the site's own",
        ),
    ],
)  # fmt: skip
def test_pywb_has_no_page_for_every_row(collection, row, kind):
    async def scenario(archive: WaybackArchive) -> None:
        outcome = await archive.replay(row)
        assert isinstance(outcome, Failure | Rejection)
        assert outcome.kind is kind

    ask_endpoint(collection, scenario, fetch={"allowed_ports": (9,)})


def test_the_nearest_capture_that_pywb_gives_has_its_own_time(collection):
    async def scenario(archive: WaybackArchive) -> None:
        page = await archive.replay(made_row("https://example.org/news/c", at(6, 12)))
        assert content(page) == html("c")
        assert page.fetched_at == at(6, 10)

    ask_endpoint(collection, scenario)


def test_a_missing_pywb_is_a_failure(tmp_path):
    with pytest.raises(NoPywbError, match="make"):
        find_program("wayback", tmp_path)


def test_every_locked_file_of_pywb_has_a_hash():
    text = (ROOT / "requirements-pywb.lock").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [re.split(r"\s+--hash=", line.strip()) for line in text.splitlines()]
    assert {"pywb==2.10.0", "surt==0.3.1"} <= {requirement for requirement, *_hashes in lines}
    assert all(hashes for _requirement, *hashes in lines)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for _, *hashes in lines for one in hashes)


# ---------------------------------------------------------------- the Internet Archive


def ask_archive(archive: Archive, scenario: Scenario, **options):
    """Run a scenario against the small archive; return what the server saw, and the waits."""
    seen: list[str] = []
    time = options.pop("time", None) or Time()
    options.setdefault("manners", Manners(tries=2))
    fetch = options.pop("fetch", {})

    async def run() -> None:
        async with (
            serve_archive(archive) as site,
            Fetcher(quick(**PATIENT | {"obey_robots": True} | fetch), now=lambda: NOW) as fetcher,
        ):
            endpoint = Endpoint(
                cdx=f"{site.base}/cdx/search/cdx",
                replay=f"{site.base}/web",
                dialect=Dialect.WAYBACK,
            )
            client = WaybackArchive(
                fetcher, endpoint, now=lambda: NOW, clock=time.clock, pause=time.pause, **options
            )
            await scenario(client)
            seen.extend(path for path in site.paths if path != "/robots.txt")

    asyncio.run(run())
    return seen, time.waits


def filled(count: int = 7) -> Archive:
    archive = Archive()
    for day in range(1, count + 1):
        archive.add(URL, f"202309{day:02}100000", html(f"text {day}"))
    return archive


@pytest.mark.parametrize("listing", [listed, listed_in_pieces])
def test_pages_of_the_index_follow_each_other_by_key(listing):
    async def scenario(client: WaybackArchive) -> None:
        rows = await listing(client, CdxQuery(url=URL))
        assert [row.at.day for row in rows] == [1, 2, 3, 4, 5, 6, 7]

    seen, _ = ask_archive(filled(), scenario, bounds=Bounds(page_lines=3))
    assert sum("resumeKey=" in path for path in seen) >= 2


def test_a_listing_that_is_done_asks_for_nothing():
    async def scenario(client: WaybackArchive) -> None:
        *_, (_row, cursor) = [step async for step in client.captures(CdxQuery(url=URL))]
        assert cursor.done
        assert await listed(client, CdxQuery(url=URL), read_cursor(cursor.as_dict())) == []

    seen, _ = ask_archive(filled(), scenario)
    assert len(seen) == 1


def test_pages_are_replayed_as_they_were():
    async def scenario(client: WaybackArchive) -> None:
        rows = await listed(client, CdxQuery(url=URL))
        pages = [await client.replay(row) for row in rows]
        assert [content(page) for page in pages] == [html("text 1"), html("text 2")]
        assert pages[0].fetched_at == datetime(2023, 9, 1, 10, tzinfo=UTC)
        assert pages[0].headers["server"] == "nginx"
        assert "set-cookie" not in pages[0].headers

    ask_archive(filled(2), scenario)


@pytest.mark.parametrize(
    ("tolerance", "reason"),
    [
        (timedelta(hours=30), "the nearest capture, of 2023-09-01 10:00:00, came before"),
        (timedelta(hours=1), "the nearest capture is of 2023-09-01 10:00:00"),
    ],
)
def test_a_capture_that_cannot_be_played_is_not_replaced_by_one_that_came_before(tolerance, reason):
    archive = filled(1)
    archive.add(URL, "20230902100000", html("lost"), playable=False)
    archive.add(URL, "20230903110000", html("text 3"))

    async def scenario(client: WaybackArchive) -> None:
        first, lost, third = [
            await client.replay(row) for row in await listed(client, CdxQuery(url=URL))
        ]
        assert [content(first), content(third)] == [html("text 1"), html("text 3")]
        assert isinstance(lost, Rejection)
        assert lost.reason == reason

    ask_archive(archive, scenario, bounds=Bounds(tolerance=tolerance))


def test_the_nearest_capture_is_given_once_at_its_own_time():
    async def scenario(client: WaybackArchive) -> None:
        key = "org,example)/news/a"
        rows = [made_row(URL, at(day, 9), key=key) for day in (1, 1)]
        pages = [await client.replay(row) for row in rows]
        assert [page.fetched_at for page in pages] == [at(1), at(1)]
        assert isinstance(await client.replay(made_row(URL, at(1), key=key)), Rejection)

    ask_archive(filled(1), scenario)


def test_a_row_may_get_its_own_capture_again():
    async def scenario(client: WaybackArchive) -> None:
        (row,) = await listed(client, CdxQuery(url=URL))
        assert content(await client.replay(row)) == content(await client.replay(row))

    ask_archive(filled(1), scenario)


def test_what_the_archive_keeps_to_itself_is_rejected():
    archive = filled(1)
    archive.instead[f"/web/20230901100000id_/{URL}"] = answer(EXCLUDED, content_type="text/html")

    async def scenario(client: WaybackArchive) -> None:
        (row,) = await listed(client, CdxQuery(url=URL))
        outcome = await client.replay(row)
        assert isinstance(outcome, Rejection)
        assert outcome.kind is FailureKind.HTTP_CLIENT

    ask_archive(archive, scenario)


def test_what_was_never_archived_is_a_failure_that_names_the_article():
    async def scenario(client: WaybackArchive) -> None:
        outcome = await client.replay(made_row("https://example.org/none", NOW))
        assert isinstance(outcome, Failure)
        assert (outcome.kind, outcome.requested_url) == (
            FailureKind.NOT_FOUND, "https://example.org/none",
        )  # fmt: skip

    ask_archive(Archive(), scenario)


def test_a_capture_of_a_redirect_that_leads_to_another_page_is_rejected():
    archive = filled(1)
    archive.add("https://www.example.org/", "20230901100000", html("home"))
    home = "/web/20230901100000id_/https://www.example.org/"
    archive.instead[f"/web/20230901100000id_/{URL}"] = redirect(home)

    async def scenario(client: WaybackArchive) -> None:
        (row,) = await listed(client, CdxQuery(url=URL))
        outcome = await client.replay(row)
        assert isinstance(outcome, Rejection)
        assert "another page" in outcome.reason

    ask_archive(archive, scenario)


# ---------------------------------------------------------------- manners

LIMITED = answer(status="429 Too Many Requests")


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(LIMITED, id="429"),
        pytest.param(answer(status="503 Busy", retry_after="0"), id="503 with Retry-After"),
        pytest.param(closing(b"", reset=True), id="a connection that is broken off"),
        pytest.param(answer(b"<title>429 Too Many Requests"), id="the same with status 200"),
    ],
)
def test_a_refusal_is_followed_by_a_minute_of_silence(refusal):
    archive = filled(2)
    archive.first = [refusal]

    async def scenario(client: WaybackArchive) -> None:
        rows = await listed(client, CdxQuery(url=URL))
        assert len(rows) == 2
        archive.first = [refusal]
        assert isinstance(await client.replay(rows[0]), FetchedPage)

    seen, waits = ask_archive(archive, scenario)
    assert len(seen) == 4
    assert waits == [60, 60]


def test_silence_is_kept_by_all_tasks():
    archive = filled(7)
    archive.first = [LIMITED]
    time = Time()

    async def scenario(client: WaybackArchive) -> None:
        rows = [made_row(URL, datetime(2023, 9, day, 10, tzinfo=UTC)) for day in range(1, 8)]
        await client.replay(rows[0])
        started = time.now
        await asyncio.gather(*(client.replay(row) for row in rows[1:]))
        assert time.now - started == pytest.approx(6 / 8)

    _, waits = ask_archive(archive, scenario, time=time)
    assert waits[0] == 60


def test_the_index_is_asked_24_times_a_minute_and_captures_8_times_a_second():
    time = Time()

    async def scenario(client: WaybackArchive) -> None:
        started = time.now
        rows = await listed(client, CdxQuery(url=URL))
        assert time.now - started == pytest.approx(6 * 60 / 24)
        started = time.now
        for row in rows:
            await client.replay(row)
        assert time.now - started == pytest.approx(6 / 8)

    ask_archive(filled(7), scenario, time=time, bounds=Bounds(page_lines=1))


def test_an_archive_that_is_refused_too_often_is_left_for_later():
    archive = filled(5)

    async def scenario(client: WaybackArchive) -> None:
        steps = []
        async for step in client.captures(CdxQuery(url=URL)):
            steps.append(step)
            archive.first = [LIMITED] * 2 if len(steps) == 2 else []
        *given, (failure, cursor) = steps
        assert len(given) == 2
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.RATE_LIMITED
        rest = await listed(client, CdxQuery(url=URL), read_cursor(cursor.as_dict()))
        assert [row.at.day for row in rest] == [3, 4, 5]

    ask_archive(archive, scenario, bounds=Bounds(page_lines=2))


def test_a_longer_silence_than_is_worth_waiting_for_is_a_failure_at_once():
    archive = filled(1)
    archive.first = [answer(status="429 Too Many Requests", retry_after="3600")]

    async def scenario(client: WaybackArchive) -> None:
        (failure,) = await listed(client, CdxQuery(url=URL))
        assert isinstance(failure, Failure)
        assert failure.retry_after_seconds == 3600

    _, waits = ask_archive(archive, scenario)
    assert waits == []


def test_nobody_at_the_archives_address_is_a_failure_after_a_silence():
    async def scenario(client: WaybackArchive) -> None:
        (failure,) = await listed(client, CdxQuery(url=URL))
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.NETWORK

    endpoint = Endpoint(
        cdx="http://127.0.0.1:9/cdx", replay="http://127.0.0.1:9/web", dialect=Dialect.WAYBACK
    )
    assert ask_endpoint(endpoint, scenario).waits == [60]


@pytest.mark.parametrize("obey", [True, False])
def test_robots_txt_of_the_archive_is_obeyed_unless_told_otherwise(obey):
    archive = filled(1)
    archive.instead["/robots.txt"] = answer(b"User-agent: *\nDisallow: /web/\n")

    async def scenario(client: WaybackArchive) -> None:
        (row,) = await listed(client, CdxQuery(url=URL))
        outcome = await client.replay(row)
        assert isinstance(outcome, Failure if obey else FetchedPage)
        assert not obey or outcome.kind is FailureKind.ROBOTS

    ask_archive(archive, scenario, manners=Manners(obey_robots=obey))


# ---------------------------------------------------------------- answers that are none


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"RobotAccessControlException: Blocked By Robots", FailureKind.HTTP_CLIENT),
        (b"", FailureKind.NOT_FOUND),
    ],
)
def test_an_index_that_says_no_ends_the_listing_with_a_rejection(text, kind):
    archive = filled(1)
    archive.first = [answer(text)]

    async def scenario(client: WaybackArchive) -> None:
        (rejection,) = await listed(client, CdxQuery(url=URL))
        assert isinstance(rejection, Rejection)
        assert rejection.kind is kind

    ask_archive(archive, scenario)


@pytest.mark.parametrize(
    "trouble",
    [
        answer(status="504 Gateway Timeout"),
        answer(b'[["urlkey","timestamp"],\n["org,exa'),
        answer(gzip.compress(b"[]", mtime=0)[:-9], content_encoding="gzip"),
        answer(b"<title>Internet Archive: Scheduled Maintenance</title>"),
    ],
)
def test_an_index_in_trouble_is_asked_again(trouble):
    archive = filled(2)
    archive.first = [trouble]

    async def scenario(client: WaybackArchive) -> None:
        assert len(await listed(client, CdxQuery(url=URL))) == 2

    ask_archive(archive, scenario)


def test_an_index_that_goes_round_in_circles_is_left():
    names = ["urlkey", "timestamp", "original"]
    body = json.dumps([names, ["org,example)/a", "20230901100000", URL], [], ["key"]]).encode()
    archive = Archive()

    async def scenario(client: WaybackArchive) -> None:
        archive.first = [answer(body)] * 9
        row, rejection = await listed(client, CdxQuery(url=URL))
        assert isinstance(row, CaptureRow)
        assert isinstance(rejection, Rejection)

    seen, _ = ask_archive(archive, scenario)
    assert len(seen) == 2


def test_bad_lines_are_counted():
    names = ["urlkey", "timestamp", "original"]
    good, bad = ["k", "20230901100000", URL], ["k", "20230931100000", URL]
    archive = Archive(first=[answer(json.dumps([names, bad, good, bad]).encode())])

    async def scenario(client: WaybackArchive) -> None:
        assert len(await listed(client, CdxQuery(url=URL))) == 1
        assert client.bad_lines == 2

    ask_archive(archive, scenario)


def test_a_body_that_is_too_large_is_a_failure():
    async def scenario(client: WaybackArchive) -> None:
        (row,) = await listed(client, CdxQuery(url=URL))
        outcome = await client.replay(row)
        assert isinstance(outcome, Failure)
        assert outcome.kind is FailureKind.TOO_LARGE

    archive = Archive()
    archive.add(URL, "20230901100000", html("x" * 5000))
    ask_archive(archive, scenario, fetch={"max_wire_bytes": 1000})


def test_the_policy_for_archives_has_patience_and_their_pace():
    policy = patient_policy(quick(per_host_interval_seconds=1.0), Manners())
    assert policy.total_seconds >= 120
    assert policy.per_host_interval_seconds == 0.125


def test_the_internet_archive_is_where_it_says():
    assert INTERNET_ARCHIVE.cdx.startswith("https://web.archive.org/cdx/")
    assert INTERNET_ARCHIVE.replay == "https://web.archive.org/web"
