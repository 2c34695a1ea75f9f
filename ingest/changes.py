"""What happened from one version of an article to the next.

Lines that belong to the page are left out before anything is decided. Then, in this order, the
first that holds is the kind:

    reverted         the content was seen before
    reextracted      another extractor or version made the text
    boilerplate      only lines of the page changed: related links, counters, "updated …", adverts
    headline         the headline differs, and the text not or next to nothing
    correction       a correction notice was added, or nothing but numbers or names was replaced
    agency-replaced  an agency's report made room for another text, or the other way round
    live-blog        entries with a time were added to a running page
    truncated        what is left is less than half, and was there before
    minor            typography, punctuation, spelling, paragraphs in another order
    substantive      everything else
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from ingest.difference import Difference, compare_texts, letters_apart, spelling_likeness
from ingest.model import Change, ChangeKind
from ingest.pagelines import is_notice, without_digits, without_page_lines
from ingest.verdict.text import normalize_text

_MINOR_SHARE = 0.02  # of the letters
_MINOR_LETTERS = 6
_TRUNCATED = 0.5
_SAME_STEM = 0.7
_REWRITTEN = 0.35  # share of sentences kept, below which a report is another one
_TIMED_ENTRIES = 3  # lines with a time, for a page to be a running one
_ENTRIES_GONE = 0.2  # share of its sentences that a running page may lose at once
_LEAST_NAME = 4  # letters, for the first word of a sentence to be one
_COUNTED = 2  # changes that moved the same numbers, after which they are a counter's
_AGENCIES = (
    r"Reuters|AFP|Agence France-Presse|Associated Press|AP|dpa(?:-AFX)?|APA|sda|Keystone-SDA|TASS|Tass|ТАСС|Interfax|Интерфакс|Інтерфакс"
    r"|RIA(?: Novosti)?|РИА(?: Новости)?|Sputnik|Ukrinform|Укринформ|Укрінформ|УНІАН|УНИАН|Yonhap|연합뉴스|뉴시스|Xinhua|新华社|新華社|Kyodo|共同通信|時事通信"
    r"|EFE|ANSA|Lusa|ANP|PAP|ČTK|Anadolu|KCNA|조선중앙통신|UPI|Bloomberg"
)
_AGENCY = re.compile(
    rf"^[^.\n]{{0,50}}\((?:{_AGENCIES})(?:[/,;] ?[\w -]{{1,20}})?\)"  # SEOUL (Reuters) -
    rf"|\((?:{_AGENCIES})(?:[/,;] ?[\w -]{{1,20}})*\)\s*$"  # … wird. (dpa)
    rf"|^(?:Quelle|Source|Fuente|Fonte|Источник|Джерело|Bron|출처)\s?: ?(?:{_AGENCIES})\b"
    rf"|^[^.\n]{{0,40}}/(?:{_AGENCIES})/|\[[^\]]{{0,20}}(?:연합뉴스|뉴시스)[^\]]{{0,10}}\]|^(?:新华社|新華社)",
    re.MULTILINE,
)
_ENTRY_TIME = re.compile(
    r"^\W{0,3}(?:[01]?\d|2[0-3])[:.h][0-5]\d(?:\s?(?:uhr|gmt|utc|bst|cet|est|et|a\.?m\.?|p\.?m\.?|мск))?(?:\b|\s)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Both versions, lines of the page left out, and how they differ."""

    old_title: str
    new_title: str
    old: str
    new: str
    difference: Difference

    @property
    def same_title(self) -> bool:
        return normalize_text(self.old_title) == normalize_text(self.new_title)


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
) -> Change | None:
    """Return what changed between two versions; None when nothing did.

    `seen_before` tells that an earlier version of the article had the new content.
    """
    if content_hash(old_title, old_text) == content_hash(new_title, new_text):
        return None
    whole = compare_texts(old_text, new_text)
    sides = _leave_out_page(old_title, old_text, new_title, new_text, whole)
    if seen_before:
        kind, reason = ChangeKind.REVERTED, "an earlier version is back"
    elif old_extractor != new_extractor:
        kind = ChangeKind.REEXTRACTED
        reason = f"another extractor made the text: {old_extractor} -> {new_extractor}"
    else:
        kind, reason = _decide(sides, whole)
    told = whole if kind is ChangeKind.BOILERPLATE else sides.difference
    return Change(
        kind=kind,
        reason=reason,
        headline_from=None if sides.same_title else old_title,
        headline_to=None if sides.same_title else new_title,
        added=told.added,
        removed=told.removed,
        words_added=len(told.words_in),
        words_removed=len(told.words_out),
        changed=told.pairs,
        quotes_added=told.quotes_in,
        quotes_removed=told.quotes_out,
        numbers_added=told.numbers_in,
        numbers_removed=told.numbers_out,
    )


