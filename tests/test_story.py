"""The relevance of a text to a story, with a story of this file's own."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import DatedBy, DateSource
from ingest.story import NameGroup, StoryRule, Undated, compile_story, judge_entry, judge_text
from ingest.window import DateWindow

HARBOUR = NameGroup(
    key="harbour",
    names=(("en", ("Port Alder", "harbour*")), ("ru", ("Порт* Алдер*",)), ("ja", ("アルダー港",))),
)
MAYOR = NameGroup(key="mayor", names=(("en", ("Mayor Quill", "Quill")), ("ru", ("Квилл*",))))
CRANES = NameGroup(key="cranes", names=(("en", ("crane*",)),), required=False, weight=0.6)
STRIKE = NameGroup(key="strike", names=(("en", ("strike*",)),), required=False, weight=0.3)
RULE = StoryRule(
    slug="harbour",
    title="The harbour",
    groups=(HARBOUR, MAYOR),
    anchors=(CRANES, STRIKE),
    window=DateWindow(since=date(2021, 3, 1), until=date(2021, 4, 30)),
)
STORY = compile_story(RULE)
FILLER = "Nothing of note happened in the valley. "


def on(day, *, confidence=1.0):
    value = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return DatedBy(value=value, source=DateSource.META, confidence=confidence, day_only=True)


INSIDE = on("2021-03-10")


def judge(text, *, title="", published=INSIDE, story=STORY):
    return judge_text(story, title=title, text=text, published=published)


def test_a_text_naming_both_sides_within_the_window_is_kept_and_says_why():
    found = judge("Mayor Quill opened Port Alder again. The cranes stood still.")
    assert (found.on_story, found.rule, found.story) == (True, "names", "harbour")
    assert found.matched == ("mayor: Mayor Quill", "harbour: Port Alder", "cranes: crane*")
    assert found.rule_version == RULE.rule_version


@pytest.mark.parametrize(
    ("text", "published", "rule"),
    [
        pytest.param("Sheep graze.", INSIDE, "no-names", id="no name at all"),
        pytest.param("Quill retires.", INSIDE, "missing-group", id="only one side"),
        pytest.param("A crane fell.", INSIDE, "no-names", id="an anchor alone names nothing"),
        pytest.param(
            "Quill at Port Alder.", on("2019-03-10"), "outside-window", id="two years earlier"
        ),
        pytest.param("Quill at Port Alder.", on("2021-05-01"), "outside-window", id="a day late"),
        pytest.param("Quill at Port Alder.", None, "undated", id="no date and no evidence"),
    ],
)
def test_a_text_off_the_story_names_the_rule(text, published, rule):
    found = judge(text, published=published)
    assert (found.on_story, found.rule) == (False, rule)


@pytest.mark.parametrize("day", ["2021-03-01", "2021-04-30"])
def test_the_first_and_the_last_day_belong_to_the_window(day):
    assert judge("Quill at Port Alder.", published=on(day)).on_story


def test_a_date_nobody_trusts_is_no_date():
    assert (
        judge("Quill at Port Alder.", published=on("2019-03-10", confidence=0.1)).rule == "undated"
    )


@pytest.mark.parametrize(
    ("title", "text", "rule"),
    [
        pytest.param(
            "", "Quill at Port Alder. The cranes stop: a strike.", "undated-names", id="two anchors"
        ),
        pytest.param("", "Quill at Port Alder. The cranes stop.", "undated", id="one anchor"),
        pytest.param(
            "", "Quill at Port Alder. The cranes stop in 2021.", "undated-names", id="and the year"
        ),
        pytest.param(
            "",
            "Quill at Port Alder. The cranes stop, a strike begins in 2024.",
            "undated",
            id="only a later year speaks against two anchors",
        ),
        pytest.param(
            "", "Quill at Port Alder. Cranes and strikes since 1998.", "undated-names", id="history"
        ),
        pytest.param(
            "News of 12.06.2019",
            "Quill at Port Alder. The cranes stop: a strike.",
            "outside-window",
            id="a title bearing another date",
        ),
    ],
)
def test_without_a_date_the_text_itself_must_speak_for_the_window(title, text, rule):
    assert judge(text, title=title, published=None).rule == rule


@pytest.mark.parametrize(
    ("policy", "kept"), [(Undated.ACCEPT, True), (Undated.REJECT, False), (Undated.ANCHORS, False)]
)
def test_the_policy_for_undated_texts_is_the_operators(policy, kept):
    story = compile_story(replace(RULE, undated=policy))
    assert judge("Quill at Port Alder.", published=None, story=story).on_story is kept


def test_a_bulletin_that_contains_the_item_is_found():
    text = FILLER * 30 + "Mayor Quill came to Port Alder. " + FILLER * 30
    assert judge(text).rule == "names"


def test_sides_named_in_different_items_of_a_bulletin_are_weak():
    text = FILLER * 5 + "Quill sang. " + FILLER * 20 + "Port Alder froze. " + FILLER * 5
    assert judge(text).rule == "weak"


def test_a_link_to_the_story_at_the_end_of_a_long_page_is_weak():
    assert judge(FILLER * 40 + "\nRelated: Quill visits Port Alder").rule == "weak"


def test_nearness_and_the_lead_raise_the_score():
    near = judge("Quill came to Port Alder. " + FILLER * 10).score
    far = judge("Quill came. " + FILLER * 6 + "Port Alder froze. " + FILLER * 4).score
    late = judge(FILLER * 10 + "Quill came to Port Alder.").score
    assert near > late > far


def test_anchors_far_from_the_names_add_nothing():
    beside = judge("Quill came to Port Alder by crane. " + FILLER * 15)
    apart = judge("Quill came to Port Alder. " + FILLER * 15 + "A crane landed.")
    assert beside.score > apart.score


def test_a_story_without_groups_accepts_every_text():
    story = compile_story(StoryRule(slug="all", title="All"))
    found = judge("Anything.", published=None, story=story)
    assert (found.on_story, found.rule, found.score) == (True, "accepts-all", 1.0)
    assert judge_entry(story, title="x", summary="", published=None).rule == "accepts-all"


def test_a_story_without_a_window_asks_for_no_date():
    story = compile_story(replace(RULE, window=DateWindow()))
    assert judge("Quill at Port Alder.", published=None, story=story).rule == "names"


def test_where_no_group_is_required_any_of_them_is_enough():
    groups = tuple(replace(group, required=False) for group in RULE.groups)
    story = compile_story(replace(RULE, groups=groups))
    assert judge("Quill retires.", story=story).on_story
    assert judge("Sheep graze.", story=story).rule == "no-names"


@pytest.mark.parametrize(
    ("title", "summary", "kept", "rule"),
    [
        pytest.param("Quill speaks", "", True, "names", id="one side in the title is enough"),
        pytest.param("Evening news", "From the harbours", True, "names", id="or in the summary"),
        pytest.param("A strike", "with cranes", False, "no-names", id="anchors name no side"),
        pytest.param(" ", "", True, "no-text", id="nothing to judge by is fetched"),
    ],
)
def test_an_entry_is_fetched_unless_no_side_is_named(title, summary, kept, rule):
    found = judge_entry(STORY, title=title, summary=summary, published=None)
    assert (found.on_story, found.rule) == (kept, rule)


def test_an_entry_outside_the_window_is_still_fetched_at_a_lower_score():
    late, early = (
        judge_entry(STORY, title="Quill at Port Alder", summary="", published=on(day))
        for day in ("2022-01-01", "2021-03-02")
    )
    assert late.on_story
    assert late.score < early.score


def test_any_change_of_the_rule_changes_its_version():
    changed = [
        replace(RULE, threshold=0.6),
        replace(RULE, window=DateWindow()),
        replace(RULE, groups=(HARBOUR,)),
        replace(RULE, anchors=()),
    ]
    assert len({rule.rule_version for rule in (RULE, *changed)}) == 5
    assert replace(RULE).rule_version == RULE.rule_version


@settings(deadline=None)
@given(title=st.text(max_size=80), text=st.text(max_size=400), dated=st.booleans())
def test_any_text_is_judged_with_a_score_from_0_to_1(title, text, dated):
    found = judge(text, title=title, published=INSIDE if dated else None)
    assert 0 <= found.score <= 1


@settings(deadline=None)
@given(before=st.text(max_size=200), after=st.text(max_size=200))
def test_names_are_found_whatever_stands_around_them(before, after):
    found = judge(f"{before}\nQuill at Port Alder.\n{after}")
    assert {"mayor: Quill", "harbour: Port Alder"} <= set(found.matched)


@pytest.mark.alone
@pytest.mark.parametrize("unit", [".", "северн", "Quill ", "!\n", "2021-", "アルダー", "و"])
def test_a_hostile_text_costs_time_in_proportion_to_its_length(unit):
    def cost(length):
        """The least of three: what else the machine does is not the text's."""
        text = (unit * length)[:length]
        taken = []
        for _ in range(3):
            started = time.process_time()
            judge(text, published=None)
            taken.append(time.process_time() - started)
        return min(taken)

    assert cost(200_000) < max(0.5, 30 * cost(20_000))
