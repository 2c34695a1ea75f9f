"""Having articles looked at before their time, inside the caller's transaction.

article -> when it was last looked at -> plan_wake -> a row in the queue of those that come first
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from ingest.context import Context
from ingest.schedule import plan_wake
from storage.lifecycle import last_checks, wake_articles


def wake(
    connection: Connection,
    context: Context,
    changed: Mapping[int, datetime | None],
    *,
    reason: str,
    now: datetime,
) -> None:
    """Wake articles, by id, of which something says that they changed, and when if it says so."""
    due = {
        article_id: plan_wake(
            checked_at=checked_at,
            changed_at=changed[article_id],
            now=now,
            budget=context.check_budget,
        )
        for article_id, checked_at in last_checks(connection, changed).items()
    }
    wake_articles(connection, {key: at for key, at in due.items() if at is not None}, reason=reason)
