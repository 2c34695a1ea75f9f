"""Finding what to compare in an archive, on both databases, and judging it again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ingest.backfill.job import begin
from ingest.backfill.run import run_backfill
from ingest.backfill.source_jsonl import JsonSource
from ingest.candidates import SignatureIndex, find_candidates
from ingest.demo.newsroom import load
from ingest.runtime import open_context, open_database
from ingest.seeds import read_seed
from ingest.verdict.encoder import shared_encoder
from ingest.verdict.features import make_features
from ingest.verdict.rule import load_rule
from ingest.verdict.shingles import fingerprint
from storage import schema
from storage.engine import read_connection, transaction
from storage.lookup import sharing_anchors, sharing_shingles
from tests.commands import ROOT, call
from tests.running import ACCEPT_ALL, TALKS, WEATHER, read_config, rows, write_config

SEED = read_seed(ROOT / "seeds" / "kim-putin.txt", story="kim-putin")
PIECES = {piece.key: piece for piece in load(SEED.title, SEED.text)[1]}
STORED = [
    "wire-original",
    "vostok-translation",
    "hangang-translation",
    "kurier-second-translation",
    "bote-rewrite",
    "meridien-independent",
    "wire-sport",
]


def write_articles(folder: Path) -> Path:
    file = folder / "articles.jsonl"
    lines = [
        {
            "url": f"https://{key}.example/2023/talks",
            "title": PIECES[key].title,
            "text": PIECES[key].text,
            "language": PIECES[key].language,
            "published_at": (PIECES[key].published + timedelta(minutes=number)).isoformat(),
        }
        for number, key in enumerate(STORED)
    ]
    lines.append({"url": "https://w.example/1", "title": "Wetter", "text": WEATHER})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def archive(engine, tmp_path: Path, copies):
    """Eight articles stored through the program's own path; the configuration beside them."""
    url = engine.url.render_as_string(hide_password=False)
    config = write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL, seed=seed_text())

    async def fill() -> None:
        loaded = read_config(config)
        with open_database(loaded) as own:
            async with open_context(own, loaded) as context:
                source = JsonSource(context=context, file=write_articles(tmp_path))
                job = await begin(context, source, limit=None, resume=False, restart=False)
                done, complete = await run_backfill(context, source, job, in_hand=4, limit=None)
                assert complete
                assert not done.errors

    copies.fill(engine, "archive", lambda: asyncio.run(fill()))
    return config


def seed_text() -> str:
    return f"{SEED.title}\n\n{SEED.text}"


def find(connection, text: str, language: str) -> list[str]:
    chosen = find_candidates(
        connection,
        SignatureIndex(),
        hashes=fingerprint(text, language=language),
        features=make_features(text, language=language, rule=load_rule(), encoder=shared_encoder()),
        article_id=0,
        limit=20,
    )
    found = dict(
        tuple(row)
        for row in connection.exec_driver_sql(
            "SELECT v.id, a.canonical_url FROM version v JOIN article a ON a.id = v.article_id"
        )
    )
    return [found[item].removeprefix("https://").partition(".")[0] for item in chosen]


@pytest.mark.parametrize("key", ["dnipro-translation", "jiangnan-translation", "bote-seed-copy"])
def test_a_translation_finds_its_relatives_in_the_archive(engine, archive, key):
    with read_connection(engine) as connection:
        found = find(connection, PIECES[key].text, PIECES[key].language)
    assert {"wire-original", "vostok-translation"} <= set(found)
    assert "w" not in found[:4]


def test_relations_are_found_between_articles_as_they_are_stored(engine, archive):
    found = rows(engine, "SELECT child_language, parent_language, relation FROM relations")
    assert ("ru", "en", "translation") in found
    assert ("ko", "en", "translation") in found
    assert ("de", "de", "near_duplicate") in found
    assert all(
        "wire-sport" not in url for (url,) in rows(engine, "SELECT child_url FROM relations")
    )
    ((size, languages),) = rows(engine, "SELECT size, languages FROM clusters")
    assert size == 5
    assert languages == 4
    assert all(parent for (parent,) in rows(engine, "SELECT parent_url FROM derivations"))


