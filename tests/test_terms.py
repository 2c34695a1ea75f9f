"""What counts as a term in many scripts, and where in the text it stands."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.terms import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_STEMMED_BYTES,
    MOST_TERMS,
    fold,
    indexed_terms,
    located_terms,
    searched_terms,
    stemmed_words,
    terms_of,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("Arms Talks, U.S. says", "arms talks u s says", id="English"),
        pytest.param("Züge Zuege Straße ÜBER", "zuge zuege strasse uber", id="German"),
        pytest.param("l’Élysée, ça où œuvre", "l elysee ca ou oeuvre", id="French"),
        pytest.param("Łódź Đặng Ørsted İstanbul", "lodz dang orsted istanbul", id="other Latin"),
        pytest.param("Российский ещё МИ́ра", "российский еще мира", id="Russian"),
        pytest.param("Київ пам’ять їжа ґанок", "київ пам ять їжа ґанок", id="Ukrainian"),
        pytest.param("Συνάντηση ΌΠΛΑ ς", "συναντηση οπλα σ", id="Greek"),
        pytest.param("اَلسَّلَامُ أهلًا مـــرحبا قمّة", "السلام اهلا مرحبا قمه", id="Arabic"),
        pytest.param("یک کتاب ۲۰۲۳", "يك كتاب 2023", id="Persian"),
        pytest.param("שָׁלוֹם צה״ל", "שלום צה ל", id="Hebrew"),
        pytest.param("हिन्दी में समाचार १२", "हिन्दी में समाचार 12", id="Hindi"),
        pytest.param("김정은이 방문", "김정 정은 은이 이 방문 문", id="Korean"),
        pytest.param("プーチン大統領", "プー ーチ チン ン大 大統 統領 領", id="Japanese"),
        pytest.param("ｶﾞｽ", "ガス ス", id="half-width Japanese"),
        pytest.param("金正恩在俄。", "金正 正恩 恩在 在俄 俄", id="Chinese"),
        pytest.param("AI技術の2023年", "ai 技術 術の の 2023 年", id="Chinese and Latin"),
        pytest.param("กินข้าว", "กิน นข้ ข้า าว ว", id="Thai"),
        pytest.param("ประชุม น้ำ", "ปร ระ ะชุ ชุม ม น้ํา า", id="Thai with am"),
        pytest.param("ກິນເຂົ້າ", "ກິນ ນເ ເຂົ້ ຂົ້າ າ", id="Lao"),
        pytest.param("ប្រទេស", "ប្រ រទេ ទេស ស", id="Khmer"),
        pytest.param("မြန်မာ", "မြန် န်မာ မာ", id="Burmese"),
        pytest.param("a\u00adb c\u200bd \u202ae\u202c", "ab cd e", id="what is not seen"),
        pytest.param("½ ② ﬁn m²", "1 2 2 fin m2", id="compatibility characters"),
        pytest.param("🙂 … — _ § ©", "", id="no letter at all"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_terms_are(text, terms):
    assert terms_of(text) == terms.split()


@given(st.text())
@example("\u0130\u0345\u03b9")
@example("и\u0301\u0306")
def test_folding_twice_changes_no_term(text):
    assert terms_of(fold(text)) == terms_of(text)


@given(st.text())
def test_composed_or_not_the_terms_are_the_same(text):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert terms_of(forms[0]) == terms_of(forms[1])


@given(st.text())
def test_a_term_has_no_space_no_sign_and_an_end(text):
    for term in terms_of(text):
        assert 0 < len(term) <= MOST_CHARACTERS
        assert all(unicodedata.category(letter)[0] in "LNM" for letter in term)


@given(st.text(alphabet="金正恩在俄罗斯กิข้า김정은aé -.", max_size=30), st.integers(0, 30), st.data())
def test_a_part_of_an_unspaced_text_is_found_by_its_terms(text, begin, data):
    part = text[begin : data.draw(st.integers(begin, 30))]
    terms, is_open = searched_terms(part)
    whole = terms_of(text)
    letters = [letter for letter in part if "一" <= letter <= "鿿"]
    if len(letters) != len(part) or not part:
        return
    assert any(
        whole[at : at + len(terms) - 1] == terms[:-1]
        and (
            whole[at + len(terms) - 1].startswith(terms[-1])
            if is_open
            else whole[at + len(terms) - 1] == terms[-1]
        )
        for at in range(len(whole) - len(terms) + 1)
    )


SAMPLES = (
    "Züge, Straße Łódź l’accord ½ ﷺ x",
    "اَلسَّلَامُ أهلاً مـــرحبا",
    "हिन्दी समाचार में क़लम",
    "김정은이 러시아를 방문",
    "金正恩在俄罗斯 AI技術の ｶﾞｽ",
    "ประเทศไทยกินน้ำ",
    "မြန်မာ",
    "a\u00adb c\u200bd",
)


@pytest.mark.parametrize("text", SAMPLES)
def test_located_terms_are_the_terms_and_stand_where_they_say(text):
    located = located_terms(text)
    assert [term for term, _start, _end in located] == terms_of(text)
    for term, start, end in located:
        assert term in "".join(terms_of(text[start:end])) or term.startswith(
            tuple(terms_of(text[start:end]))
        )


@given(st.text())
def test_places_lie_in_the_text_and_in_order(text):
    located = located_terms(text)
    starts = [start for _term, start, _end in located]
    assert starts == sorted(starts)
    assert all(0 <= start < end <= len(text) for _term, start, end in located)


def test_a_huge_text_is_indexed_up_to_a_limit():
    title, text = indexed_terms("a b " * MOST_TERMS, "word " * MOST_TERMS * 2)
    assert len(title) == MOST_TERMS // 4
    assert len(title) + len(text) == MOST_TERMS
    _title, text = indexed_terms("", " ".join(f"{'ж' * 40}{n}" for n in range(20_000)))
    assert MOST_BYTES - 100 < len("".join(text).encode()) <= MOST_BYTES
    head, rest = stemmed_words("é " * 100_000, " ".join(f"{'ж' * 40}{n}" for n in range(20_000)))
    assert len(head.encode()) + len(rest.encode()) < MOST_STEMMED_BYTES + MOST_TERMS


def test_a_stemmer_gets_accents_and_small_letters_and_no_unspaced_runs():
    assert words_of("Élysée ÜBER, Ещё 金正恩 AI") == ["élysée", "über", "ещё", "ai"]
