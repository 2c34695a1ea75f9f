"""Verdicts across languages, on the newsroom's own articles and on hostile ones."""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ingest.demo.newsroom import load
from ingest.language import detect_language
from ingest.model import Relation
from ingest.seeds import read_seed
from ingest.verdict.compare import best_chain, compare, top_pairs, unpack
from ingest.verdict.encoder import prepare, shared_encoder
from ingest.verdict.features import is_current, lookup_keys, make_features, sentence_vectors
from ingest.verdict.judge import JudgedText, judge, prepare_text
from ingest.verdict.rule import load_rule
from ingest.verdict.text import split_sentences
from ingest.verdict.ukrainian import russianize

ROOT = Path(__file__).parent.parent
SEED = read_seed(ROOT / "seeds" / "kim-putin.txt", story="kim-putin")
PIECES = {piece.key: piece for piece in load(SEED.title, SEED.text)[1]}
TRANSLATIONS = [key for key, piece in PIECES.items() if piece.relation is Relation.TRANSLATION]
REPORTS = [key for key, piece in PIECES.items() if key.endswith("-independent")]
INDEPENDENT = [
    json.loads(line)
    for line in (ROOT / "bench" / "data" / "independent.jsonl").read_text("utf-8").splitlines()
]


@lru_cache(maxsize=256)
def ready(text: str, *, model: bool = True) -> JudgedText:
    return prepare_text(
        text,
        language=detect_language(text),
        rule=load_rule(),
        encoder=shared_encoder() if model else None,
    )


def verdict(a: str, b: str, *, model: bool = True):
    return judge(ready(a, model=model), ready(b, model=model), rule=load_rule())


def test_the_newsroom_has_translations_into_many_languages():
    assert len({PIECES[key].language for key in TRANSLATIONS}) >= 6


@pytest.mark.parametrize("key", TRANSLATIONS)
def test_a_translation_is_recognised_whole_and_cut(key):
    text = PIECES[key].text
    found = verdict(text, SEED.text)
    assert found.relation is Relation.TRANSLATION
    assert not found.needs_review
    assert found.shared_a > 0.8
    assert found.evidence.pairs
    short = text[: int(len(text) * 0.6)]
    found = verdict(short, SEED.text)
    assert found.relation is Relation.TRANSLATION
    assert found.shared_a > found.shared_b


@pytest.mark.parametrize("key", TRANSLATIONS)
def test_a_foreign_tail_lowers_the_share_and_not_the_relation(key):
    sport = PIECES["wire-sport"].text
    text = f"{PIECES[key].text}\n\n{sport[: len(PIECES[key].text) // 4]}"
    found = verdict(text, SEED.text)
    assert found.relation is Relation.TRANSLATION
    assert found.shared_a < verdict(PIECES[key].text, SEED.text).shared_a


@pytest.mark.parametrize("key", TRANSLATIONS)
def test_two_sentences_are_never_a_translation_without_review(key):
    found = verdict(" ".join(split_sentences(PIECES[key].text)[:2]), SEED.text)
    assert found.relation in {Relation.TRANSLATION, Relation.SAME_STORY}
    assert found.needs_review
    assert found.evidence.note.startswith(("one or two sentences tell little", "may be"))


def test_the_evidence_counts_the_sentences_of_each_side():
    short = " ".join(split_sentences(PIECES["wire-original"].text)[:4])
    counts = re.search(
        r"(\d+) of 4 sentences match (\d+) of (\d+)", verdict(short, SEED.text).evidence.note
    )
    assert counts
    of_short, of_seed, seed = map(int, counts.groups())
    assert 3 <= of_short <= 4
    assert 3 <= of_seed <= 8 < seed


@pytest.mark.parametrize("key", REPORTS)
def test_reports_on_one_event_do_not_quote_each_other(key):
    for other in {*REPORTS, *TRANSLATIONS} - {key}:
        if PIECES[other].language != PIECES[key].language:
            found = verdict(PIECES[key].text, PIECES[other].text)
            assert found.relation in {Relation.SAME_STORY, Relation.UNRELATED}, other


