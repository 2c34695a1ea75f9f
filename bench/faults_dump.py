"""A canonical dump of what a run stored, to be compared byte by byte with another run's.

Rows are keyed by addresses and numbers of versions, and sorted. Left out, since they tell when and
how often something was looked at and not what was found:

    ids, all times, leases            another order, another clock
    observations, polls, runs, raw    as many as there were looks
    intervals, failures, alarms       what the faults themselves left behind
    validators of articles            a look that failed forgets them
    article_wake, candidate           what waits; the oracle sees to the queue
    doubtful verdicts "unrelated"     which stored texts one is compared with depends on when:
                                      two with next to nothing in common may be among them or not
    dates within which it was published, where they come from the first look

And what is told of strangers: of two articles that the script did not make of one text. There are
millions of such pairs. A new version is compared with twenty others of those that are stored by
then, so a pair that is alike by chance is told of in one order and not in another. Their verdicts
are counted and left out, with clusters and travels of the articles that these brought together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults_press import Press
from faults_script import Script
from faults_store import Store, plain

Dump = dict[str, list[str]]
"""The lines of each table."""

_ARTICLE = "(SELECT canonical_url FROM article x WHERE x.id = {0})"
_VERSION = (
    "(SELECT x.canonical_url || ' #' || y.seq FROM version y JOIN article x"
    " ON x.id = y.article_id WHERE y.id = {0})"
)


def _a(column: str) -> str:
    return _ARTICLE.format(column)


def _v(column: str) -> str:
    return _VERSION.format(column)


QUERIES = {
    "story": "SELECT slug, title FROM story",
    "seed": "SELECT seq, is_current, sha256, title, text, residue, language FROM seed",
    "outlet": "SELECT domain, name, country, language FROM outlet",
    "feed": (
        "SELECT f.url, o.domain, f.origin, f.state, f.etag, f.last_modified, f.body_hash"
        " FROM feed f JOIN outlet o ON o.id = f.outlet_id"
    ),
    "article": (
        "SELECT a.canonical_url, a.check_url, o.domain, a.published_at, a.published_source,"
        f" a.published_confidence, a.published_day_only, a.state, {_v('a.current_version_id')}"
        " FROM article a JOIN outlet o ON o.id = a.outlet_id"
    ),
    "article_url": f"SELECT {_a('u.article_id')}, u.url_key, u.url, u.kind FROM article_url u",
    "article_feed": (
        f"SELECT {_a('n.article_id')}, f.url, n.guid, n.entry_hash, n.modified_at"
        " FROM article_feed n JOIN feed f ON f.id = n.feed_id"
    ),
    "article_story": (
        f"SELECT {_a('m.article_id')}, s.slug, m.score, m.rule, m.rule_version, m.matched"
        " FROM article_story m JOIN story s ON s.id = m.story_id"
    ),
    "article_event": f"SELECT {_a('e.article_id')}, e.kind, e.reason FROM article_event e",
    "version": (
        f"SELECT {_v('v.id')}, v.content_hash, v.title, v.byline, v.site_name, v.text, v.language,"
        " v.words, v.published_at, v.modified_at, v.extractor, v.extractor_version,"
        " v.published_source, v.published_confidence, v.modified_source, v.modified_confidence"
        " FROM version v"
    ),
    "change": (
        f"SELECT {_v('c.from_version_id')}, {_v('c.to_version_id')}, c.kind, c.reason,"
        " c.headline_from, c.headline_to, c.sentences_added, c.sentences_removed, c.words_added,"
        " c.words_removed, c.sentences_changed, c.quotes_added, c.quotes_removed, c.numbers_added,"
        " c.numbers_removed FROM change c"
    ),
    "fingerprint": (
        f"SELECT {_v('p.version_id')}, p.text_hash, p.language, p.words, p.shingles,"
        " p.method_version FROM fingerprint p"
    ),
    "shingle": f"SELECT {_v('h.version_id')}, h.hash FROM shingle h",
    "anchor": f"SELECT {_v('h.version_id')}, h.key FROM anchor h",
    "feature": (
        f"SELECT {_v('f.version_id')}, f.judged_by, f.language, f.method_version, f.model,"
        " f.model_version, f.signature, f.document, f.lengths, f.quoted, f.anchors, f.vectors"
        " FROM feature f"
    ),
    "edge": (
        f"SELECT {_v('e.child_version_id')}, {_v('e.parent_version_id')}, e.seed_id IS NULL,"
        " e.relation, e.score, e.shared_child, e.shared_parent, e.needs_review, e.method,"
        " e.method_version, e.evidence FROM edge e WHERE e.relation <> 'unrelated'"
    ),
    "article_cluster": (
        f"SELECT {_a('c.article_id')}, {_a('c.cluster_id')}, c.earliest,"
        f" {_a('c.parent_article_id')}, c.parent_relation, c.parent_shared_child,"
        " c.parent_shared_parent, c.size FROM article_cluster c"
    ),
    "change_travel": (
        f"SELECT {_v('c.to_version_id')}, {_a('t.article_id')}, t.relation, t.state, t.passage,"
        f" {_v('t.version_id')}, {_v('t.taken_version_id')}"
        " FROM change_travel t JOIN change c ON c.id = t.change_id"
    ),
    "discard": "SELECT url_key, url, stage, rule, rule_version FROM discard",
}


def dump(press: Press, store: Store) -> Dump:
    """The sorted lines of each table."""
    return {
        table: sorted(_line(press, row) for row in store.rows(query))
        for table, query in QUERIES.items()
    }


def _line(press: Press, row: Sequence[Any]) -> str:
    text = json.dumps([plain(value) for value in row], ensure_ascii=False, sort_keys=True)
    for outlet, base in enumerate(press.bases):
        text = text.replace(base.removeprefix("http://"), f"outlet-{outlet}")
    return text


def leave_out_strangers(script: Script, *dumps: Dump) -> int:
    """Take what is told of strangers out of the dumps; return how many verdicts that were."""
    strangers, verdicts = set(), set()
    for lines in dumps:
        for line in lines["edge"]:
            child, parent, is_between = json.loads(line)[:3]
            if is_between and _root(script, child) != _root(script, parent):
                strangers |= {child.partition(" ")[0], parent.partition(" ")[0]}
                verdicts.add(line)
    for lines in dumps:
        lines["edge"] = [line for line in lines["edge"] if line not in verdicts]
        for table in ("article_cluster", "change_travel"):
            lines[table] = [line for line in lines[table] if not _is_of(line, strangers)]
    return len(verdicts)


def _root(script: Script, version: str) -> int:
    """The article whose text a version has."""
    number = int(version.partition("/story-")[2].partition(" ")[0])
    copied = script.items[number].copy_of
    return number if copied is None else copied


def _is_of(line: str, articles: set[str]) -> bool:
    values = [value for value in json.loads(line)[:2] if value is not None]
    return any(value.partition(" ")[0] in articles for value in values)


def write_dump(lines: Dump, file: Path) -> None:
    """Keep a dump, a line with its table before it."""
    kept = (f"{table} {line}\n" for table, of_table in lines.items() for line in of_table)
    file.write_text("".join(kept), encoding="utf-8")


def read_dump(file: Path) -> Dump:
    """Take back a dump that was kept."""
    lines: Dump = {table: [] for table in QUERIES}
    for kept in file.read_text(encoding="utf-8").splitlines():
        table, _, line = kept.partition(" ")
        lines[table].append(line)
    return lines


def digest(lines: Dump) -> str:
    """A hash of a dump."""
    return hashlib.sha256(json.dumps(lines, ensure_ascii=False).encode()).hexdigest()


def differences(one: Dump, other: Dump) -> Dump:
    """By table, what stands in one dump alone."""
    found: Dump = {}
    for table, mine in one.items():
        theirs = other[table]
        if mine != theirs:
            alone = [f"clean    {line}" for line in mine if line not in set(theirs)]
            alone += [f"disturbed {line}" for line in theirs if line not in set(mine)]
            found[table] = alone or ["the same lines, not as often"]
    return found
