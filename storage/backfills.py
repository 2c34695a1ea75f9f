"""Jobs of backfills: one a source and what was asked of it, with the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from storage.dialect import insert
from storage.schema import backfill_job


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillJob:
    """A job as it stands."""

    id: int
    source: str
    state: str  # running, interrupted, done
    cursor: Mapping[str, Any] | None
    counts: Mapping[str, int]
    holder: str
    leased_until: datetime | None
    started_at: datetime
    updated_at: datetime


def find_job(connection: Connection, spec_key: str) -> BackfillJob | None:
    """The job of a spec, if it was ever begun; nobody else takes it until the commit."""
    row = connection.execute(
        select(backfill_job).where(backfill_job.c.spec_key == spec_key).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return BackfillJob(
        id=row.id,
        source=row.source,
        state=row.state,
        cursor=row.cursor,
        counts=row.counts,
        holder=row.holder,
        leased_until=row.leased_until,
        started_at=row.started_at,
        updated_at=row.updated_at,
    )


def begin_job(
    connection: Connection,
    *,
    spec_key: str,
    source: str,
    spec: Mapping[str, Any],
    holder: str,
    now: datetime,
    leased_until: datetime,
) -> int:
    """Begin a job at the beginning of its source, for the first time or anew; return its id."""
    begun: dict[str, Any] = {
        "state": "running",
        "cursor": None,
        "counts": {},
        "holder": holder,
        "leased_until": leased_until,
        "started_at": now,
        "updated_at": now,
        "finished_at": None,
    }
    statement = insert(connection, backfill_job).values(
        spec_key=spec_key, source=source, spec=dict(spec), **begun
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["spec_key"], set_=begun))
    own = select(backfill_job.c.id).where(backfill_job.c.spec_key == spec_key)
    return int(connection.execute(own).scalar_one())


def resume_job(
    connection: Connection, job_id: int, *, holder: str, now: datetime, leased_until: datetime
) -> None:
    """Go on with a job."""
    connection.execute(
        update(backfill_job)
        .where(backfill_job.c.id == job_id)
        .values(state="running", holder=holder, leased_until=leased_until, updated_at=now)
    )


def save_checkpoint(
    connection: Connection,
    job_id: int,
    *,
    cursor: Mapping[str, Any] | None,
    counts: Mapping[str, int],
    now: datetime,
    leased_until: datetime,
) -> None:
    """Note how far a job is."""
    connection.execute(
        update(backfill_job)
        .where(backfill_job.c.id == job_id)
        .values(
            cursor=None if cursor is None else dict(cursor),
            counts=dict(counts),
            updated_at=now,
            leased_until=leased_until,
        )
    )


def end_job(connection: Connection, job_id: int, *, done: bool, now: datetime) -> None:
    """Note that a run of a job is over, and whether the source was read to its end."""
    connection.execute(
        update(backfill_job)
        .where(backfill_job.c.id == job_id)
        .values(
            state="done" if done else "interrupted",
            leased_until=None,
            updated_at=now,
            finished_at=now if done else None,
        )
    )
