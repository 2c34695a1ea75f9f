"""What happened from one version of an article to the next.

Decided in this order, and the first that holds is the kind:

    reverted      the content was seen before
    reextracted   another extractor or version made the text
    headline      only the headline differs
    boilerplate   only lines that belong to the page changed: related links, counters, "updated …"
    correction    a correction notice was added, or nothing but numbers or names was replaced
    truncated     what is left is less than half, and was there before
    minor         typography, punctuation, spelling
    substantive   everything else
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from rapidfuzz.distance import LCSseq, Levenshtein

from ingest.model import Change, ChangeKind
from ingest.verdict.text import normalize_text, split_sentences, tokens

_NOTICE = re.compile(
    r"\b(?:corrections?|corrected|clarifications?|editor'?s note|an earlier version of this|this article (?:was|has been) (?:amended|corrected|updated to correct))"
    r"|korrektur|berichtig\w+|richtigstellung|anmerkung der redaktion|in einer früheren (?:version|fassung)|hinweis der redaktion"
    r"|rectificatif|correction\s?:|une (?:première|précédente) version|fe de errores|corrección|una versión anterior|errata"
    r"|correzione|rettifica|una versione precedente|rectificatie|correctie|eerdere versie|sprostowanie|wcześniejsza wersja|oprava"
    r"|исправлен\w*|уточнени\w+|поправк\w+|в (?:более ранней|предыдущей) версии|виправлен\w*|уточнення|у попередній версії"
    r"|정정|바로잡습니다|바로잡음|訂正|更正|勘误|düzeltme|تصحيح|תיקון",
    re.IGNORECASE,
)
_PAGE_LINE = re.compile(
    r"^(?:updated?|last updated|published|aktualisiert|stand|mis à jour|actualizado|aggiornato|обновлено|оновлено|업데이트|更新)\b.{0,60}$"
    r"|^(?:related|read (?:more|also)|see also|more on|mehr zum thema|lesen sie auch|weitere artikel|à lire aussi|lire aussi"
    r"|lee también|leggi anche|lees ook|czytaj (?:też|także)|читайте также|читайте також|관련 ?기사|相关(?:阅读|新闻)|関連記事)\b.{0,200}$"
    r"|^\d[\d.,]*\s?(?:comments?|shares?|views?|likes?|kommentare?|mal geteilt|commentaires|комментари\w+|просмотр\w+|댓글|조회)?$"
    r"|^(?:advertisement|anzeige|werbung|publicité|publicidad|pubblicità|реклама|광고|广告)$"
    r"|^.{0,30}\b\d+\s?(?:minutes?|hours?|days?|minuten|stunden|tagen|minutes|heures|jours|минут\w*|час\w*|хвилин\w*|годин\w*)\s?(?:ago|назад|тому)?$",
    re.IGNORECASE,
)
_MINOR_SHARE = 0.02  # of the letters
_MINOR_LETTERS = 6
_TRUNCATED = 0.5
_SAME_STEM = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    added: tuple[str, ...]  # sentences
    removed: tuple[str, ...]
    words_in: tuple[str, ...]
    words_out: tuple[str, ...]


def content_hash(title: str, text: str) -> str:
    """Return the sha256, as hex, of what makes a version: normalised headline and text."""
    joined = normalize_text(title) + "\n" + normalize_text(text)
    return sha256(joined.encode("utf-8", "replace")).hexdigest()


def classify_change(
    *,
    old_title: str,
    old_text: str,
    new_title: str,
    new_text: str,
    old_extractor: str,
    new_extractor: str,
    seen_before: bool,
    language: str | None,  # noqa: ARG001 - rules of one language come with the next milestone
) -> Change | None:
    """Return what changed between two versions; None when nothing did.

    `seen_before` tells that an earlier version of the article had the new content.
    """
    same_title = normalize_text(old_title) == normalize_text(new_title)
    same_text = normalize_text(old_text) == normalize_text(new_text)
    if same_title and same_text:
        return None
    difference = _compare(old_text, new_text)
    kind, reason = _decide(
        difference,
        old_text,
        new_text,
        same_title=same_title,
        same_text=same_text,
        seen_before=seen_before,
        reextracted=old_extractor != new_extractor,
        extractors=f"{old_extractor} -> {new_extractor}",
    )
    return Change(
        kind=kind,
        reason=reason,
        headline_from=None if same_title else old_title,
        headline_to=None if same_title else new_title,
        added=difference.added,
        removed=difference.removed,
        words_added=len(difference.words_in),
        words_removed=len(difference.words_out),
    )


def _decide(
    difference: _Difference,
    old_text: str,
    new_text: str,
    *,
    same_title: bool,
    same_text: bool,
    seen_before: bool,
    reextracted: bool,
    extractors: str,
) -> tuple[ChangeKind, str]:
    if seen_before:
        return ChangeKind.REVERTED, "an earlier version is back"
    if reextracted:
        return ChangeKind.REEXTRACTED, f"another extractor made the text: {extractors}"
    if same_text:
        return ChangeKind.HEADLINE, "only the headline differs"
    changed = (*difference.added, *difference.removed)
    if all(_PAGE_LINE.match(sentence) for sentence in changed):
        return ChangeKind.BOILERPLATE, f"only lines of the page changed: {changed[0][:80]!r}"
    correction = _find_correction(difference)
    if correction:
        return ChangeKind.CORRECTION, correction
    if not difference.added and len(new_text) < _TRUNCATED * len(old_text):
        share = len(new_text) / max(len(old_text), 1)
        return ChangeKind.TRUNCATED, f"{share:.0%} of the text is left, nothing was added"
    if same_title and _is_minor(difference):
        return ChangeKind.MINOR, "typography, punctuation or spelling"
    return (
        ChangeKind.SUBSTANTIVE,
        f"{len(difference.added)} sentences added, {len(difference.removed)} removed",
    )


def _compare(old_text: str, new_text: str) -> _Difference:
    old, new = split_sentences(old_text), split_sentences(new_text)
    removed, added = _opposite(old, new)
    words_out, words_in = _opposite(
        [word for sentence in removed for word in tokens(sentence)],
        [word for sentence in added for word in tokens(sentence)],
    )
    return _Difference(
        added=tuple(added),
        removed=tuple(removed),
        words_in=tuple(words_in),
        words_out=tuple(words_out),
    )


def _opposite(
    old: list[str] | tuple[str, ...], new: list[str] | tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """What stands only in the one and only in the other, by longest common subsequence."""
    out: list[str] = []
    into: list[str] = []
    for step in LCSseq.opcodes(old, new):
        if step.tag in {"delete", "replace"}:
            out.extend(old[step.src_start : step.src_end])
        if step.tag in {"insert", "replace"}:
            into.extend(new[step.dest_start : step.dest_end])
    return out, into


def _find_correction(difference: _Difference) -> str | None:
    before = " ".join(difference.removed)
    for sentence in difference.added:
        notice = _NOTICE.search(sentence)
        if notice and not _NOTICE.search(before):
            return f"a correction notice was added: {sentence[:120]!r}"
    if not difference.words_in or len(difference.words_in) != len(difference.words_out):
        return None
    pairs = list(zip(difference.words_out, difference.words_in, strict=True))
    if len(pairs) <= 3 and all(_is_number(a) and _is_number(b) for a, b in pairs):
        told = ", ".join(f"{a} became {b}" for a, b in pairs)
        return f"only numbers were replaced: {told}"
    return _find_renaming(difference, pairs)


def _find_renaming(difference: _Difference, pairs: list[tuple[str, str]]) -> str | None:
    """One capitalised word replaced by another, and nothing else."""
    if len(set(pairs)) != 1 or len(difference.added) > 3:
        return None
    old, new = pairs[0]
    if Levenshtein.normalized_similarity(old, new) >= _SAME_STEM:
        return None  # a spelling, or another ending
    written_old = _as_written(old, difference.removed)
    written_new = _as_written(new, difference.added)
    if written_old[:1].isupper() and written_new[:1].isupper():
        return f"only a name was replaced: {written_old} became {written_new}"
    return None


def _as_written(word: str, sentences: tuple[str, ...]) -> str:
    for sentence in sentences:
        for index, written in enumerate(re.findall(r"[\w'-]+", sentence)):
            if written.casefold() == word and index > 0:  # the first word is always capitalised
                return str(written)
    return ""


def _is_number(word: str) -> bool:
    return word[:1].isdigit()


def _is_minor(difference: _Difference) -> bool:
    out, into = " ".join(difference.removed), " ".join(difference.added)
    if any(map(_is_number, (*difference.words_in, *difference.words_out))):
        return False
    if len(difference.added) != len(difference.removed):
        return False
    letters = Levenshtein.distance(
        "".join(filter(str.isalnum, out)),
        "".join(filter(str.isalnum, into)),
        score_cutoff=_MINOR_LETTERS,
    )
    words = len(difference.words_in)
    return letters <= min(_MINOR_LETTERS, max(2, _MINOR_SHARE * len(out))) and words <= 3
