"""The screen before parsing: it may pass too much, and never refuses what the story wants."""

from __future__ import annotations

import html
import json
import pickle
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.backfill.bytesigns import ENCODINGS
from ingest.backfill.screen import Screen, compile_screen
from ingest.htmltext import known_codec
from ingest.model import DatedBy, DateSource
from ingest.story import NameGroup, StoryRule, compile_story, judge_text

KOREA = (
    ("en", ("North Korea*", "N. Korea*", "DPRK", "Kim Jong Un")),
    ("de", ("Nordkorea*", "Pjöngjang*")),
    ("fr", ("Corée du Nord", "nord coréen*")),
    ("es", ("Corea del Norte", "norcorean*")),
    ("pl", ("Kore* Północn*", "KRLD")),
    ("tr", ("Kuzey Kore*",)),
    ("el", ("Βόρει* Κορέα*",)),
    ("ru", ("Северн* Коре*", "КНДР", "Пхеньян*", "Ким Чен Ын*")),
    ("uk", ("Північн* Коре*", "Пхеньян*")),
    ("ar", ("كوريا الشمالية", "كوري* الشمالي*")),
    ("he", ("צפון קוריא*", "קים ג'ונג און")),
    ("hi", ("उत्तर कोरिया*", "किम जोंग उन")),
    ("th", ("เกาหลีเหนือ",)),
    ("ja", ("北朝鮮", "金正恩", "キム・ジョンウン")),
    ("zh", ("朝鲜", "朝鮮", "金正恩", "平壤")),
    ("ko", ("북한", "김정은", "북·러")),
)
RUSSIA = (
    ("en", ("Russia*", "Putin*", "Moscow*", "Kremlin*")),
    ("de", ("Russland*", "russisch*")),
    ("fr", ("Russie", "Moscou", "Choïgou")),
    ("es", ("Rusia", "Moscú")),
    ("pl", ("Rosj*", "Putin*")),
    ("tr", ("Rusya*", "Rus", "Şoygu*")),
    ("el", ("Ρωσ*", "Πούτιν")),
    ("ru", ("Росси*", "РФ", "Путин*", "Шойгу")),
    ("uk", ("Росі*", "Путін*")),
    ("ar", ("روسيا", "بوتين")),
    ("he", ("רוסי*", "פוטין")),
    ("hi", ("रूस*", "पुतिन")),
    ("th", ("รัสเซีย", "ปูติน")),
    ("ja", ("ロシア", "プーチン")),
    ("zh", ("俄罗斯", "俄羅斯", "普京", "普丁")),
    ("ko", ("러시아", "푸틴", "북·러")),
)
RULE = StoryRule(
    slug="talks",
    title="Two neighbours talk",
    groups=(NameGroup(key="north", names=KOREA), NameGroup(key="east", names=RUSSIA)),
)
STORY = compile_story(RULE)
INSIDE = DatedBy(value=datetime(2023, 9, 5, tzinfo=UTC), source=DateSource.META, confidence=0.9)
TEXTS = {
    "en": "Kim Jong Un of North Korea wants to meet Vladimir Putin in Russia this month.",
    "de": "Nordkoreas Machthaber reist wohl nach Russland. Aus Pjöngjang kam dazu kein Wort.",
    "fr": "Le dirigeant de la Corée du Nord se rendrait à Moscou, selon des sources à Séoul.",
    "es": "El líder norcoreano viajaría a Moscú para hablar con Rusia sobre armas.",
    "pl": "Przywódca Korei Północnej jedzie do Rosji, choć KRLD milczy o spotkaniu z Putinem.",
    "tr": "Kuzey Kore lideri Rusya'ya gidiyor; görüşmede Şoygu da olacak.",
    "el": "Ο ηγέτης της Βόρειας Κορέας θα συναντήσει τον Πούτιν στη Ρωσία.",
    "ru": "Глава КНДР Ким Чен Ын собирается в Россию на встречу с Путиным, пишет газета.",
    "uk": "Лідер Північної Кореї збирається до Росії на зустріч із Путіним.",
    "ar": "زعيم كوريا الشمالية يعتزم زيارة روسيا للقاء بوتين.",
    "he": "שליט צפון קוריאה ייפגש עם פוטין ברוסיה.",
    "hi": "उत्तर कोरिया के नेता रूस में पुतिन से मिलेंगे।",
    "th": "ผู้นำเกาหลีเหนือจะพบปูตินที่รัสเซีย",
    "ja": "北朝鮮の金正恩総書記がロシアを訪れ、プーチン大統領と会談する。",
    "zh-hans": "朝鲜领导人金正恩计划前往俄罗斯会见普京。",
    "zh-hant": "朝鮮領導人金正恩計劃前往俄羅斯會見普丁。",
    "ko": "북한 김정은 위원장이 러시아를 방문해 푸틴 대통령을 만난다.",
}
LABELS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso2022_jp", *ENCODINGS)


