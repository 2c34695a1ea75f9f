"""What the files of an archive of evidence say to people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ingest.worddiff import Line, Segment, Step, diff_words
from storage.evidence import KeptVerdict, Side

_RELATIONS = {
    "identical": "have the same text",
    "near_duplicate": "have the same text but for small edits, cuts or additions",
    "translation": "have the same text in two languages",
    "excerpt": "share passages; the rest of the first is its own",
    "same_story": "tell of the same events in words of their own",
    "unrelated": "have nothing in common",
}


def utc(at: datetime | None) -> str:
    """A time for people."""
    return "unknown" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


# ---------------------------------------------------------------- differences


def diff_text(
    headlines: tuple[str, str], lines: Sequence[Line], facts: Iterable[tuple[str, str]]
) -> str:
    """Two versions as one text, [-what went-] and {+what came+} in wdiff's brackets."""
    told = [f"{label + ':':10}{value}" for label, value in facts]
    paragraphs: list[str] = []
    for line in lines:
        shown = _bracketed(line.segments)
        if line.opens_paragraph or not paragraphs:
            paragraphs.append(shown)
        else:
            paragraphs[-1] += f" {shown}"
    return "\n".join([*told, "", _bracketed(diff_words(*headlines)), "", *paragraphs, ""])


def _bracketed(segments: Iterable[Segment]) -> str:
    marks = {Step.REMOVED: "[-{}-]", Step.ADDED: "{{+{}+}}"}
    return "".join(marks.get(item.step, "{}").format(item.text) for item in segments)


# ---------------------------------------------------------------- verdicts


def verdict_fields(verdict: KeptVerdict) -> dict[str, Any]:
    """A verdict as JSON, under the names that the view `relations` has."""
    return {
        "edge_id": verdict.edge_id,
        "relation": verdict.relation,
        "score": verdict.score,
        "shared_child": verdict.shared_child,
        "shared_parent": verdict.shared_parent,
        "needs_review": verdict.needs_review,
        "method": verdict.method,
        "method_version": verdict.method_version,
        "decided_at": verdict.decided_at,
        "child": _side_fields(verdict.child),
        "parent": _side_fields(verdict.parent),
        "evidence": dict(verdict.evidence),
        "analysts": [dict(item) for item in verdict.analysts],
    }


def _side_fields(side: Side) -> dict[str, Any]:
    return {
        "what": side.name,
        "article_id": side.article_id,
        "seq": side.seq,
        "outlet": side.outlet,
        "url": side.url,
        "title": side.title,
        "language": side.language,
    }


def verdict_text(verdict: KeptVerdict) -> str:
    """A verdict for people: what was found, how sure, and why."""
    child, parent = verdict.child, verdict.parent
    return "\n".join(
        [
            f"Verdict {verdict.edge_id}: {verdict.relation}, score {verdict.score:.2f}"
            + (" (needs review: below its confidence)" if verdict.needs_review else ""),
            f"The two texts {_RELATIONS.get(verdict.relation, verdict.relation)}.",
            "",
            *_side_lines("first text", child, verdict.shared_child, "the second"),
            *_side_lines("second text", parent, verdict.shared_parent, "the first"),
            "",
            f"Method {verdict.method} {verdict.method_version}, decided {utc(verdict.decided_at)}",
            *_analyst_lines(verdict.analysts),
            *_evidence_lines(verdict.evidence),
            "",
        ]
    )


def _side_lines(label: str, side: Side, shared: float, other: str) -> Iterator[str]:
    where = f", {side.outlet}, {side.url}" if side.url else ""
    yield f"{label}: {side.name}, {side.language or 'unknown language'}{where}"
    yield f"    {side.title}"
    yield f"    {shared:.0%} of it is in {other}"


def _analyst_lines(analysts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for item in analysts:
        who = item["author"] or "An analyst"
        note = f": {item['note']}" if item["note"] else ""
        yield f"{who} says {item['relation']}, {utc(item['decided_at'])}{note}"


def _evidence_lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    if evidence.get("note"):
        yield f"Note: {evidence['note']}"
    if evidence.get("shared_numbers"):
        yield f"Numbers in both: {', '.join(map(str, evidence['shared_numbers']))}"
    if evidence.get("shared_names"):
        names = (a if a == b else f"{a} = {b}" for a, b in evidence["shared_names"])
        yield f"Names in both: {', '.join(names)}"
    if evidence.get("passages"):
        yield "\nCopied, as characters of each normalised text:"
        for item in evidence["passages"]:
            places = f"{item['start_a']}-{item['end_a']} = {item['start_b']}-{item['end_b']}"
            yield f"  {places}: {item['text']}"
    if evidence.get("pairs"):
        yield "\nSentences that say the same, and how sure that is:"
        for item in evidence["pairs"]:
            yield f"  {item['score']:.2f}  {item['index_a'] + 1}. {item['text_a']}"
            yield f"        {item['index_b'] + 1}. {item['text_b']}"


# ---------------------------------------------------------------- README


_CHECKS = """\
How to check it
  sha256sum -c SHA256SUMS    says whether each file is what it was when this archive was made.
  warcio check FILE.warc     says the same of each page in a WARC file. Any program for web archives
                             opens these files, and shows the pages as they were.
  manifest.json lists each file with its hash, and each page with the moment and its source.

What it is, and what it is not
  Times are UTC, by the clock of the machine that watched, or for a capture of an archive by that
  archive. A page is kept as it was decoded: its compression on the way is not. Nothing here is
  signed: keep this archive's own sha256 with somebody you trust, and it can be shown later that
  nothing was changed.
"""


def readme(
    *, subject: str, told: Iterable[str], missing: Sequence[str], program_version: str
) -> str:
    """The first file to read; `told` are lines on the subject, `missing` is what lacks."""
    absent = ["", "What is missing", *(f"  {line}" for line in missing)] if missing else []
    return "\n".join(
        [
            f"Evidence on {subject}",
            f"put together by storywatch {program_version}",
            "",
            *told,
            "",
            "What is in it",
            "  articles/N/article.json      what is known of article N",
            "  articles/N/versions/S.txt    headline and text of its version S; the rest in S.json",
            "  articles/N/changes/S-T.html  what changed from S to T, word by word; also as .txt",
            "  articles/N/changes.json      of what kind each change is, and why",
            "  articles/N/events.json       when it disappeared, or came back",
            "  articles/N/looks.csv         every look at it, with time, source and outcome",
            "  articles/N/captures.warc     the pages themselves, with their headers",
            "  verdicts/E.txt               how two texts relate, and why; for programs in E.json",
            "  seeds/                       the seed texts that verdicts compare with",
            *absent,
            "",
            _CHECKS,
        ]
    )
