"""Finding stored versions that may share text with a new one: by shingles, anchors, signatures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, Table, bindparam, func, or_, select

from ingest.model import Features, Fingerprint
from storage.dialect import listed
from storage.schema import anchor, article, feature, fingerprint, shingle, version

_ROWS = 600
"""Rows read for one lookup; the rarest hashes come first, and they tell most."""

_LOOKUP_HASHES = 300
"""Hashes looked up for one text; the smallest ones, which are a fair sample of a FracMinHash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredText:
    """A stored version with what it is compared by; None when it has no features yet."""

    version_id: int
    article_id: int
    title: str
    text: str
    language: str | None
    published_at: datetime | None
    first_observed_at: datetime
    seq: int
    first_seen_at: datetime  # the article
    features: Features | None


def had_text(connection: Connection, stored: StoredText, at: datetime) -> bool:
    """Whether an article had a version's text at a moment, under whatever headline.

    Of the first version nobody knows how long it had been there when it was first seen.
    """
    query = (
        select(version.c.id)
        .where(
            version.c.article_id == stored.article_id,
            version.c.text == stored.text,
            or_(version.c.seq == 1, version.c.first_observed_at <= at),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def add_fingerprint(connection: Connection, version_id: int, value: Fingerprint) -> None:
    """Store the hashes that find copies of a version."""
    connection.execute(
        fingerprint.insert().values(
            version_id=version_id,
            text_hash=value.text_hash,
            language=value.language,
            words=value.words,
            shingles=len(value.shingles),
            method_version=value.method_version,
        )
    )
    if value.shingles:
        connection.execute(
            shingle.insert(),
            [{"hash": item, "version_id": version_id} for item in sorted(set(value.shingles))],
        )


def add_features(
    connection: Connection, version_id: int, value: Features, *, judged_by: str | None
) -> None:
    """Store what a version is compared by, in place of what was there.

    `judged_by` is the rule that told its relations to other versions, None when none did yet.
    """
    for table in (anchor, feature):
        connection.execute(table.delete().where(table.c.version_id == version_id))
    connection.execute(
        feature.insert().values(
            version_id=version_id,
            language=value.language,
            lengths=value.lengths,
            quoted=value.quoted,
            anchors=value.anchors,
            vectors=value.vectors,
            document=value.document,
            signature=value.signature,
            model=value.model,
            model_version=value.model_version,
            method_version=value.method_version,
            judged_by=judged_by,
        )
    )
    if value.lookup:
        connection.execute(
            anchor.insert(), [{"key": key, "version_id": version_id} for key in value.lookup]
        )


def sharing_shingles(
    connection: Connection, hashes: Sequence[int], *, common: int
) -> dict[int, list[int]]:
    """Versions by each shingle hash that no more than `common` versions have."""
    return _holders(connection, shingle, "hash", hashes[:_LOOKUP_HASHES], common=common)


def sharing_anchors(
    connection: Connection, keys: Sequence[int], *, common: int
) -> dict[int, list[int]]:
    """Versions by each anchor that no more than `common` versions have."""
    return _holders(connection, anchor, "key", keys, common=common)


def _holders(
    connection: Connection, table: Table, name: str, wanted: Sequence[int], *, common: int
) -> dict[int, list[int]]:
    """What is common tells nothing and costs most: it is counted up to the limit, then left out."""
    if not wanted:
        return {}
    lookup = _lookup_in(connection.dialect.name, table, name)
    counted = connection.execute(lookup.count, {"wanted": wanted, "most": common + 1})
    rare, rows_wanted = [], 0
    for count, value in sorted((count, value) for value, count in counted):
        rows_wanted += count
        if 0 < count <= common and rows_wanted <= _ROWS:
            rare.append(value)
    found: dict[int, list[int]] = {}
    if rare:
        for value, version_id in connection.execute(lookup.fetch, {"wanted": rare}):
            found.setdefault(value, []).append(version_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lookup:
    """How many versions have each of the wanted numbers, and which."""

    count: Select[int, int]
    fetch: Select[int, int]


@cache
def _lookup_in(dialect: str, table: Table, name: str) -> _Lookup:
    """Built once: building a statement takes several times as long as SQLite takes to run it."""
    own = table.c[name]
    asked = listed(dialect, "wanted")
    few = (
        select(table.c.version_id)
        .where(own == asked.c.value)
        .limit(bindparam("most"))
        .correlate(asked)
        .subquery()
    )
    return _Lookup(
        count=select(asked.c.value, select(func.count()).select_from(few).scalar_subquery()),
        fetch=select(own, table.c.version_id).select_from(asked.join(table, own == asked.c.value)),
    )


_SIGNATURES = (
    select(feature.c.version_id, feature.c.signature)
    .where(feature.c.version_id > bindparam("after"))
    .order_by(feature.c.version_id)
)


def signatures_after(connection: Connection, version_id: int) -> Iterator[tuple[int, bytes]]:
    """Document signatures of the versions stored after one, in the order of their ids."""
    for row in connection.execute(_SIGNATURES, {"after": version_id}):
        yield row.version_id, row.signature


def signatures_of(connection: Connection, version_ids: Iterable[int]) -> list[tuple[int, bytes]]:
    """Document signatures of these versions, as far as they are stored."""
    wanted = list(version_ids)
    query = select(feature.c.version_id, feature.c.signature).where(
        feature.c.version_id.in_(wanted)
    )
    return [(row.version_id, row.signature) for row in connection.execute(query)]


def load_texts(connection: Connection, version_ids: Sequence[int]) -> tuple[StoredText, ...]:
    """The versions with their features, in the order asked for."""
    rows = connection.execute(
        select(
            version.c.id,
            version.c.article_id,
            version.c.title,
            version.c.text,
            version.c.language,
            version.c.first_observed_at,
            version.c.seq,
            article.c.first_seen_at,
            article.c.published_at.label("article_published_at"),
            feature,
            feature.c.language.label("feature_language"),
        )
        .join(article, article.c.id == version.c.article_id)
        .outerjoin(feature, feature.c.version_id == version.c.id)
        .where(version.c.id.in_(version_ids))
    )
    found = {
        row.id: StoredText(
            version_id=row.id,
            article_id=row.article_id,
            title=row.title,
            text=row.text,
            language=row.language,
            published_at=row.article_published_at,
            first_observed_at=row.first_observed_at,
            seq=row.seq,
            first_seen_at=row.first_seen_at,
            features=None
            if row.lengths is None
            else Features(
                language=row.feature_language,
                lengths=row.lengths,
                quoted=row.quoted,
                anchors=row.anchors,
                vectors=row.vectors,
                document=row.document,
                signature=row.signature,
                lookup=(),  # only a new text is looked up
                model=row.model,
                model_version=row.model_version,
                method_version=row.method_version,
            ),
        )
        for row in rows
    }
    return tuple(found[item] for item in version_ids if item in found)


def articles_of(connection: Connection, version_ids: Sequence[int]) -> dict[int, int]:
    """The article of each version."""
    rows = connection.execute(_articles_in(connection.dialect.name), {"wanted": version_ids})
    return dict(iter(rows))


@cache
def _articles_in(dialect: str) -> Select[int, int]:
    asked = listed(dialect, "wanted")
    return select(version.c.id, version.c.article_id).select_from(
        asked.join(version, version.c.id == asked.c.value)
    )