@pytest.fixture(scope="module")
def screen() -> Screen:
    made = compile_screen([RULE])
    assert made is not None
    return made


def wanted(text: str) -> bool:
    return judge_text(STORY, title="", text=text, published=INSIDE).on_story


def page(text: str) -> str:
    return f"<html><head><title>News</title></head><body>\n<p>{text}</p>\n</body></html>"


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_of_the_story_passes_in_every_encoding_that_can_write_it(screen, language):
    text = TEXTS[language]
    assert wanted(text)
    tried = 0
    for encoding in LABELS:
        for case in (str, str.upper, str.lower):
            try:
                body = page(case(text)).encode(encoding)
            except UnicodeEncodeError:
                continue
            tried += 1
            assert screen.may_concern(body), (encoding, case(text))
    assert tried >= 12


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page("It will rain in the mountains."), id="another subject"),
        pytest.param(page("Kim Jong Un visits a factory in North Korea."), id="one side"),
        pytest.param(page("Putin speaks in Moscow, Russia."), id="the other side"),
        pytest.param(page("Viruses, cruses and crusts of N. Korean bread"), id="parts of words"),
        pytest.param(page("Southern Korea and Russia"), id="half of a name"),
        pytest.param(page("Кореец и русские морфины"), id="half of a name, in Cyrillic"),
        pytest.param(page("경북 페이스북 그리고 러시아"), id="syllables that stand apart"),
        pytest.param("", id="nothing"),
        pytest.param(
            page("Rain.")
            + "<script>countries = ['North Korea', 'Russia', "
            + "'x'," * 50
            + "]</script>",
            id="a list in a program",
        ),
    ],
)
def test_a_page_that_names_no_side_or_one_only_is_refused(screen, body):
    assert not screen.may_concern(body.encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Kim <b>Jong</b>\n   Un and Putin", id="markup and line breaks in a name"),
        pytest.param(
            "N.&nbsp;<i>Korea</i> and Putin", id="and between words of which one is short"
        ),
        pytest.param("북 · <b>러</b>", id="and between syllables"),
        pytest.param("Nord&shy;korea, Put\u00adin", id="soft hyphens"),
        pytest.param("Nord\u200bkorea, Pu\u200ctin", id="invisible characters"),
        pytest.param("Nord\x02korea, Pu\x1ftin", id="control characters"),
        pytest.param("Nord<wbr>korea, Pu<wbr/>tin", id="possible line breaks"),
        pytest.param("<span>N</span>ordkorea, <em>P</em>utin", id="initials"),
        pytest.param("<b>北</b>朝鮮 <b>俄</b>罗斯", id="initials of two syllables"),
        pytest.param("Nôrdkórea, Pútín", id="accents that nobody configured"),
        pytest.param("Nordkořea, Puťin", id="and others"),
        pytest.param("Северн\u0301ая Коре\u0301я, Пу\u0301тин", id="stressed Cyrillic"),
        pytest.param("\U0001d40d\U0001d428rdkorea, \U0001d40futin", id="bold letters"),
        pytest.param("Ｎｏｒｄｋｏｒｅａ, ｐｕｔｉｎ", id="wide letters"),
        pytest.param("ｷﾑ･ｼﾞｮﾝｳﾝ ﾌﾟｰﾁﾝ", id="narrow kana"),
        pytest.param(unicodedata.normalize("NFD", TEXTS["ko"]), id="syllables in parts"),
        pytest.param(unicodedata.normalize("NFD", TEXTS["ja"]), id="kana in parts"),
        pytest.param("كُورِيا الشَّمالِيّة و بُوتِين", id="vowel signs"),
        pytest.param("Nordkorea, Rußland", id="a sharp s"),
        pytest.param("NORDKOREA, RUẞLAND", id="and a capital one"),
        pytest.param("Nordko\u0213ea, Pütin, \u0420\u0424", id="letters of several alphabets"),
        pytest.param("&#1050;&#1053;&#1044;&#1056; &#x41f;&#X443;&#1090;ин", id="references"),
        pytest.param("&#67;or&eacute;e du Nord, Mosc&uacute", id="named ones, one not closed"),
        pytest.param("Cor&amp;eacute;e du Nord, Mosc&amp;#250;", id="references escaped again"),
        pytest.param("&Kcy;&Ncy;&Dcy;&Rcy;, &amp;Rcy;&amp;amp;Fcy;", id="of Cyrillic letters"),
        pytest.param("Cor&ampeacute;e du Nord, Mosc&amp;amp;#250;", id="and again, one not closed"),
        pytest.param("\\u041a\\u041d\\u0414\\u0420, \\u201cPutin\\u201d", id="escapes of JSON"),
        pytest.param("\\nDPRK\\nPutin\\n", id="line breaks of JSON"),
        pytest.param("“DPRK”—«Putin»", id="signs beside the names"),
    ],
)
def test_names_are_seen_however_they_are_written(screen, text):
    assert screen.may_concern(page(text).encode())
    assert screen.may_concern(b"<div>x</div>\n" * 30_000 + page(text).encode())


