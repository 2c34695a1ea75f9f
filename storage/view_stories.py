"""Analysts' view of the stories, and of the seeds that all else is compared with."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, Table, Text

from storage.columns import BigInt, UTCDateTime
from storage.view import view_metadata

seeds = Table(
    "seeds",
    view_metadata,
    Column("story_id", BigInt, comment="story.id"),
    Column("story", Text, comment="slug of the story, as in all other views"),
    Column("story_title", Text, comment="name of the story, for people"),
    Column("seed_seq", Integer, comment="1, 2, …: an edited seed is a new one"),
    Column("is_current", Boolean, comment="what articles are compared with now"),
    Column("title", Text, comment="headline of the seed"),
    Column("language", Text, comment="of the seed: ISO 639-1"),
    Column("text", Text, comment="what is compared"),
    Column("sha256", Text, comment="of the file's bytes"),
    Column("loaded_at", UTCDateTime, comment="when it was read first"),
    comment="Every story and its seed texts; an edited seed stays beside the new one.",
    info={
        "sql": """
SELECT s.id AS story_id, s.slug AS story, s.title AS story_title, d.seq AS seed_seq,
       d.is_current, d.title, d.language, d.text, d.sha256, d.loaded_at
FROM seed d
JOIN story s ON s.id = d.story_id
"""
    },
)
