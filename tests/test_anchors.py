"""Anchors: the sound of names in any script, numbers in any digits, places in quotation marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.verdict.anchors import (
    plain_number,
    sentence_anchors,
    shared_names,
    shared_numbers,
    skeleton,
)
from ingest.verdict.text import quoted_shares, split_sentences


@pytest.mark.parametrize(
    "spellings",
    [
        ("Schoigu", "Shoigu", "Шойгу"),
        ("Putin", "Путин", "Putins", "პუტინი"),
        ("Washington", "Вашингтон"),
        ("Reykjavík", "Reykjavik"),
        ("Wladiwostok", "Vladivostok", "Владивосток"),
    ],
)
def test_a_name_sounds_alike_in_every_script(spellings):
    assert len({skeleton(item)[:3] for item in spellings}) == 1


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("1,500", "1500"),
        ("1.500", "1500"),
        ("1٬500", "1500"),
        ("١٥٢", "152"),
        ("१५२", "152"),
        ("3,5", "3.5"),
        ("2.50", "2.50"),
        ("007", "7"),
        ("0", "0"),
    ],
)
def test_numbers_lose_what_differs_between_countries(written, plain):
    assert plain_number(written) == plain


def test_translated_sentences_have_anchors_in_common():
    german = sentence_anchors(
        "Am Montag sagte Schoigu in Wladiwostok, 152 Granaten seien bestellt."
    )
    russian = sentence_anchors(
        "В понедельник Шойгу во Владивостоке сказал, что заказано 152 снаряда."
    )
    other = sentence_anchors("Погода на выходных будет тёплой и сухой.")
    assert len(german.keys() & russian.keys()) >= 2
    assert not german.keys() & other.keys()


@given(st.text(max_size=400))
def test_any_sentence_has_anchors_of_known_weight(sentence):
    anchors = sentence_anchors(sentence)
    assert all(0 <= key < 2**32 and 0 < weight <= 1.5 for key, weight in anchors.items())


@given(st.text(max_size=60), st.text(max_size=60))
def test_shared_names_and_numbers_are_in_both(a, b):
    for number in shared_numbers(a, b):
        assert number in shared_numbers(b, a)
    for left, right in shared_names(a, b):
        assert left in a
        assert right in b


def test_shared_names_are_spelt_alike_too():
    german = "Plus: Putin traf Kim in Wladiwostok"
    assert shared_names(german, "Путин приехал во Владивосток") == (
        ("Putin", "Путин"),
        ("Wladiwostok", "Владивосток"),
    )
    assert shared_names(german, "블라디보스토크 발사") == (("Wladiwostok", "블라디보스토크"),)


def test_a_quotation_may_run_over_sentences():
    sentences = ["Er sagte: „Wir kommen.", "Morgen schon.“ Dann ging er.", "Es regnete."]
    shares = quoted_shares(sentences)
    assert 0.3 < shares[0] < 0.7
    assert 0.3 < shares[1] < 0.7
    assert shares[2] == 0


def test_a_quotation_that_is_never_closed_ends():
    assert quoted_shares(['"Offen.'] + ["Satz."] * 10)[-1] == 0


@given(st.lists(st.text(max_size=40), max_size=12))
def test_quoted_shares_are_shares(sentences):
    assert all(0 <= share <= 1 for share in quoted_shares(sentences))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Ο Πούτιν μίλησε. Ο Κιμ άκουσε.", 2),
        ("Պուտինը խոսեց։ Կիմը լսեց։", 2),
        ("पुतिन ने कहा। किम ने सुना।", 2),
        ("ፑቲን ተናገረ። ኪም ሰማ።", 2),
        ("普京说话了。金正恩听了。", 2),
        ("プーチン氏は話した。金氏は聞いた。", 2),
        ("بوتين تحدث؟ كيم استمع.", 2),
        ("پوتین نے کہا۔ کم نے سنا۔", 2),
    ],
)
def test_sentences_end_in_every_script(text, count):
    assert len(split_sentences(text)) == count


def test_thai_is_cut_at_spaces():
    sentence = "ประธานาธิบดีกล่าวเมื่อวันจันทร์ว่าจะเดินทางไปประชุม "
    assert len(split_sentences(sentence * 12)) >= 3
