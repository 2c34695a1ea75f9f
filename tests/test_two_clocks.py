"""When it was so and when we learned it are two clocks, in every row that is written."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ingest.model import (
    Article,
    Candidate,
    DatedBy,
    DateSource,
    FailureKind,
    FetchedPage,
    ObservationSource,
    Rejection,
    Relation,
)
from ingest.runtime import load_stories, open_context, open_database
from ingest.settle_capture import settle_capture
from ingest.urls import canonicalize
from ingest.work import PageReading, assess_given
from storage.clusters import Parent, Placement, save_clusters
from storage.engine import transaction
from storage.migrate import check, downgrade, upgrade
from storage.readonly import read_only_query
from storage.schema import article_event, backfill_job, change_travel
from tests.rows import (
    DAY,
    HOUR,
    NOON,
    add,
    add_article,
    add_change,
    add_event,
    add_look,
    add_outlet,
    add_story,
    add_version,
    place,
    read,
    relate,
)
from tests.running import ACCEPT_ALL, TALKS, WEATHER, read_config, rows, run_once, write_config
from tests.site import Answer

START = datetime(2023, 9, 5, 8, tzinfo=UTC)
NOVEMBER = datetime(2023, 11, 20, 12, tzinfo=UTC)
URL = "https://nordland.example/talks"
EDITED = TALKS.replace("152 Lokomotiven", "170 Lokomotiven")


def settle(file, clock, captures, *, story_url=URL):
    """Settle captures: (hour, text or problem) each, a day of the clock apart."""

    async def go():
        config = read_config(file)
        with open_database(config) as engine:
            async with open_context(engine, config, now=clock) as context:
                for hour, content in captures:
                    text = isinstance(content, str)
                    reading = reading_of(file, content, story_url) if text else content
                    at = START + timedelta(hours=hour)
                    page = FetchedPage(
                        requested_url=story_url, final_url=story_url, redirects=(),
                        permanent=False, status=200, headers={}, body=b"", fetched_at=at,
                        elapsed_ms=0.0,
                    )  # fmt: skip
                    candidate = Candidate(
                        url=story_url, canonical_url=canonicalize(story_url), title="",
                        summary="", published=None, language=None, feed_id=None,
                    )  # fmt: skip
                    await context.store(
                        settle_capture, context, candidate,
                        page=page, reading=reading, source=ObservationSource.WAYBACK,
                    )  # fmt: skip
                    clock.advance(days=1)

    asyncio.run(go())


def reading_of(file, text, url):
    article = Article(
        url=url, canonical_url=canonicalize(url), title="Nordland verhandelt", byline=None,
        site_name=None,
        published=DatedBy(value=START - HOUR, source=DateSource.META, confidence=0.9),
        modified=None, language="de", text=text, words=len(text.split()), extractor="test",
        extractor_version="1",
    )  # fmt: skip
    return PageReading(
        content=article,
        assessment=assess_given(article, load_stories(read_config(file))),
        raw_sha256=None,
        raw_zstd=None,
        raw_size=0,
    )


@pytest.fixture
def file(tmp_path, url, clock):
    clock.set(NOVEMBER)
    return write_config(tmp_path, feeds=[], database_url=url, story=ACCEPT_ALL)


# ---------------------------------------------------------------- what an archive brought in


def test_a_capture_of_september_that_is_stored_in_november_is_learned_in_november(
    file, engine, clock
):
    settle(file, clock, [(0, TALKS), (5, EDITED), (6, EDITED)])
    assert read(engine, "articles", "first_seen_at", "learned_at") == [(START, NOVEMBER)]
    assert read(engine, "article_versions", "first_observed_at", "learned_at") == [
        (START, NOVEMBER),
        (START + 5 * HOUR, NOVEMBER + DAY),
    ]
    assert read(engine, "article_changes", "changed_at", "learned_at") == [
        (START + 5 * HOUR, NOVEMBER + DAY)
    ]
    assert read(engine, "looks", "observed_at", "learned_at") == [
        (START + hour * HOUR, NOVEMBER + day * DAY) for hour, day in ((0, 0), (5, 1), (6, 2))
    ]
    decided = [row[0] for row in read(engine, "verdicts", "decided_at")]
    assert min(decided) == NOVEMBER
    assert rows(engine, "SELECT COUNT(*) FROM article_story WHERE decided_at < '2023-11-20'") == [
        (0,)
    ]


def test_a_run_that_a_capture_splits_has_its_later_part_learned_then(file, engine, clock):
    settle(file, clock, [(1, TALKS), (9, TALKS), (5, EDITED)])
    assert read(engine, "article_versions", "seq", "first_observed_at", "learned_at") == [
        (1, START + 1 * HOUR, NOVEMBER),
        (2, START + 5 * HOUR, NOVEMBER + 2 * DAY),
        (3, START + 9 * HOUR, NOVEMBER + 2 * DAY),
    ]
    assert {row[0] for row in read(engine, "article_changes", "learned_at")} == {NOVEMBER + 2 * DAY}
    later = [row for row in read(engine, "verdicts", "child_seq", "decided_at") if row[0] == 3]
    assert later
    assert {decided for _, decided in later} == {NOVEMBER + 2 * DAY}  # not when the first was


def test_a_change_told_anew_is_learned_anew(file, engine, clock):
    again = TALKS.replace("zwölf Züge", "dreizehn Züge")
    settle(file, clock, [(1, TALKS), (9, EDITED), (5, again)])
    assert read(engine, "article_changes", "to_seq", "learned_at") == [
        (2, NOVEMBER + 2 * DAY),
        (3, NOVEMBER + 2 * DAY),
    ]


def test_a_capture_without_an_article_is_learned_when_it_is_stored(file, engine, clock):
    wall = Rejection(kind=FailureKind.BLOCKED, reason="a wall")
    settle(file, clock, [(0, wall)])
    assert read(engine, "looks", "observed_at", "learned_at") == [(START, NOVEMBER)]
    assert read(engine, "discards", "discarded_at") == [(NOVEMBER,)]


def test_a_capture_off_the_story_is_a_discard_of_november(tmp_path, url, engine, clock):
    clock.set(NOVEMBER)
    file = write_config(tmp_path, feeds=[], database_url=url)
    settle(file, clock, [(0, WEATHER)])
    assert read(engine, "looks", "outcome", "observed_at", "learned_at") == [
        ("off-story", START, NOVEMBER)
    ]
    assert read(engine, "discards", "discarded_at") == [(NOVEMBER,)]


# ---------------------------------------------------------------- what the daemon saw


def test_what_is_seen_live_is_learned_then(site, engine, url, tmp_path, clock):
    page = site.page("/talks", title="Nordland verhandelt", text=TALKS, date="2023-09-05")
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", [(page, "Nordland")])],
        database_url=url,
        story=ACCEPT_ALL,
    )
    run_once(config, now=clock)
    first = clock()
    edited = clock.advance(hours=2)
    site.page("/talks", title="Nordland verhandelt", text=EDITED, date="2023-09-05")
    run_once(config, now=clock)
    site.answers["/talks"] = Answer(b"", 410)
    for _ in range(2):
        gone = clock.advance(hours=2)
        run_once(config, now=clock)
    assert read(engine, "articles", "learned_at") == [(first,)]
    assert read(engine, "article_versions", "seq", "learned_at") == [(1, first), (2, edited)]
    assert read(engine, "article_changes", "learned_at") == [(edited,)]
    looks = read(engine, "looks", "observed_at", "learned_at")
    assert len(looks) == 4
    assert [pair for pair in looks if pair[0] != pair[1]] == []
    assert read(engine, "disappearances", "decided_at", "learned_at") == [(gone, gone)]


# ---------------------------------------------------------------- as of


def test_what_was_known_at_a_moment_leaves_out_what_was_learned_later(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_article(connection)
        add_article(connection, recorded_at=NOVEMBER)
    sql = "SELECT article_id FROM articles WHERE learned_at < '2023-09-20'"
    _, known = read_only_query(engine, sql)
    assert list(known) == [(1,)]
    _, filled = read_only_query(
        engine,
        "SELECT article_id FROM articles"
        " WHERE published_latest < '2023-09-20' AND learned_at >= '2023-09-20'",
    )
    assert list(filled) == [(2,)]


def test_a_parent_is_known_since_it_was_found_whatever_moves_beside_it(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        for _ in range(3):
            add_article(connection, stories=())
    copied = Parent(article_id=1, relation=Relation.IDENTICAL, shared_child=1.0, shared_parent=1.0)
    for now, parent in (
        (NOON, copied),
        (NOON + DAY, Parent(article_id=1, relation=Relation.NEAR_DUPLICATE, shared_child=0.9,
                            shared_parent=0.9)),
        (NOON + 2 * DAY, Parent(article_id=2, relation=Relation.IDENTICAL, shared_child=1.0,
                                shared_parent=1.0)),
    ):  # fmt: skip
        with transaction(engine) as connection:
            save_clusters(
                connection,
                [Placement(article_id=3, cluster_id=1, size=0, parent=parent)],
                now,
            )
        expected = NOON if parent.article_id == 1 else NOON + 2 * DAY
        assert read(engine, "derivations", "parent_article_id", "learned_at") == [
            (parent.article_id, expected)
        ]


# ---------------------------------------------------------------- what was stored before


def migrate_again(engine):
    """Take the second clock away and have it estimated from what else is stored."""
    downgrade(engine, "20261201")
    upgrade(engine)
    assert check(engine) == []


def test_what_was_stored_before_gets_the_best_estimate(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_story(connection)
        add_article(connection)
        early = add_version(connection, 1, at=NOON - 5 * DAY)
        add_change(connection, 1, 1, early)
        relate(connection, 1, "excerpt", seed_id=1, at=NOON)
        relate(connection, early, "excerpt", seed_id=1, at=NOON + 60 * DAY)
        add(
            connection, backfill_job,
            spec_key="x", source="wayback", spec={}, state="done", counts={}, holder="x",
            started_at=NOON + 50 * DAY, updated_at=NOON + 61 * DAY,
        )  # fmt: skip
        seen = [
            (NOON, "live", "new-version", 1),
            (NOON + 10 * DAY, "live", "unchanged", 1),
            (NOON - 6 * DAY, "wayback", "failed", None),
            (NOON - 5 * DAY, "wayback", "new-version", early),
            (NOON - 4 * DAY, "wayback", "unchanged", early),
            (NOON + 70 * DAY, "live", "unchanged", 1),
            (NOON + 1 * DAY, "wayback", "unchanged", 1),
        ]
        for at, source, outcome, version_id in seen:
            add_look(connection, 1, at, version_id=version_id, source=source, outcome=outcome)
        add_event(connection, 1, "gone", NOON, decided_at=NOON + HOUR, recorded_at=NOON + DAY)
        place(connection, 1)
        place(connection, add_article(connection), parent=1, relation="excerpt")
        connection.execute(
            change_travel.insert().values(
                change_id=1, article_id=2, relation="excerpt", state="took-over", passage="",
                version_id=3, noted_at=NOON, taken_at=NOON + 2 * DAY,
            )
        )  # fmt: skip
    migrate_again(engine)
    learned = [row[1] - NOON for row in read_looks(engine)]
    assert learned == [
        timedelta(0),
        10 * DAY,
        50 * DAY,  # when the first backfill began, as nothing else was stored since
        60 * DAY,  # with the verdict on its version
        60 * DAY,  # not before what has a smaller id
        70 * DAY,
        70 * DAY,
    ]
    assert read(engine, "article_versions", "version_id", "learned_at") == [
        (1, NOON), (early, NOON + 60 * DAY), (3, NOON),
    ]  # fmt: skip
    assert read(engine, "article_changes", "learned_at") == [(NOON + 60 * DAY,)]
    assert read(engine, "articles", "article_id", "learned_at") == [(1, NOON), (2, NOON)]
    assert read(engine, "disappearances", "learned_at") == [(NOON + HOUR,)]
    assert read(engine, "correction_lag", "learned_at") == [(NOON + 2 * DAY,)]
    assert read(engine, "derivations", "learned_at") == [(NOON,)]


def read_looks(engine):
    return read(engine, "looks", "look_id", "learned_at")


@pytest.mark.parametrize(
    ("begun", "estimate"),
    [
        pytest.param(None, 3 * DAY, id="no backfill is known: as the next live look"),
        pytest.param(2 * DAY, 2 * DAY, id="a backfill that began before it"),
        pytest.param(9 * DAY, 3 * DAY, id="one that was begun anew: not after the next live look"),
    ],
)
def test_an_archive_s_look_that_is_the_first_of_all_is_bounded_by_the_next(engine, begun, estimate):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, stories=())
        add_look(connection, 1, NOON - DAY, source="wayback")
        add_look(connection, 1, NOON + 3 * DAY)
        if begun is not None:
            add(
                connection, backfill_job,
                spec_key="x", source="wayback", spec={}, state="done", counts={}, holder="x",
                started_at=NOON + begun, updated_at=NOON + begun,
            )  # fmt: skip
    migrate_again(engine)
    assert read_looks(engine) == [(1, NOON + estimate), (2, NOON + 3 * DAY)]


def test_a_lone_look_of_an_archive_is_taken_to_be_learned_when_it_was_made(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, stories=())
        add_look(connection, 1, NOON - DAY, source="file", recorded_at=NOON)
    migrate_again(engine)
    assert read_looks(engine) == [(1, NOON - DAY)]


def test_what_leaves_the_second_clock_out_is_learned_now(engine):
    with transaction(engine) as connection:
        add_outlet(connection)
        add_article(connection, stories=())
        connection.execute(
            article_event.insert().values(
                article_id=1, kind="gone", first_sign_at=NOON, decided_at=NOON, reason="404"
            )
        )
    [(learned,)] = read(engine, "disappearances", "learned_at")
    assert learned > NOON + 365 * DAY
