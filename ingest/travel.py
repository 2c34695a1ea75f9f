"""Whether a change of one article reached another that has text from it.

For each sentence that was edited, the sentence of the other article that says the same is found: in
one language by its letters, across two by the log-odds of the verdict's model. Then the facts
decide, numbers before names, and only without them the likeness to the old or the new wording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.difference import likeness_of_words
from ingest.model import Travel
from ingest.pagelines import is_notice
from ingest.verdict.anchors import numbers_of, shared_names
from ingest.verdict.text import tokens

_ALIKE, _SURE = 60.0, 4.0  # percent of the letters: to be the same sentence; to be told apart
_ODDS, _SURE_ODDS = 0.0, 1.5  # the same as log-odds
_WORDS = 0.25  # share of the words that went or came, by which wordings are told apart
_MOST_EDITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A sentence before and after; None where it was added or removed.

    The odds are those that each sentence of the other article says the same; empty in one language.
    """

    old: str | None
    new: str | None
    old_odds: Sequence[float] = ()
    new_odds: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What became of a change in another article, and the sentence that tells."""

    state: Travel
    passage: str


def trace_change(edits: Sequence[Edit], sentences: Sequence[str], *, whole: bool) -> Traced:
    """Tell whether an article carries the old text or took the new one over.

    `whole`: the article has all of the text, so that what was added and is not in it is missing.
    One old passage is enough to carry the old text.
    """
    telling = [edit for edit in edits if not (edit.new is not None and is_notice(edit.new))]
    found = [_trace(edit, sentences, whole=whole) for edit in (telling or edits)[:_MOST_EDITS]]
    for state in (Travel.CARRIES_OLD, Travel.TOOK_OVER, Travel.UNCLEAR):
        for item in found:
            if item.state is state:
                return item
    return Traced(state=Travel.NEVER_HAD, passage="")


def _trace(edit: Edit, sentences: Sequence[str], *, whole: bool) -> Traced:
    across = bool(edit.old_odds or edit.new_odds)
    least, sure = (_ODDS, _SURE_ODDS) if across else (_ALIKE, _SURE)
    old = _scores(edit.old, sentences, edit.old_odds, across=across)
    new = _scores(edit.new, sentences, edit.new_odds, across=across)
    best = [max(pair) for pair in zip(old, new, strict=True)]
    place = max(range(len(best)), key=best.__getitem__, default=None)
    if place is None or best[place] < least:
        missing = edit.old is None and whole
        return Traced(state=Travel.CARRIES_OLD if missing else Travel.NEVER_HAD, passage="")
    passage = sentences[place]
    if edit.old is None or edit.new is None:
        state = Travel.TOOK_OVER if edit.old is None else Travel.CARRIES_OLD
        return Traced(state=state, passage=passage)
    leaning = (
        _by_numbers(edit.old, edit.new, passage)
        or (_by_names if across else _by_words)(edit.old, edit.new, passage)
        or _sign(new[place] - old[place], sure)
    )
    states = {-1: Travel.CARRIES_OLD, 0: Travel.UNCLEAR, 1: Travel.TOOK_OVER}
    return Traced(state=states[leaning], passage=passage)


def _scores(
    wanted: str | None, sentences: Sequence[str], odds: Sequence[float], *, across: bool
) -> list[float]:
    if wanted is None:
        return [float("-inf")] * len(sentences)
    if across:
        return list(odds) or [float("-inf")] * len(sentences)
    return [likeness_of_words(wanted, sentence) for sentence in sentences]


def _by_numbers(old: str, new: str, passage: str) -> int:
    before, after, there = set(numbers_of(old)), set(numbers_of(new)), set(numbers_of(passage))
    return bool(there & (after - before)) - bool(there & (before - after))


def _by_words(old: str, new: str, passage: str) -> int:
    before, after, there = set(tokens(old)), set(tokens(new)), set(tokens(passage))
    went, came = before - after, after - before
    share_old = len(went & there) / len(went) if went else 0.0
    share_new = len(came & there) / len(came) if came else 0.0
    return _sign(share_new - share_old, _WORDS)


def _by_names(old: str, new: str, passage: str) -> int:
    before, after = set(old.split()), set(new.split())
    went, came = " ".join(sorted(before - after)), " ".join(sorted(after - before))
    return bool(shared_names(came, passage)) - bool(shared_names(went, passage))


def _sign(value: float, least: float) -> int:
    return (value >= least) - (value <= -least)