def _leave_out_page(
    old_title: str, old_text: str, new_title: str, new_text: str, whole: Difference
) -> _Sides:
    old, new = without_page_lines(old_text), without_page_lines(new_text)
    untouched = len(old) == len(old_text) and len(new) == len(new_text)
    return _Sides(
        old_title=old_title,
        new_title=new_title,
        old=old,
        new=new,
        difference=whole if untouched else compare_texts(old, new),
    )


def _decide(sides: _Sides, whole: Difference) -> tuple[ChangeKind, str]:
    difference = sides.difference
    if normalize_text(sides.old) == normalize_text(sides.new):
        if not sides.same_title:
            return ChangeKind.HEADLINE, "only the headline differs"
        line = next(iter((*whole.added, *whole.removed)), "")
        return ChangeKind.BOILERPLATE, f"only lines of the page changed: {line[:80]!r}"
    correction = _find_correction(sides)
    minor = _is_minor(difference)
    if correction and (minor is None or not sides.same_title or _tells_facts(sides)):
        return ChangeKind.CORRECTION, correction
    if minor is not None:
        if not sides.same_title:
            return ChangeKind.HEADLINE, f"the headline differs; of the text only {minor}"
        return ChangeKind.MINOR, minor
    return (
        _find_agency(sides)
        or _find_entries(sides)
        or _find_truncation(sides)
        or (
            ChangeKind.SUBSTANTIVE,
            f"{len(difference.added)} sentences added, {len(difference.removed)} removed",
        )
    )


def _tells_facts(sides: _Sides) -> bool:
    difference = sides.difference
    return (
        bool(difference.numbers_in or difference.numbers_out)
        or any(map(is_notice, difference.added))
        or bool(_find_renaming(sides))
    )


def _find_correction(sides: _Sides) -> str | None:
    difference = sides.difference
    if not any(map(is_notice, difference.removed)):
        for sentence in difference.added:
            if is_notice(sentence):
                return f"a correction notice was added: {sentence[:120]!r}"
    if not difference.words_in or len(difference.words_in) != len(difference.words_out):
        return None
    pairs = list(zip(difference.words_out, difference.words_in, strict=True))
    if len(pairs) <= 3 and all(_is_number(a) and _is_number(b) for a, b in pairs):
        told = ", ".join(f"{a} became {b}" for a, b in pairs)
        return f"only numbers were replaced: {told}"
    return _find_renaming(sides)


def _find_renaming(sides: _Sides) -> str | None:
    """A name of up to three words replaced by another, and nothing else."""
    difference = sides.difference
    if len(difference.words_in) != len(difference.words_out) or len(difference.added) > 4:
        return None
    pairs = set(zip(difference.words_out, difference.words_in, strict=True))
    if not 1 <= len(pairs) <= 3:
        return None
    told = []
    for old, new in sorted(pairs):
        if spelling_likeness(old, new) >= _SAME_STEM:
            return None  # a spelling, or another ending
        written_old = _as_written(old, difference.removed, sides)
        written_new = _as_written(new, difference.added, sides)
        if not (written_old[:1].isupper() and written_new[:1].isupper()):
            return None
        told.append(f"{written_old} became {written_new}")
    return f"only a name was replaced: {', '.join(told)}"


