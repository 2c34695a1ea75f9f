"""Analysts' view of the named snapshots."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from storage.columns import Json, UTCDateTime
from storage.view import view_metadata

snapshots = Table(
    "snapshots",
    view_metadata,
    Column("name", Text, comment="on Postgres the schema is snapshot_ and this name"),
    Column("created_at", UTCDateTime, comment="the moment that it shows"),
    Column("note", Text, comment="why it was made"),
    Column("program_version", Text, comment="of the storywatch that made it"),
    Column("contract_version", Text, comment="of the views at that time"),
    Column("schema_revision", Text, comment="of the tables at that time"),
    Column("contents", Json, comment="by the name of a view: its rows and their sha256"),
    comment="Every named snapshot: the views as they were, kept as tables.",
    info={
        "sql": """
SELECT s.name, s.created_at, s.note, s.program_version, s.contract_version, s.schema_revision,
       s.contents
FROM snapshot s
"""
    },
)
