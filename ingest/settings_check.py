"""What can be wrong with a configuration, said so that a person can mend it.

Every message is "place: key: what is wrong; what to do", the place being the file, the environment
variable or the flag that set the value.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingest.errors import ConfigError
from ingest.model import FeedSource
from ingest.settings import Settings
from ingest.settings_text import mask_password, mask_userinfo
from ingest.story import StoryRule, compile_story

_HINTS = {
    "country": 'write ISO 3166-1 alpha-2 in capitals, as in "KR"',
    "language": 'write ISO 639-1 in small letters, as in "ko"',
    "domain": 'write the registered domain alone, as in "bbc.com"',
    "slug": 'use small letters, digits and single hyphens, as in "kim-putin"',
    "from": "write a date without quotes, as in 2023-08-25",
    "until": "write a date without quotes, as in 2023-09-30",
}
_DATABASES = ("sqlite", "postgresql", "postgres")


def fail(settings: Settings, key: str, problem: str) -> ConfigError:
    """The error for a key."""
    return ConfigError(f"{settings.locate(key)}: {key}: {problem}")


def describe_problem(
    settings: Settings,
    *,
    location: Sequence[str | int],
    kind: str,
    message: str,
    found: object,
    schema: Mapping[str, Any],
) -> ConfigError:
    """Turn what a validator says of a value into an error; `schema` is its JSON schema."""
    key = name_key(settings.values, location)
    last = str(location[-1]) if location else ""
    if kind == "unexpected_keyword_argument":
        tables = (schema, *schema.get("$defs", {}).values())
        known = [name for item in tables for name in item.get("properties", ())]
        near = [name for name in known if name.startswith(last)]
        near = near or difflib.get_close_matches(last, known, n=1)
        advice = f"did you mean {near[0]}?" if near else "remove it"
        return fail(settings, key, f"unknown key; {advice}")
    if kind == "missing":
        return fail(settings, key, f"is missing; {_HINTS.get(last, 'add it')}")
    shown = mask_userinfo(repr(found)[:80])
    if last in _HINTS:
        return fail(settings, key, f"{shown} does not do; {_HINTS[last]}")
    return fail(settings, key, f"{message[:1].lower()}{message[1:]}, not {shown}")


def name_key(values: Mapping[str, object], location: Sequence[str | int]) -> str:
    """Write a location as a dotted key; an item of a list is named by its URL, slug or key."""
    name, here = "", values  # type: str, object
    for part in location:
        if isinstance(part, int):
            here = here[part] if isinstance(here, list) and part < len(here) else None
            title = _item_name(here)
            name += f"[{part}]" + (f" ({title})" if title else "")
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
            name += f".{part}" if name else part
    return name


def check_database_url(settings: Settings, url: str) -> None:
    """Refuse a URL of a database that this program does not know."""
    scheme = url.partition("://")[0].partition("+")[0]
    if "://" not in url or scheme not in _DATABASES:
        raise fail(
            settings,
            "database.url",
            f"{mask_password(url)!r} is no database URL; write sqlite:///path/to/file.db"
            " or postgresql://user@host/name",
        )


def check_interval(settings: Settings, *, floor: float, ceiling: float) -> None:
    """Refuse an interval that ends before it begins."""
    if floor > ceiling:
        raise fail(
            settings,
            "schedule.floor_seconds",
            f"{floor:g} is above schedule.ceiling_seconds, {ceiling:g}; lower it",
        )


def check_engine(settings: Settings, *, engine: str, scheduler: str) -> None:
    """Raise ConfigError when a cluster is asked for without its address, or the other way round."""
    if engine == "dask" and not is_scheduler(scheduler):
        raise ConfigError(
            f"{settings.locate('workers.scheduler')}: workers.scheduler:"
            " name the cluster's scheduler, as in tcp://10.0.0.5:8786"
        )
    if engine != "dask" and scheduler:
        raise ConfigError(
            f"{settings.locate('workers.scheduler')}: workers.scheduler:"
            ' is of no use without engine = "dask"'
        )


def is_scheduler(address: str) -> bool:
    """Whether an address may be that of a Dask scheduler."""
    return re.fullmatch(r"(?:tcp|tls)://[^\s/]+:[0-9]{1,5}", address) is not None


def check_networks(settings: Settings, networks: Sequence[str]) -> None:
    """Refuse what is no network in CIDR notation (RFC 4632)."""
    for number, network in enumerate(networks):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise fail(
                settings,
                f"fetch.allow_networks[{number}]",
                f'{error}; write a network, as in "10.0.0.0/8"',
            ) from error


def check_feeds(settings: Settings, feeds: Sequence[FeedSource]) -> None:
    """Refuse URLs that are none, feeds listed twice, and outlets that contradict themselves."""
    urls: dict[str, int] = {}
    outlets: dict[str, tuple[int, FeedSource]] = {}
    for number, feed in enumerate(feeds):
        key = name_key(settings.values, ("feeds", number))
        if (problem := _url_problem(feed.url)) is not None:
            raise fail(settings, f"{key}.url", problem)
        earlier = urls.setdefault(_same_feed(feed.url), number)
        if earlier != number:
            raise fail(settings, f"{key}.url", f"listed already as feeds[{earlier}]; remove one")
        first_number, first = outlets.setdefault(feed.outlet.domain, (number, feed))
        for field in ("name", "country"):
            ours, theirs = getattr(feed.outlet, field), getattr(first.outlet, field)
            if ours != theirs:
                written = "outlet" if field == "name" else field
                raise fail(
                    settings,
                    f"{key}.{written}",
                    f"{ours!r}, but feeds[{first_number}] says {theirs!r} of the same domain"
                    f" {feed.outlet.domain}; make them equal",
                )


def check_story(settings: Settings, number: int, rule: StoryRule, *, seed: Path) -> None:
    """Refuse a story that cannot be judged by."""
    key = name_key(settings.values, ("stories", number))
    if not seed.is_file():
        raise fail(settings, f"{key}.seed", f"no such file: {seed}; put the seed's text there")
    window = rule.window
    if window.since and window.until and window.since > window.until:
        raise fail(
            settings, f"{key}.window", f"from {window.since} is after until {window.until}; swap"
        )
    group_keys = Counter(group.key for group in (*rule.groups, *rule.anchors))
    for name, times in group_keys.items():
        if times > 1:
            raise fail(
                settings, f"{key}.groups", f"the key {name!r} is used {times} times; rename one"
            )
    if rule.anchors and not rule.groups:
        raise fail(settings, f"{key}.anchors", "need groups to anchor; add [[stories.groups]]")
    try:
        compile_story(rule)
    except ValueError as error:
        raise fail(settings, f"{key}.groups", f"{error}; write letters or remove it") from error


def check_slugs(settings: Settings, slugs: Sequence[str]) -> None:
    """Refuse no story at all, and two of one name."""
    if not slugs:
        raise fail(settings, "stories", "there is none; add a [[stories]] table")
    for number, slug in enumerate(slugs):
        if (first := slugs.index(slug)) != number:
            raise fail(
                settings,
                f"{name_key(settings.values, ('stories', number))}.slug",
                f"{slug!r} is used by stories[{first}] already; choose another",
            )


def _item_name(item: object) -> str:
    if not isinstance(item, Mapping):
        return ""
    title = next((item[key] for key in ("url", "slug", "key") if key in item), "")
    return mask_userinfo(title) if isinstance(title, str) else ""


def _url_problem(url: str) -> str | None:
    shown = mask_userinfo(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"{shown!r} is not a URL ({error}); correct it"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{shown!r} is not an http or https URL; write it in full"
    if any(character.isspace() for character in url):
        return f"{shown!r} contains white space; write it as %20"
    return None


def _same_feed(url: str) -> str:
    """What two ways of writing one feed have in common: scheme and fragment do not tell apart."""
    parts = urlsplit(url)
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{parts.query}"
