"""Another page where the article was: told from edits by what it lacks."""

from __future__ import annotations

import pytest

from ingest.otherpage import is_other_page, page_mark
from tests.running import TALKS, WEATHER

TITLE = "Nordland verkauft Lokomotiven"
WALL_TITLE = "Devam etmeden önce"
WALL = (
    "Size daha iyi hizmet sunabilmek için çerezleri ve benzeri teknolojileri kullanıyoruz.\n\n"
    "Siteyi gezmeyi sürdürmek için lütfen aşağıdaki seçeneklerden birini seçin."
)


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        pytest.param(WALL_TITLE, WALL, True, id="a wall in an unlisted language"),
        pytest.param(TITLE, WALL, False, id="under the same headline it is a rewrite"),
        pytest.param(WALL_TITLE, f"{TALKS}\n\n{WALL}", False, id="the text is still there"),
        pytest.param(
            "Streit in Nordland", TALKS.replace(".", ", sagte der Minister."), False,
            id="a text that says the same in other sentences",
        ),
    ],
)  # fmt: skip
def test_a_page_that_has_nothing_of_the_article(title, text, expected):
    found = is_other_page(old_title=TITLE, old_text=TALKS, new_title=title, new_text=text)
    assert found is expected


def test_a_mark_is_the_same_whatever_numbers_a_page_shows():
    first = page_mark("Error", "Reference 18.2f, request 4711.")
    assert first == page_mark("Error", "Reference  93.2f, request 12.")
    assert first != page_mark("Error", WEATHER)
