"""Stories and their seeds, every version of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from ingest.model import SeedText
from storage.schema import seed, story


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStory:
    """A story with the row of its current seed."""

    id: int
    slug: str
    seed_id: int
    seed_is_new: bool  # added by this call, so that verdicts must be recomputed


def store_story(
    connection: Connection, *, title: str, text: SeedText, now: datetime
) -> StoredStory:
    """Store a story and its seed; an edited seed becomes a new row, a known one becomes current."""
    story_id = connection.execute(
        select(story.c.id).where(story.c.slug == text.story)
    ).scalar_one_or_none()
    if story_id is None:
        story_id = connection.execute(
            story.insert()
            .values(slug=text.story, title=title, created_at=now)
            .returning(story.c.id)
        ).scalar_one()
    else:
        connection.execute(update(story).where(story.c.id == story_id).values(title=title))
    found = connection.execute(
        select(seed).where(seed.c.story_id == story_id, seed.c.sha256 == text.sha256)
    ).one_or_none()
    if found is not None and found.is_current and found.text == text.text:
        return StoredStory(id=story_id, slug=text.story, seed_id=found.id, seed_is_new=False)
    connection.execute(update(seed).where(seed.c.story_id == story_id).values(is_current=False))
    if found is not None:
        connection.execute(
            update(seed)
            .where(seed.c.id == found.id)
            .values(is_current=True, text=text.text, residue=text.residue, title=text.title)
        )
        return StoredStory(id=story_id, slug=text.story, seed_id=found.id, seed_is_new=True)
    last = connection.execute(
        select(func.max(seed.c.seq)).where(seed.c.story_id == story_id)
    ).scalar_one()
    seed_id = connection.execute(
        seed.insert()
        .values(
            story_id=story_id,
            seq=(last or 0) + 1,
            is_current=True,
            path=text.path,
            sha256=text.sha256,
            title=text.title,
            text=text.text,
            residue=text.residue,
            language=text.language,
            loaded_at=now,
        )
        .returning(seed.c.id)
    ).scalar_one()
    return StoredStory(id=story_id, slug=text.story, seed_id=seed_id, seed_is_new=True)