def test_what_many_have_is_left_out_of_a_lookup(engine, archive):
    with read_connection(engine) as connection:
        hashes = fingerprint(PIECES["bote-rewrite"].text, language="de").shingles
        assert sharing_shingles(connection, hashes, common=5)
        assert not sharing_shingles(connection, hashes, common=0)
        assert not sharing_shingles(connection, (), common=5)
        assert not sharing_anchors(connection, [1, 2, 3], common=5)


def bits_of(numbers: list[int]) -> list[tuple[int, bytes]]:
    return [
        (place + 1, np.random.default_rng(number).bytes(64)) for place, number in enumerate(numbers)
    ]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 40), max_size=30), st.integers(0, 40), st.integers(0, 120))
def test_the_scan_finds_what_is_near_and_nothing_else(numbers, wanted, flipped):
    index = SignatureIndex()
    stored = bits_of(numbers)
    index.extend(stored[:7])
    index.extend(stored[7:])
    bits = np.unpackbits(np.frombuffer(np.random.default_rng(wanted).bytes(64), np.uint8))
    bits[128 : 128 + flipped] ^= 1  # the first 128 bits agree, so the coarse step lets it pass
    found = index.nearest(np.packbits(bits).tobytes(), limit=100)
    near = {place + 1 for place, number in enumerate(numbers) if number == wanted}
    assert near <= {version for version, _ in found}
    assert all(differing <= 205 for _, differing in found)
    assert [differing for _, differing in found] == sorted(differing for _, differing in found)


def test_a_version_without_a_signature_is_passed_over():
    index = SignatureIndex()
    index.extend([(1, b""), (2, bytes(64))])
    assert index.size == 1
    assert index.nearest(b"", limit=5) == []
    assert index.nearest(bytes(64), limit=5) == [(2, 0)]


def test_a_version_that_another_process_commits_late_is_taken_in(engine, archive):
    """Its id is given at its insertion: a later one may be there before."""
    table, seconds = schema.feature, [0.0]
    with transaction(engine) as connection:
        (late,) = connection.execute(select(table).where(table.c.version_id == 2)).mappings().all()
        connection.execute(table.delete().where(table.c.version_id == 2))
    index, forgetful = (SignatureIndex(clock=lambda: seconds[0]) for _ in range(2))
    for each in (index, forgetful):
        with read_connection(engine) as connection:
            each.refresh(connection)
        assert 2 not in dict(each.nearest(late["signature"], limit=9))
    before = index.size
    with transaction(engine) as connection:
        connection.execute(table.insert(), dict(late))
    mark = index.mark()
    for _ in range(2):  # the first time its transaction is rolled back
        with read_connection(engine) as connection:
            index.refresh(connection)
        assert (index.size, dict(index.nearest(late["signature"], limit=9))[2]) == (before + 1, 0)
        index.rewind(mark)
        assert index.size == before
    seconds[0] = 301.0  # no transaction is open for that long
    with read_connection(engine) as connection:
        forgetful.refresh(connection)
    assert forgetful.size == before


# ---------------------------------------------------------------- judging again


