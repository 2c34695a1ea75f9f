"""`history`, `diff`, and the comparison behind them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.htmldiff import render_html
from ingest.worddiff import Step, diff_texts, diff_words
from tests.commands import command_runner
from tests.running import TALKS, run_once, write_config
from tests.site import serve_site

TITLE = "Nordland verkauft Lokomotiven"
WORDS = st.lists(st.sampled_from(["Der", "Zug", "fährt", "12", "nicht", "金正恩", ".", "\n"]))


def both_sides(segments) -> tuple[str, str]:
    old = "".join(item.text for item in segments if item.step is not Step.ADDED)
    new = "".join(item.text for item in segments if item.step is not Step.REMOVED)
    return old, new


@given(WORDS, WORDS)
def test_segments_give_both_texts_back(old, new):
    texts = " ".join(old), " ".join(new)
    segments = diff_words(*texts)
    assert both_sides(segments) == texts
    assert all(item.text for item in segments)


@given(WORDS, WORDS)
def test_lines_give_all_sentences_of_both_sides(old, new):
    lines = diff_texts(" ".join(old), " ".join(new))
    for side, left_out in ((old, Step.ADDED), (new, Step.REMOVED)):
        told = "".join(
            item.text for line in lines for item in line.segments if item.step is not left_out
        )
        assert _letters(told) == _letters("".join(side))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_a_phrase_replaced_reads_as_a_phrase():
    found = diff_words("He signed the new treaty today.", "He signed no old paper today.")
    assert [(item.step.value, item.text) for item in found] == [
        ("same", "He signed "),
        ("removed", "the new treaty"),
        ("added", "no old paper"),
        ("same", " today."),
    ]


def test_an_edited_sentence_is_one_line_and_a_new_one_another():
    new = TALKS.replace("152 Lokomotiven", "122 Lokomotiven") + "\n\nDer Minister schwieg dazu."
    changed = [line for line in diff_texts(TALKS, new) if line.step is not Step.SAME]
    assert [line.step for line in changed] == [Step.CHANGED, Step.ADDED]
    assert changed[1].opens_paragraph


def test_the_page_shows_hostile_text_and_runs_nothing():
    hostile = "<script>alert(1)</script> & more"
    page = render_html(
        headlines=("Old", hostile),
        lines=diff_texts("One.", hostile),
        facts=[("url", 'https://x.example/"><img src=x>')],
        language='de"><script>',
    )
    assert "<script" not in page
    assert "<img" not in page
    assert "default-src 'none'" in page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with command_runner(tmp_path_factory.mktemp("commands")) as runner:
        yield runner


@pytest.fixture(scope="module")
def site():
    """One for all tests, for its address is in the database that they copy."""
    with serve_site() as running:
        yield running


@pytest.fixture
def edited(site, engine, url, tmp_path, run, copies):
    config = write_config(tmp_path, feeds=[site.url + "/rss"], database_url=url)

    def edit():
        page = site.page("/talks", title=TITLE, text=TALKS)
        site.feed("/rss", [(page, TITLE)])
        run_once(config)
        new = TALKS.replace("152 Lokomotiven", "122 Lokomotiven")
        site.page("/talks", title="Streit um \x1b[31m<Lokomotiven>", text=new)
        run_once(config)

    copies.fill(engine, "edited", edit)
    return lambda *arguments: run(tmp_path, "--config", str(config), *arguments)


def test_history_tells_versions_changes_and_looks(edited, site):
    done = edited("history", "1")
    assert done.exit_code == 0, done.errors
    for words in (
        "version 1",
        "version 2",
        "correction: only numbers were replaced",
        "new-version",
    ):
        assert words in done.output
    assert "\x1b" not in done.output
    told = json.loads(edited("history", f"{site.url}/talks", "--json").output)
    assert [item["kind"] for item in told["versions"]] == [None, "correction"]


def test_diff_marks_words(edited):
    done = edited("diff", "1")
    assert "[-152-]{+122+} Lokomotiven" in done.output
    assert "unchanged" in done.output
    assert "Gewerkschaft" not in done.output
    assert "Arbeitsplätze" in edited("diff", "1", "--whole").output


def test_diff_writes_a_page_of_its_own(edited, tmp_path):
    file = tmp_path / "change.html"
    done = edited("diff", "1", "--from", "1", "--to", "2", "--html", str(file))
    assert done.exit_code == 0, done.errors
    page = file.read_text(encoding="utf-8")
    assert "<del>152</del><ins>122</ins>" in page
    assert "src=" not in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("history", "77"), "77: no such article"),
        (("diff", "no url at all"), "neither an article id nor a URL"),
        (("diff", "https://nowhere.example/a"), "no such article"),
        (("diff", "1", "--to", "9"), "article 1 has versions 1 to 2"),
        (("diff", "1", "--from", "0"), "--from 0"),
    ],
)
def test_what_is_not_there_is_said_with_exit_code_2(edited, arguments, told):
    done = edited(*arguments)
    assert done.exit_code == 2
    assert told in done.errors


def test_a_file_that_cannot_be_written_is_a_failure(edited, tmp_path):
    done = edited("diff", "1", "--html", str(tmp_path / "no" / "such" / "folder.html"))
    assert done.exit_code == 1
    assert "cannot be written" in done.errors
