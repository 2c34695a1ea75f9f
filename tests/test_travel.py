"""Whether a change reached an article that has the text."""

from __future__ import annotations

import pytest

from ingest.model import Travel
from ingest.travel import Edit, trace_change

OLD = "Der Wert des Geschäfts wird auf 340 Millionen Kronen geschätzt."
NEW = "Der Wert des Geschäfts wird auf 430 Millionen Kronen geschätzt."
REST = ("Beide Regierungen sprechen am Montag.", "Die Gewerkschaft begrüßt das Vorhaben dagegen.")


def trace(*edits, text, whole=True):
    return trace_change(edits, text, whole=whole)


@pytest.mark.parametrize(
    ("sentence", "state"),
    [
        (OLD, Travel.CARRIES_OLD),
        (NEW, Travel.TOOK_OVER),
        ("Auf 340 Millionen Kronen wird der Wert des Geschäfts geschätzt.", Travel.CARRIES_OLD),
        ("Der Wert des Geschäfts wird auf viele Kronen geschätzt.", Travel.UNCLEAR),
        ("Am Abend begann es in der Stadt zu regnen.", Travel.NEVER_HAD),
    ],
)
def test_a_number_in_one_language(sentence, state):
    assert trace(Edit(old=OLD, new=NEW), text=(*REST, sentence)).state is state


def test_words_decide_where_no_number_changed():
    edit = Edit(old="Er nannte den Plan verfrüht.", new="Er nannte den Plan hervorragend.")
    for sentence, state in ((edit.old, Travel.CARRIES_OLD), (edit.new, Travel.TOOK_OVER)):
        found = trace(edit, text=(*REST, sentence))
        assert (found.state, found.passage) == (state, sentence)


def test_across_languages_the_odds_find_the_sentence_and_the_facts_decide():
    text = ("Talks start on Monday.", "The deal is estimated at 340 million crowns.")
    edit = Edit(old=OLD, new=NEW, old_odds=(-9.0, 6.0), new_odds=(-9.0, 5.9))
    assert trace(edit, text=text).state is Travel.CARRIES_OLD
    later = (text[0], text[1].replace("340", "430"))
    assert trace(edit, text=later).state is Travel.TOOK_OVER


def test_across_languages_names_decide_and_then_the_odds():
    old, new = "Das sagte Jon Berg.", "Das sagte Peter Stein."
    edit = Edit(old=old, new=new, old_odds=(4.0,), new_odds=(3.5,))
    assert trace(edit, text=("Peter Stein said so.",)).state is Travel.TOOK_OVER
    vague = Edit(old="Er lobte es.", new="Er tadelte es.", old_odds=(1.0,), new_odds=(4.0,))
    assert trace(vague, text=("He blamed it.",)).state is Travel.TOOK_OVER
    same = Edit(old="Er lobte es.", new="Er tadelte es.", old_odds=(3.0,), new_odds=(3.2,))
    assert trace(same, text=("He did something.",)).state is Travel.UNCLEAR


def test_what_was_removed_is_carried_and_what_was_added_is_missing():
    assert trace(Edit(old=OLD, new=None), text=(OLD,)).state is Travel.CARRIES_OLD
    assert trace(Edit(old=OLD, new=None), text=REST).state is Travel.NEVER_HAD
    assert trace(Edit(old=None, new=NEW), text=(NEW,)).state is Travel.TOOK_OVER
    assert trace(Edit(old=None, new=NEW), text=REST).state is Travel.CARRIES_OLD
    assert trace(Edit(old=None, new=NEW), text=REST, whole=False).state is Travel.NEVER_HAD


def test_the_notice_itself_tells_nothing_beside_the_correction():
    notice = Edit(old=None, new="Korrektur: In einer früheren Version stand eine falsche Zahl.")
    assert trace(notice, Edit(old=OLD, new=NEW), text=(NEW,)).state is Travel.TOOK_OVER
    assert trace(notice, text=(NEW,)).state is Travel.CARRIES_OLD


def test_one_old_passage_is_enough_to_carry_the_old_text():
    edits = Edit(old=OLD, new=NEW), Edit(old="Er kam am Montag an.", new="Er kam am Freitag an.")
    assert trace(*edits, text=(NEW, "Er kam am Montag an.")).state is Travel.CARRIES_OLD
    assert trace(*edits, text=()).state is Travel.NEVER_HAD
