"""Which language a text is in, and how many words it has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.language import count_words, detect_language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The harbour was closed because the crane drivers went on strike."),
        ("de", "Der Hafen wurde geschlossen, weil die Kranführer streiken."),
        ("fr", "Le port a été fermé parce que les grutiers se sont mis en grève."),
        ("es", "El puerto fue cerrado porque los operadores de grúa están en huelga."),
        ("it", "Il porto è stato chiuso perché i gruisti sono in sciopero da ieri."),
        ("pt", "O porto foi fechado porque os operadores de guindaste não trabalham."),
        ("nl", "De haven werd gesloten omdat de kraanmachinisten het werk neerlegden."),
        ("pl", "Port został zamknięty, ponieważ operatorzy dźwigów rozpoczęli strajk."),
        ("ru", "Порт был закрыт, потому что крановщики вышли на забастовку."),
        ("uk", "Порт зачинили, бо кранівники оголосили страйк і вийшли на вулиці."),
        ("be", "Порт быў зачынены, таму што кранаўшчыкі абвясцілі забастоўку ўчора."),
        ("bg", "Пристанището беше затворено, защото кранистите обявиха стачка вчера."),
        ("kk", "Порт жабылды, өйткені кран жүргізушілері ереуілге шықты, деп хабарлады."),
        ("ko", "크레인 기사들이 파업에 들어가 항구가 폐쇄됐다."),
        ("ja", "クレーン運転士がストライキに入り、港は閉鎖された。"),
        ("zh", "由于起重机司机罢工，港口已经关闭。"),
        ("th", "ท่าเรือปิดทำการเนื่องจากคนขับเครนนัดหยุดงาน"),
        ("el", "Το λιμάνι έκλεισε επειδή οι χειριστές γερανών απεργούν."),
        ("he", "הנמל נסגר משום שמפעילי המנופים פתחו בשביתה אתמול."),
        ("ar", "أغلق الميناء لأن سائقي الرافعات بدأوا إضرابا عن العمل أمس."),
    ],
)
def test_a_sentence_tells_its_language(language, text):
    assert detect_language(text) == language


def test_chinese_with_a_few_kana_in_a_name_is_chinese():
    assert detect_language("港口已经关闭，工人们说他们将继续罢工直到得到答复。" * 4 + "の") == "zh"


@pytest.mark.parametrize("text", ["", "   ", "123 456", "Kim", "— 7 %"])
def test_too_little_text_is_in_no_language(text):
    assert detect_language(text) is None


@settings(deadline=None)
@given(st.text(max_size=200))
def test_a_language_is_two_lower_case_letters_or_none(text):
    language = detect_language(text)
    assert language is None or (len(language) == 2 and language.isalpha() and language.islower())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two  three\nfour", 4),
        ("港口已经关闭", 3),
        ("항구가 폐쇄됐다", 2),
        ("The 港口 is closed", 4),
    ],
)
def test_words_are_counted_two_characters_each_where_no_spaces_are_written(text, words):
    assert count_words(text) == words
