"""Feeds that tell of changes: counted, relied on, and what it saves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.vouching import Record, vouches_for, was_told
from tests.running import TALKS, live_through, rows, write_config

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TITLE = "Nordland verkauft Lokomotiven"


@pytest.mark.parametrize(
    ("told", "untold", "vouches"),
    [
        pytest.param(0, 0, False, id="nothing is known"),
        pytest.param(1, 0, False, id="one change is chance"),
        pytest.param(2, 0, True, id="two are a habit"),
        pytest.param(8, 2, True, id="one in five may stay untold"),
        pytest.param(7, 2, False, id="more may not"),
    ],
)
def test_a_feed_vouches_when_it_told_of_nearly_every_change(told, untold, vouches):
    assert Record(told=told, untold=untold).vouches is vouches


def test_older_changes_weigh_less():
    record = Record(told=40, untold=0)
    for _ in range(12):
        record = record.add([False, False])
    assert not record.vouches
    assert record.told + record.untold <= 40
    for _ in range(30):
        record = record.add([True])
    assert record.vouches


@pytest.mark.parametrize(
    ("told_at", "told_now", "expected"),
    [
        (None, False, False),
        (None, True, True),
        (NOW - HOUR, False, True),  # told, and a look found it later
        (NOW - 3 * HOUR, False, False),  # that was another change
    ],
)
def test_a_change_was_told_before_a_look_found_it_or_is_now(told_at, told_now, expected):
    last_read = NOW - 2 * HOUR
    assert was_told(told_at=told_at, last_read_before=last_read, told_now=told_now) is expected


@pytest.mark.parametrize(
    ("poll", "check", "expected"), [(900, 1200, True), (86400, 1200, False), (0, 1200, False)]
)
def test_only_a_feed_that_is_read_more_often_than_the_page_spares_looks(poll, check, expected):
    record = Record(told=9, untold=0)
    assert vouches_for(record, poll_seconds=poll, check_seconds=check) is expected


@pytest.mark.parametrize("tells", [True, False])
def test_a_feed_that_tells_of_every_change_spares_looks(site, engine, url, tmp_path, clock, tells):
    schedule = "floor_seconds = 3600.0\nceiling_seconds = 3600.0"
    config = write_config(
        tmp_path,
        feeds=[site.feed("/rss", [(site.page("/a", title=TITLE, text=TALKS), TITLE)])],
        database_url=url,
        schedule=schedule,
    )

    def edit(number: int) -> None:
        text = (
            f"{TALKS}\n\nAm {number}. Tag traf ein weiterer Zug mit Lokomotiven in der Stadt ein."
        )
        page = site.page("/a", title=TITLE, text=text)
        site.feed("/rss", [(page, f"{TITLE} – Tag {number}" if tells else TITLE)])

    acts = [(number * 0.5, lambda number=number: edit(number)) for number in range(1, 6)]
    live_through(config, clock, days=8, acts=acts)
    [(told, untold)] = rows(engine, "SELECT changes_told, changes_untold FROM feed")
    # what is told at the last change is counted when the entries are read once more, within a day
    assert (told, untold) == ((5, 0) if tells else (0, 5))
    assert rows(engine, "SELECT COUNT(*) FROM change") == [(5,)]
    [(quiet,)] = rows(
        engine,
        "SELECT COUNT(*) FROM observation WHERE observed_at >"
        " (SELECT MAX(changed_at) FROM article_changes)",
    )
    assert quiet < 19 if tells else quiet > 21, quiet
