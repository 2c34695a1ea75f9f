"""The relevance of a text to a configured story: is it about this, and which rule says so?

    title, text ─fold─> names found ─> every required side present? ─> date inside the window?
        ─> how near to each other, how early, how often, with which anchors ─> score against the bar

A story has groups of names (its sides) that must all occur, and anchors: groups that raise the
score and, where no date is known, stand in for it. A story without groups takes every text.

The rules by name. Kept: "accepts-all", "names", "undated-names" (no date, but the evidence is for
the window), "no-text" (an entry with nothing to judge). Not kept: "no-names", "missing-group",
"outside-window", "weak" (the sides have nothing to do with each other), "undated".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256

from ingest.closeness import Bars, Closeness, measure_closeness
from ingest.model import DatedBy, Relevance
from ingest.names import Name, NameIndex, NamesFound, compile_names, find_names, fold
from ingest.window import DateWindow, WindowEvidence, weigh_dates

ALGORITHM_VERSION = "1"


class Undated(StrEnum):
    """What to do with a text whose date is not known."""

    ANCHORS = "anchors"  # keep it when its anchors and the dates it names speak for the window
    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameGroup:
    """Names that stand for the same thing: one side of a story, or an anchor."""

    key: str
    names: tuple[tuple[str, tuple[str, ...]], ...]  # by language; see ingest.names
    required: bool = True
    weight: float = 0.5  # of a group that is not required: what it adds to the evidence


UNNAMED = frozenset({"no-names", "missing-group"})
"""The rules that refuse a text for the names that it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRule:
    """What makes a text part of a story."""

    slug: str
    title: str
    groups: tuple[NameGroup, ...] = ()
    anchors: tuple[NameGroup, ...] = ()
    window: DateWindow = field(default_factory=DateWindow)
    threshold: float = 0.5
    undated: Undated = Undated.ANCHORS
    undated_evidence: float = 0.9  # the weights of anchors and dates a text must reach
    bars: Bars = field(default_factory=Bars)

    @property
    def rule_version(self) -> str:
        """Short hash of the content: a rule that changed decides anew."""
        content = json.dumps(asdict(self), default=str, sort_keys=True, ensure_ascii=False)
        return sha256(f"{ALGORITHM_VERSION}\n{content}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStory:
    """A rule ready to judge with."""

    rule: StoryRule
    rule_version: str
    sides: tuple[NameGroup, ...]  # every one must occur; with none, any of the helpers must
    helpers: tuple[NameGroup, ...]
    index: NameIndex  # of groups and anchors
    group_keys: frozenset[str]


def compile_story(rule: StoryRule) -> CompiledStory:
    """Prepare a rule; a matter of milliseconds, so do it once per process.

    Raises ValueError for a name with nothing to look for.
    """
    return CompiledStory(
        rule=rule,
        rule_version=rule.rule_version,
        sides=tuple(group for group in rule.groups if group.required),
        helpers=(*(group for group in rule.groups if not group.required), *rule.anchors),
        index=compile_names(
            Name(key=group.key, text=text)
            for group in (*rule.groups, *rule.anchors)
            for text in dict.fromkeys(text for _, texts in group.names for text in texts)
        ),
        group_keys=frozenset(group.key for group in rule.groups),
    )


def judge_entry(
    story: CompiledStory, *, title: str, summary: str, published: DatedBy | None
) -> Relevance:
    """Judge what a feed says of an article, cheaply: no name of the story, no fetch.

    An entry dated outside the window is kept at half the score: its text may still be a copy.
    """
    if not story.rule.groups:
        return _relevance(story, "accepts-all", on_story=True, score=1.0)
    if not title.strip() and not summary.strip():
        return _relevance(story, "no-text", on_story=True, score=0.0)
    found = find_names(story.index, fold(f"{title}\n{summary}"))
    present = {mention.name.key for mention in found.mentions} & story.group_keys
    if not present:
        return _relevance(story, "no-names", on_story=False, found=found)
    score = len(present) / len(story.group_keys)
    if _trusted(published, story) and not _inside(published, story):
        score /= 2
    return _relevance(story, "names", on_story=True, score=score, found=found)


def judge_text(
    story: CompiledStory, *, title: str, text: str, published: DatedBy | None
) -> Relevance:
    """Judge an extracted text.

    Within the window the sides must be near each other; without a date there must be evidence
    for the window besides.
    """
    if not story.rule.groups:
        return _relevance(story, "accepts-all", on_story=True, score=1.0)
    found = find_names(story.index, fold(f"{title}\n{text}"))
    where = _sentences_by_group(found)
    if not story.group_keys & where.keys():
        return _relevance(story, "no-names", on_story=False, found=found)
    if any(side.key not in where for side in story.sides):
        share = sum(side.key in where for side in story.sides) / len(story.sides)
        return _relevance(story, "missing-group", on_story=False, score=share / 4, found=found)
    closeness = measure_closeness(
        [where[side.key] for side in story.sides] or [_anywhere(story, where)],
        anchors=[(where.get(helper.key, ()), helper.weight) for helper in story.helpers],
        sentences=found.sentences,
        bars=story.rule.bars,
    )
    rule = _decide(story, closeness, title=title, text=text, published=published)
    return _relevance(
        story, rule, on_story=rule in {"names", "undated-names"}, score=closeness.score, found=found
    )


def _decide(
    story: CompiledStory, closeness: Closeness, *, title: str, text: str, published: DatedBy | None
) -> str:
    strong = closeness.score >= story.rule.threshold
    if story.rule.window.open:
        return "names" if strong else "weak"
    if _trusted(published, story):
        if not _inside(published, story):
            return "outside-window"
        return "names" if strong else "weak"
    if story.rule.undated is Undated.ANCHORS:
        dates = weigh_dates(story.rule.window, title=title, text=text)
        if dates is WindowEvidence.TITLE_OUTSIDE:
            return "outside-window"
        enough = _evidence(story, closeness, dates) >= story.rule.undated_evidence
    else:
        enough = story.rule.undated is Undated.ACCEPT
    if not strong:
        return "weak"
    return "undated-names" if enough else "undated"


def _evidence(story: CompiledStory, closeness: Closeness, dates: WindowEvidence) -> float:
    named = {WindowEvidence.INSIDE: 1, WindowEvidence.LATER: -1}.get(dates, 0)
    return round(closeness.anchor_evidence + named * story.rule.bars.dated_evidence, 6)


def _trusted(published: DatedBy | None, story: CompiledStory) -> bool:
    return published is not None and published.confidence >= story.rule.bars.date_confidence


def _inside(published: DatedBy | None, story: CompiledStory) -> bool:
    return published is not None and story.rule.window.contains(published.value.date())


def _sentences_by_group(found: NamesFound) -> dict[str, list[int]]:
    where: dict[str, list[int]] = {}
    for mention in found.mentions:
        where.setdefault(mention.name.key, []).append(mention.sentence)
    return where


def _anywhere(story: CompiledStory, where: dict[str, list[int]]) -> list[int]:
    """Where any group is named, for a story none of whose groups is required."""
    return sorted(spot for key in story.group_keys & where.keys() for spot in where[key])


def _relevance(
    story: CompiledStory,
    rule: str,
    *,
    on_story: bool,
    score: float = 0.0,
    found: NamesFound | None = None,
) -> Relevance:
    names = [mention.name for mention in found.mentions] if found else []
    return Relevance(
        story=story.rule.slug,
        on_story=on_story,
        score=score,
        rule=rule,
        rule_version=story.rule_version,
        matched=tuple(dict.fromkeys(f"{name.key}: {name.text}" for name in names)),
    )