def test_a_second_translation_into_the_same_language_is_a_near_duplicate():
    found = verdict(PIECES["kurier-second-translation"].text, SEED.text)
    assert found.relation is Relation.NEAR_DUPLICATE


def test_a_verdict_does_not_depend_on_which_side_comes_first():
    a, b = PIECES["vostok-translation"].text, PIECES["jiangnan-translation"].text
    one, other = verdict(a, b), verdict(b, a)
    assert one.relation is other.relation is Relation.TRANSLATION
    assert (one.shared_a, one.shared_b) == pytest.approx((other.shared_b, other.shared_a), abs=0.1)


@pytest.mark.parametrize("one", INDEPENDENT, ids=lambda row: row["doc"])
def test_independent_reports_are_not_called_one_text(one):
    for other in INDEPENDENT:
        if other["doc"] == one["doc"]:
            continue
        found = verdict(" ".join(one["sentences"]), " ".join(other["sentences"]))
        assert found.relation not in {Relation.TRANSLATION, Relation.NEAR_DUPLICATE}
        if other["event"] != one["event"]:
            assert found.relation is Relation.UNRELATED


def test_without_the_model_the_anchors_judge_and_the_verdict_says_so():
    found = verdict(PIECES["wire-original"].text, SEED.text, model=False)
    assert found.method == "anchors"
    assert found.relation is Relation.TRANSLATION
    assert verdict(PIECES["wire-sport"].text, SEED.text, model=False).relation is Relation.UNRELATED


def test_one_side_without_vectors_is_enough_to_leave_them():
    found = judge(
        ready(PIECES["wire-original"].text), ready(SEED.text, model=False), rule=load_rule()
    )
    assert found.method == "anchors"


def test_passages_that_both_sides_quote_are_no_reuse():
    quote = (
        "„Wir fordern beide Regierungen auf, die Verträge vor der Unterschrift offenzulegen und dem"
        " Parlament zur Prüfung vorzulegen“"
    )
    one = (
        f"Die Opposition in Nordland bleibt hart. {quote}, sagte Maria Lindt am Montag vor der"
        " Presse. Sie hatte schon im Frühjahr Akteneinsicht verlangt. Die Regierung schweigt bisher"
        " dazu. Am Abend tagt der Ausschuss ohne Öffentlichkeit."
    )
    other = (
        f"Streit über Lokomotiven: In der Hauptstadt wächst der Unmut. {quote}, so die Abgeordnete"
        " Lindt. Gewerkschafter halten dagegen. In den Werkstätten fehle Arbeit, klagt ihr Chef"
        " Jon Berg. Beobachter rechnen mit einer Abstimmung im Oktober."
    )
    assert verdict(one, other).relation not in {
        Relation.EXCERPT,
        Relation.NEAR_DUPLICATE,
    }
    prose = quote.strip("„“")
    assert verdict(one.replace(quote, prose), other.replace(quote, prose)).relation in {
        Relation.EXCERPT,
        Relation.NEAR_DUPLICATE,
    }


