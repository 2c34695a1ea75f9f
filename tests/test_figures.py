"""Numbers in digits that tell how many or how much, in many languages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.figures import find_figures


def found(text, language):
    return [(item.value, item.unit, item.counted) for item in find_figures(text, language=language)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "about 1,500 shells"),
        ("de", "rund 1.500 Granaten"),
        ("fr", "environ 1 500 obus"),
        ("fr", "environ 1\u202f500 obus"),
        ("de", "rund 1'500 Granaten"),
        ("es", "unos 1.500 proyectiles"),
        ("es", "unos 1,500 proyectiles"),
        ("ru", "около 1 500 снарядов"),
        ("en", "about 1500 shells"),
        ("ar", "حوالي ١٬٥٠٠ قذيفة"),
        ("hi", "लगभग १,५०० गोले"),
        ("th", "ประมาณ ๑,๕๐๐ นัด"),
        ("ja", "約１５００発"),
        ("ko", "약 1500발의"),
        ("en", "about 1.5 thousand shells"),
        ("de", "rund 1,5 Tsd. Granaten"),
    ],
)
def test_thousands_are_written_in_many_ways(language, text):
    assert [value for value, _, _ in found(text, language)] == [1500.0]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "2.5 million shells"),
        ("de", "2,5 Mio. Granaten"),
        ("de", "2,5 Millionen Granaten"),
        ("fr", "2,5 millions d’obus"),
        ("es", "2,5 millones de proyectiles"),
        ("pt", "2,5 milhões de projéteis"),
        ("it", "2,5 milioni di proiettili"),
        ("pl", "2,5 mln pocisków"),
        ("ru", "2,5 млн снарядов"),
        ("uk", "2,5 мільйона снарядів"),
        ("tr", "2,5 milyon mermi"),
        ("zh", "250万发炮弹"),
        ("ja", "250万発"),
        ("ko", "250만 발"),
        ("hi", "25 लाख गोले"),
        ("en", "25 lakh shells"),
        ("ar", "٢٫٥ مليون قذيفة"),
        ("th", "2.5 ล้านนัด"),
        ("vi", "2,5 triệu quả"),
        ("en", "2,500,000 shells"),
        ("de", "2.500.000 Granaten"),
        ("hi", "25,00,000 गोले"),
    ],
)
def test_millions_are_multiplied_out(language, text):
    assert [value for value, _, _ in found(text, language)] == [2_500_000.0]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "worth $3.4bn", (3.4e9, "USD")),
        ("en", "worth £2m", (2e6, "GBP")),
        ("de", "für 3,4 Milliarden Euro", (3.4e9, "EUR")),
        ("de", "für 3 Billionen Euro", (3e12, "EUR")),
        ("en", "for 3 billion euros", (3e9, "EUR")),
        ("fr", "pour 3 milliards d’euros", (3e9, "EUR")),
        ("es", "por 3 mil millones de dólares", (3e9, "USD")),
        ("ja", "約1億5000万円", (1.5e8, "JPY")),
        ("zh", "¥300", (300.0, "CNY")),
        ("ko", "1조5천억 원", (1.5e12, "KRW")),
        ("ru", "10 тыс. рублей", (10_000.0, "RUB")),
        ("en", "up 12.5%", (12.5, "%")),
        ("de", "um 12,5 Prozent", (12.5, "%")),
        ("fr", "de 12,5 % environ", (12.5, "%")),
        ("es", "un 12,5 por ciento", (12.5, "%")),
        ("en", "155-millimetre shells", (155.0, "mm")),
        ("ru", "152-мм снаряды", (152.0, "mm")),
        ("en", "it was −5 °C", (-5.0, "°C")),
        ("tr", "oyların %36 kadarı", (36.0, "%")),
        ("de", "CHF 10'000", (10_000.0, "CHF")),
        ("de", "1.234.567,89 €", (1_234_567.89, "EUR")),
    ],
)
def test_a_unit_is_told(language, text, expected):
    assert [(value, unit) for value, unit, _ in found(text, language)] == [expected]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "on September 5, 2023"),
        ("en", "on 5 September at 2 p.m."),
        ("en", "at 14:30 on 2023-09-05"),
        ("de", "am 5. September 2023 um 14.30 Uhr"),
        ("de", "am 05.09.2023"),
        ("es", "el 5 de septiembre de 2023, hasta el 5 de septiembre."),
        ("ru", "5 сентября 2023 года"),
        ("zh", "2023年9月5日下午3点，第3次"),
        ("ko", "2023년 9월 5일 오후 3시"),
        ("ar", "في 5 سبتمبر 2023"),
        ("en", "since the 1990s, in 2024/25"),
        ("en", "the 3rd and 21st"),
        ("de", "der 5. Platz"),
        ("en", "G20, F-16, Covid-19, 5G, KN-23"),
        ("en", "192.168.1.1 and 007"),
        ("en", "https://example.org/12345?a=3"),
        ("en", "twelve trains, said so.[27]"),
        ("en", "1) the first\n2. the second"),
        ("en", "id 12345678901234567890"),
    ],
)
def test_dates_times_ordinals_and_names_are_no_figures(language, text):
    assert found(text, language) == []


def test_the_text_itself_tells_what_its_comma_means():
    assert [item[0] for item in found("1,500 of 2,000,000 men", None)] == [1500.0, 2e6]
    assert [item[0] for item in found("1,500 of 2.000.000 men", None)] == [1.5, 2e6]
    assert [item[0] for item in found("1,500 men", None)] == [1500.0]


def test_a_range_has_no_negative_end():
    assert [item[0] for item in found("1−2 km, 13-17 men, 15 bin 335 asker", "tr")] == [
        1,
        2,
        13,
        17,
        15335,
    ]


def test_what_is_counted_keeps_shells_from_people():
    text = "10 million shells for 10 million people, 2000 Soldaten im Jahr 2000"
    assert found(text, "en") == [
        (1e7, "", "shells"),
        (1e7, "", "people"),
        (2000.0, "", "soldaten"),
    ]


def test_a_figure_has_its_sentence():
    text = "First one. “At least 12 people died,” he said. Then more."
    (figure,) = find_figures(text, language="en")
    assert figure.text == "12"
    sentence = text[figure.sentence_start : figure.sentence_stop]
    assert sentence == "“At least 12 people died,” he said."


@settings(deadline=None)
@given(
    st.text(st.sampled_from("0123456789٣१๓５.,'’ \u00a0-/:$€%mКм万億억a\n")) | st.text(),
    st.sampled_from(["en", "de", "fr", "es", "ru", "ja", "ko", "ar", None]),
)
def test_spans_are_inside_any_text(text, language):
    last = 0
    for figure in find_figures(text, language=language):
        assert last <= figure.start < figure.stop <= len(text)
        assert 0 <= figure.sentence_start <= figure.start
        assert figure.stop <= figure.sentence_stop <= len(text)
        assert figure.value == figure.value  # no NaN
        last = figure.stop


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1 ",
        "1'000",
        "1億",
        "1 de ",
        "$1",
        "1.1.",
        "1:1",
        "a1",
        "1-",
        "1 million ",
        "٣",
        "9億9万",
    ],
)
def test_time_is_linear_in_the_length_of_hostile_texts(piece):
    started = time.process_time()
    find_figures(piece * (200_000 // len(piece)), language="fr")
    assert time.process_time() - started < 20  # quadratic, it would take hours
