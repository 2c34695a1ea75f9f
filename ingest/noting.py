"""Keeping what the versions of an article quote and count, inside the caller's transaction.

A new version only moves what came or went. An article that another method read, or none as before
an upgrade, is read whole: here when it gets a version, else by housekeeping or `db upgrade`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from ingest.context import Context
from ingest.model import Rejection, Sayings
from ingest.sayings import METHOD_VERSION, find_all, find_sayings
from storage.engine import transaction
from storage.sayings import add_sayings, replace_sayings, replace_seed_sayings
from storage.unread import (
    articles_not_read_by,
    count_not_read_by,
    is_read_by,
    texts_of,
    versions_of,
)

log = logging.getLogger("storywatch.noting")

_BATCH = 50  # articles


def note_version(
    connection: Connection, article_id: int, version_id: int, sayings: Sayings
) -> None:
    """Write what a version says that was just stored, in whatever place of the history."""
    if is_read_by(connection, article_id, METHOD_VERSION):
        add_sayings(connection, article_id, version_id, sayings)
    elif versions_of(connection, article_id) == [version_id]:
        replace_sayings(connection, article_id, {version_id: sayings}, METHOD_VERSION)
    else:
        _read_article(connection, article_id)


def note_repeat(connection: Connection, article_id: int, version_id: int) -> None:
    """The same for the article's last version whose content an earlier one had."""
    text = texts_of(connection, article_id)[-1]
    assert text.version_id == version_id
    note_version(
        connection, article_id, version_id, find_sayings(text.text, language=text.language)
    )


def note_seed(connection: Connection, seed_id: int, text: str, *, language: str | None) -> None:
    """Write what a seed says, in place of what was there."""
    replace_seed_sayings(connection, seed_id, find_sayings(text, language=language))


def _read_article(connection: Connection, article_id: int) -> None:
    texts = texts_of(connection, article_id)
    found = find_all([(text.text, text.language) for text in texts])
    versions = [text.version_id for text in texts]
    replace_sayings(connection, article_id, dict(zip(versions, found, strict=True)), METHOD_VERSION)


def count_unread(engine: Engine) -> int:
    """How many articles this method has not read. Raises StorageError."""
    with transaction(engine) as connection:
        return count_not_read_by(connection, METHOD_VERSION)


def read_unread(engine: Engine, *, on_articles: Callable[[int], None] = lambda _: None) -> int:
    """Read every article that this method has not read; return how many they were.

    A transaction for every fifty: killed, the next run goes on where it was. Raises StorageError.
    """
    read = 0
    while True:
        with transaction(engine) as connection:
            batch = articles_not_read_by(connection, METHOD_VERSION, after=0, limit=_BATCH)
            for article_id in batch:
                _read_article(connection, article_id)
        if not batch:
            return read
        read += len(batch)
        on_articles(len(batch))


async def read_unread_beside(context: Context) -> int:
    """The same in the workers, one article at a time, while the daemon watches."""
    read = after = 0
    while not context.stopping.is_set():
        batch = await context.store(articles_not_read_by, METHOD_VERSION, after=after, limit=_BATCH)
        if not batch:
            break
        for article_id in batch:
            texts = await context.store(texts_of, article_id)
            found = await context.compute(find_all, [(text.text, text.language) for text in texts])
            if isinstance(found, Rejection):
                log.warning("article %d could not be read again: %s", article_id, found.reason)
                continue
            versions = {text.version_id: said for text, said in zip(texts, found, strict=True)}
            read += await context.store(_replace_unless_newer, article_id, versions)
            if context.stopping.is_set():
                break
        after = batch[-1]
    return read


def _replace_unless_newer(
    connection: Connection, article_id: int, versions: dict[int, Sayings]
) -> int:
    """Write what was found unless a version came in between, with which all was read."""
    if versions_of(connection, article_id) != list(versions):
        return 0
    replace_sayings(connection, article_id, versions, METHOD_VERSION)
    return 1
