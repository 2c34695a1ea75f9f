"""What happened from one version to the next."""

from __future__ import annotations

import pytest

from ingest.changes import classify_change, content_hash
from ingest.model import ChangeKind
from tests.running import TALKS

TITLE = "Nordland verkauft Lokomotiven"


def change(new_text=TALKS, new_title=TITLE, *, seen=False, extractor="t 2", old_text=TALKS):
    return classify_change(
        old_title=TITLE,
        old_text=old_text,
        new_title=new_title,
        new_text=new_text,
        old_extractor="t 2",
        new_extractor=extractor,
        seen_before=seen,
    )


CASES = {
    "only the headline": (dict(new_title="Streit um Lokomotiven"), ChangeKind.HEADLINE),
    "a number replaced": (dict(new_text=TALKS.replace("152", "122")), ChangeKind.CORRECTION),
    "a name replaced": (
        dict(new_text=TALKS.replace("Jon Berg", "Jon Stein")),
        ChangeKind.CORRECTION,
    ),
    "a notice in German": (
        dict(new_text=TALKS + "\n\nIn einer früheren Version stand ein falsches Jahr."),
        ChangeKind.CORRECTION,
    ),
    "a notice in English": (
        dict(new_text=TALKS + "\n\nCorrection: the year was wrong."),
        ChangeKind.CORRECTION,
    ),
    "a notice in Russian": (
        dict(new_text=TALKS + "\n\nИсправлено: год был указан неверно."),
        ChangeKind.CORRECTION,
    ),
    "a typing error mended": (
        dict(new_text=TALKS.replace("Widerspruch", "Widersprüche")),
        ChangeKind.MINOR,
    ),
    "a comma": (
        dict(new_text=TALKS.replace("sagte der Sprecher", "sagte, der Sprecher")),
        ChangeKind.MINOR,
    ),
    "related links": (
        dict(new_text=TALKS + "\n\nMehr zum Thema: Der Brand in Osthafen"),
        ChangeKind.BOILERPLATE,
    ),
    "a counter": (
        dict(new_text=TALKS + "\n\n17 Kommentare", old_text=TALKS + "\n\n12 Kommentare"),
        ChangeKind.BOILERPLATE,
    ),
    "half the text gone": (dict(new_text=TALKS.split("\n\n")[0]), ChangeKind.TRUNCATED),
    "a new paragraph": (
        dict(new_text=TALKS + "\n\nAm Abend widersprach der Finanzminister den Zahlen deutlich."),
        ChangeKind.SUBSTANTIVE,
    ),
    "an old text back": (dict(new_text=TALKS[:300], seen=True), ChangeKind.REVERTED),
    "another extractor": (dict(new_text=TALKS[:300], extractor="t 3"), ChangeKind.REEXTRACTED),
}


@pytest.mark.parametrize(("arguments", "kind"), CASES.values(), ids=CASES)
def test_kind(arguments, kind):
    found = change(**arguments)
    assert found is not None
    assert found.kind is kind
    assert found.reason


def test_what_normalisation_drops_is_no_change():
    assert change(TALKS.replace("\n\n", "\n").replace("„", '"').replace("“", '"')) is None
    assert content_hash(TITLE, TALKS) == content_hash(TITLE + " ", TALKS.replace("\n\n", "\n"))


def test_sentences_and_words_that_came_and_went_are_told():
    found = change(TALKS.replace("152 Lokomotiven", "122 neuen Lokomotiven"))
    assert len(found.added) == len(found.removed) == 1
    assert "122 neuen" in found.added[0]
    assert (found.words_added, found.words_removed) == (2, 1)


def test_a_headline_beside_another_change_is_told_too():
    found = change(TALKS + "\n\nNeu: Der Minister tritt am Abend zurück.", "Minister tritt zurück")
    assert found.kind is ChangeKind.SUBSTANTIVE
    assert (found.headline_from, found.headline_to) == (TITLE, "Minister tritt zurück")


def test_the_reason_of_a_correction_names_the_numbers():
    assert "152 became 122" in change(TALKS.replace("152", "122")).reason
