"""The configuration as text a person may paste into a report: as TOML, secrets masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

from ingest.model import FeedSource
from ingest.story import NameGroup, StoryRule

if TYPE_CHECKING:
    from ingest.config import Config

# To the last "@": an unquoted password may hold any character, and too much hidden is no harm.
_PASSWORD = re.compile(r"(://[^:/@?#]*):.*@", re.DOTALL)
_USER = re.compile(r"://[^/@?#]*@")
_SECRET_PARAMETER = re.compile(
    r"([?&][^=&#]*(?:pass|token|secret|key|auth|signature)[^=&#]*=)[^&#]*", re.IGNORECASE
)


def mask_password(url: str) -> str:
    """Hide the password of a URL, and parameters that look like one; the user stays."""
    return _SECRET_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def mask_userinfo(url: str) -> str:
    """Hide everything in a URL that may be a credential, the user's name included."""
    return _USER.sub("://***@", mask_password(url))


def describe_config(config: Config) -> str:
    """The configuration in force as TOML, secrets masked; of a story's names only their number."""
    parts: dict[str, Mapping[str, object]] = {
        "database": {"url": mask_password(config.database.url)},
        "schedule": asdict(config.schedule),
        "fetch": asdict(config.fetch),
        "workers": asdict(config.workers),
    }
    return "\n\n".join(
        (
            f"# read from {config.source}",
            _write_feeds(config.feeds),
            *(_write_table(name, values) for name, values in parts.items()),
            *(_write_story(story.rule, seed=str(story.seed)) for story in config.stories),
        )
    )


def _write_table(name: str, values: Mapping[str, object]) -> str:
    return "\n".join((f"[{name}]", *_assignments(values)))


def _write_story(rule: StoryRule, *, seed: str) -> str:
    window = {
        key: day
        for key, day in (("from", rule.window.since), ("until", rule.window.until))
        if day is not None
    }
    values: dict[str, object] = {
        "slug": rule.slug,
        "title": rule.title,
        "seed": seed,
        "window": window,
        "threshold": rule.threshold,
        "undated": rule.undated.value,
        "undated_evidence": rule.undated_evidence,
    }
    return "\n".join(
        (
            "[[stories]]",
            f"# rule version {rule.rule_version}",
            *(f"# group {_summary(group)}" for group in rule.groups),
            *(f"# anchor {_summary(group)}" for group in rule.anchors),
            *_assignments(values),
        )
    )


def _write_feeds(feeds: Iterable[FeedSource]) -> str:
    return "\n".join(("feeds = [", *(f"  {_inline(_feed(item))}," for item in feeds), "]"))


def _feed(item: FeedSource) -> dict[str, object]:
    values: dict[str, object | None] = {
        "url": mask_userinfo(item.url),
        "outlet": item.outlet.name,
        "domain": item.outlet.domain,
        "country": item.outlet.country,
        "language": item.outlet.language,
    }
    return {key: value for key, value in values.items() if value is not None}


def _summary(group: NameGroup) -> str:
    names = sum(len(texts) for _, texts in group.names)
    how = "required" if group.required else f"weight {group.weight}"
    return f"{group.key}: {names} names in {len(group.names)} languages, {how}"


def _assignments(values: Mapping[str, object]) -> Iterator[str]:
    return (f"{key} = {_value(value)}" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _inline(value)
    return str(value) if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _inline(values: Mapping[str, object]) -> str:
    return "{ " + ", ".join(_assignments(values)) + " }" if values else "{}"
