"""How two texts relate: the rule, its features, and hostile input."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import Relation
from ingest.verdict.align import SentenceMatch, copied_passages, in_order
from ingest.verdict.encoder import shared_encoder
from ingest.verdict.judge import JudgedText, prepare_text
from ingest.verdict.judge import judge as judge_by_rule
from ingest.verdict.rule import load_rule
from ingest.verdict.shingles import containment, fingerprint
from ingest.verdict.text import (
    kept_for_articles,
    normalize_text,
    split_sentences,
    text_hash,
    tokens,
)
from tests.running import TALKS, WEATHER


def in_language(text: str, language: str | None) -> JudgedText:
    return prepare_text(text, language=language, rule=load_rule(), encoder=shared_encoder())


def german(text: str) -> JudgedText:
    return in_language(text, "de")


def judge(a: JudgedText, b: JudgedText):
    return judge_by_rule(a, b, rule=load_rule())


def edited(text: str, share: float) -> str:
    """The text with a share of its words replaced by others of it."""
    chance = random.Random(5)
    words = text.split(" ")
    return " ".join(chance.choice(words) if chance.random() < share else word for word in words)


LONG = TALKS + "\n\n" + WEATHER

CASES = {
    "the same text is identical": (LONG, LONG, Relation.IDENTICAL),
    "white space and quotation marks make no difference": (
        LONG,
        LONG.replace("\n\n", "\n").replace("„", '"').replace("“", '"'),
        Relation.IDENTICAL,
    ),
    "a text with a tenth of its words replaced is a near-duplicate": (
        edited(LONG, 0.1),
        LONG,
        Relation.NEAR_DUPLICATE,
    ),
    "a copy with a page's furniture around it is a near-duplicate": (
        "Startseite Politik\n" + LONG + "\nMehr zum Thema\nTeilen Drucken\nKommentare (12)",
        LONG,
        Relation.NEAR_DUPLICATE,
    ),
    "a text cut to its first half is a near-duplicate": (TALKS, LONG, Relation.NEAR_DUPLICATE),
    "a lifted passage in a text of its own is an excerpt": (
        WEATHER + "\n\n" + TALKS.split("\n\n")[3],
        TALKS,
        Relation.EXCERPT,
    ),
    "texts on different things are unrelated": (TALKS, WEATHER, Relation.UNRELATED),
    "two empty texts are unrelated": ("", " ", Relation.UNRELATED),
    "one word is unrelated": ("Nordland", TALKS, Relation.UNRELATED),
}


@pytest.mark.parametrize(("a", "b", "relation"), CASES.values(), ids=CASES)
def test_relation(a, b, relation):
    verdict = judge(german(a), german(b))
    assert verdict.relation is relation
    assert 0.0 <= verdict.score <= 1.0
    assert judge(german(b), german(a)).relation is relation


def test_shares_tell_how_much_of_each_side_the_other_covers():
    verdict = judge(german(TALKS), german(LONG))
    assert verdict.shared_a > 0.95
    assert 0.4 < verdict.shared_b < 0.75


def test_passages_point_at_equal_text_on_both_sides():
    a, b = normalize_text(edited(LONG, 0.05)), normalize_text(LONG)
    passages, _share_a, _share_b = copied_passages(a, b)
    assert passages
    for passage in passages:
        left = tokens(a[passage.start_a : passage.end_a])
        assert left == tokens(b[passage.start_b : passage.end_b])


def test_chinese_is_compared_by_character():
    text = (
        "北国总统本周前往邻国首都，讨论出口一百五十二台机车。" * 3
        + "议会中有人反对，要求公开合同。"
    )
    assert (
        judge(
            in_language(text, "zh"),
            in_language(text.replace("本周", "下周"), "zh"),
        ).relation
        is Relation.NEAR_DUPLICATE
    )


@pytest.mark.alone
@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("x" * 1_000_000, id="a megabyte of one word"),
        pytest.param("Satz eins. " * 90_000, id="ninety thousand equal sentences"),
        pytest.param("1 2 3 4 " * 50_000, id="only numbers"),
        pytest.param("كلمة мир 世界 word " * 5_000, id="mixed scripts and directions"),
        pytest.param("a b c d e f " * 20_000, id="few words, often"),
    ],
)
def test_hostile_texts_get_a_verdict_in_bounded_time(hostile):
    started = time.process_time()
    judge(german(hostile), german(TALKS))
    judge(german(hostile + " Ende."), german(hostile))
    assert time.process_time() - started < 60  # a bound against quadratic work, no measurement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Er kam am 5. September. Dann ging er.", ("Er kam am 5. September.", "Dann ging er.")),
        ("Mr. Kim left. He slept.", ("Mr. Kim left.", "He slept.")),
        ("他来了。她走了！", ("他来了。", "她走了！")),
        ("هل جاء؟ نعم.", ("هل جاء؟", "نعم.")),
        ("Zeile eins\nZeile zwei", ("Zeile eins", "Zeile zwei")),
    ],
)
def test_sentences(text, expected):
    assert split_sentences(text) == expected


def test_in_order_keeps_the_longest_forward_series():
    matches = [
        SentenceMatch(a=index, b=other, similarity=1.0)
        for index, other in enumerate([5, 0, 1, 9, 2, 3])
    ]
    assert [match.b for match in in_order(matches)] == [0, 1, 2, 3]


def test_a_short_text_keeps_all_its_shingles_and_is_found_in_a_long_one():
    part = fingerprint(TALKS.split("\n\n")[3], language="de")
    whole = fingerprint(LONG * 3, language="de")
    assert len(set(part.shingles) & set(whole.shingles)) >= 1
    assert containment(part, part) == 1.0
    assert containment(fingerprint(WEATHER, language="de"), fingerprint(TALKS, language="de")) < 0.1


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_normal_form_that_is_stable_and_a_fingerprint_a_database_can_hold(text):
    normal = normalize_text(text)
    assert normalize_text(normal) == normal
    assert text_hash(text) == text_hash(normal)
    shingles = fingerprint(text, language=None).shingles
    assert list(shingles) == sorted(set(shingles))
    assert all(-(2**63) <= item < 2**63 for item in shingles)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_get_a_verdict_with_shares_between_0_and_1(a, b):
    verdict = judge(in_language(a, None), in_language(b, None))
    assert 0.0 <= verdict.shared_a <= 1.0
    assert 0.0 <= verdict.shared_b <= 1.0


def test_an_article_is_read_once_for_all_that_follow_and_a_long_text_is_not_kept():
    read = []

    @kept_for_articles
    def length(text: str) -> int:
        read.append(text)
        return len(text)

    short, long = "a" * 20_000, "b" * 20_001
    for text in (short, long) * 2:
        assert length(text) == len(text)
    assert [text[0] for text in read] == ["a", "b", "b"]
    for number in range(32):
        length(str(number))
    length(short)  # pushed out by as many others as are kept
    assert read[-1] == short
