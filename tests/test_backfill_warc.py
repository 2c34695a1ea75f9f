"""WARC files as a source: parts of files, on disk and behind HTTP, and what is wrong with them."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.backfill.days import Days
from ingest.backfill.items import Capture, Skipped
from ingest.backfill.opening import open_warc
from ingest.backfill.warcnames import Listing, cc_news_listings, find_archives, may_hold
from ingest.backfill.warcparts import (
    Part,
    PartReading,
    Shape,
    Wanted,
    look_at_archive,
    plan_spans,
    read_part,
)
from ingest.backfill.warcreader import Terms
from ingest.backfill.warcspan import Layout, Span
from ingest.errors import SourceError, UsageError
from ingest.extract import extract_article
from ingest.fetch import FetchPolicy
from ingest.model import Article, Failure, FailureKind, Rejection
from ingest.runtime import load_stories, open_context, open_database
from ingest.story import NameGroup, StoryRule
from ingest.work import assess_given
from tests import hostile
from tests.running import ACCEPT_ALL, TALKS, WEATHER, read_config, rows, write_config
from tests.site import Answer
from tests.test_backfill_run import run
from tests.test_backfill_warcfile import page, record, response

POLICY = FetchPolicy(
    user_agent="tests", allow_networks=("127.0.0.0/8",), per_host_interval_seconds=0
)
ANY = StoryRule(slug="any", title="Any")
ALL = Wanted(rules=(ANY,), max_body_bytes=4_000_000)
STRIKE = StoryRule(
    slug="strike",
    title="The strike",
    groups=(NameGroup(key="place", names=(("en", ("Port Silver",)),)),),
)


def large(number: int, size: int) -> bytes:
    """A page that does not compress."""
    return page(number, b"<html><p>" + os.urandom(size // 2).hex().encode() + b"</p></html>")


def members(records) -> bytes:
    return b"".join(gzip.compress(item, 1) for item in records)


def arc(records) -> bytes:
    lines = [b"filedesc://x.arc 0.0.0.0 20230905100000 text/plain 2\n1\n"]
    for number, body in enumerate(records):
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
        head = f"http://example.org/{number} 1.2.3.4 20230905100000 text/html {len(block)}\n"
        lines.append(head.encode() + block)
    return b"\n".join(lines) + b"\n"


def read_all(name: str, wanted: Wanted = ALL, *, span_bytes: int, policy=POLICY):
    """The numbers of the pages of a file, in order, and how many readings it took."""
    shape = look_at_archive(name, policy)
    assert isinstance(shape, Shape), shape
    found, readings, skipped = [], 0, 0
    todo = [Part(name=name, shape=shape, span=s) for s in plan_spans(shape, span_bytes=span_bytes)]
    while todo:
        reading = read_part(todo.pop(0), wanted, policy)
        assert isinstance(reading, PartReading), reading
        found += [int(page.requested_url.rsplit("/", 1)[1]) for page in reading.pages]
        skipped += reading.skipped.total()
        readings += 1
        todo = [reading.rest, *todo] if reading.rest else todo
        assert readings < 1000
    return found, readings, skipped


@pytest.mark.parametrize("form", ["members", "plain", "whole", "arc"])
def test_pages_of_any_size_come_back_in_portions(form, tmp_path):
    records = [page(0), *(large(number, 1_500_000) for number in range(1, 14))]
    records.insert(7, record(b"what was asked", kind="request"))
    if form == "arc":
        bodies = [b"<html><p>" + os.urandom(750_000).hex().encode() for _ in range(14)]
        archive = arc(bodies)
    else:
        archive = {
            "members": members,
            "plain": b"".join,
            "whole": lambda items: gzip.compress(b"".join(items), 1),
        }[form](records)
    file = tmp_path / "large.warc.gz"
    file.write_bytes(archive)
    found, readings, skipped = read_all(str(file), span_bytes=100 * 2**20)
    assert found == list(range(14))
    assert readings == 3  # two of eight megabytes, and what is left
    assert skipped == 1  # a request, or what describes an ARC: once, though it was read over


def test_records_that_reach_far_behind_their_part_are_fetched_whole(site):
    sizes = [2000, 3_500_000, 2000, 3_900_000, 2000, 2000]
    archive = members([large(number, size) for number, size in enumerate(sizes)])
    site.answers["/news.warc.gz"] = Answer(archive)
    found, _, _ = read_all(site.url + "/news.warc.gz", span_bytes=64 * 1024)
    assert found == list(range(6))
    assert site.parts["/news.warc.gz"] == site.requests["/news.warc.gz"] > 6


def test_a_record_without_an_end_is_left_behind(site):
    cut = gzip.compress(large(1, 400_000), 1)[:-2000]
    archive = gzip.compress(page(0)) + cut + gzip.compress(page(2)) + gzip.compress(page(3))
    site.answers["/news.warc.gz"] = Answer(archive)
    found, _, skipped = read_all(site.url + "/news.warc.gz", span_bytes=100_000)
    assert found == [0, 2, 3]
    assert skipped == 1


def test_only_a_server_that_sends_parts_can_be_read(site):
    site.answers["/news.warc.gz"] = Answer(members([page(0)]))
    site.answers["/one.warc.gz"] = Answer(gzip.compress(page(0) + page(1)))
    whole = look_at_archive(site.url + "/one.warc.gz", POLICY)
    assert isinstance(whole, Rejection)
    assert "download it" in whole.reason
    gone = look_at_archive(site.url + "/gone.warc.gz", POLICY)
    assert isinstance(gone, Failure)
    assert gone.kind is FailureKind.NOT_FOUND
    site.gives_parts = False
    refused = look_at_archive(site.url + "/news.warc.gz", POLICY)
    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.TOO_LARGE
    assert "whole files only" in refused.reason


def test_a_private_server_is_out_of_reach_as_ever(site):
    site.answers["/news.warc.gz"] = Answer(members([page(0)]))
    refused = look_at_archive(site.url + "/news.warc.gz", FetchPolicy(user_agent="tests"))
    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.REFUSED_ADDRESS
    assert not site.requests


def test_a_file_that_changed_in_the_meantime_is_not_mixed(site):
    address = site.url + "/news.warc.gz"
    site.answers["/news.warc.gz"] = Answer(members([page(0), page(1)]))
    shape = look_at_archive(address, POLICY)
    site.answers["/news.warc.gz"] = Answer(members([page(0), page(1), page(2)]))
    part = Part(name=address, shape=shape, span=Span(start=0, stop=shape.size_bytes))
    changed = read_part(part, ALL, POLICY)
    assert isinstance(changed, Rejection)
    assert "has changed" in changed.reason


def test_spans_begin_where_a_run_stopped():
    shape = Shape(size_bytes=100, layout=Layout.MEMBERS)
    assert list(plan_spans(shape, span_bytes=40, start=55)) == [
        Span(start=55, stop=80),
        Span(start=80, stop=100),
    ]
    assert list(plan_spans(shape, span_bytes=40, start=100)) == []


# ---------------------------------------------------------------- the source


class DeadlyAt:
    """The real workers, but one record is deadly."""

    def __init__(self, real, place):
        self.real, self.place, self.places = real, place, real.places

    def submit_within(self, seconds, fn, /, *args):
        if fn is read_part:
            return self.real.submit_within(seconds, hostile.read_part_or_die, self.place, *args)
        return self.real.submit_within(seconds, fn, *args)


def steps_of(tmp_path, *paths, terms=None, deadly=None, cursor=None, days=None):
    """All steps of the source."""

    async def go():
        file = write_config(
            tmp_path, feeds=[], database_url=f"sqlite:///{tmp_path}/steps.db", story=ACCEPT_ALL
        )
        config = read_config(file)
        with open_database(config) as engine:
            async with open_context(engine, config) as opened:
                workers = opened.workers if deadly is None else DeadlyAt(opened.workers, deadly)
                context = replace(opened, workers=workers)
                source = open_warc(
                    context, paths, base=None, cc_news=False, days=days or Days(), policy=POLICY
                )
                if terms:
                    source = replace(source, reader=replace(source.reader, terms=terms))
                return [step async for step in source.steps(cursor)]

    return asyncio.run(go())


def addresses(steps):
    async def load(item):
        return (await item.load()).requested_url

    return [asyncio.run(load(step.item)) for step in steps if isinstance(step.item, Capture)]


def skips(steps):
    return {step.item.reason: step.item for step in steps if isinstance(step.item, Skipped)}


def test_a_record_that_kills_workers_costs_its_neighbours_nothing(tmp_path):
    records = [gzip.compress(large(number, 20_000), 1) for number in range(40)]
    file = tmp_path / "crawl.warc.gz"
    file.write_bytes(b"".join(records))
    place = sum(map(len, records[:17]))
    steps = steps_of(tmp_path, str(file), deadly=place)
    assert addresses(steps) == [f"http://example.org/{n}" for n in range(40) if n != 17]
    lost = skips(steps)["unreadable: crashed"]
    assert lost.count == 1
    assert f"{file} at byte" in lost.error
    assert steps[-1].cursor == {"file": str(file), "place": file.stat().st_size, "kept": 0}
    assert [step.share for step in steps if step.share is not None][-1] == 1


def test_a_bad_file_does_not_stop_the_others(site, tmp_path):
    site.answers["/a.warc.gz"] = Answer(members([page(0)]))
    site.answers["/c.warc.gz"] = Answer(
        members([page(2)])[:-9] + b"\0" * 50 + members([page(3), record(b"", kind="metadata")])
    )
    listing = tmp_path / "of-mine.paths"
    listing.write_text("".join(f"{site.url}/{name}.warc.gz\n" for name in "abc"))
    steps = steps_of(tmp_path, str(listing))
    assert addresses(steps) == ["http://example.org/0", "http://example.org/3"]
    told = skips(steps)
    assert f"{site.url}/b.warc.gz: HTTP 404" in told["unreadable: not-found"].error
    assert f"{site.url}/c.warc.gz at byte 0" in told["damaged"].error
    assert told["record of type metadata"].count == 1


def test_a_server_that_fails_is_asked_again_and_then_left_for_later(site, tmp_path):
    site.answers["/a.warc.gz"] = Answer(b"busy", 503)
    with pytest.raises(SourceError, match="HTTP 503; --resume goes on there"):
        steps_of(tmp_path, f"{site.url}/a.warc.gz", terms=Terms(waits=(0, 0)))
    assert site.requests["/a.warc.gz"] == 3


def test_a_cursor_of_a_file_that_is_gone_is_refused(tmp_path):
    file = tmp_path / "a.warc"
    file.write_bytes(page(0))
    with pytest.raises(UsageError, match="is not among the files any more; use --restart"):
        steps_of(tmp_path, str(file), cursor={"file": "b.warc", "place": 0, "kept": 0})


def test_only_the_days_that_were_asked_for_are_read(tmp_path):
    file = tmp_path / "a.warc"
    dates = ["2023-09-04T23:59:59Z", "2023-09-05T00:00:00Z", "2023-09-06T00:00:00Z"]
    file.write_bytes(
        b"".join(
            record(response(), url=f"http://example.org/{number}", date=date)
            for number, date in enumerate(dates)
        )
    )
    days = Days(since=datetime(2023, 9, 5, tzinfo=UTC), until=datetime(2023, 9, 5, 23, tzinfo=UTC))
    steps = steps_of(tmp_path, str(file), days=days)
    assert addresses(steps) == ["http://example.org/1"]
    assert skips(steps)["outside-dates"].count == 2


# ---------------------------------------------------------------- which files


def test_folders_are_opened_and_what_is_not_there_is_said(tmp_path):
    folder = tmp_path / "crawl" / "deep"
    folder.mkdir(parents=True)
    for name in ("b.warc.gz", "a.arc.gz", "notes.txt"):
        (folder / name).write_bytes(b"")
    found = find_archives([str(tmp_path / "crawl"), "https://a.example/x.warc.gz"], base=None)
    assert found == (
        str(folder / "a.arc.gz"),
        str(folder / "b.warc.gz"),
        "https://a.example/x.warc.gz",
    )
    for path in ("none.warc.gz", "none.paths.gz"):
        with pytest.raises(UsageError, match=f"{path}: no such file"):
            find_archives([str(tmp_path / path)], base=None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file in it ends with"):
        find_archives([str(tmp_path / "empty")], base=None)


@pytest.mark.parametrize(
    ("name", "base", "line", "meant"),
    [
        ("https://a.example/m/09.paths.gz", None, "c/x.warc.gz", "https://a.example/c/x.warc.gz"),
        ("09.paths", None, "crawl-data/x.gz", "https://data.commoncrawl.org/crawl-data/x.gz"),
        ("lists/09.paths", None, "x.warc.gz", "lists/x.warc.gz"),
        ("lists/09.paths", "/mnt/crawl", "x.warc.gz", "/mnt/crawl/x.warc.gz"),
        ("09.paths", "https://b.example/d/", "x.gz", "https://b.example/d/x.gz"),
        ("09.paths", "/mnt", "https://b.example/x.gz", "https://b.example/x.gz"),
    ],
)
def test_lines_of_a_listing_are_relative_to(name, base, line, meant):
    assert Listing(name=name, base=base).resolve(line) == meant


def test_the_news_crawl_is_taken_by_its_months():
    now = datetime(2024, 2, 10, tzinfo=UTC)
    days = Days(since=datetime(2023, 12, 15, tzinfo=UTC))
    assert [item.name.split("CC-NEWS/")[1] for item in cc_news_listings(days, now=now)] == [
        "2023/12/warc.paths.gz",
        "2024/01/warc.paths.gz",
        "2024/02/warc.paths.gz",
    ]
    with pytest.raises(UsageError, match="--cc-news needs --since"):
        cc_news_listings(Days(), now=now)


def test_files_of_the_news_crawl_are_chosen_by_the_time_in_their_names():
    days = Days(
        since=datetime(2023, 9, 5, tzinfo=UTC), until=datetime(2023, 9, 6, 23, 59, tzinfo=UTC)
    )
    name = "crawl-data/CC-NEWS/2023/09/CC-NEWS-{}-04567.warc.gz"
    assert not may_hold(name.format("20230903235959"), days)
    assert may_hold(name.format("20230904120000"), days)  # it may last for a day
    assert may_hold(name.format("20230906230000"), days)
    assert not may_hold(name.format("20230907000000"), days)
    assert may_hold(name.format("20239999999999"), days)
    assert may_hold("other.warc.gz", days)


def article_page(title, text):
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    return (
        f"<html lang='de'><head><title>{title}</title></head><body><nav>Port Silver</nav>"
        f"<article><h1>{title}</h1>{paragraphs}</article></body></html>"
    ).encode()


def test_only_known_articles_are_read_with_the_model_when_they_do_not_name_the_story(
    engine, url, tmp_path
):
    story = ACCEPT_ALL + '[[stories.groups]]\nkey = "place"\nnames = { de = ["Nordland*"] }\n'
    config = write_config(tmp_path, feeds=[], database_url=url, story=story)
    # Nordland among the links lets a page through the screen, and is none of its text.
    beside = b"<aside><a href=/n>Nordland</a></aside></body>"
    weather = article_page("Wetter", WEATHER).replace(b"</body>", beside)
    edited = article_page("Das Land verhandelt", TALKS.replace("Nordland", "Land"))
    file = tmp_path / "crawl.warc.gz"
    later = record(
        response(edited.replace(b"</body>", beside)),
        url="http://example.org/0",
        date="2023-09-06T10:00:00Z",
    )
    file.write_bytes(
        members([page(0, article_page("Nordland verhandelt", TALKS)), page(1, weather), later])
    )
    done = run(config, "warc", str(file))
    assert done["outcomes"] == {"new-version": 2, "off-story": 1}
    assert rows(engine, "SELECT count(*) FROM feature WHERE model = ''") == [(0,)]
    assert rows(engine, "SELECT title FROM version ORDER BY seq") == [
        ("Nordland verhandelt",),
        ("Das Land verhandelt",),
    ]


def test_the_command_reports_what_was_in_a_file(tmp_path, url):
    body = (
        "<html><head><title>Strike</title></head><body><article><h1>Strike in Port Silver</h1>"
        + "".join(f"<p>The dockers of Port Silver went on strike on day {n}.</p>" for n in range(9))
        + "</article></body></html>"
    ).encode()
    file = tmp_path / "crawl.warc.gz"
    weather = b"<html><p>It will rain in the mountains.</p></html>"
    file.write_bytes(
        members([page(0, body), page(1, weather), page(2, weather), record(b"", kind="metadata")])
    )
    story = ACCEPT_ALL + '[[stories.groups]]\nkey = "place"\nnames = { en = ["Port Silver"] }\n'
    config = write_config(tmp_path, feeds=[], database_url=url, story=story)
    done = run(config, "warc", str(file))
    assert done["outcomes"] == {
        "new-version": 1,
        "skipped: off-story": 2,
        "skipped: record of type metadata": 1,
    }
    again = run(config, "warc", str(file))
    assert again["outcomes"]["known"] == 1
    refused = run(config, "warc", expected=2)
    assert "name files, folders, addresses" in refused["told"]
    missing = run(config, "warc", str(tmp_path / "none.warc"), expected=2)
    assert "none.warc: no such file or folder" in missing["told"]
    assert json.dumps(done["errors"]) == "[]"


def test_a_text_that_names_no_story_is_judged_without_the_model(tmp_path):
    story = ACCEPT_ALL + '[[stories.groups]]\nkey = "place"\nnames = { de = ["Nordland*"] }\n'
    file = write_config(tmp_path, feeds=[], database_url="sqlite://", story=story)
    setups = load_stories(read_config(file))

    def model_of(text, **options):
        read = extract_article(
            article_page("Bericht", text), url="https://a.example/1", charset="utf-8",
            feed_date=None, now=datetime(2023, 9, 5, tzinfo=UTC),
        )  # fmt: skip
        assert isinstance(read, Article)
        return assess_given(read, setups, **options).features.model

    assert model_of(TALKS, spare_model=True) == model_of(WEATHER) != ""
    assert model_of(WEATHER, spare_model=True) == ""
