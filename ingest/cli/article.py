"""An article as people name it on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.history import ArticleHead


def find_article(connection: Connection, named: str) -> ArticleHead:
    """The article of an id or of one of its URLs.

    Raises UsageError, which says how to list the articles, when there is none.
    """
    from ingest.errors import BadURLError  # noqa: PLC0415
    from ingest.urls import canonicalize, url_key  # noqa: PLC0415
    from storage.history import article_head, article_of_url  # noqa: PLC0415

    where = '`storywatch sql "SELECT article_id, url, title FROM articles"` lists the articles'
    if named.isascii() and named.isdigit() and len(named) < 19:
        article_id: int | None = int(named)
    else:
        try:
            article_id = article_of_url(connection, url_key(canonicalize(named)))
        except BadURLError as error:
            raise UsageError(f"{named}: neither an article id nor a URL; {where}") from error
    head = None if article_id is None else article_head(connection, article_id)
    if head is None:
        raise UsageError(f"{named}: no such article; {where}")
    return head
