"""Looking for many byte strings at once, in bounded memory.

The automata are those of Aho and Corasick (CACM 18, 1975). A batch of up to 64 strings the library
scans with Teddy, a packed comparison of 32 bytes at a time (Wang et al., Hyperscan, NSDI 2019): six
gigabytes a second where its best automaton makes .6, so a few batches are faster than all in one.
Unless all strings begin with one byte or two: then it leaps from one of these to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

_PIECE = 2**18  # bytes that are searched at once, for every hit takes memory
_BATCH = 64
_MOST_BATCHES = 6  # more cost as much as one automaton
_MOST_STATES = 2**14  # of the fastest automaton, for each takes a kilobyte
_SIGHT = 4  # bytes that Teddy compares, if all strings of a batch have them
_PATIENCE = 20_000  # hits that turn out to be none, before it is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Tells where any of some strings may be."""

    batches: tuple[BytesAhoCorasick, ...]
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Finds words of which each is one of several strings."""

    automaton: BytesAhoCorasick
    owners: tuple[tuple[tuple[int, frozenset[str]], ...], ...]  # of each string
    longest: int


Stands = Callable[[int, int, int, frozenset[str]], bool]
"""Whether a word by its number does stand from here to there, in one of these encodings."""


def compile_detector(strings: Collection[bytes]) -> Detector:
    """Prepare to detect; a string that holds another may be left out, for it is where that is."""
    batches = list(_share(strings)) if len(strings) <= _BATCH * _MOST_BATCHES else [list(strings)]
    return Detector(
        batches=tuple(
            BytesAhoCorasick(
                batch,
                matchkind=MatchKind.LeftmostFirst,
                implementation=_choose_kind(batch) if len(batch) > _BATCH else None,
            )
            for batch in batches
        ),
        longest=max(map(len, strings), default=1),
    )


def _share(strings: Collection[bytes]) -> Iterator[list[bytes]]:
    """Batches of strings of like length, for no more is compared than all of a batch have."""
    least = sorted(string for string in set(strings) if not _holds_another(string, strings))
    for length in range(1, _SIGHT + 1):
        alike = [string for string in least if min(len(string), _SIGHT) == length]
        for start in range(0, len(alike), _BATCH):
            yield alike[start : start + _BATCH]


def _choose_kind(strings: Collection[bytes]) -> Implementation:
    small = sum(map(len, strings)) <= _MOST_STATES
    return Implementation.DFA if small else Implementation.ContiguousNFA


def _holds_another(string: bytes, strings: Collection[bytes]) -> bool:
    return any(other in string for other in strings if len(other) < len(string))


def detect(detector: Detector, stream: bytes) -> Iterator[tuple[int, int]]:
    """From where to where a string is; of several that overlap, one."""
    for offset, piece in _pieces(stream, detector.longest):
        for batch in detector.batches:
            for _number, start, end in batch.find_matches_as_indexes(piece):
                yield offset + start, offset + end


def compile_finder(words: Sequence[Mapping[bytes, frozenset[str]]]) -> Finder:
    """Prepare to find words, which are given by their strings and the encodings of these."""
    owners: dict[bytes, list[tuple[int, frozenset[str]]]] = {}
    for number, strings in enumerate(words):
        for string, encodings in strings.items():
            owners.setdefault(string, []).append((number, encodings))
    return Finder(
        automaton=BytesAhoCorasick(list(owners), implementation=_choose_kind(owners)),
        owners=tuple(map(tuple, owners.values())),
        longest=max(map(len, owners), default=1),
    )


def find_words(finder: Finder, stream: bytes, stands: Stands) -> set[int] | None:
    """The numbers of the words that stand there; None if too many only seemed to."""
    found: set[int] = set()
    wrong = 0
    for offset, piece in _pieces(stream, finder.longest):
        for string, start, end in finder.automaton.find_matches_as_indexes(piece, overlapping=True):
            for number, encodings in finder.owners[string]:
                if number in found:
                    continue
                if stands(number, offset + start, offset + end, encodings):
                    found.add(number)
                else:
                    wrong += 1
        if wrong > _PATIENCE:
            return None
    return found


def detect_words(detector: Detector, finder: Finder, stream: bytes, stands: Stands) -> bool:
    """Whether a word stands where a string was detected."""
    for count, (start, end) in enumerate(detect(detector, stream)):
        first = max(start - finder.longest, 0)
        around = memoryview(stream)[first : end + finder.longest]
        for string, begin, stop in finder.automaton.find_matches_as_indexes(
            around, overlapping=True
        ):
            if any(
                stands(number, first + begin, first + stop, encodings)
                for number, encodings in finder.owners[string]
            ):
                return True
        if count > _PATIENCE:
            return True
    return False


def _pieces(stream: bytes, longest: int) -> Iterable[tuple[int, memoryview]]:
    view = memoryview(stream)
    if len(view) <= _PIECE:
        return [(0, view)]
    return _split(view, longest)


def _split(view: memoryview, longest: int) -> Iterator[tuple[int, memoryview]]:
    for start in range(0, max(len(view) - longest + 1, 1), _PIECE):
        yield start, view[start : start + _PIECE + longest - 1]
