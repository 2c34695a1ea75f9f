"""Analysts' views of the program itself: what it ran, and which contract its views keep."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, Text

from storage.columns import BigInt, Json, UTCDateTime
from storage.view import view_metadata

MAJOR, MINOR = 1, 0
"""Version of the contract: a column or view that goes, or is another thing, is a new major one."""
RELEASED = "2026-12-03"

runs = Table(
    "runs",
    view_metadata,
    Column("run_id", BigInt, comment="job_run.id"),
    Column("job", Text, comment="of the daemon, or the command"),
    Column("started_at", UTCDateTime, comment="when"),
    Column("finished_at", UTCDateTime, comment="null: it runs, or was killed"),
    Column("seconds", BigInt, comment="it took, in whole ones; null: not finished"),
    Column("outcome", Text, comment="done, failed; null: not finished"),
    Column("is_unfinished", Boolean, comment="it still runs, or was killed"),
    Column("is_last", Boolean, comment="no later run of the job has begun"),
    Column("counts", Json, comment="what it did, by outcome"),
    Column("error", Text, comment="why it failed"),
    comment="Every run of a job or a command. One that is unfinished and not the last was killed, "
    "unless two ran side by side.",
    info={
        "sql": """
SELECT r.id AS run_id, r.job, r.started_at, r.finished_at,
       {epoch:r.finished_at} - {epoch:r.started_at} AS seconds, r.outcome,
       CASE WHEN r.finished_at IS NULL THEN TRUE ELSE FALSE END AS is_unfinished,
       CASE WHEN r.id = l.id THEN TRUE ELSE FALSE END AS is_last, r.counts, r.error
FROM job_run r
JOIN (SELECT job, MAX(id) AS id FROM job_run GROUP BY job) l ON l.job = r.job
"""
    },
)

contract_version = Table(
    "contract_version",
    view_metadata,
    Column("major", Integer, comment="raised when a view or column goes or means something else"),
    Column("minor", Integer, comment="raised when one is added"),
    Column("version", Text, comment="both, as 1.0"),
    Column("released", Text, comment="day of this version, as 2026-12-03"),
    Column("schema_revision", Text, comment="of the tables behind the views"),
    comment="The version of these views, in one row.",
    info={
        "sql": f"""
SELECT {MAJOR} AS major, {MINOR} AS minor, '{MAJOR}.{MINOR}' AS version, '{RELEASED}' AS released,
       (SELECT CAST(version_num AS TEXT) FROM alembic_version) AS schema_revision
"""  # noqa: S608 - the three constants above
    },
)
