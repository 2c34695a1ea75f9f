"""Which days a backfill is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingest.errors import UsageError

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From one moment to another; an end that was not told stays open."""

    since: datetime | None = None
    until: datetime | None = None

    def within(self, now: datetime) -> tuple[datetime, datetime]:
        """Both ends, from 1990 to now where they are open."""
        return self.since or _EARLIEST, self.until or now

    @property
    def spec(self) -> dict[str, str | None]:
        """The same as JSON: what was asked for, so that the same asked later is the same job."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }


def read_days(since: datetime | None, until: datetime | None) -> Days:
    """Make whole days of UTC of what a person wrote; the last one is included.

    Raises UsageError when they are in the wrong order.
    """
    start = since and since.replace(tzinfo=UTC)
    end = until and until.replace(tzinfo=UTC)
    if end is not None and end.time() == datetime.min.time():
        end += timedelta(days=1, microseconds=-1)
    if start is not None and end is not None and end < start:
        raise UsageError(f"--until {end:%Y-%m-%d} lies before --since {start:%Y-%m-%d}")
    return Days(since=start, until=end)
