"""The contract with those who write SQL: which views and columns there are, in which version.

The listing that is shipped, `contract.json`, is what was promised. A column that goes or is of
another type needs a new major version, a column that comes a new minor one.

python -m storage.contract    # write the listing anew; refused where the version is not raised
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Table

from storage.columns import type_name
from storage.view_runs import MAJOR, MINOR, RELEASED
from storage.views import VIEWS

PATH = Path(__file__).with_name("contract.json")

Listing = Mapping[str, Mapping[str, str]]
"""View -> column -> type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A listing under its version."""

    major: int
    minor: int
    released: str  # the day, as 2026-12-03
    views: Listing

    @property
    def version(self) -> str:
        """As 1.0."""
        return f"{self.major}.{self.minor}"


class Kind(StrEnum):
    """How a listing differs from another."""

    VIEW_GONE = "the view is gone"
    COLUMN_GONE = "the column is gone"
    RETYPED = "the column has another type"
    VIEW_ADDED = "the view is new"
    COLUMN_ADDED = "the column is new"

    @property
    def breaks(self) -> bool:
        """Whether a query that worked may not work any more."""
        return self in {Kind.VIEW_GONE, Kind.COLUMN_GONE, Kind.RETYPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One view or column that is not as it was."""

    kind: Kind
    name: str  # `view` or `view.column`

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}"


def compare_listings(before: Listing, after: Listing) -> tuple[Difference, ...]:
    """Return all that differs, those that break queries first; a column renamed goes and comes."""
    found = [
        *(Difference(kind=Kind.VIEW_GONE, name=view) for view in before.keys() - after.keys()),
        *(Difference(kind=Kind.VIEW_ADDED, name=view) for view in after.keys() - before.keys()),
    ]
    for view in before.keys() & after.keys():
        old, new = before[view], after[view]
        for column in old.keys() | new.keys():
            kind = _compare_types(old.get(column), new.get(column))
            if kind is not None:
                found.append(Difference(kind=kind, name=f"{view}.{column}"))
    return tuple(sorted(found, key=lambda item: (not item.kind.breaks, item.name)))


def _compare_types(old: str | None, new: str | None) -> Kind | None:
    if old == new:
        return None
    if new is None:
        return Kind.COLUMN_GONE
    return Kind.COLUMN_ADDED if old is None else Kind.RETYPED


def breaches(promised: Contract, present: Contract) -> tuple[str, ...]:
    """Return what differs although the version does not say so, for people; empty is good."""
    if present.major > promised.major:
        return ()
    added_to = (present.major, present.minor) > (promised.major, promised.minor)
    return tuple(
        f"{item}, which needs a new {'major' if item.kind.breaks else 'minor'} version"
        f" after {promised.version}"
        for item in compare_listings(promised.views, present.views)
        if item.kind.breaks or not added_to
    )


def list_views(views: Iterable[Table]) -> dict[str, dict[str, str]]:
    """The listing of some views."""
    return {
        view.name: {column.name: type_name(column) for column in view.columns} for view in views
    }


def present_contract() -> Contract:
    """What this program's views are."""
    return Contract(major=MAJOR, minor=MINOR, released=RELEASED, views=list_views(VIEWS.values()))


def promised_contract() -> Contract:
    """What was promised: the listing that is shipped."""
    return Contract(**json.loads(PATH.read_text(encoding="utf-8")))


def check_contract() -> tuple[str, ...]:
    """How this program's views break what was promised, or are not written down; empty is good."""
    promised, present = promised_contract(), present_contract()
    found = breaches(promised, present)
    if not found and promised != present:
        return (f"the listing of contract {present.version} is out of date: run `make contract`",)
    return found


def write_contract() -> tuple[str, ...]:
    """Write the listing anew, unless that would break the one before; return how it would."""
    present = present_contract()
    found = breaches(promised_contract(), present) if PATH.exists() else ()
    if not found:
        PATH.write_text(json.dumps(asdict(present), indent=1) + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    refused = write_contract()
    sys.stderr.writelines(f"{line}\n" for line in refused)
    sys.exit(1 if refused else 0)
