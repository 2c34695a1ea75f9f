"""Whether the C libraries under this program are fit to meet what the network sends.

found_versions -> {"expat": "2.6.4", …} -> find_problems -> nothing, or what to do
"""

from __future__ import annotations

import pyexpat
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from ingest.errors import PlatformError
from ingest.extract import libxml2_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The least version of a library, what an older one would do, and where a newer one is."""

    least: tuple[int, ...]
    danger: str
    remedy: str


NEEDS: Mapping[str, Need] = {
    "expat": Need(
        least=(2, 4),
        danger="older ones expand entities that multiply, until memory is gone",  # CVE-2013-0340
        remedy="use a Python that was built with a newer one",
    ),
    "sqlite": Need(
        least=(3, 35),
        danger="older ones know no RETURNING",
        remedy="use a Python that was built with a newer one",
    ),
    "sqlite-fts5": Need(
        least=(3, 35),
        danger="without FTS5 there is no full text search, and versions could not be indexed",
        remedy="use a Python whose SQLite was built with SQLITE_ENABLE_FTS5",
    ),
    "libxml2": Need(
        least=(2, 10, 3),
        danger="older ones overflow on huge pages",  # CVE-2022-40303
        remedy="install lxml from its wheel: pip install --force-reinstall --only-binary lxml lxml",
    ),
}


def found_versions() -> dict[str, str]:
    """The versions of the libraries that this process runs with, by the names of `NEEDS`."""
    return {
        "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
        "sqlite": sqlite3.sqlite_version,
        "sqlite-fts5": sqlite3.sqlite_version if _has_fts5() else "",
        "libxml2": libxml2_version(),
    }


def _has_fts5() -> bool:
    with closing(sqlite3.connect(":memory:")) as connection:
        modules = connection.execute("SELECT name FROM pragma_module_list").fetchall()
    return ("fts5",) in modules


def find_problems(found: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with the versions found, each with what to do; nothing when all is well.

    A version that is missing or can't be read is a problem: nobody knows what it would do.
    """
    return tuple(
        f"{name} {found.get(name, '')!r} is not {_shown(need.least)} or newer: {need.danger};"
        f" {need.remedy}"
        for name, need in NEEDS.items()
        if not _is_enough(found.get(name, ""), need.least)
    )


def require_sound(found: Mapping[str, str]) -> None:
    """Raise PlatformError naming every library that is too old."""
    problems = find_problems(found)
    if problems:
        raise PlatformError("; ".join(problems))


def _is_enough(version: str, least: tuple[int, ...]) -> bool:
    numbers = re.match(r"\d{1,9}(?:\.\d{1,9})+", version, re.ASCII)
    return numbers is not None and tuple(map(int, numbers[0].split("."))) >= least


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
