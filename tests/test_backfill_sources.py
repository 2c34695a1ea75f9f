"""Each source of a backfill on real servers and files: whole, and interrupted and resumed."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ingest.backfill.days import Days
from ingest.backfill.job import begin, end
from ingest.backfill.opening import Asked, open_warc, open_wayback
from ingest.backfill.run import run_backfill
from ingest.backfill.source_feedarchive import FeedArchiveSource
from ingest.backfill.source_gdelt import GdeltSource
from ingest.backfill.source_html import SavedPageSource
from ingest.backfill.source_jsonl import JsonSource
from ingest.backfill.source_sitemap import SitemapSource
from ingest.backfill.source_urls import UrlSource
from ingest.backfill.wayback import Manners
from ingest.fetch import FetchPolicy
from ingest.runtime import fetch_policy, open_context, open_database
from storage.engine import open_engine
from tests.pywb import Capture, running_pywb
from tests.running import ACCEPT_ALL, TALKS, WEATHER, count_rows, read_config, rows, write_config
from tests.site import Answer

SINCE = datetime(2023, 9, 1, tzinfo=UTC)
DAYS = Days(since=SINCE, until=datetime(2023, 9, 20, tzinfo=UTC))
FAST = Manners(queries_per_minute=6000, captures_per_second=500, silence_seconds=0.1, tries=2)
CONTENT = """
    SELECT article.canonical_url, version.seq, version.title, version.text,
           coalesce((SELECT kind FROM change WHERE to_version_id = version.id), '')
    FROM article JOIN version ON version.article_id = article.id ORDER BY 1, 2
