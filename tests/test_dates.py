"""Dates: read strictly, chosen by trust."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.dates import (
    bound_published,
    choose_published,
    find_day,
    from_struct_time,
    from_url,
    parse_date,
)
from ingest.model import DateBounds, DatedBy, DateSource

NOW = datetime(2023, 9, 20, 12, tzinfo=UTC)
NOON = "2023-09-05T12:00:00+00:00"


def parse(text, *, now=NOW):
    return parse_date(text, source=DateSource.META, now=now)


def dated(day, source, confidence, *, day_only=False):
    value = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return DatedBy(value=value, source=source, confidence=confidence, day_only=day_only)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-09-05T12:00:00Z", NOON),
        ("2023-09-05T14:00:00+02:00", NOON),
        ("2023-09-05T14:00:00+0200", NOON),
        ("2023-09-05T14:00+02", NOON),
        ("2023-09-05 12:00:00 UTC", NOON),
        ("2023-09-05T12:00:00.123456789Z", "2023-09-05T12:00:00.123456+00:00"),
        ("2023-09-05T12:00:00", NOON),
        ("Tue, 05 Sep 2023 14:00:00 +0200", NOON),
        ("Tue, 05 Sep 2023 12:00:00 GMT", NOON),
        ("05 Sep 2023 08:00:00 EDT", NOON),
    ],
)
def test_a_moment_is_read_into_utc(text, moment):
    found = parse(text)
    assert found is not None
    assert found.value == datetime.fromisoformat(moment)
    assert found.value.tzinfo is UTC
    assert not found.day_only


@pytest.mark.parametrize("text", ["2023-09-05", "20230905"])
def test_a_day_is_its_midnight_and_says_so(text):
    found = parse(text)
    assert found is not None
    assert found.value == datetime(2023, 9, 5, tzinfo=UTC)
    assert found.day_only


def test_a_time_without_a_zone_is_trusted_less():
    plain, zoned = parse("2023-09-05T12:00:00"), parse("2023-09-05T12:00:00Z")
    assert plain is not None
    assert zoned is not None
    assert plain.confidence < zoned.confidence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "5 minutes ago",
        "09/05/2023",
        "2023-13-05",
        "2023-02-30",
        "2023-09-05T25:61:00Z",
        "0000-00-00",
        "10000-01-01T00:00:00Z",
        "1989-12-31T23:59:59Z",
        "2420-01-01",
        "٢٠٢٣-٠٩-٠٥",
        "1," * 20_000,
        "9" * 5000,
        "Tue, 05 Sep 2023 12:00:00 +9999",
    ],
)
def test_what_is_no_date_or_no_believable_one_gives_none(text):
    assert parse(text) is None


def test_a_day_and_a_half_ahead_is_a_time_zone_and_three_days_are_not():
    assert parse((NOW + timedelta(hours=36)).isoformat()) is not None
    assert parse((NOW + timedelta(hours=72)).isoformat()) is None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_string_is_a_believable_date_or_none(text):
    found = parse(text)
    assert found is None or datetime(1990, 1, 1, tzinfo=UTC) <= found.value <= NOW + timedelta(2)


@given(st.floats(min_value=700_000_000, max_value=NOW.timestamp()))
def test_what_isoformat_writes_is_read_back(seconds):
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    found = parse(moment.isoformat())
    assert found is not None
    assert found.value == moment


@pytest.mark.parametrize(
    "value",
    [
        None,
        (-1, 11, 30, 0, 0, 0, 0, 0, 0),
        (10000, 1, 1, 0, 0, 0, 0, 0, 0),
        (3301, 11, 1, 0, 0, 0, 0, 0, 0),
        (2023, 2, 30, 0, 0, 0, 0, 0, 0),
        (2023, 9),
    ],
)
def test_a_tuple_that_is_no_believable_time_gives_none(value):
    assert from_struct_time(value, source=DateSource.FEED, now=NOW) is None


def test_a_feeds_tuple_is_read_as_utc_and_a_leap_second_is_its_minutes_last():
    found = from_struct_time(time.gmtime(1693915200), source=DateSource.FEED, now=NOW)
    assert found is not None
    assert found.value == datetime.fromisoformat(NOON)
    leap = from_struct_time((2016, 12, 31, 23, 59, 60, 0, 0, 0), source=DateSource.FEED, now=NOW)
    assert leap is not None
    assert leap.value == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/2023/09/05/harbour", "2023-09-05"),
        ("/news/2023/9/5/harbour.html", "2023-09-05"),
        ("/news/harbour-2023-09-05", "2023-09-05"),
        ("/news/20230905-harbour", "2023-09-05"),
        ("/news/harbour-120230905", None),
        ("/2023/harbour", None),
        ("/2023/13/45/harbour", None),
        ("/2420/09/05/harbour", None),
    ],
)
def test_the_day_of_an_address_is_read(path, day):
    found = from_url(f"https://example.org{path}?date=2020-01-01", now=NOW)
    assert (found.value.date().isoformat() if found else None) == day


@pytest.mark.parametrize(
    "line",
    [
        "5. September 2023",
        "Stand: 05.09.2023, 10:15 Uhr",
        "Published 5 September 2023",
        "September 5, 2023 at 10:15 am",
        "Sept. 5, 2023",
        "5th September 2023",
        "5 septembre 2023",
        "5 de septiembre de 2023",
        "5 settembre 2023",
        "5 de setembro de 2023",
        "5 september 2023",
        "5 września 2023",
        "5 сентября 2023",
        "5 вересня 2023",
        "2023年9月5日",
        "2023년 9월 5일",
        "2023.09.05",
        "2023. 9. 5.",
        "2023-09-05",
    ],
)
def test_a_day_written_for_readers_is_read(line):
    found = find_day(line, now=NOW)
    assert found is not None
    assert found.value == datetime(2023, 9, 5, tzinfo=UTC)
    assert found.day_only


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("9/5/2023", id="an order that is in doubt"),
        pytest.param("5 ships 2023", id="a word that is no month"),
        pytest.param("31 September 2023", id="a day the month has not"),
        pytest.param("5 September 2420", id="the far future"),
        pytest.param("5 September 2023 " + "x" * 300, id="a paragraph"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_line_without_a_sure_day_gives_none(line):
    assert find_day(line, now=NOW) is None


JSON_LD = dated("2023-09-05T10:00:00", DateSource.JSON_LD, 0.95)
META = dated("2023-09-04T10:00:00", DateSource.META, 0.9)
FEED = dated("2023-09-05T09:30:00", DateSource.FEED, 0.8)
ADDRESS = dated("2023-09-05", DateSource.URL, 0.7, day_only=True)
DAY = dated("2023-09-05", DateSource.JSON_LD, 0.95, day_only=True)
OTHER_DAY = dated("2023-09-12T09:00:00", DateSource.FEED, 0.8)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        pytest.param([ADDRESS, FEED, META, JSON_LD], JSON_LD, id="JSON-LD over all"),
        pytest.param([ADDRESS, FEED, META, None], META, id="a meta element over the feed"),
        pytest.param([ADDRESS, FEED], FEED, id="the feed over the address"),
        pytest.param([DAY, FEED], FEED, id="a moment on the day over the day alone"),
        pytest.param([DAY, OTHER_DAY], DAY, id="the trusted day over a moment of another day"),
        pytest.param([None, None], None, id="nothing is known"),
        pytest.param([], None, id="nothing is given"),
    ],
)
def test_the_most_trusted_date_is_chosen(candidates, chosen):
    assert choose_published(candidates) == chosen


SEEN = datetime(2023, 9, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        pytest.param("2023-09-05T12:00Z", NOON, NOON, id="a moment bounds itself"),
        pytest.param(
            "2023-09-05", "2023-09-04T10:00Z", "2023-09-06T09:00Z",
            id="a day begins in the east, and had ended in the west when the article was seen",
        ),
        pytest.param(
            "2023-09-03", "2023-09-02T10:00Z", "2023-09-04T12:00Z",
            id="a day ends when it ends at the western end of the world",
        ),
        pytest.param(
            "2023-09-05T12:00", "2023-09-04T22:00Z", "2023-09-06T00:00Z",
            id="a time without a zone may be of any",
        ),
        pytest.param(
            "2023-09-07T12:00Z", "2023-09-06T09:00Z", "2023-09-06T09:00Z",
            id="what was seen was published, whatever its date says",
        ),
        pytest.param("2420-09-07T12:00Z", None, "2023-09-06T09:00Z", id="the year 2420 is no date"),
        pytest.param("", None, "2023-09-06T09:00Z", id="without a date only the look bounds"),
    ],
)  # fmt: skip
def test_publication_is_bounded(text, earliest, latest):
    found = bound_published(parse(text), known_by=SEEN)
    assert found == DateBounds(
        earliest=datetime.fromisoformat(earliest) if earliest else None,
        latest=datetime.fromisoformat(latest),
    )


MINUTES = st.integers(min_value=0, max_value=17_000_000).map(lambda n: NOW - timedelta(minutes=n))


@given(
    at=MINUTES,
    seen=MINUTES,
    form=st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ"]),
)
def test_bounds_are_in_order_and_never_after_the_look(at, seen, form):
    found = bound_published(parse(at.strftime(form)), known_by=seen)
    assert found.earliest is not None
    assert found.earliest <= found.latest <= seen
