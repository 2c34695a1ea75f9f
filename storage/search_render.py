"""A query's tree in the language of either index: FTS5's MATCH and Postgres's tsquery.

https://sqlite.org/fts5.html#full_text_query_syntax,
https://www.postgresql.org/docs/current/datatype-textsearch.html#DATATYPE-TSQUERY
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.errors import UsageError
from storage.search_query import AnyOf, Node, Phrase
from storage.terms import words_of


def fts5_query(node: Node) -> str:
    """The query for MATCH; each term in quotation marks, so that none is an operator."""
    if isinstance(node, Phrase):
        terms = " ".join(node.terms).replace('"', '""')
        return f'"{terms}"' + (" *" if node.is_open else "")
    if isinstance(node, AnyOf):
        return f"({' OR '.join(map(fts5_query, node.parts))})"
    wanted = f"({' AND '.join(map(fts5_query, node.wanted))})"
    if not node.unwanted:
        return wanted
    return f"({wanted} NOT ({' OR '.join(map(fts5_query, node.unwanted))}))"


def ts_query(node: Node) -> str:
    """The query as a literal of the type tsquery: nothing is stemmed, no word is a stop word."""
    return _ts_query(node, lambda phrase: phrase.terms)


def stem_query(node: Node) -> str:
    """The query for to_tsquery() and a language's configuration, with the words as typed.

    Raises UsageError for a part that no stemmer knows.
    """
    return _ts_query(node, _typed_words)


def _typed_words(phrase: Phrase) -> Sequence[str]:
    words = words_of(phrase.written)
    if not words:
        raise UsageError(f"{phrase.written}: there is no stemmer for it; leave out --stem")
    return words


def _ts_query(node: Node, words_in: Callable[[Phrase], Sequence[str]]) -> str:
    if isinstance(node, Phrase):
        *inner, last = map(_lexeme, words_in(node))
        return f"({' <-> '.join((*inner, last + (':*' if node.is_open else '')))})"
    if isinstance(node, AnyOf):
        return f"({' | '.join(_ts_query(part, words_in) for part in node.parts)})"
    wanted = (_ts_query(part, words_in) for part in node.wanted)
    unwanted = (f"!{_ts_query(part, words_in)}" for part in node.unwanted)
    return f"({' & '.join((*wanted, *unwanted))})"


def ts_vector(title: list[str], text: list[str]) -> str:
    """The terms as a literal of the type tsvector, those of the headline of weight A.

    A gap between the two keeps a phrase from reaching over it, as FTS5's columns do.
    """
    places: dict[str, list[str]] = {}
    for at, term in enumerate(title, start=1):
        places.setdefault(term, []).append(f"{at}A")
    for at, term in enumerate(text, start=len(title) + 2):
        places.setdefault(term, []).append(str(at))
    return " ".join(
        f"{_lexeme(term)}:{','.join(found[:MOST_PLACES])}" for term, found in places.items()
    )


MOST_PLACES = 255
"""Of a term that a tsvector keeps; and of positions it knows 16,383."""

_LAST_POSITION = 16_383


def is_overfull(title: list[str], text: list[str]) -> bool:
    """Whether a tsvector loses positions of these terms: then phrases must be looked for anew."""
    total = len(title) + len(text)
    if total + 1 > _LAST_POSITION:
        return True
    if total <= MOST_PLACES:
        return False
    counts: dict[str, int] = {}
    for term in (*title, *text):
        counts[term] = counts.get(term, 0) + 1
    return max(counts.values()) > MOST_PLACES


def _lexeme(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
