"""Reading stored pages again: `reextracted` changes, never edits."""

from __future__ import annotations

import pytest

from tests.commands import command_runner
from tests.running import TALKS, rows, run_once, write_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with command_runner(tmp_path_factory.mktemp("commands")) as runner:
        yield runner


def _as_of_another_release(engine, text=TALKS):
    """Make the stored version one that an older release of the extractor made."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE version SET extractor_version = '1.0+1', text = text || ' Impressum.',"
            " content_hash = 'x'"
        )


def test_a_text_that_comes_out_otherwise_is_a_reextracted_change(site, engine, url, tmp_path, run):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    _as_of_another_release(engine)
    done = run(tmp_path, "--config", str(config), "reextract")
    assert done.exit_code == 0, done.errors
    assert "1 with another text" in done.output
    assert rows(engine, "SELECT kind FROM change") == [("reextracted",)]
    assert "reextracted" not in rows(engine, "SELECT text FROM version ORDER BY id")[1][0]
    again = run(tmp_path, "--config", str(config), "reextract", "--json")
    assert again.output.strip() == '{"changed": 0, "same": 0, "no-body": 0, "unreadable": 0}'


def test_an_edit_after_an_upgrade_is_told_from_what_the_upgrade_changed(
    site, engine, url, tmp_path
):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    run_once(config)
    _as_of_another_release(engine)
    site.page(
        "/talks", title="Nordland verkauft Lokomotiven", text=TALKS.replace("152 Lok", "122 Lok")
    )
    run_once(config)
    kinds = rows(engine, "SELECT kind FROM change ORDER BY id")
    assert kinds == [("reextracted",), ("correction",)]
    assert rows(engine, "SELECT count(*) FROM version") == [(3,)]


def test_without_kept_pages_the_text_stays_as_it_is(site, engine, url, tmp_path, run):
    page = site.page("/talks", title="Nordland verkauft Lokomotiven", text=TALKS)
    config = write_config(
        tmp_path, feeds=[site.feed("/rss", [(page, "Nordland")])], database_url=url
    )
    file = config.read_text(encoding="utf-8")
    file = file.replace("[database]\n", "[database]\nkeep_raw = false\n")
    config.write_text(file, encoding="utf-8")
    run_once(config)
    assert rows(engine, "SELECT count(*) FROM raw") == [(0,)]
    _as_of_another_release(engine)
    done = run(tmp_path, "--config", str(config), "reextract")
    assert "1 without a kept page" in done.output
    assert rows(engine, "SELECT count(*) FROM change") == [(0,)]
