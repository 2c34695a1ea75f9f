"""What a text means to the monitored stories: relevance, fingerprint, verdict against each seed.

Article -> story.judge_text -> Relevance ─┐
        -> fingerprint ─> Fingerprint     ├─> Assessment -> memberships, or a Discard
        -> judge(article, seed) ─> Verdict ┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

from ingest.model import (
    Article,
    Candidate,
    Discard,
    Fingerprint,
    Relevance,
    SeedText,
    Stage,
    Verdict,
)
from ingest.story import StoryRule, compile_story, judge_entry, judge_text
from ingest.verdict.judge import JudgedText, judge
from ingest.verdict.shingles import fingerprint

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


def rules_version(stories: Sequence[StorySetup]) -> str:
    """One name for all rules in force: when one changes, discarded URLs get a new chance."""
    joined = "|".join(f"{item.rule.slug}:{item.rule.rule_version}" for item in stories)
    return sha256(joined.encode()).hexdigest()[:12]


def assess_article(article: Article, stories: Sequence[StorySetup]) -> Assessment:
    """Judge an extracted article against every story and seed."""
    own = JudgedText(text=article.text, title=article.title, language=article.language)
    return Assessment(
        relevances=tuple(
            judge_text(
                _compiled(item.rule),
                title=article.title,
                text=article.text,
                published=article.published,
            )
            for item in stories
        ),
        seed_verdicts=tuple(judge(own, seed_text(item)) for item in stories),
        fingerprint=fingerprint(article.text, language=article.language),
    )


def seed_text(story: StorySetup) -> JudgedText:
    """The seed's side of a comparison."""
    return JudgedText(text=story.seed.text, title=story.seed.title, language=story.seed.language)


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
            kept.append(replace(relevance, on_story=True, rule="copies-seed", score=verdict.score))
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
