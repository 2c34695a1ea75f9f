r"""What somebody types to search: read into a tree, and the tree held against terms.

    query  = branch { "OR" branch }
    branch = { ["-" | "NOT"] atom }           all of them; AND between them says nothing
    atom   = word | word"*" | '"' phrase '"' | "(" query ")"

A word of several terms (Kim-Putin, 金正恩) is a phrase of these. What has no term at all (…, 🙂) is
passed over. Nothing typed reaches a database but terms: nothing can be a syntax error there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.errors import UsageError
from storage.terms import searched_terms, terms_of

MOST_TERMS = 200
MOST_NESTED = 20

_QUOTES = '"“”„‟«»「」『』'
_TOKEN = re.compile(
    rf"\s*(?:(?P<minus>-)(?=[^\s)])|(?P<open>\()|(?P<close>\))"
    rf"|[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)(?P<end>[{_QUOTES}]?)(?P<star>\*?)|(?P<word>[^\s()]+))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Terms that stand side by side; of an open one, the last is the beginning of a term."""

    terms: tuple[str, ...]
    is_open: bool = False
    written: str = field(default="", compare=False)  # as it was typed, for a stemmer


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every wanted part, and none of the unwanted; one at least is wanted."""

    wanted: tuple[Node, ...]
    unwanted: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One of these parts at least."""

    parts: tuple[Node, ...]


Node = Phrase | AllOf | AnyOf


def parse_query(text: str) -> Node:
    """Read a query.

    Raises UsageError, which says what to write instead, when nothing is asked for, a quotation mark
    or parenthesis has no partner, or there is too much of it.
    """
    reader = _Reader(text)
    found = reader.read_any(depth=0)
    if reader.peek() is not None:
        raise UsageError(f"{_shown(text)}: a parenthesis closes that was not opened")
    if found is None:
        raise UsageError(f"{_shown(text)}: there is no word in it to look for")
    if len(phrases_of(found)) > MOST_TERMS:
        raise UsageError(f"the query has more than {MOST_TERMS} words: ask for fewer")
    return found


def phrases_of(node: Node, *, wanted_only: bool = False) -> tuple[Phrase, ...]:
    """All phrases of a query, or those that a hit may show."""
    if isinstance(node, Phrase):
        return (node,)
    if isinstance(node, AnyOf):
        parts = node.parts
    else:
        parts = node.wanted if wanted_only else node.wanted + node.unwanted
    return tuple(item for part in parts for item in phrases_of(part, wanted_only=wanted_only))


def matches(node: Node, *fields: Sequence[str]) -> bool:
    """Whether a text whose headline and body have these terms is a hit: what both indexes find."""
    if isinstance(node, Phrase):
        return any(_holds(node, terms) for terms in fields)
    if isinstance(node, AnyOf):
        return any(matches(part, *fields) for part in node.parts)
    return all(matches(part, *fields) for part in node.wanted) and not any(
        matches(part, *fields) for part in node.unwanted
    )


def loosened(node: Node) -> Node:
    """A query whose hits are at least those of this one, and which asks for no neighbours."""
    if isinstance(node, Phrase):
        if len(node.terms) == 1:
            return node
        *inner, last = node.terms
        ends = Phrase(terms=(last,), is_open=node.is_open)
        return AllOf(wanted=(*(Phrase(terms=(term,)) for term in inner), ends))
    if isinstance(node, AnyOf):
        return AnyOf(parts=tuple(map(loosened, node.parts)))
    single = tuple(part for part in node.unwanted if not has_neighbours(part))
    return AllOf(wanted=tuple(map(loosened, node.wanted)), unwanted=single)


def has_neighbours(node: Node) -> bool:
    """Whether a query asks for terms side by side."""
    return any(len(item.terms) > 1 for item in phrases_of(node))


def _holds(phrase: Phrase, terms: Sequence[str]) -> bool:
    *inner, last = phrase.terms
    for at, term in enumerate(terms[len(inner) :]):
        is_end = term.startswith(last) if phrase.is_open else term == last
        if is_end and list(terms[at : at + len(inner)]) == inner:
            return True
    return False


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")


class _Reader:
    """A query from left to right, a token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> re.Match[str] | None:
        """The next token, None at the end."""
        return _TOKEN.match(self._text, self._at)

    def read_any(self, *, depth: int) -> Node | None:
        """Read branches with OR between them; None when they say nothing."""
        if depth > MOST_NESTED:
            raise UsageError(f"{_shown(self._text)}: too many parentheses inside each other")
        branches, is_complete = [self._read_all(depth)], True
        while (token := self.peek()) and token["word"] == "OR":
            self._at = token.end()
            is_complete = is_complete and branches[-1][1]
            branches.append(self._read_all(depth))
        if len(branches) > 1 and not (is_complete and branches[-1][1]):
            raise UsageError(
                f'{_shown(self._text)}: OR stands between two things to look for; write "OR" to'
                " look for the word"
            )
        found = [node for node, _ in branches if node is not None]
        if len(found) < 2:
            return found[0] if found else None
        return AnyOf(parts=tuple(found))

    def _read_all(self, depth: int) -> tuple[Node | None, bool]:
        """Read a branch; return it and whether there was anything to read."""
        wanted: list[Node] = []
        unwanted: list[Node] = []
        start, is_negative = self._at, False
        while (token := self.peek()) and not token["close"] and token["word"] != "OR":
            self._at = token.end()
            if token["word"] == "AND":
                continue
            if token["minus"] or token["word"] == "NOT":
                is_negative = True
                continue
            node = self._read_atom(token, depth)
            if node is not None:
                (unwanted if is_negative else wanted).append(node)
            is_negative = False
        if is_negative:
            raise UsageError(
                f'{_shown(self._text)}: after - or NOT stands what must not occur; write "NOT" to'
                " look for the word"
            )
        if unwanted and not wanted:
            raise UsageError(
                f"{_shown(self._text)}: say what must occur as well, not only what must not"
            )
        node = wanted[0] if len(wanted) == 1 and not unwanted else None
        if node is None and wanted:
            node = AllOf(wanted=tuple(wanted), unwanted=tuple(unwanted))
        return node, self._at > start

    def _read_atom(self, token: re.Match[str], depth: int) -> Node | None:
        if token["open"]:
            inner = self.read_any(depth=depth + 1)
            closing = self.peek()
            if closing is None or not closing["close"]:
                raise UsageError(f"{_shown(self._text)}: a parenthesis is not closed")
            self._at = closing.end()
            return inner
        if token["word"] is not None:
            return _phrase(token["word"].rstrip("*"), is_open=token["word"].endswith("*"))
        if not token["end"]:
            raise UsageError(f"{_shown(self._text)}: a quotation mark opens a phrase without end")
        return _phrase(token["phrase"], is_open=bool(token["star"]))


def _phrase(text: str, *, is_open: bool) -> Phrase | None:
    terms, may_go_on = searched_terms(text)
    if not terms:
        return None
    if is_open and not may_go_on:
        # The beginning of a pair of letters is the letter before the last, whose pair is known.
        is_open = terms == terms_of(text)
    return Phrase(terms=tuple(terms), is_open=is_open or may_go_on, written=text)