def test_a_control_character_inside_a_letter_is_passed_over(screen):
    body = page("Пхеньян и Путин").encode()
    place = body.index("я".encode()) + 1
    assert screen.may_concern(body[:place] + b"\x02" + body[place:])


@pytest.mark.parametrize("tag", ["script", "STYLE"])
@pytest.mark.parametrize(
    "before",
    [
        pytest.param("<{tag}>a{{}}</{tag}>", id="closed"),
        pytest.param("<{tag}>", id="never closed"),
        pytest.param("<!-- <{tag} src='x'> -->", id="opened in a comment"),
        pytest.param("<{tag} src='x' />", id="closed at once"),
        pytest.param("<p title='<{tag}>'>", id="in an attribute"),
        pytest.param("<{tag} a='>'>b</{tag}>", id="with an odd attribute"),
    ],
)
def test_what_stands_outside_programs_is_always_seen(screen, before, tag):
    filler = "<p>Nothing else.</p>" * 20
    later = f"<{tag}>{'x = 1;' * 40}</{tag}>"
    body = before.format(tag=tag) + filler + page("North Korea and Putin") + filler + later
    assert screen.may_concern(body.encode())


def test_an_element_whose_name_begins_like_a_script_is_read(screen):
    text = "North Korea and Putin. " * 20
    assert screen.may_concern(f"<script-box>{text}</script-box>".encode())
    assert screen.may_concern(f"<styled>{text}</styled>".encode())


def test_json_in_a_script_is_looked_at(screen):
    data = json.dumps({"headline": "Пхеньян и Путин", "text": "x" * 200})
    body = f'<script type="application/ld+json">{data}</script>'
    assert screen.may_concern(body.encode())


@pytest.mark.parametrize("shift", range(14))
def test_names_are_found_where_two_pieces_of_a_large_page_meet(screen, shift):
    size = 2**18 - 7 + shift
    body = b"-" * size + b"North Korea" + b"-" * size + b"Putin"
    assert screen.may_concern(body)


