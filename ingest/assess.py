"""What a text means to the monitored stories: relevance, fingerprint, verdict against each seed.

Article -> story.judge_text -> Relevance ─┐
        -> fingerprint ─> Fingerprint     ├─> Assessment -> memberships, or a Discard
        -> find_sayings ─> Sayings        │
        -> judge(article, seed) ─> Verdict ┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

from ingest.model import (
    Article,
    Candidate,
    Discard,
    Features,
    Fingerprint,
    Relation,
    Relevance,
    Sayings,
    SeedText,
    Stage,
    Verdict,
)
from ingest.sayings import find_sayings
from ingest.story import UNNAMED, StoryRule, compile_story, judge_entry, judge_text
from ingest.verdict.encoder import Encoder
from ingest.verdict.judge import JudgedText, judge, prepare_text
from ingest.verdict.rule import load_rule
from ingest.verdict.shingles import fingerprint

COPIES_SEED = "copies-seed"
"""The rule of an article that belongs to a story only because it has the seed's text."""

_compiled = lru_cache(maxsize=64)(compile_story)  # a worker judges thousands of texts by one rule


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySetup:
    """A story as the pipeline needs it: its rule and its seed."""

    rule: StoryRule
    seed: SeedText


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One text against every story; the tuples are in the order of the stories."""

    relevances: tuple[Relevance, ...]
    seed_verdicts: tuple[Verdict, ...]
    fingerprint: Fingerprint
    features: Features
    sayings: Sayings
    judged: Mapping[tuple[int, bool], Verdict] = field(default_factory=dict)
    """Against stored versions, as far as done ahead: (version, whether it is the child)."""


def rules_version(stories: Sequence[StorySetup]) -> str:
    """One name for all rules in force: when one changes, discarded URLs get a new chance."""
    joined = "|".join(f"{item.rule.slug}:{item.rule.rule_version}" for item in stories)
    return sha256(joined.encode()).hexdigest()[:12]


def assess_article(
    article: Article, stories: Sequence[StorySetup], *, encoder: Encoder | None
) -> Assessment:
    """Judge an extracted article against every story and seed; the seed is compared in full."""
    rule = load_rule()
    own = prepare_text(
        article.text, title=article.title, language=article.language, rule=rule, encoder=encoder
    )
    relevances = tuple(
        judge_text(
            _compiled(item.rule),
            title=article.title,
            text=article.text,
            published=article.published,
        )
        for item in stories
    )
    return Assessment(
        relevances=relevances,
        seed_verdicts=tuple(
            _judge_seed(own, item, relevance, encoder=encoder)
            for item, relevance in zip(stories, relevances, strict=True)
        ),
        fingerprint=fingerprint(article.text, language=article.language),
        features=own.features,
        sayings=find_sayings(article.text, language=article.language),
    )


def names_a_story(article: Article, stories: Sequence[StorySetup]) -> bool:
    """Whether a text names all sides of any story, wherever and whenever."""
    return any(
        judge_text(
            _compiled(item.rule), title=article.title, text=article.text, published=None
        ).rule
        not in UNNAMED
        for item in stories
    )


def _judge_seed(
    own: JudgedText, story: StorySetup, relevance: Relevance, *, encoder: Encoder | None
) -> Verdict:
    verdict = judge(own, seed_text(story.seed, encoder), rule=load_rule())
    if not relevance.on_story:
        return verdict
    return relate_to_seed(verdict, rule=relevance.rule, score=relevance.score)


def relate_to_seed(verdict: Verdict, *, rule: str, score: float) -> Verdict:
    """An article of the story that has none of the seed's text reports the same story.

    What a story is, its rule says better than a likeness of texts: who, where, and in which days.
    `rule` and `score` are those of the article's relevance.
    """
    if verdict.relation is not Relation.UNRELATED or rule == COPIES_SEED:
        return verdict
    note = f"of the story by its rule ({rule}); {verdict.evidence.note}"
    return replace(
        verdict,
        relation=Relation.SAME_STORY,
        score=score,
        evidence=replace(verdict.evidence, note=note),
    )


@lru_cache(maxsize=64)
def seed_text(seed: SeedText, encoder: Encoder | None) -> JudgedText:
    """The seed's side of a comparison; its features are made once in a process."""
    return prepare_text(
        seed.text, title=seed.title, language=seed.language, rule=load_rule(), encoder=encoder
    )


def decide_memberships(assessment: Assessment) -> tuple[Relevance, ...]:
    """The stories an article belongs to; none means that it is discarded.

    A text that descends from the seed belongs to its story whatever the rule says of its date or
    names: a copy published years later is exactly what is watched for.
    """
    kept = []
    for relevance, verdict in zip(assessment.relevances, assessment.seed_verdicts, strict=True):
        if relevance.on_story:
            kept.append(relevance)
        elif verdict.relation.text_level and not verdict.needs_review:
            kept.append(replace(relevance, on_story=True, rule=COPIES_SEED, score=verdict.score))
    return tuple(kept)


def screen_entry(
    candidate: Candidate, stories: Sequence[StorySetup], *, rule_version: str
) -> Discard | None:
    """The cheap check before a fetch: a Discard when no story can want the entry."""
    relevances = [
        judge_entry(
            _compiled(item.rule),
            title=candidate.title,
            summary=candidate.summary,
            published=candidate.published,
        )
        for item in stories
    ]
    if any(item.on_story for item in relevances):
        return None
    return discard_off_story(candidate, relevances, stage=Stage.ENTRY, rule_version=rule_version)


def discard_off_story(
    candidate: Candidate,
    relevances: Sequence[Relevance],
    *,
    stage: Stage,
    rule_version: str,
) -> Discard:
    """The discard of a URL that no story wants; the story that came nearest gives the reason."""
    nearest = max(relevances, key=lambda item: item.score)
    names = ", ".join(nearest.matched[:6])
    return Discard(
        url=candidate.url,
        canonical_url=candidate.canonical_url,
        title=candidate.title,
        stage=stage,
        rule=nearest.rule,
        score=nearest.score,
        rule_version=rule_version,
        detail=f"story {nearest.story}" + (f"; found {names}" if names else ""),
        feed_id=candidate.feed_id,
    )