"""
ARTICLES = 9


def pages(site):
    """Articles on a site; every third is about the trains."""
    for number in range(ARTICLES):
        text = TALKS if number % 3 == 0 else WEATHER
        yield site.page(
            f"/2023/09/{number + 1:02}/report",
            title=f"Bericht {number}",
            text=f"Bericht {number} aus Nordland vom {number}. September.\n\n{text}",
            date=f"2023-09-{number + 1:02}T08:00:00Z",
        )


def xml(body):
    return Answer(body.encode(), 200, {"Content-Type": "application/xml"})


def make_sitemap(site, tmp_path):
    listed = "".join(f"<url><loc>{url}</loc></url>" for url in pages(site))
    old = f"<url><loc>{site.url}/2021/05/01/old</loc></url>"
    first, second = listed[: len(listed) // 2], listed[len(listed) // 2 :]
    cut = listed.index("<url>", len(listed) // 2)
    first, second = listed[:cut] + old, listed[cut:]
    site.answers["/robots.txt"] = Answer(f"Sitemap: {site.url}/index.xml\n".encode())
    site.answers["/index.xml"] = xml(
        f"<sitemapindex><sitemap><loc>{site.url}/a.xml</loc></sitemap>"
        f"<sitemap><loc>{site.url}/b.xml.gz</loc></sitemap></sitemapindex>"
    )
    site.answers["/a.xml"] = xml(f"<urlset>{first}</urlset>")
    packed = gzip.compress(f"<urlset>{second}</urlset>".encode())
    site.answers["/b.xml.gz"] = Answer(packed, 200, {"Content-Type": "application/gzip"})
    return lambda context: SitemapSource(context=context, url=site.url + "/", days=DAYS)


def make_feed_archive(site, tmp_path):
    listed = [(url, f"Bericht {number}") for number, url in enumerate(pages(site))]

    def document(entries, older):
        items = "".join(
            f'<entry><title>{title}</title><link href="{url}"/><id>{url}</id></entry>'
            for url, title in entries
        )
        link = f'<link rel="prev-archive" href="{site.url}{older}"/>' if older else ""
        return xml(
            f'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>{link}{items}</feed>'
        )

    site.answers["/feed"] = document(listed[:3], "/feed-2")
    site.answers["/feed-2"] = document(listed[3:6], "/feed-1")
    site.answers["/feed-1"] = document(listed[6:], None)
    return lambda context: FeedArchiveSource(context=context, url=site.url + "/feed", days=DAYS)


def make_wordpress(site, tmp_path):
    posts = [
        {
            "id": number,
            "link": url,
            "date_gmt": f"2023-09-{number + 1:02}T08:00:00",
            "modified_gmt": f"2023-09-{number + 1:02}T08:00:00",
            "title": {"rendered": f"Bericht {number}"},
        }
        for number, url in enumerate(pages(site))
    ]
    headers = {"Content-Type": "application/json", "X-WP-TotalPages": "1"}
    site.answers["/wp-json/wp/v2/posts"] = Answer(json.dumps(posts).encode(), 200, headers)
    return lambda context: FeedArchiveSource(context=context, url=site.url + "/feed", days=DAYS)


def make_gdelt(site, tmp_path):
    articles = [
        {"url": url, "title": f"Bericht {number}", "seendate": "20230905T080000Z"}
        for number, url in enumerate(pages(site))
    ]
    site.answers["/gdelt"] = Answer(
        json.dumps({"articles": articles}).encode(), 200, {"Content-Type": "application/json"}
    )

    async def no_pause(_seconds):
        return None

    return lambda context: GdeltSource(
        context=context,
        queries=("trains",),
        days=Days(since=SINCE, until=SINCE + timedelta(days=2)),
        api=site.url + "/gdelt",
        pause=no_pause,
    )


def make_urls(site, tmp_path):
    file = tmp_path / "addresses.txt"
    file.write_text("# theirs\n" + "\n".join(pages(site)), encoding="utf-8")
    return lambda context: UrlSource(context=context, file=str(file))


def make_html(site, tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    for number, url in enumerate(pages(site)):
        path = url.removeprefix(site.url)
        body = site.answers[path].body.decode()
        link = f'<link rel="canonical" href="https://paper.example{path}">'
        (folder / f"{number}.html").write_text(body.replace("</head>", link + "</head>"))
        sidecar = {"url": f"https://paper.example{path}", "fetched_at": "2023-09-10T10:00:00Z"}
        (folder / f"{number}.html.json").write_text(json.dumps(sidecar))
    return lambda context: SavedPageSource(context=context, folder=folder)


def make_jsonl(site, tmp_path):
    file = tmp_path / "given.jsonl"
    lines = [
        {
            "maintext": f"Bericht {number} aus Nordland.\n\n{WEATHER}",
            "title": f"Bericht {number}",
            "url": f"https://paper.example/{number}",
            "date_publish": f"2023-09-{number + 1:02} 08:00:00",
            "source_domain": "paper.example",
            "authors": [],
        }
        for number in range(ARTICLES)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return lambda context: JsonSource(context=context, file=file)


def write_warcs(site, folder):
    """Two files by warcio, with requests among the responses."""
    folder.mkdir()
    listed = list(pages(site))
    for name, urls in (("a", listed[:5]), ("b", listed[5:])):
        with (folder / f"{name}.warc.gz").open("wb") as file:
            writer = WARCWriter(file, gzip=True)
            for number, url in enumerate(urls):
                path = url.removeprefix(site.url)
                head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], "HTTP/1.1")
                of_request = StatusAndHeaders(f"GET {path} HTTP/1.1", [], is_http_request=True)
                address = f"https://paper.example{path}"
                body = site.answers[path].body
                asked = {"WARC-Date": f"2023-09-10T10:{number:02}:00Z"}
                for kind, headers, payload in (
                    ("request", of_request, b""),
                    ("response", head, body),
                ):
                    writer.write_record(
                        writer.create_warc_record(
                            address,
                            kind,
                            payload=BytesIO(payload),
                            length=len(payload),
                            http_headers=headers,
                            warc_headers_dict=dict(asked),
                        )
                    )
    return folder


def open_files(context, *paths):
    policy = FetchPolicy(user_agent="tests", allow_networks=("127.0.0.0/8",))
    return open_warc(context, paths, base=None, cc_news=False, days=DAYS, policy=policy)


def make_warc(site, tmp_path):
    folder = write_warcs(site, tmp_path / "crawl")
    return lambda context: open_files(context, str(folder))


def make_warc_by_http(site, tmp_path):
    folder = write_warcs(site, tmp_path / "crawl")
    for name in ("a", "b"):
        site.answers[f"/crawl/{name}.warc.gz"] = Answer((folder / f"{name}.warc.gz").read_bytes())
    listing = b"crawl/a.warc.gz\ncrawl/b.warc.gz\n"
    site.answers["/months/09.paths.gz"] = Answer(gzip.compress(listing))
    return lambda context: open_files(context, f"{site.url}/months/09.paths.gz")


SOURCES = {
    "warc": make_warc,
    "warc-by-http": make_warc_by_http,
    "sitemap": make_sitemap,
    "feed-archive": make_feed_archive,
    "wordpress": make_wordpress,
    "gdelt": make_gdelt,
    "urls": make_urls,
    "html": make_html,
    "jsonl": make_jsonl,
}


def backfill(file, make, *, stop_after=None, resume=False):
    """Run a source; with `stop_after` a stop is asked for after so many outcomes."""

    async def go():
        config = read_config(file)
        with open_database(config) as engine:
            async with open_context(engine, config) as context, AsyncExitStack() as stack:
                made = make(context)
                source = await made(config, stack) if callable(made) else made

                def show(done):
                    if stop_after is not None and done.counts.total() >= stop_after:
                        context.stopping.set()

                job = await begin(context, source, limit=None, resume=resume, restart=False)
                done, complete = await run_backfill(
                    context, source, job, in_hand=3, limit=None, on_progress=show
                )
                await end(context, job, done=complete)
                return done, complete

    return asyncio.run(go())


def database(tmp_path, name, url):
    folder = tmp_path / name
    folder.mkdir()
    return write_config(folder, feeds=[], database_url=url, story=ACCEPT_ALL)


@pytest.mark.parametrize("kind", SOURCES)
def test_an_interrupted_source_comes_to_the_same_as_a_whole_one(kind, site, engine, url, tmp_path):
    make = SOURCES[kind](site, tmp_path)
    whole_url = f"sqlite:///{tmp_path}/whole.db"
    done, complete = backfill(database(tmp_path, "whole", whole_url), make)
    assert complete
    assert not done.errors
    assert done.counts["new-version"] == ARTICLES
    file = database(tmp_path, "stopped", url)
    _, complete = backfill(file, make, stop_after=4)
    assert not complete
    _, complete = backfill(file, make, resume=True)
    assert complete
    whole = open_engine(whole_url)
    assert rows(engine, CONTENT) == rows(whole, CONTENT)
    whole.dispose()
    before = count_rows(engine)
    _, complete = backfill(file, make)
    assert complete
    assert count_rows(engine) == before


# ---------------------------------------------------------------- web archives


def page_of(text, title="Nordland verhandelt"):
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    return (
        f'<html lang="de"><head><title>{title}</title></head><body><article><h1>{title}</h1>'
        f"{paragraphs}</article></body></html>"
    ).encode()


def at(day, hour=8):
    return datetime(2023, 9, day, hour, tzinfo=UTC)


TALKS_URL = "https://www.example.org/news/talks"
EDITED = TALKS.replace("152 Lokomotiven", "170 Lokomotiven")
WALL = (
    b"<html><head><title>Before you continue</title></head>"
    b"<body><p>We use cookies.</p></body></html>"
)
HELD = [
    Capture(url=TALKS_URL, at=at(5), body=page_of(TALKS)),
    Capture(url=TALKS_URL, at=at(6), body=page_of(TALKS)),
    Capture(url=TALKS_URL, at=at(7), body=WALL),
    Capture(url=TALKS_URL, at=at(8), body=page_of(EDITED)),
    Capture(url=TALKS_URL, at=at(12), body=page_of(EDITED + "\n\n" + WEATHER)),
    Capture(url="https://www.example.org/news/weather", at=at(6), body=page_of(WEATHER, "Wetter")),
    Capture(url="https://www.example.org/gone", at=at(6), body=b"no", status="404 Not Found"),
]


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    with running_pywb(tmp_path_factory.mktemp("pywb"), HELD) as url:
        yield url


def archived(collection, **asked):
    def make(context):
        async def opened(config, stack):
            return await open_wayback(
                context,
                stack,
                Asked(archive=collection, days=DAYS, **asked),
                policy=fetch_policy(config),
                manners=FAST,
            )

        return opened

    return make


def test_captures_of_an_archive_are_versions_in_their_order(collection, engine, url, tmp_path):
    file = database(tmp_path, "archived", url)
    everything = archived(collection, targets=("https://www.example.org/*",))
    done, complete = backfill(file, everything)
    assert complete
    assert done.counts["new-version"] == 4  # three of the talks, one of the weather
    assert [row[1:3] + row[4:] for row in rows(engine, CONTENT)] == [
        (1, "Nordland verhandelt", ""),
        (2, "Nordland verhandelt", "correction"),
        (3, "Nordland verhandelt", "substantive"),
        (1, "Wetter", ""),
    ]
    assert rows(engine, "SELECT DISTINCT source FROM observation") == [("wayback",)]
    before = count_rows(engine)
    done, complete = backfill(file, everything)
    assert complete
    assert count_rows(engine) == before


def test_the_history_of_known_articles_is_filled_in(collection, engine, url, tmp_path):
    file = database(tmp_path, "known", url)
    given = tmp_path / "given.jsonl"
    line = {
        "url": TALKS_URL,
        "title": "Nordland verhandelt",
        "text": TALKS,
        "published_at": "2023-09-05T06:00:00Z",
    }
    given.write_text(json.dumps(line))
    backfill(file, lambda context: JsonSource(context=context, file=given))
    done, complete = backfill(file, archived(collection, known=True))
    assert complete
    assert done.counts["new-version"] >= 2
    assert rows(engine, "SELECT count(*) FROM article") == [(1,)]
    times = rows(engine, "SELECT first_observed_at FROM version ORDER BY seq")
    assert times == sorted(times)
