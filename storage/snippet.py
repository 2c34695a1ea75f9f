"""The part of a text that shows why it was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage.search_query import Node, Phrase, phrases_of
from storage.terms import is_unspaced, located_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a snippet."""

    text: str
    is_found: bool


def snippet(text: str, query: Node, *, characters: int = 160) -> tuple[Part, ...]:
    """About so many characters of a text around the first place that shows what was looked for.

    Its beginning if no place does, as when only the headline was a hit.
    """
    phrases = phrases_of(query, wanted_only=True)
    line = " ".join(text.split())
    found = list(_places(line, phrases))
    begin = _begin(line, found[0][0], characters) if found else 0
    end = min(len(line), begin + characters)
    if end < len(line):  # at a space, unless the script has none
        end = max(line.rfind(" ", begin + characters // 2, end), end - 15)
    parts = [Part(text="…", is_found=False)] if begin else []
    at = begin
    for start, stop in found:
        if start >= end:
            break
        if start > at:
            parts.append(Part(text=line[at:start], is_found=False))
        parts.append(Part(text=line[max(start, at) : min(stop, end)], is_found=True))
        at = min(stop, end)
    if at < end:
        parts.append(Part(text=line[at:end], is_found=False))
    if end < len(line):
        parts.append(Part(text="…", is_found=False))
    return tuple(parts)


def _begin(line: str, first: int, characters: int) -> int:
    """Where a snippet begins: some words before the first place, at most a third of it."""
    earliest = max(0, first - characters // 3)
    if earliest == 0:
        return 0
    space = line.find(" ", earliest, first)
    return earliest if space < 0 else space + 1


def _places(line: str, phrases: Sequence[Phrase]) -> Iterator[tuple[int, int]]:
    """Where phrases stand in a line, from left to right and not over each other."""
    located = located_terms(line)
    terms = [term for term, _start, _end in located]
    last_end = -1
    for at, (_term, start, _end) in enumerate(located):
        ends = [end for phrase in phrases if (end := _end_of(phrase, located, terms, at))]
        if ends and start >= last_end:
            last_end = max(ends)
            yield start, last_end


def _end_of(
    phrase: Phrase, located: Sequence[tuple[str, int, int]], terms: Sequence[str], at: int
) -> int | None:
    """Where a phrase that begins with a term ends; None when it does not stand there."""
    *inner, last = phrase.terms
    until = at + len(inner)
    if until >= len(terms) or list(terms[at:until]) != inner:
        return None
    if not (terms[until].startswith(last) if phrase.is_open else terms[until] == last):
        return None
    _term, start, end = located[until]
    # of a pair of letters, the first alone was asked for
    return start + len(last) if phrase.is_open and is_unspaced(last) else end