def rejudge(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call("rejudge", *arguments, config=config)


def forget(engine) -> None:
    """Make the stored verdicts those of an earlier rule, and the features too old to be used."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE edge SET method_version = '1'")
        connection.exec_driver_sql("UPDATE feature SET judged_by = '1', method_version = 'older'")


def test_a_new_rule_adds_verdicts_and_keeps_the_old(engine, archive):
    before = rows(engine, "SELECT COUNT(*) FROM edge")
    relations = rows(engine, "SELECT child_url, parent_url, relation FROM relations ORDER BY 1, 2")
    forget(engine)
    assert rejudge(archive).returncode == 0
    ((count,),) = rows(engine, "SELECT COUNT(*) FROM edge")
    assert count == 2 * before[0][0]
    assert relations == rows(
        engine, "SELECT child_url, parent_url, relation FROM relations ORDER BY 1, 2"
    )
    assert rows(engine, "SELECT COUNT(*) FROM feature WHERE method_version = 'older'") == [(0,)]
    assert rejudge(archive).returncode == 0
    assert rows(engine, "SELECT COUNT(*) FROM edge") == [(count,)]


def test_a_relation_that_a_new_rule_does_not_see_is_withdrawn(engine, archive):
    versions = dict(
        tuple(row)
        for row in rows(
            engine,
            "SELECT substr(canonical_url, 9, 13), v.id"
            " FROM version v JOIN article a ON a.id = v.article_id",
        )
    )
    sport, original = versions["wire-sport.ex"], versions["wire-original"]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO edge (child_version_id, parent_version_id, relation, score, shared_child,"
            " shared_parent, needs_review, method, method_version, evidence, decided_at) SELECT"
            f" {sport}, {original}, 'translation', 1, 1, 1, needs_review, method, '1', evidence,"
            " decided_at FROM edge ORDER BY id LIMIT 1"
        )
    forget(engine)
    assert rejudge(archive).returncode == 0
    told = rows(
        engine,
        f"SELECT relation FROM relations WHERE child_version_id = {sport}"
        f" AND parent_version_id = {original}",
    )
    assert told == [("unrelated",)]


def test_since_leaves_earlier_versions_alone(engine, archive):
    forget(engine)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert rejudge(archive, "--since", f"{tomorrow:%Y-%m-%d}").returncode == 0
    assert rows(engine, "SELECT COUNT(*) FROM feature WHERE judged_by <> '1'") == [(0,)]
    assert rejudge(archive, "--since", "yesterday").returncode == 2


def test_killed_it_goes_on_where_it_was(engine, archive):
    before = rows(engine, "SELECT COUNT(*) FROM edge")
    forget(engine)
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "--config", str(archive), "rejudge"], cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "STORYWATCH" not in name},
    )  # fmt: skip
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        if rows(engine, "SELECT COUNT(*) FROM edge WHERE method_version <> '1'") != [(0,)]:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert rejudge(archive).returncode == 0
    assert rows(engine, "SELECT COUNT(*) FROM edge") == [(2 * before[0][0],)]
    assert rows(engine, "SELECT COUNT(*) FROM feature WHERE judged_by = '1'") == [(0,)]


def test_an_analysts_word_survives_a_new_rule(engine, archive):
    ((child, parent),) = rows(
        engine,
        "SELECT child_version_id, parent_version_id FROM relations"
        " WHERE child_language = 'ko' AND parent_language = 'en'",
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO analyst_verdict (child_version_id, parent_version_id, relation)"
            f" VALUES ({child}, {parent}, 'same_story')"
        )
    forget(engine)
    assert rejudge(archive).returncode == 0
    told = rows(
        engine,
        "SELECT relation, analyst_relation, final_relation FROM relations"
        f" WHERE child_version_id = {child} AND parent_version_id = {parent}",
    )
    assert told == [("translation", "same_story", "same_story")]


def test_text_of_a_stranger_finds_nothing_wrongly(engine, archive):
    with read_connection(engine) as connection:
        found = find(connection, TALKS, "de")
    assert len(found) <= 8


def test_evidence_is_stored_with_sentences_side_by_side(engine, archive):
    stored = rows(
        engine,
        "SELECT evidence FROM relations WHERE child_language = 'ru' AND parent_language = 'en'",
    )
    evidence = stored[0][0] if isinstance(stored[0][0], dict) else json.loads(stored[0][0])
    assert len(evidence["pairs"]) >= 10
    assert {"text_a", "text_b", "score"} <= evidence["pairs"][0].keys()
    assert evidence["shared_numbers"]
