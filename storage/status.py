"""What the database holds right now, for `storywatch status`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from storage.articles import count_articles
from storage.candidates import count_candidates, next_candidate_at
from storage.engine import read_connection
from storage.feeds import count_due, count_feeds
from storage.lifecycle import open_alarms
from storage.runs import last_runs
from storage.schema import discard, edge, observation, version


def read_status(engine: Engine, now: datetime) -> dict[str, Any]:
    """Figures by name, in the order of the flow."""
    with read_connection(engine) as connection:
        relations = connection.execute(
            select(edge.c.relation, func.count())
            .where(edge.c.seed_id.is_not(None))
            .group_by(edge.c.relation)
            .order_by(edge.c.relation)
        )
        totals = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (version, observation, discard)
        }
        return {
            "database": engine.url.render_as_string(hide_password=True),
            "feeds": count_feeds(connection),
            "feeds due": count_due(connection, now),
            "waiting pages": count_candidates(connection),
            "next page due": next_candidate_at(connection),
            "articles": count_articles(connection),
            "versions": totals["version"],
            "observations": totals["observation"],
            "discards": totals["discard"],
            "relations to the seed": {str(name): int(count) for name, count in relations},
            "alarms": [
                f"{alarm.domain} since {alarm.raised_at:%Y-%m-%d %H:%M}: {alarm.detail}"
                for alarm in open_alarms(connection)
            ],
            "last runs": list(last_runs(connection)),
        }
