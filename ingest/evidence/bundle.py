"""Putting evidence together: what is stored on an article or a relation becomes one archive.

subject ─> articles ─┬─ texts, differences, looks, pages as WARC ─┐
        └─ verdicts ─┴─ and the seeds that they compare with ─────┴─> README, manifest, hashes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import IO, Any

from sqlalchemy import Connection

from ingest.evidence.archive import EvidenceArchive
from ingest.evidence.prose import diff_text, readme, utc, verdict_fields, verdict_text
from ingest.evidence.warc import open_page, record_id, write_capture, write_info
from ingest.export.lines import as_csv
from ingest.htmldiff import render_html
from ingest.worddiff import diff_texts
from storage.evidence import (
    Capture,
    KeptVerdict,
    capture_body,
    captures,
    known_urls,
    view_rows,
)
from storage.kinds import ResultColumn, as_iso, kinds_of_view
from storage.provenance import Provenance
from storage.typedrows import TypedRows
from storage.views import VIEWS


@dataclass(slots=True, kw_only=True)
class _Found:
    """What is noted for README and manifest on the way."""

    told: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)


def write_evidence(
    connection: Connection,
    stream: IO[bytes],
    *,
    subject: str,
    article_ids: Sequence[int],
    verdicts: Sequence[KeptVerdict],
    made_by: Provenance,
) -> None:
    """Write the archive; the same content gives the same bytes. One page at a time is in memory."""
    archive, found = EvidenceArchive(stream), _Found()
    for article_id in article_ids:
        _add_article(archive, connection, article_id, found, made_by)
    for verdict in verdicts:
        _add_verdict(archive, verdict, found)
    archive.add(
        "README.txt",
        readme(
            subject=subject,
            told=found.told,
            missing=found.missing,
            program_version=made_by.program_version,
        ),
    )
    manifest = {
        "subject": subject,
        **asdict(made_by),
        "articles": list(article_ids),
        "verdicts": [
            {"edge_id": item.edge_id, "relation": item.relation, "file": _verdict_name(item)}
            for item in verdicts
        ],
        "pages": found.pages,
        "missing": found.missing,
        "files": [asdict(member) for member in sorted(archive.members, key=lambda one: one.name)],
    }
    archive.add_json("manifest.json", manifest)
    archive.close()


# ---------------------------------------------------------------- articles


def _add_article(
    archive: EvidenceArchive,
    connection: Connection,
    article_id: int,
    found: _Found,
    made_by: Provenance,
) -> None:
    folder = f"articles/{article_id}"
    stories = view_rows(connection, "articles", article_id)
    versions = view_rows(connection, "article_versions", article_id)
    changes = view_rows(connection, "article_changes", article_id)
    events = view_rows(connection, "article_events", article_id)
    urls = known_urls(connection, article_id)
    archive.add_json(f"{folder}/article.json", {"stories": stories, "urls": urls})
    for item in versions:
        rest = {name: value for name, value in item.items() if name != "text"}
        archive.add(f"{folder}/versions/{item['seq']}.txt", f"{item['title']}\n\n{item['text']}\n")
        archive.add_json(f"{folder}/versions/{item['seq']}.json", rest)
    _add_changes(archive, folder, stories[0], versions, changes)
    archive.add_json(f"{folder}/events.json", events)
    looks = view_rows(connection, "looks", article_id)
    archive.add(f"{folder}/looks.csv", b"".join(as_csv(_as_rows("looks", looks))))
    kept = captures(connection, article_id)
    _add_pages(archive, connection, folder, kept, found, made_by)
    _note_missing(article_id, versions, kept, found)
    found.told += _told(article_id, stories[0], versions, events, len(looks), len(kept))


def _add_changes(
    archive: EvidenceArchive,
    folder: str,
    article: Mapping[str, Any],
    versions: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]],
) -> None:
    archive.add_json(f"{folder}/changes.json", changes)
    reasons = {item["to_seq"]: f"{item['kind']}: {item['reason']}" for item in changes}
    for old, new in pairwise(versions):
        facts = [("outlet", article["outlet"]), ("url", article["url"])]
        for label, item in (("from", old), ("to", new)):
            seen = f"{utc(item['first_observed_at'])} to {utc(item['last_observed_at'])}"
            facts.append((label, f"version {item['seq']}, seen {seen}"))
        facts.append(("change", reasons.get(new["seq"], "not told")))
        headlines = (old["title"], new["title"])
        lines = diff_texts(old["text"], new["text"])
        name = f"{folder}/changes/{old['seq']}-{new['seq']}"
        archive.add(
            f"{name}.html",
            render_html(headlines=headlines, lines=lines, facts=facts, language=new["language"]),
        )
        archive.add(f"{name}.txt", diff_text(headlines, lines, facts))


def _as_rows(view: str, rows: Sequence[Mapping[str, Any]]) -> TypedRows:
    kinds = kinds_of_view(VIEWS[view])
    return TypedRows(
        columns=tuple(ResultColumn(name=name, kind=kind) for name, kind in kinds.items()),
        rows=(tuple(row[name] for name in kinds) for row in rows),
    )


def _told(
    article_id: int,
    article: Mapping[str, Any],
    versions: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    looks: int,
    pages: int,
) -> list[str]:
    lines = [
        f"Article {article_id}: {article['title'] or 'without a headline'}",
        f"  {article['outlet']}, {article['url']}",
        f"  published {utc(article['published_at'])}, first seen {utc(article['first_seen_at'])}",
        f"  now {article['state']}; {len(versions)} versions, {looks} looks, {pages} pages kept",
    ]
    lines += [f"  {utc(item['decided_at'])}: {item['kind']}: {item['reason']}" for item in events]
    return [*lines, ""]


# ---------------------------------------------------------------- pages


def _add_pages(
    archive: EvidenceArchive,
    connection: Connection,
    folder: str,
    kept: Sequence[Capture],
    found: _Found,
    made_by: Provenance,
) -> None:
    if not kept:
        return
    name = f"{folder}/captures.warc"

    def fill(stream: IO[bytes]) -> None:
        software = f"storywatch/{made_by.program_version}"
        write_info(stream, software=software, at=as_iso(kept[0].observed_at))
        for capture in kept:
            page, fault = _page(connection, capture)
            if page is not None:
                write_capture(stream, capture, page)
            if fault:
                found.missing.append(f"look {capture.look_id}: {fault}")
            found.pages.append(_page_fields(capture, name if page is not None else None, fault))

    archive.write(name, fill)


def _page(connection: Connection, capture: Capture) -> tuple[bytes | None, str]:
    try:
        page = open_page(capture_body(connection, capture.sha256), capture.size)
    except ValueError as error:
        return None, str(error)
    if sha256(page).hexdigest() != capture.sha256:
        return page, "the stored page is not what its hash says: it was changed in the database"
    return page, ""


def _page_fields(capture: Capture, file: str | None, fault: str) -> dict[str, Any]:
    return {
        "look_id": capture.look_id,
        "version": capture.seq,
        "url": capture.final_url,
        "requested_url": capture.requested_url,
        "observed_at": capture.observed_at,
        "source": capture.source,
        "status": capture.status,
        "bytes": capture.size,
        "sha256": capture.sha256,
        "intact": not fault,
        "file": file,
        "record": None if file is None else f"<urn:{record_id(capture)}>",
    }


def _note_missing(
    article_id: int,
    versions: Sequence[Mapping[str, Any]],
    kept: Sequence[Capture],
    found: _Found,
) -> None:
    shown = {capture.seq for capture in kept}
    bare = [str(item["seq"]) for item in versions if item["seq"] not in shown]
    if not bare:
        return
    which = "version" if len(bare) == 1 else "versions"
    found.missing.append(
        f"article {article_id}: no page was kept of {which} {', '.join(bare)}; the text is here."
        " Pages are kept while database.keep_raw is true, and texts that other programs extracted"
        " never had one"
    )


# ---------------------------------------------------------------- verdicts


def _verdict_name(verdict: KeptVerdict) -> str:
    return f"verdicts/{verdict.edge_id}"


def _add_verdict(archive: EvidenceArchive, verdict: KeptVerdict, found: _Found) -> None:
    name = _verdict_name(verdict)
    archive.add_json(f"{name}.json", verdict_fields(verdict))
    archive.add(f"{name}.txt", verdict_text(verdict))
    found.told.append(
        f"Verdict {verdict.edge_id}: {verdict.child.name} to {verdict.parent.name}:"
        f" {verdict.relation}, score {verdict.score:.2f}"
    )
    side = verdict.parent
    if side.article_id is None:
        seed = f"seeds/{side.name.replace(' ', '-')}.txt"
        if seed not in {member.name for member in archive.members}:
            archive.add(seed, f"{side.title}\n\n{side.text}\n")
