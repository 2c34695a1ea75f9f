"""Evidence of a watched article: what it holds is checked by the tools of others."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType
from sqlalchemy import select
from warcio.archiveiterator import ArchiveIterator as OtherIterator

from storage.engine import read_connection, transaction
from storage.schema import edge, observation, raw
from tests.commands import command_runner
from tests.running import TALKS, live_through, rows, write_config
from tests.site import serve_site

EDITED = TALKS.replace("zwölf Züge", "dreizehn Züge") + "\nKorrektur: Es waren dreizehn Züge."


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with command_runner(tmp_path_factory.mktemp("printed")) as runner:
        yield runner


@pytest.fixture(scope="module")
def site():
    """One for all tests, for what it sent is in the database that they copy."""
    with serve_site() as running:
        yield running


def configure(folder, site, url):
    folder.mkdir()
    return write_config(folder, feeds=[site.url + "/rss"], database_url=url)


def watch(file, site, clock):
    """An article that was edited, and a copy of it at another address."""
    text, day = "Nordland verhandelt über Lokomotiven", "2023-09-05T08:00:00+00:00"
    links = [(site.page("/edited", title=text, text=TALKS, date=day), text)]
    site.feed("/rss", links)

    def copy():
        links.append((site.page("/copy", title=text, text=TALKS, date=day), text))
        site.feed("/rss", links)

    def edit():
        site.page("/edited", title=text + ".", text=EDITED, date=day)

    live_through(file, clock, days=0.3, acts=[(0.05, copy), (0.1, edit)])


@pytest.fixture
def watched(tmp_path, site, engine, url, clock, copies):
    file = configure(tmp_path / "watched", site, url)
    copies.fill(engine, "watched", lambda: watch(file, site, clock))
    return file.parent


def export(run, folder, *arguments, name="evidence.zip"):
    done = run(folder, "export", "evidence", *arguments, "-o", name)
    assert done.exit_code == 0, done.errors
    return folder / name


def unpack(file: Path) -> Path:
    folder = file.with_suffix("")
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def test_the_hashes_are_right_by_sha256sum(run, watched):
    folder = unpack(export(run, watched, "1"))
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == there - {"SHA256SUMS"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {item["name"] for item in manifest["files"]} == there - {"SHA256SUMS", "manifest.json"}
    for item in manifest["files"]:
        data = (folder / item["name"]).read_bytes()
        assert (item["bytes"], item["sha256"]) == (len(data), sha256(data).hexdigest())


def test_the_pages_are_there_as_they_were_sent(run, watched, site, engine):
    folder = unpack(export(run, watched, "1"))
    file = folder / "articles" / "1" / "captures.warc"
    manifest = json.loads((folder / "manifest.json").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(file)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    pages = {}
    with file.open("rb") as stream:
        for record in OtherIterator(stream, check_digests="raise"):
            body = record.content_stream().read()
            if record.rec_type == "response":
                pages[record.rec_headers["WARC-Record-ID"]] = (record, body)
    assert len(pages) == 2
    for told in manifest["pages"]:
        record, body = pages[told["record"]]
        assert sha256(body).hexdigest() == told["sha256"]
        assert record.rec_headers["WARC-Date"] == told["observed_at"]
        assert record.rec_headers["WARC-Target-URI"] == told["url"] == site.url + "/edited"
        assert record.http_headers.get_statuscode() == "200"
        assert record.http_headers.get_header("etag")
        assert (told["source"], told["intact"]) == ("live", True)
    assert pages[manifest["pages"][-1]["record"]][1] == site.answers["/edited"].body
    with file.open("rb") as stream:
        responses = list(ArchiveIterator(stream, record_types=WarcRecordType.response))
    assert len(responses) == 2
    with read_connection(engine) as connection:
        headers = connection.execute(
            select(observation.c.headers).where(observation.c.raw_sha256.is_not(None))
        ).scalar()
    assert "content-length" in headers  # it is kept under the name that archives give it
    assert record.http_headers.get_header("X-Archive-Orig-content-length")


def test_texts_differences_and_looks_are_there(run, watched):
    folder = unpack(export(run, watched, "1")) / "articles" / "1"
    first = (folder / "versions" / "1.txt").read_text()
    assert first.startswith("Nordland verhandelt über Lokomotiven\n\n")
    assert "zwölf Züge" in first
    assert json.loads((folder / "versions" / "2.json").read_text())["is_current"] is True
    difference = (folder / "changes" / "1-2.txt").read_text()
    assert "[-zwölf-]{+dreizehn+} Züge" in difference
    assert "change:   1 to 2" not in difference
    page = (folder / "changes" / "1-2.html").read_text()
    assert "<del>zwölf</del><ins>dreizehn</ins>" in page
    [change] = json.loads((folder / "changes.json").read_text())
    assert change["kind"] == "correction"
    assert change["reason"] in difference
    looks = (folder / "looks.csv").read_text().splitlines()
    assert looks[0].startswith("look_id,article_id,outlet,url,final_url,observed_at,source")
    assert len(looks) > 4
    article = json.loads((folder / "article.json").read_text())
    assert article["stories"][0]["story"] == "trains"
    assert article["urls"][0]["url"].endswith("/edited")


def test_verdicts_come_with_their_reasons_and_the_texts_they_compare(run, watched, engine):
    run(watched, "verdict", "set", "1", "seed:trains", "same_story", "--note", "my own eyes")
    folder = unpack(export(run, watched, "1"))
    verdicts = json.loads((folder / "manifest.json").read_text())["verdicts"]
    told = {item["edge_id"]: (folder / f"{item['file']}.txt").read_text() for item in verdicts}
    assert any("seed 1 of trains" in text for text in told.values())
    assert any("of article 2" in text for text in told.values())
    assert any("An analyst says same_story" in text and "my own eyes" in text
               for text in told.values())  # fmt: skip
    assert (folder / "seeds" / "seed-1-of-trains.txt").read_text().startswith("Zugverkauf")
    kept = json.loads((folder / f"{verdicts[0]['file']}.json").read_text())
    [[relation, evidence]] = rows(
        engine, f"SELECT relation, evidence FROM edge WHERE id = {verdicts[0]['edge_id']}"
    )
    assert kept["relation"] == relation
    evidence = json.loads(evidence) if isinstance(evidence, str) else evidence
    assert kept["evidence"] == evidence
    assert kept["child"]["what"].startswith("version ")
    told_all = (folder / "README.txt").read_text()
    assert "sha256sum -c SHA256SUMS" in told_all
    assert "What is missing" not in told_all


def test_a_relation_is_named_by_its_number_or_by_a_pair(run, watched, engine, site):
    [[edge_id]] = rows(engine, "SELECT MIN(edge_id) FROM relations")
    by_number = unpack(export(run, watched, f"relation:{edge_id}", name="number.zip"))
    both = {path.name for path in (by_number / "articles").iterdir()}
    assert both == {"1", "2"}
    assert [path.name for path in (by_number / "verdicts").glob("*.txt")] == [f"{edge_id}.txt"]
    by_pair = unpack(export(run, watched, site.url + "/copy", "1", name="pair.zip"))
    assert {path.name for path in (by_pair / "articles").iterdir()} == both
    assert (by_pair / "verdicts" / f"{edge_id}.txt").exists()
    by_seed = unpack(export(run, watched, "2", "seed", name="seed.zip"))
    assert list((by_seed / "seeds").iterdir())
    assert [path.name for path in (by_seed / "articles").iterdir()] == ["2"]
    [[seed_edge]] = rows(engine, "SELECT MIN(id) FROM edge WHERE seed_id IS NOT NULL")
    export(run, watched, f"relation:{seed_edge}", name="seed-edge.zip")


def test_the_same_content_gives_the_same_bytes(run, watched):
    one = export(run, watched, "1", name="one.zip").read_bytes()
    assert export(run, watched, "1", name="two.zip").read_bytes() == one
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_where_pages_are_not_kept_it_says_so(run, tmp_path, site, url, clock):
    file = configure(tmp_path / "unkept", site, url)
    file.write_text(file.read_text().replace("[database]", "[database]\nkeep_raw = false"))
    watch(file, site, clock)
    unpacked = unpack(export(run, file.parent, "1"))
    assert not (unpacked / "articles" / "1" / "captures.warc").exists()
    manifest = json.loads((unpacked / "manifest.json").read_text())
    assert manifest["pages"] == []
    [missing] = manifest["missing"]
    assert "no page was kept of versions 1, 2" in missing
    assert missing in (unpacked / "README.txt").read_text()
    assert (unpacked / "articles" / "1" / "versions" / "2.txt").exists()


def test_a_page_that_was_changed_or_damaged_in_the_database_is_told(run, watched, engine):
    with transaction(engine) as connection:
        pages = connection.execute(
            select(observation.c.id, raw.c.sha256)
            .join(raw, raw.c.sha256 == observation.c.raw_sha256)
            .where(observation.c.article_id == 1)
            .order_by(observation.c.observed_at)
        ).all()
        for page, body in zip(pages, (zstandard.compress(b"another page"), b"junk"), strict=True):
            connection.execute(raw.update().where(raw.c.sha256 == page.sha256).values(body=body))
    folder = unpack(export(run, watched, "1"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [item["intact"] for item in manifest["pages"]] == [False, False]
    assert "it was changed in the database" in manifest["missing"][0]
    assert "damaged" in manifest["missing"][1]
    assert manifest["pages"][1]["file"] is None
    assert "What is missing" in (folder / "README.txt").read_text()


def test_an_article_given_by_another_program_has_no_page(run, tmp_path, url):
    folder = tmp_path / "given"
    folder.mkdir()
    write_config(folder, feeds=["http://127.0.0.1:9/rss"], database_url=url)
    line = {"url": "https://example.org/2023/a", "title": "Nordland", "text": TALKS}
    (folder / "articles.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert run(folder, "backfill", "jsonl", "articles.jsonl").exit_code == 0
    manifest = json.loads((unpack(export(run, folder, "1")) / "manifest.json").read_text())
    assert "no page was kept of version 1" in manifest["missing"][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99",), "99: no such article"),
        (("relation:99999",), "no such verdict"),
        (("relation:1", "2"), "leave 2 out"),
        (("1", "1"), "name two articles"),
        (("1", "seed:other"), "no such seed"),
        (("not a url",), "neither an article id nor a URL"),
    ],
)
def test_what_is_not_there_is_exit_code_2(run, watched, arguments, words):
    done = run(watched, "export", "evidence", *arguments, "-o", "x.zip")
    assert done.exit_code == 2
    assert words in done.errors
    assert list(watched.glob("*x.zip*")) == []


def test_articles_that_were_never_compared_have_no_relation(run, watched, engine):
    with transaction(engine) as connection:
        connection.execute(edge.delete().where(edge.c.parent_version_id.is_not(None)))
    done = run(watched, "export", "evidence", "1", "2", "-o", "x.zip")
    assert done.exit_code == 2
    assert "were never compared" in done.errors
