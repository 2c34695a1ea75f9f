"""Runs of jobs and commands: what ran, when, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from storage.schema import job_run


def start_run(connection: Connection, job: str, now: datetime) -> int:
    """Note that a job starts; return the run's id."""
    statement = job_run.insert().values(job=job, started_at=now, counts={})
    return int(connection.execute(statement.returning(job_run.c.id)).scalar_one())


def finish_run(
    connection: Connection,
    run_id: int,
    *,
    outcome: str,
    counts: Mapping[str, int],
    error: str | None,
    now: datetime,
) -> None:
    """Note how a run ended."""
    connection.execute(
        update(job_run)
        .where(job_run.c.id == run_id)
        .values(finished_at=now, outcome=outcome, counts=dict(counts), error=error)
    )


def last_runs(connection: Connection) -> tuple[dict[str, Any], ...]:
    """The newest run of each job."""
    newest = select(func.max(job_run.c.id)).group_by(job_run.c.job)
    rows = connection.execute(
        select(job_run).where(job_run.c.id.in_(newest)).order_by(job_run.c.job)
    )
    return tuple(dict(row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's documented name