def _as_written(word: str, sentences: tuple[str, ...], sides: _Sides) -> str:
    """How a word is written where its capital tells something; empty if nowhere."""
    for sentence in sentences:
        for index, written in enumerate(re.findall(r"[\w'-]+", sentence)):
            # the first word is always capitalised: it is a name if it is never written otherwise
            if written.casefold() == word and (index > 0 or _is_always_capital(word, sides)):
                return str(written)
    return ""


def _is_always_capital(word: str, sides: _Sides) -> bool:
    lower = re.compile(rf"\b{re.escape(word)}\b")
    return len(word) >= _LEAST_NAME and not (lower.search(sides.old) or lower.search(sides.new))


def _is_number(word: str) -> bool:
    return word[:1].isdigit()


def _is_minor(difference: Difference) -> str | None:
    """What makes a change a minor one; None when it is more."""
    if not difference.added and not difference.removed:
        return "sentences stand in another order"
    if any(map(_is_number, (*difference.words_in, *difference.words_out))):
        return None
    out, into = " ".join(difference.removed), " ".join(difference.added)
    limit = int(min(_MINOR_LETTERS, max(2, _MINOR_SHARE * len(out))))
    if letters_apart(out, into, limit=limit) <= limit and len(difference.words_in) <= 3:
        return "typography, punctuation or spelling"
    return None


def _find_agency(sides: _Sides) -> tuple[ChangeKind, str] | None:
    before, after = _AGENCY.search(sides.old), _AGENCY.search(sides.new)
    total = sides.difference.kept + len(sides.difference.removed)
    if (before is None) == (after is None) and (before is None or _same_agency(before, after)):
        return None
    if sides.difference.kept > _REWRITTEN * total:
        return None
    was = f"of {before.group(0).strip()[-40:]!r}" if before else "of its own"
    now = f"one of {after.group(0).strip()[-40:]!r}" if after else "one of its own"
    return ChangeKind.AGENCY, f"the report {was} was replaced by {now}"


def _same_agency(before: re.Match[str] | None, after: re.Match[str] | None) -> bool:
    return before is not None and after is not None and _names(before) == _names(after)


def _names(found: re.Match[str]) -> list[str]:
    return sorted(set(re.findall(_AGENCIES, found.group(0))))


def _find_entries(sides: _Sides) -> tuple[ChangeKind, str] | None:
    times = len(_ENTRY_TIME.findall(sides.old))
    came = sum(1 for sentence in sides.difference.added if _ENTRY_TIME.match(sentence))
    total = sides.difference.kept + len(sides.difference.removed)
    if times < _TIMED_ENTRIES or not came:
        return None
    if len(sides.difference.removed) > _ENTRIES_GONE * total:
        return None
    return ChangeKind.LIVE_BLOG, f"{came} entries with a time were added to {times}"


def _find_truncation(sides: _Sides) -> tuple[ChangeKind, str] | None:
    share = len(sides.new) / max(len(sides.old), 1)
    # the sentence in which the text is cut comes out as an edited one
    fresh = len(sides.difference.added) - len(sides.difference.pairs)
    if fresh > 0 or share >= _TRUNCATED:
        return None
    return ChangeKind.TRUNCATED, f"{share:.0%} of the text is left, nothing was added"


def only_page_lines_differ(*, old_title: str, old_text: str, new_title: str, new_text: str) -> bool:
    """Whether two versions are equal but for lines of the page."""
    return content_hash(old_title, without_page_lines(old_text)) == content_hash(
        new_title, without_page_lines(new_text)
    )


def moves_counter(change: Change, before: Sequence[tuple[str, ...]]) -> bool:
    """Whether a change only moves numbers in the sentences that the changes before moved as well.

    `before` are the sentences that the last changes added, each seen in one look only; two that did
    the same make a counter of it, in whatever language it counts.
    """
    if change.headline_to is not None or not change.added:
        return False
    moved = {without_digits(sentence) for sentence in change.added}
    if moved != {without_digits(sentence) for sentence in change.removed}:
        return False
    return len(before) >= _COUNTED and all(
        moved == {without_digits(sentence) for sentence in added} for added in before[:_COUNTED]
    )
