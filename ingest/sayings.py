"""What a text quotes and counts: its quotations and figures, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.figures import find_figures
from ingest.model import Figure, Quotation, Sayings
from ingest.quoting import find_quotations

METHOD_VERSION = "sayings-1"
"""Raised with every change of what is found; what was stored by another is then read again."""

_MOST_QUOTATIONS = 1000  # of a text


def find_sayings(text: str, *, language: str | None) -> Sayings:
    """Return the quotations and figures of a text, equal ones once, at their first place.

    Offsets are those of the text as it is stored, without NUL. Linear in the length of the text.
    """
    text = text.replace("\0", "")
    quotations: dict[str, Quotation] = {}
    for quotation in find_quotations(text):
        quotations.setdefault(quotation.key, quotation)
    figures: dict[tuple[float, str, str], Figure] = {}
    for figure in find_figures(text, language=language):
        figures.setdefault((figure.value, figure.unit, figure.counted), figure)
    return Sayings(
        quotations=tuple(quotations.values())[:_MOST_QUOTATIONS],
        figures=tuple(figures.values()),
        method_version=METHOD_VERSION,
    )


def find_all(texts: Iterable[tuple[str, str | None]]) -> Sequence[Sayings]:
    """The sayings of each of some texts, given with their languages."""
    return [find_sayings(text, language=language) for text, language in texts]
