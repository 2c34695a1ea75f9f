"""Finding names in any script and any case ending."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.names import Name, compile_names, find_names, fold


def found_in(text, *names):
    index = compile_names(Name(key="k", text=name) for name in names)
    return [mention.name.text for mention in find_names(index, fold(text)).mentions]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("Kim Jong Un", "KIM JONG-UN's train", id="English, hyphen and case"),
        pytest.param("Kim Jong Un", "Kim Jong‑un", id="a non-breaking hyphen"),
        pytest.param("Kim Jong Un", "Ｋｉｍ　Ｊｏｎｇ　Ｕｎ", id="full-width letters"),
        pytest.param("Kim Jong Un", "Kim\u00a0Jong\u00a0Un", id="no-break spaces"),
        pytest.param("Putin*", "Putins Besuch", id="German genitive"),
        pytest.param("Pjöngjang*", "in Pjo\u0308ngjang", id="a decomposed umlaut"),
        pytest.param("Kim Čong un*", "s Kim Čong-unem", id="Czech instrumental"),
        pytest.param("Kim Dzong Un*", "Kim Dzong Una", id="Polish genitive"),
        pytest.param("Kore* Północn*", "w Korei Północnej", id="Polish, both words decline"),
        pytest.param("Ким Чен Ын*", "с Ким Чен Ыном", id="Russian instrumental"),
        pytest.param("северн* коре*", "из Северной Кореи", id="Russian, both words decline"),
        pytest.param("Північн* Коре*", "Північною Кореєю", id="Ukrainian, both words decline"),
        pytest.param("Rusya*", "Rusya'nın lideri", id="Turkish suffix after an apostrophe"),
        pytest.param("Kuzey Kore*", "Kuzey Kore\u2019nin", id="Turkish, a curly apostrophe"),
        pytest.param("İstanbul", "istanbul", id="Turkish dotted capital"),
        pytest.param("Venäj*", "Venäjällä", id="Finnish adessive"),
        pytest.param("Oroszország*", "Oroszországban", id="Hungarian inessive"),
        pytest.param("Πούτιν", "ΠΟΥΤΙΝ", id="Greek capitals have no accents"),
        pytest.param("Ρωσ*", "της Ρωσίας", id="Greek genitive with a final sigma"),
        pytest.param("김정은", "김정은이 러시아를", id="Korean particle"),
        pytest.param("金正恩", "金正恩氏が訪問", id="Japanese title, no spaces"),
        pytest.param("普京", "总统普京会见", id="Chinese, no spaces"),
        pytest.param("ウラジーミル・プーチン", "ウラジーミル プーチン", id="Japanese middle dot"),
        pytest.param("プーチン", "ﾌﾟｰﾁﾝ大統領", id="half-width kana"),
        pytest.param("ปูติน", "ประธานาธิบดีปูตินพบ", id="Thai, no spaces"),
        pytest.param("كيم جونغ أون", "كِيم جونغ اون", id="Arabic vowel signs and alef"),
        pytest.param("روسيا", "وروسيا", id="Arabic and"),
        pytest.param("كرملين", "بالكرملين", id="Arabic in the"),
        pytest.param("كرملين", "للكرملين", id="Arabic to the"),
        pytest.param("کره شمالی", "كره شمالي", id="Persian typed on an Arabic keyboard"),
        pytest.param("רוסיה", "וברוסיה", id="Hebrew and in"),
        pytest.param("קים ג'ונג און", "קים ג׳ונג־און", id="Hebrew geresh and maqaf"),
        pytest.param("रूस*", "रूस में", id="Hindi"),
    ],
)
def test_a_name_is_found_in_the_form_the_language_gives_it(name, text):
    assert found_in(text, name) == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("Rus", "Russia", id="a whole word is not the start of another"),
        pytest.param("russ*", "Belarussian", id="a start is not the middle of a word"),
        pytest.param("Kim Jong Un", "Kim Jong Unhappy", id="the last word must end"),
        pytest.param("северн* коре*", "северный ветер, Корея", id="the words must follow"),
        pytest.param("روسيا", "بيلاروسيا", id="Arabic, the end of another country"),
        pytest.param("רוסיה", "בלארוסיה", id="Hebrew, likewise"),
    ],
)
def test_another_word_is_not_mistaken_for_the_name(name, text):
    assert found_in(text, name) == []


def test_the_longest_name_wins_and_a_start_of_a_word_covers_the_word_itself():
    names = ("Kim", "Kim Jong Un", "Kim*")
    assert found_in("Kim Jong Un met Kimberly and Kim", *names) == ["Kim Jong Un", "Kim*", "Kim*"]


def test_a_name_of_two_groups_counts_for_both():
    index = compile_names(
        [Name(key="a", text="북러"), Name(key="b", text="북·러"), Name(key="b", text="북러")]
    )
    keys = [mention.name.key for mention in find_names(index, fold("북러 정상회담")).mentions]
    assert keys == ["a", "b"]


def test_sentences_are_counted_in_every_script():
    index = compile_names([Name(key="k", text="Kim"), Name(key="k", text="金")])
    found = find_names(index, fold("One. Two! Kim came.\nFour。五。金来了。"))
    assert [mention.sentence for mention in found.mentions] == [2, 5]
    assert found.sentences == 6


@pytest.mark.parametrize("name", ["", " * ", "\u200b"])
def test_a_name_with_nothing_to_look_for_is_refused(name):
    with pytest.raises(ValueError, match="no letters"):
        compile_names([Name(key="k", text=name)])


@settings(deadline=None)
@given(st.text(max_size=300))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@settings(deadline=None)
@given(
    names=st.lists(
        st.from_regex(r"[a-zа-я가-다北朝(.?+]{1,6}[a-zа-я가]\*?", fullmatch=True), min_size=1
    ),
    text=st.text(max_size=100),
)
def test_any_names_compile_and_each_is_found_in_itself(names, text):
    index = compile_names(Name(key="k", text=name) for name in names)
    find_names(index, fold(text))
    for name in names:
        assert find_names(index, fold(f". {name.rstrip('*')} .")).mentions
