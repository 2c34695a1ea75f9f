"""Who quotes and counts what, from when to when: rows that are kept up, and the two views."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from ingest.jobs import keep_house
from ingest.noting import count_unread, note_seed, note_version, read_unread
from ingest.runtime import open_context, open_database
from ingest.sayings import find_sayings
from storage.engine import read_connection, transaction
from storage.schema import figure, quotation_use, sayings_read
from storage.views import VIEWS
from tests.commands import command_runner
from tests.running import TALKS, live_through, read_config, rows, run_once, write_config
from tests.test_views import (
    NOON,
    add_article,
    add_outlet,
    add_seed,
    add_story,
    add_version,
    join_story,
    part,
    set_current,
)

HOUR = timedelta(hours=1)
OURS = "“We will not give up,” he said. "


def say(connection, article_id, seq, text, *, hour, language="en", seen_until=None, current=True):
    """Store a version as the pipeline does."""
    version_id = add_version(
        connection, article_id, seq, text=text, language=language,
        first_observed_at=NOON + hour * HOUR,
        last_observed_at=NOON + (hour if seen_until is None else seen_until) * HOUR,
    )  # fmt: skip
    if current:
        set_current(connection, article_id, version_id)
    note_version(connection, article_id, version_id, find_sayings(text, language=language))
    return version_id


def view(engine, name, *columns, where="TRUE"):
    listed = ", ".join(columns)
    return rows(engine, f"SELECT {listed} FROM {name} WHERE {where} ORDER BY {listed}")


def test_a_seed_is_written_anew_when_it_says_something_else_only(engine):
    statements = []
    with transaction(engine) as connection:
        seed_id = add_seed(connection, add_story(connection), 1, is_current=True)

        @event.listens_for(connection, "before_cursor_execute")
        def note(_connection, _cursor, sql, _parameters, _context, _many):
            statements.append(sql)

        for text, is_new in (
            ("It costs 5 dollars.", True),
            ("It costs 5 dollars.", False),
            ("", True),
        ):
            statements.clear()
            note_seed(connection, seed_id, OURS + text, language="en")
            assert any(not sql.startswith("SELECT") for sql in statements) is is_new
    assert rows(engine, "SELECT COUNT(*) FROM seed_figure") == [(0,)]
    assert rows(engine, "SELECT COUNT(*) FROM seed_quotation") == [(1,)]


@pytest.fixture
def press(engine):
    """Three outlets: one quotes, one takes it over and drops it, one in other words; a seed."""
    with transaction(engine) as connection:
        story_id = add_story(connection)
        seed_id = add_seed(connection, story_id, 1, is_current=True)
        note_seed(connection, seed_id, OURS + "It costs 2.5 million dollars.", language="en")
        articles = []
        for name in ("first", "second", "third"):
            outlet_id = add_outlet(connection, f"{name}.example", name=name.title())
            url = f"https://{name}.example/a"
            articles.append(
                add_article(
                    connection, outlet_id, canonical_url=url, published_earliest=NOON,
                    published_latest=NOON + HOUR,
                )
            )  # fmt: skip
            join_story(connection, articles[-1], story_id)
        first, second, third = articles
        text = OURS + "There were 10 million shells."
        say(connection, first, 1, text, hour=1, seen_until=9)
        say(
            connection,
            second,
            1,
            "„we will NOT give up“ for 10 million people",
            hour=2,
            seen_until=3,
        )
        say(connection, second, 2, "They go on with 12 million people.", hour=4, seen_until=9)
        german = "„Wir geben nicht auf“, sagte er. Es kostet 2,5 Mio. Dollar."
        say(connection, third, 1, german, hour=3, language="de", seen_until=9)
    return articles


def test_who_quoted_it_first_and_who_still_does(engine, press):
    key = find_sayings(OURS, language="en").quotations[0].key
    with read_connection(engine) as connection:
        quotes = VIEWS["quotes"]
        found = connection.execute(
            select(quotes).where(quotes.c.quote_key == key).order_by(quotes.c.first_seen_at)
        )
        one, two = (dict(row._mapping) for row in found)
    asked = (
        "outlet", "language", "first_seen_at", "last_seen_at", "is_current", "is_first",
        "articles", "outlets", "in_seed", "quote", "words", "state", "story",
    )  # fmt: skip
    shared = ("We will not give up", 5, "live", "talks")
    assert part(one, *asked) == (
        "First", "en", NOON + HOUR, NOON + 9 * HOUR, True, True, 2, 2, True, *shared,
    )  # fmt: skip
    assert part(two, *asked) == (
        "Second", "en", NOON + 2 * HOUR, NOON + 3 * HOUR, False, False, None, None, True, *shared,
    )  # fmt: skip
    assert one["context"] == "“We will not give up,” he said. There were 10 million shells."
    assert part(one, "published_earliest", "published_latest") == (NOON, NOON + HOUR)
    assert two["first_version_id"] == two["last_version_id"]


def test_a_translated_quotation_is_another_one(engine, press):
    assert view(engine, "quotes", "outlet", "articles", where="language = 'de'") == [("Third", 1)]
    assert view(engine, "quotes", "outlet", where="NOT in_seed") == [("Third",)]


def test_which_figure_was_said_by_whom_and_until_when(engine, press):
    found = view(engine, "figures", "value", "counted", "outlet", "articles", "sentence")
    assert found == [
        (2.5e6, None, "Third", 1, "Es kostet 2,5 Mio. Dollar."),
        (1e7, "people", "Second", 1, "„we will NOT give up“ for 10 million people"),
        (1e7, "shells", "First", 1, "There were 10 million shells."),
        (1.2e7, "people", "Second", 1, "They go on with 12 million people."),
    ]
    seed = view(engine, "figures", "outlet", "figure", "unit", where="in_seed")
    assert seed == [("Third", "2,5 Mio. Dollar", "USD")]
    current = view(engine, "figures", "value", where="is_current AND outlet = 'Second'")
    assert current == [(1.2e7,)]


def test_only_articles_of_the_story_count(engine, press):
    with transaction(engine) as connection:
        other = add_story(connection, slug="other")
        outlet_id = add_outlet(connection, "fourth.example", name="Fourth")
        article_id = add_article(connection, outlet_id)
        join_story(connection, article_id, other)
        say(connection, article_id, 1, OURS, hour=0)
    found = view(engine, "quotes", "outlet", "is_first", "articles", "outlets", "in_seed",
                 where="story = 'other'")  # fmt: skip
    assert [tuple(row) for row in found] == [("Fourth", True, 1, 1, False)]
    firsts = view(engine, "quotes", "outlet", where="is_first AND story = 'talks'")
    assert firsts == [("First",), ("Third",)]


# ---------------------------------------------------------------- kept up


def stays(engine, table=quotation_use):
    """The rows of an article as (key or value, first version, last version)."""
    what = table.c.quotation_key if table is quotation_use else table.c.value
    with read_connection(engine) as connection:
        query = select(what, table.c.first_version_id, table.c.last_version_id, table.c.start)
        return sorted(map(tuple, connection.execute(query)), key=str)


def anew(engine):
    """What the rows are when every article is read whole."""
    with transaction(engine) as connection:
        connection.execute(sayings_read.update().values(method_version="older"))
    count = count_unread(engine)
    assert read_unread(engine) == count
    assert count_unread(engine) == 0
    return stays(engine), stays(engine, figure)


@pytest.fixture
def article_id(engine):
    with transaction(engine) as connection:
        return add_article(connection, add_outlet(connection))


def test_a_figure_that_comes_back_has_one_row(engine, article_id):
    with transaction(engine) as connection:
        for seq, deaths in enumerate((10, 12, 12, 10), start=1):
            say(connection, article_id, seq, f"The {deaths} dead.", hour=seq)
    assert stays(engine, figure) == [(10.0, 1, None, 4), (12.0, 2, 3, 4)]


def test_a_version_in_which_nothing_of_it_changed_writes_nothing(engine, article_id):
    with transaction(engine) as connection:
        say(connection, article_id, 1, OURS, hour=1)
        before = list(connection.execute(select(quotation_use)))
        say(connection, article_id, 2, OURS + "More of it.", hour=2)
        assert list(connection.execute(select(quotation_use))) == before


def test_a_version_of_the_past_moves_the_ends(engine, article_id):
    with transaction(engine) as connection:
        say(connection, article_id, 2, OURS + "The 12 dead.", hour=2)
        say(connection, article_id, 4, "The 14 dead.", hour=4)
        say(connection, article_id, 3, "There: " + OURS + "The 12 dead.", hour=3, current=False)
        say(connection, article_id, 1, "Here: The 12 dead.", hour=1, current=False)
    assert [row[1:] for row in stays(engine)] == [(1, 3, 1)]
    assert stays(engine, figure) == [(12.0, 4, 3, 10), (14.0, 2, None, 4)]
    assert (stays(engine), stays(engine, figure)) == anew(engine)


def test_an_article_that_no_method_read_is_read_whole_with_its_next_version(engine, article_id):
    with transaction(engine) as connection:
        for seq in (1, 2):
            add_version(connection, article_id, seq, text=OURS + f"The {seq + 10} dead.")
        say(connection, article_id, 3, "The 12 dead.", hour=3)
    assert [row[1:3] for row in stays(engine)] == [(1, 2)]
    assert [row[:3] for row in stays(engine, figure)] == [(11.0, 1, 1), (12.0, 2, None)]


# ---------------------------------------------------------------- in the pipeline


def test_a_quotation_that_disappears_from_an_article(site, engine, url, tmp_path, clock):
    title = "Nordland verkauft Lokomotiven"
    page = site.page("/talks", title=title, text=TALKS)
    without = TALKS.replace("„Wir stehen kurz vor einer Einigung“, sagte", "Dazu äußerte sich")
    without = without.replace("152 Lokomotiven", "170 Lokomotiven")
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    live_through(
        config, clock, days=2, acts=[(1, lambda: site.page("/talks", title=title, text=without))]
    )
    (quoted,) = view(engine, "quotes", "quote", "is_current", "in_seed", "is_first")
    assert tuple(quoted) == ("Wir stehen kurz vor einer Einigung", False, True, True)
    (order,) = rows(
        engine,
        "SELECT q.last_seen_at < f.first_seen_at FROM quotes q JOIN figures f"
        " ON f.article_id = q.article_id WHERE f.value = 170",
    )
    assert order == (True,)
    counted = view(engine, "figures", "value", "counted", "is_current", "in_seed")
    assert [tuple(row) for row in counted] == [
        (152.0, "lokomotiven", False, True),
        (170.0, "lokomotiven", True, False),
        (3.4e8, "kronen", True, True),
    ]
    changes = rows(engine, "SELECT quotes_removed FROM article_changes")
    assert "Wir stehen kurz vor einer Einigung" in str(changes)


def test_an_upgrade_reads_what_was_stored_before(site, engine, url, tmp_path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    before = stays(engine), stays(engine, figure)
    assert before[0]
    with transaction(engine) as connection:
        for table in (quotation_use, figure, sayings_read):
            connection.execute(table.delete())
    assert view(engine, "quotes", "quote") == []
    with command_runner(tmp_path) as run:
        done = run(tmp_path, "--config", str(config), "db", "upgrade")
        assert "read the quotations and figures of 1 articles" in done.output
        again = run(tmp_path, "--config", str(config), "db", "upgrade")
        assert "read" not in again.output
    assert (stays(engine), stays(engine, figure)) == before


def test_housekeeping_reads_what_an_older_method_left(site, engine, url, tmp_path):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    before = stays(engine), stays(engine, figure)
    with transaction(engine) as connection:
        connection.execute(figure.delete())
        connection.execute(sayings_read.update().values(method_version="older"))
    assert keep_house_once(config) == 1
    assert keep_house_once(config) == 0
    assert (stays(engine), stays(engine, figure)) == before


def keep_house_once(config):
    """How many articles the daemon's housekeeping read again."""

    async def go():
        loaded = read_config(config)
        with open_database(loaded) as database:
            async with open_context(database, loaded) as context:
                return (await keep_house(context, large_log_bytes=2**30))["read_again"]

    return asyncio.run(go())


def test_offsets_are_those_of_the_text_as_it_is_stored(engine, article_id):
    text = "A\0B “We will not give up”, 12 dead."
    with transaction(engine) as connection:
        story_id = add_story(connection)
        join_story(connection, article_id, story_id)
        say(connection, article_id, 1, text, hour=1)
    (stored,) = rows(engine, "SELECT text FROM version")[0]
    (found,) = rows(engine, "SELECT start, stop FROM quotation_use")
    assert stored[found[0] : found[1]] == "We will not give up"
    assert view(engine, "figures", "sentence") == [(stored,)]