HOSTILE = {
    "empty": "",
    "one word": "слово",
    "a megabyte of one line": "слово " * 170_000,
    "a megabyte without a space": "語" * 350_000,
    "mixed scripts": "كلمة мир 世界 word שלום 말 शब्द " * 3_000,
    "right to left": "قال الرئيس يوم الاثنين إن المحادثات ستستمر. " * 3_000,
    "only numbers": "12 345 6,789 0.5 " * 20_000,
    "ten thousand sentences": " ".join(f"Satz {n} ist kurz." for n in range(10_000)),
    "only quotation marks": '"' * 100_000,
    "controls and surrogates": "\x00\ud800\u202e" * 5_000
    + "Ende der Vorstellung heute Abend hier.",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_judged_in_bounded_time(text):
    started = time.process_time()
    own = prepare_text(text, language=None, rule=load_rule(), encoder=shared_encoder())
    for other in (SEED.text, PIECES["wire-original"].text):
        found = judge(own, ready(other), rule=load_rule())
        assert found.relation is Relation.UNRELATED
        assert 0 <= found.score <= 1
    assert judge(own, own, rule=load_rule()).relation in {Relation.IDENTICAL, Relation.UNRELATED}
    assert len(own.features.vectors) <= 400 * 512
    assert time.process_time() - started < 20  # a bound against quadratic work, no measurement


@settings(deadline=None, max_examples=25)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_get_a_verdict(a, b):
    left, right = (
        prepare_text(text, language=None, rule=load_rule(), encoder=shared_encoder())
        for text in (a, b)
    )
    found = judge(left, right, rule=load_rule())
    assert 0 <= found.score <= 1
    assert 0 <= found.shared_a <= 1
    assert 0 <= found.shared_b <= 1


def test_features_are_the_same_every_time_and_know_their_age():
    encoder = shared_encoder()
    one, other = (
        make_features(SEED.text, language="de", rule=load_rule(), encoder=encoder) for _ in range(2)
    )
    assert one == other
    assert len(one.signature) == 64
    assert sentence_vectors(one).shape[1] == 512
    assert lookup_keys(one.anchors) == one.lookup
    assert is_current(one, encoder)
    bare = make_features(SEED.text, language="de", rule=load_rule(), encoder=None)
    assert not bare.signature
    assert is_current(bare, None)
    assert not is_current(bare, encoder)


def test_letters_and_scripts_that_the_model_never_saw_are_mapped():
    assert prepare("Мірны працэс", language="be") == "Мирны працэс"
    assert prepare("Ο Πούτιν μίλησε", language="el").isascii()
    assert prepare("Putin sprach", language="de") == "Putin sprach"


@pytest.mark.parametrize(
    ("ukrainian", "russian"),
    [
        ("Війна триває", "Война продолжается"),  # words
        ("російського", "российского"),  # a stem, and the ending that corresponds
        ("планування", "планование"),  # an ending alone
        ("Їжак", "Ижак"),  # letters
        ("П'ять", "Пять"),
        ("CBS 2023", "CBS 2023"),
    ],
)
def test_ukrainian_is_brought_near_to_russian(ukrainian, russian):
    assert russianize(ukrainian) == russian


def test_only_ukrainian_is_brought_near_to_russian():
    assert prepare("Війна триває", language=None) == prepare("Війна триває", language="uk")
    assert prepare("Війна триває", language="be") == "Вийна тривае"
    assert prepare("Путин приехал", language="uk") == "Путин приехал"


@given(st.text(max_size=200))
def test_any_text_can_be_brought_near_to_russian(text):
    assert not set(russianize(text)) & set("іїєґІЇЄҐ")


GAINS = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(0, 9)
)


@given(GAINS)
def test_the_best_chain_is_the_best_of_all_that_never_go_back(gains):
    n, m = gains.shape
    shares = np.full(n, 1 / n)
    total, columns = best_chain(gains, shares)
    assert list(columns) == sorted(columns)
    assert total == pytest.approx(float((gains[np.arange(n), columns] * shares).sum()))

    def heaviest(row: int, first: int) -> float:
        if row == n:
            return 0.0
        return max(gains[row, c] * shares[row] + heaviest(row + 1, c) for c in range(first, m))

    assert total == pytest.approx(heaviest(0, 0))


@given(GAINS)
def test_top_pairs_share_no_sentence(gains):
    pairs = top_pairs(gains)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert gains[pairs[0]] == gains.max()


def test_shares_are_of_characters_in_aligned_sentences():
    rule = load_rule()
    text = PIECES["wire-original"].text
    half = text[: len(text) // 2]
    found = compare(
        unpack(ready(half).features, rule), unpack(ready(SEED.text).features, rule), rule
    )
    assert found.shared_a > 0.85
    assert 0.3 < found.shared_b < 0.7