@pytest.mark.parametrize("encoding", ["cp1251", "euc_jp", "cp949", "big5", "gb18030"])
def test_the_label_of_a_page_decides_how_it_is_read(screen, encoding):
    texts = {"cp1251": "ru", "euc_jp": "ja", "cp949": "ko", "big5": "zh-hant", "gb18030": "zh-hans"}
    mixed = "".join(
        f"&#{ord(letter)};" if number % 3 == 0 else letter
        for number, letter in enumerate(TEXTS[texts[encoding]])
    )
    body = page(mixed).encode(encoding)
    assert screen.may_concern(body, charset=encoding)
    assert screen.may_concern(f'<meta charset="{encoding}">'.encode() + body)


def test_a_story_without_groups_takes_every_text():
    assert compile_screen([RULE, StoryRule(slug="all", title="Everything")]) is None


def test_a_side_with_a_name_of_signs_counts_as_named():
    group = NameGroup(key="sign", names=(("en", ("§", "paragraph")),))
    rule = StoryRule(slug="a", title="A", groups=(group, NameGroup(key="b", names=KOREA)))
    screen = compile_screen([rule])
    assert screen is not None
    assert screen.may_concern(b"North Korea")
    assert not screen.may_concern(b"paragraph")
    assert compile_screen([StoryRule(slug="a", title="A", groups=(group,))]) is None


def test_without_a_required_group_any_of_them_will_do():
    rule = StoryRule(
        slug="a",
        title="A",
        groups=tuple(
            NameGroup(key=key, names=(("en", names),), required=False)
            for key, names in (("one", ("Alpha*",)), ("two", ("Beta",)))
        ),
    )
    screen = compile_screen([rule])
    assert screen is not None
    assert screen.may_concern(b"alphabet")
    assert screen.may_concern(b"beta")
    assert not screen.may_concern(b"betas")


def test_a_group_that_is_not_required_is_not_asked_for():
    helper = NameGroup(key="arms", names=(("en", ("weapon*",)),), required=False)
    screen = compile_screen([StoryRule(slug="a", title="A", groups=(*RULE.groups, helper))])
    assert screen is not None
    assert screen.may_concern(b"Putin and Kim Jong Un")


def test_one_of_several_stories_is_enough():
    other = StoryRule(
        slug="b", title="B", groups=(NameGroup(key="b", names=(("en", ("harbour",)),)),)
    )
    screen = compile_screen([RULE, other])
    assert screen is not None
    assert screen.may_concern(b"the harbour")
    assert screen.may_concern(b"Putin and Kim Jong Un")
    assert not screen.may_concern(b"Putin and Kim")


@pytest.mark.parametrize("name", ["a", "ab", "x*", "和", "북", "é"])
def test_short_names_are_found_too(name):
    rule = StoryRule(slug="a", title="A", groups=(NameGroup(key="a", names=(("en", (name,)),)),))
    screen = compile_screen([rule])
    assert screen is not None
    text = f"it is {name.rstrip('*')} there"
    assert judge_text(compile_story(rule), title="", text=text, published=None).on_story
    assert screen.may_concern(text.encode())
    assert not screen.may_concern(b"nothing")


def test_a_screen_can_be_sent_to_another_process(screen):
    copy = pickle.loads(pickle.dumps(screen))
    assert copy.may_concern(page(TEXTS["ru"]).encode("koi8_r"))
    assert not copy.may_concern(b"rain")


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_any_bytes_give_an_answer(content):
    screen = compile_cached()
    for body in (content, b"\xff\xfe" + content, b"<meta charset=utf-16>" + content):
        assert screen.may_concern(body) in {True, False}


def test_a_page_that_is_too_large_to_be_looked_at_passes():
    screen = compile_screen([RULE], largest=100)
    assert screen is not None
    assert not screen.may_concern(b"x" * 100)
    assert screen.may_concern(b"x" * 101)


