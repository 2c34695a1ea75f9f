"""What happened from one version to the next."""

from __future__ import annotations

import pytest

from ingest.changes import (
    classify_change,
    content_hash,
    moves_counter,
    only_page_lines_differ,
)
from ingest.model import ChangeKind
from ingest.pagelines import has_notice, is_notice, is_teaser, without_page_lines
from tests.running import TALKS, WEATHER

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


LIVE = "\n\n".join(f"{hour:02d}:15 In Nordstadt beginnt Runde {hour}." for hour in range(12, 6, -1))
WIRE = f"NORDSTADT (Reuters) - {TALKS}"
MORE = {
    "a name at the start of a sentence": (
        dict(old_text=f"{TALKS} Bergson sagte zu.", new_text=f"{TALKS} Quandt sagte zu."),
        ChangeKind.CORRECTION,
    ),
    "another first word": (
        dict(old_text=f"{TALKS} Die Sitzung dauerte.", new_text=f"{TALKS} Eine Sitzung dauerte."),
        ChangeKind.MINOR,
    ),
    "an entry of a running page": (
        dict(old_text=LIVE, new_text="13:40 Der Präsident ist da.\n\n" + LIVE),
        ChangeKind.LIVE_BLOG,
    ),
    "an agency's report replaced": (
        dict(old_text=WIRE, new_text=WEATHER),
        ChangeKind.AGENCY,
    ),
    "an agency's report edited": (
        dict(old_text=WIRE, new_text=WIRE + "\n\nDer Minister schwieg am Abend dazu."),
        ChangeKind.SUBSTANTIVE,
    ),
    "how long ago": (
        dict(old_text=TALKS + "\n\nVor 5 Minuten aktualisiert", new_text=TALKS),
        ChangeKind.BOILERPLATE,
    ),
    "a list of links": (
        dict(new_text=TALKS + "\n\nMehr zum Thema:\n\nSchnee im Mai\n\nEin Dorf zieht um"),
        ChangeKind.BOILERPLATE,
    ),
    "links beside a correction": (
        dict(new_text=TALKS.replace("152", "122") + "\n\nMehr zum Thema: Schnee im Mai"),
        ChangeKind.CORRECTION,
    ),
    "paragraphs in another order": (
        dict(new_text="\n\n".join(reversed(TALKS.split("\n\n")))),
        ChangeKind.MINOR,
    ),
    "a market correction is news": (
        dict(new_text=TALKS + "\n\nAn der Börse rechnen Händler mit einer Korrektur der Kurse."),
        ChangeKind.SUBSTANTIVE,
    ),
    "a speech of five minutes is news": (
        dict(new_text=TALKS + "\n\nEr sprach nur 5 Minuten."),
        ChangeKind.SUBSTANTIVE,
    ),
    "a headline beside a comma": (
        dict(
            new_title="Streit um Lokomotiven",
            new_text=TALKS.replace("sagte der Sprecher", "sagte, der Sprecher"),
        ),
        ChangeKind.HEADLINE,
    ),
}
CASES |= MORE


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


def test_sentences_are_paired_and_quotations_and_numbers_that_came_or_went_are_told():
    found = change(
        TALKS.replace("152 Lokomotiven", "122 Lokomotiven").replace(
            "Wir stehen kurz vor einer Einigung", "Wir sind noch weit von einer Einigung"
        )
    )
    assert [("152" in old, "122" in new) for old, new in found.changed] == [
        (True, True),
        (False, False),
    ]
    assert (found.numbers_removed, found.numbers_added) == (("152",), ("122",))
    assert found.quotes_removed == ("Wir stehen kurz vor einer Einigung",)
    assert found.quotes_added == ("Wir sind noch weit von einer Einigung",)


NOTICES = (
    "Correction: The year was wrong.",
    "CORRECTION (Sept. 12): The year was wrong.",
    "Editor's note: this story was changed.",
    "An earlier version of this article misstated the year.",
    "Richtigstellung – das Jahr war falsch.",
    "Rectificatif : l'année était fausse.",
    "Una versión anterior de este artículo decía otra cosa.",
    "В предыдущей версии статьи был указан другой год.",
    "У попередній версії був інший рік.",
    "정정: 연도를 바로잡습니다.",
    "更正：年份有误。",
)


@pytest.mark.parametrize("sentence", NOTICES)
def test_notices(sentence):
    assert is_notice(sentence.replace("：", ":"))


@pytest.mark.parametrize(
    "line",
    [
        "Updated 5 minutes ago",
        "Last updated on 12 September 2023, 14:05",
        "17 comments",
        "1.2k shares",
        "조회수 1,204",
        "Read more: A village moves",
        "Читайте также: Деревня переезжает",
        "Advertisement",
        "Subscribe to our newsletter for more",
        "© 2023 The Paper. All rights reserved",
        "3분 전",
    ],
)
def test_lines_of_the_page(line):
    assert without_page_lines(f"The news.\n{line}\nMore news.") == "The news.\nMore news."


@pytest.mark.parametrize(
    "line",
    [
        "He left 5 minutes later.",
        "The price rose to 17 crowns.",
        "Published reports contradict the figures of 1999, he said, and nobody answered.",
        "Share prices fell by 3 percent on Monday.",
        "Related industries lost 40,000 jobs in the same year.",
    ],
)
def test_lines_of_the_article(line):
    assert line in without_page_lines(f"The news.\n{line}\nMore news.")


def test_a_counter_in_any_words_is_known_by_its_moves():
    moved = change(
        TALKS + "\n\nSchon 19 mal bestaunt", old_text=TALKS + "\n\nSchon 17 mal bestaunt"
    )
    assert moved.kind is ChangeKind.CORRECTION
    assert moves_counter(moved, [("Schon 17 mal bestaunt",), ("Schon 12 mal bestaunt",)])
    assert not moves_counter(moved, [("Schon 17 mal bestaunt",)])
    assert not moves_counter(moved, [("Ein Satz.",), ("Schon 12 mal bestaunt",)])


def test_a_teaser_is_the_beginning_cut_off():
    assert is_teaser(TALKS[:170] + " …", before=TALKS)
    assert is_teaser(TALKS[:170].rstrip() + "...", before=TALKS)
    assert not is_teaser(TALKS[:170], before=TALKS)
    assert not is_teaser("Etwas anderes …", before=TALKS)


def test_what_a_text_says_of_itself():
    assert has_notice("The page.\n\nThis article has been removed.")
    assert not has_notice(TALKS)


def test_lines_of_the_page_alone_do_not_differ():
    assert only_page_lines_differ(
        old_title=TITLE, old_text=TALKS, new_title=TITLE, new_text=TALKS + "\n\n3 Kommentare"
    )


def test_a_megabyte_is_compared_in_bounded_time():
    sentences = [f"Satz {n} der langen Seite ist da." for n in range(30_000)]
    old, new = " ".join(sentences), " ".join(sentences[::2] + sentences[:3])
    assert change(new, old_text=old).kind in set(ChangeKind)
