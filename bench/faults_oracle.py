"""What must be in the database by the press's script alone, and what is.

It shares no code with the program: it knows the script, and reads tables with plain SQL.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from faults_press import Press
from faults_script import Item
from faults_store import Store

_ORPHANS = {
    "articles without a current version of their own": """
        SELECT count(*) FROM article a WHERE NOT EXISTS (
            SELECT 1 FROM version v WHERE v.id = a.current_version_id AND v.article_id = a.id)""",
    "articles whose current version is not their last": """
        SELECT count(*) FROM article a JOIN version v ON v.id = a.current_version_id
        WHERE v.seq <> (SELECT max(w.seq) FROM version w WHERE w.article_id = a.id)""",
    "articles without an address": """
        SELECT count(*) FROM article WHERE id NOT IN (SELECT article_id FROM article_url)""",
    "articles without a feed": """
        SELECT count(*) FROM article WHERE id NOT IN (SELECT article_id FROM article_feed)""",
    "articles without a story": """
        SELECT count(*) FROM article WHERE id NOT IN (SELECT article_id FROM article_story)""",
    "articles without a cluster": """
        SELECT count(*) FROM article WHERE id NOT IN (SELECT article_id FROM article_cluster)""",
    "versions that no look showed": """
        SELECT count(*) FROM version WHERE id NOT IN (
            SELECT version_id FROM observation WHERE version_id IS NOT NULL)""",
    "versions without a fingerprint": """
        SELECT count(*) FROM version WHERE id NOT IN (SELECT version_id FROM fingerprint)""",
    "versions without shingles": """
        SELECT count(*) FROM version WHERE id NOT IN (SELECT version_id FROM shingle)""",
    "versions without features": """
        SELECT count(*) FROM version WHERE id NOT IN (SELECT version_id FROM feature)""",
    "versions not compared with the seed": """
        SELECT count(*) FROM version WHERE id NOT IN (
            SELECT child_version_id FROM edge WHERE seed_id IS NOT NULL)""",
    "later versions without a change": """
        SELECT count(*) FROM version WHERE seq > 1
            AND id NOT IN (SELECT to_version_id FROM change)""",
    "bodies that no look had": """
        SELECT count(*) FROM raw WHERE sha256 NOT IN (
            SELECT raw_sha256 FROM observation WHERE raw_sha256 IS NOT NULL)""",
    "first sights without a body": """
        SELECT count(*) FROM observation WHERE outcome = 'new-version' AND raw_sha256 IS NULL""",
}
_DOUBLES = {
    "articles of one address": """
        SELECT count(*) - count(DISTINCT canonical_url) FROM article""",
    "versions of one text in one article": """
        SELECT count(*) FROM (SELECT article_id, content_hash FROM version
            GROUP BY article_id, content_hash HAVING count(*) > 1) d""",
    "versions seen first in two looks": """
        SELECT count(*) FROM (SELECT version_id FROM observation
            WHERE outcome = 'new-version' GROUP BY version_id HAVING count(*) > 1) d""",
    "verdicts on one pair": """
        SELECT count(*) FROM (SELECT child_version_id, coalesce(parent_version_id, -seed_id) AS p
            FROM edge GROUP BY child_version_id, coalesce(parent_version_id, -seed_id),
            method_version HAVING count(*) > 1) d""",
}


@dataclass
class Judgement:
    """What was found; all three lists must be empty."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is amiss."""
        return not (self.lost or self.doubled or self.wrong)


def url_of(press: Press, item: Item) -> str:
    """Where an article stands."""
    return press.bases[item.outlet] + item.path


def unmet(press: Press, store: Store) -> list[str]:
    """The addresses of which the database does not hold yet what the present act wants."""
    if press.act == 1:
        held = {url for (url,) in store.rows("SELECT canonical_url FROM article")}
        return [url for item in press.script.items if (url := url_of(press, item)) not in held]
    query = (
        "SELECT a.canonical_url, a.state, count(v.id) FROM article a"
        " JOIN version v ON v.article_id = a.id GROUP BY a.canonical_url, a.state"
    )
    stand = {url: (state, int(count)) for url, state, count in store.rows(query)}
    return [
        url_of(press, item)
        for item in press.script.items
        if stand.get(url_of(press, item)) != (_state(press, item), len(item.texts))
    ]


def _state(press: Press, item: Item) -> str:
    return "gone" if press.is_gone(item) else "live"


