"""The job that a backfill is: begun, resumed or refused, with its checkpoint.

What a source was asked for makes the job: the same asked again goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from ingest.backfill.items import Cursor, Source
from ingest.context import Context
from ingest.errors import AlreadyRunningError, UsageError
from ingest.schedule import plan_after_interruption
from storage.backfills import begin_job, end_job, find_job, resume_job, save_checkpoint
from storage.claims import give_back, settle_interrupted
from storage.lock import is_gone, process_name
from storage.schema import candidate

_LEASE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A job that this process works on."""

    id: int
    cursor: Cursor | None  # None: at the beginning
    counts: Mapping[str, int]  # of the runs before


def spec_key(name: str, spec: Mapping[str, Any]) -> str:
    """Return the hash that a source and what was asked of it are known by."""
    told = json.dumps([name, spec], sort_keys=True, ensure_ascii=False)
    return sha256(told.encode("utf-8", "replace")).hexdigest()


async def begin(
    context: Context, source: Source, *, limit: int | None, resume: bool, restart: bool
) -> Begun:
    """Begin the job of a source, or go on with it; a limit makes it another job.

    Raises UsageError when it was interrupted and neither `resume` nor `restart` says what to do,
    AlreadyRunningError when another process works on it.
    """
    spec = {**source.spec, **({} if limit is None else {"limit": limit})}
    begun = await context.store(
        _begin, context, name=source.name, spec=spec, resume=resume, restart=restart
    )
    context.fence.job = begun.id
    return begun


def _begin(
    connection: Connection,
    context: Context,
    *,
    name: str,
    spec: Mapping[str, Any],
    resume: bool,
    restart: bool,
) -> Begun:
    now, key, own = context.now(), spec_key(name, spec), process_name()
    found = find_job(connection, key)
    unfinished = found is not None and found.state != "done"
    if found is not None:
        lives = found.leased_until is not None and found.leased_until > now
        if lives and found.holder != own and not is_gone(found.holder):
            raise AlreadyRunningError(
                f"this backfill is being run by {found.holder}, which last gave sign at"
                f" {found.updated_at:%H:%M:%S} UTC; wait for it, or end it and use --resume"
            )
    if found is not None and unfinished and not (resume or restart):
        raise UsageError(
            f"this backfill was begun at {found.started_at:%Y-%m-%d %H:%M} UTC and is not finished;"
            " --resume goes on at its checkpoint, --restart begins anew"
        )
    if found is not None and unfinished and resume:
        resume_job(connection, found.id, holder=own, now=now, leased_until=now + _LEASE)
        _take_back(connection, context, found.id, now)
        return Begun(id=found.id, cursor=found.cursor, counts=found.counts)
    job_id = begin_job(
        connection,
        spec_key=key,
        source=name,
        spec=spec,
        holder=own,
        now=now,
        leased_until=now + _LEASE,
    )
    return Begun(id=job_id, cursor=None, counts={})


def _take_back(connection: Connection, context: Context, job_id: int, now: datetime) -> None:
    """Make due again what the run before had claimed: it was in hand when that was killed."""

    def plan(interrupted: int) -> datetime | None:
        return plan_after_interruption(
            interrupted, now=now, budget=context.retry_budget, jitter=context.chance()
        )

    settle_interrupted(connection, candidate, -job_id, plan=plan)


async def checkpoint(
    context: Context, job: Begun, *, cursor: Cursor | None, counts: Mapping[str, int]
) -> None:
    """Note how far the job is; all items up to there are written."""
    now = context.now()
    await context.store(
        save_checkpoint, job.id, cursor=cursor, counts=counts, now=now, leased_until=now + _LEASE
    )


async def end(context: Context, job: Begun, *, done: bool) -> None:
    """Note that the run is over; what it claimed and did not finish is given back."""
    await context.store(_end, job.id, done=done, now=context.now())


def _end(connection: Connection, job_id: int, *, done: bool, now: datetime) -> None:
    give_back(connection, candidate, -job_id)
    end_job(connection, job_id, done=done, now=now)