def test_hits_that_are_none_do_not_take_for_ever(screen):
    assert screen.may_concern(b"congress nordkorea" * 3 + b" xnordx" * 400_000) in {True, False}
    assert screen.may_concern(b"<p>North Korea " + b"virus" * 200_000)


_MADE: list[Screen] = []


def compile_cached() -> Screen:
    """One screen for all examples of a property."""
    if not _MADE:
        made = compile_screen([RULE])
        assert made is not None
        _MADE.append(made)
    return _MADE[0]


FILLERS = st.sampled_from(
    [
        *("talks", "were", "“quoted”", "сообщили", "오늘", "東京で", "—", "№", "à", "según", "5 €"),
        *("про", "الرئيس", "会議", "der", "Bericht"),
    ]
)
ENDINGS = {"latin": ["", "n", "er", "ische"], "cyrillic": ["", "а", "ой", "скими"]}
ACCENTS = "\u0301\u0308\u030c\u0327\u0306"
INVISIBLE = "\u00ad\u200b\u200c"


@st.composite
def names(draw, group):
    """A configured name as a text may have it."""
    name = draw(st.sampled_from([name for _language, names in group for name in names]))
    first = ord(name[0])
    script = "latin" if first < 0x250 else "cyrillic" if 0x400 <= first < 0x500 else None
    while "*" in name:
        ending = draw(st.sampled_from(ENDINGS[script])) if script else ""
        name = name.replace("*", ending, 1)
    return name.replace(" ", draw(st.sampled_from([" ", " ", "-", "  ", "\u00a0", "\u2011"])))


@st.composite
def texts(draw):
    """A text that names both sides, in its own words and letters."""
    parts = [draw(FILLERS), draw(names(KOREA)), draw(FILLERS), draw(names(RUSSIA)), draw(FILLERS)]
    text = " ".join(parts)
    return draw(st.sampled_from([str, str, str.upper, str.lower, str.title, str.swapcase]))(text)


@st.composite
def decorated(draw, text):
    """The text with accents and invisible characters here and there."""
    out = []
    for letter in text:
        out.append(letter)
        if letter.isalpha() and ord(letter) < 0x500:
            out.append(draw(st.sampled_from([""] * 8 + list(ACCENTS) + list(INVISIBLE))))
    return unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), "".join(out))


def refer(letter: str, kind: int) -> str:
    """A letter as one of the character references that HTML knows."""
    name = html.entities.codepoint2name.get(ord(letter))
    if kind == 0 and name:
        return f"&{name};"
    return [f"&#{ord(letter)};", f"&#x{ord(letter):X};", f"&#X{ord(letter):05x};"][kind % 3]


@st.composite
def marked_up(draw, text):
    """The text in HTML or JSON, some letters as references."""
    if draw(st.integers(0, 4)) == 0:
        data = json.dumps({"headline": text, "articleBody": f"-\n{text}"})
        return f'<script type="application/ld+json">{data}</script>'
    often = draw(st.sampled_from([0, 0, 20, 100]))
    return page(
        "".join(
            refer(letter, draw(st.integers(0, 3)))
            if letter.isalpha() and draw(st.integers(1, 100)) <= often
            else html.escape(letter)
            for letter in text
        ).replace(" ", draw(st.sampled_from([" ", "\n", " <b>", "</p> <p>"])))
    )


@given(st.data())
@settings(deadline=None, max_examples=400)
def test_what_the_story_wants_always_passes(data):
    text = data.draw(decorated(data.draw(texts())) if data.draw(st.booleans()) else texts())
    assume(wanted(text))
    markup = data.draw(marked_up(text))
    encoding = data.draw(st.sampled_from(LABELS))
    is_legacy = encoding in ENCODINGS and not encoding.startswith("utf")
    label = next(filter(known_codec, (encoding.replace("_", "-"), encoding)), None)
    if is_legacy:
        assume(label is not None)
        markup = f'<meta charset="{label}">{markup}'
    try:
        body = markup.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    charset = label if is_legacy and data.draw(st.booleans()) else None
    assert compile_cached().may_concern(body, charset=charset), (encoding, text)