def judge(press: Press, store: Store) -> Judgement:
    """Compare the database with the script, after the last act."""
    found = Judgement()
    found.wrong += store.integrity()
    for tables, into in ((_ORPHANS, found.wrong), (_DOUBLES, found.doubled)):
        into += [f"{count} {what}" for what, q in tables.items() if (count := store.number(q))]
    _judge_articles(press, store, found)
    _judge_events(press, store, found)
    _judge_looks(press, store, found)
    for table in ("candidate", "discard"):
        query = f"SELECT count(*) FROM {table}"
        if count := store.number(query):
            found.wrong.append(f"{count} rows are left in {table}")
    return found


def _judge_articles(press: Press, store: Store, found: Judgement) -> None:
    query = (
        "SELECT a.canonical_url, a.state, v.seq, v.title, v.text FROM article a"
        " JOIN version v ON v.article_id = a.id ORDER BY v.article_id, v.seq"
    )
    held: dict[str, list[tuple[str, str, int, str, str]]] = {}
    for row in store.rows(query):
        held.setdefault(row[0], []).append(row)
    for item in press.script.items:
        url = url_of(press, item)
        versions = held.pop(url, [])
        _judge_versions(url, item, [(seq, _text(t, x)) for _, _, seq, t, x in versions], found)
        if versions and versions[0][1] != _state(press, item):
            found.wrong.append(f"{url} is {versions[0][1]}, not {_state(press, item)}")
    found.wrong += [f"an article that nobody published: {url}" for url in held]


def _text(title: str, text: str) -> tuple[str, str]:
    """Headline and text, white space aside."""
    return title, " ".join(text.split())


def _judge_versions(
    url: str, item: Item, versions: list[tuple[int, tuple[str, str]]], found: Judgement
) -> None:
    expected = [_text(text.title, " ".join(text.sentences)) for text in item.texts]
    stored = [text for _, text in versions]
    if not stored:
        found.lost.append(f"the article {url}")
        return
    counts, wanted = Counter(stored), Counter(expected)
    found.lost += [f"a version of {url}: {text[0]}" for text in (wanted - counts)]
    for text in counts - wanted:
        into = found.doubled if text in wanted else found.wrong
        into.append(f"a version too many of {url}: {text[0]} {text[1][:200]}")
    if counts == wanted and (
        stored != expected or [seq for seq, _ in versions] != list(range(1, len(stored) + 1))
    ):
        found.wrong.append(f"the versions of {url} are out of order")


def _judge_events(press: Press, store: Store, found: Judgement) -> None:
    """Each taken down once, each returned once, nothing else."""
    query = (
        "SELECT a.canonical_url, e.kind FROM article_event e JOIN article a ON a.id = e.article_id"
        " ORDER BY e.id"
    )
    told: dict[str, list[str]] = {}
    for url, kind in store.rows(query):
        told.setdefault(url, []).append(kind)
    for item in press.script.items:
        wanted = ["gone"] * item.removed + ["back"] * item.returns
        events = told.pop(url_of(press, item), [])
        if events != wanted:
            again = len(events) > len(wanted) and set(events) == set(wanted)
            more = found.doubled if again else found.wrong
            into = found.lost if len(events) < len(wanted) else more
            into.append(f"{url_of(press, item)}: {events} was told, not {wanted}")


def _judge_looks(press: Press, store: Store, found: Judgement) -> None:
    """No answer is seen twice, and none that was not given."""
    seen: Counter[int] = Counter()
    for headers, outcome in store.rows(
        "SELECT headers, outcome FROM observation WHERE headers IS NOT NULL"
    ):
        stored: dict[str, Any] = json.loads(headers) if isinstance(headers, str) else headers
        number = int(stored["x-answer"])
        seen[number] += 1
        if number not in press.told:
            found.wrong.append(f"a look ({outcome}) at answer {number}, which nobody gave")
    found.doubled += [f"answer {n} is in {count} looks" for n, count in seen.items() if count > 1]
    bounds = {
        "SELECT requested_url, count(*) FROM observation WHERE status = 304 GROUP BY 1": (
            press.unmodified
        ),
        "SELECT f.url, count(*) FROM feed_poll p JOIN feed f ON f.id = p.feed_id"
        " WHERE p.outcome = 'not-modified' GROUP BY 1": press.unmodified,
        "SELECT f.url, count(*) FROM feed_poll p JOIN feed f ON f.id = p.feed_id"
        " WHERE p.outcome IN ('parsed', 'same-body') GROUP BY 1": press.full,
    }
    for query, given in bounds.items():
        for url, count in store.rows(query):
            outlet = next(n for n, base in enumerate(press.bases) if url.startswith(base + "/"))
            where = f"{outlet}{url.removeprefix(press.bases[outlet])}"
            if count > given[where]:
                found.doubled.append(f"{url}: {count} looks at {given[where]} answers ({query})")
