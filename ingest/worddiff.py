"""Two texts side by side: word by word inside the sentences that were edited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ingest.difference import opcodes, pair_sentences
from ingest.verdict.text import UNSPACED_CLASS, split_sentences

_PIECE = re.compile(
    rf"\s+|[{UNSPACED_CLASS}]|\d+(?:[.,:]\d+)*|[^\W\d_{UNSPACED_CLASS}]+(?:['’-][^\W\d_]+)*|."
)


class Step(StrEnum):
    """What became of a sentence or a run of words."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    CHANGED = "changed"  # a sentence of which some words changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of words within a sentence."""

    step: Step  # never CHANGED
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence of either text; of a changed one, all its segments in order."""

    step: Step
    segments: tuple[Segment, ...]
    opens_paragraph: bool

    @property
    def text(self) -> str:
        """All segments as one string."""
        return "".join(segment.text for segment in self.segments)


def diff_texts(old: str, new: str) -> tuple[Line, ...]:
    """Return every sentence of both texts in reading order, marked by what became of it."""
    before, after = list(_sentences(old)), list(_sentences(new))
    lines: list[Line] = []
    start_old = start_new = 0
    for step in opcodes([text for text, _ in before], [text for text, _ in after]):
        if step.tag != "equal":
            continue
        lines += _block(before[start_old : step.src_start], after[start_new : step.dest_start])
        lines += [
            _line(Step.SAME, text, opens=opens)
            for text, opens in after[step.dest_start : step.dest_end]
        ]
        start_old, start_new = step.src_end, step.dest_end
    return (*lines, *_block(before[start_old:], after[start_new:]))


def diff_words(old: str, new: str) -> tuple[Segment, ...]:
    """Return the runs of words that two sentences share, and those that only one has."""
    a, b = _PIECE.findall(old), _PIECE.findall(new)
    segments: list[Segment] = []
    for step in opcodes(a, b):
        if step.tag == "equal":
            segments.append(
                Segment(step=Step.SAME, text="".join(b[step.dest_start : step.dest_end]))
            )
            continue
        for kind, text in (
            (Step.REMOVED, "".join(a[step.src_start : step.src_end])),
            (Step.ADDED, "".join(b[step.dest_start : step.dest_end])),
        ):
            if text:
                segments.append(Segment(step=kind, text=text))
    return tuple(_joined(segments))


def _joined(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Runs that only a space divides are one: a phrase replaced reads as a phrase."""
    pending: dict[Step, str] = {}
    for number, segment in enumerate(segments):
        between = segment.step is Step.SAME and not segment.text.strip()
        inside = between and pending and number + 1 < len(segments)
        if segment.step is Step.SAME and not inside:
            yield from _filled(pending)
            pending = {}
            yield segment
        elif inside:
            pending = {
                step: pending.get(step, "") + segment.text for step in (Step.REMOVED, Step.ADDED)
            }
        else:
            pending.setdefault(Step.REMOVED, "")
            pending.setdefault(Step.ADDED, "")
            pending[segment.step] += segment.text
    yield from _filled(pending)


def _filled(pending: Mapping[Step, str]) -> Iterator[Segment]:
    return (Segment(step=step, text=text) for step, text in pending.items() if text)


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Each sentence, and whether it opens a paragraph."""
    for paragraph in text.split("\n"):
        for number, sentence in enumerate(split_sentences(paragraph)):
            yield sentence, number == 0


def _block(old: Sequence[tuple[str, bool]], new: Sequence[tuple[str, bool]]) -> list[Line]:
    """The sentences between two that are equal: edited ones in pairs, the rest one by one."""
    pairs = dict(pair_sentences([text for text, _ in old], [text for text, _ in new]))
    waiting = list(new)
    lines = []
    for text, opens in old:
        partner = pairs.get(text)
        place = next((i for i, item in enumerate(waiting) if item[0] == partner), None)
        if partner is None or place is None:
            lines.append(_line(Step.REMOVED, text, opens=opens))
            continue
        lines += [_line(Step.ADDED, other, opens=first) for other, first in waiting[:place]]
        lines.append(
            Line(
                step=Step.CHANGED,
                segments=diff_words(text, partner),
                opens_paragraph=waiting[place][1],
            )
        )
        del waiting[: place + 1]
    return [*lines, *(_line(Step.ADDED, text, opens=opens) for text, opens in waiting)]


def _line(step: Step, text: str, *, opens: bool) -> Line:
    return Line(step=step, segments=(Segment(step=step, text=text),), opens_paragraph=opens)
