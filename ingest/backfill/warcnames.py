"""Which WARC and ARC files a person means: paths, folders, addresses, lists, months of CC-NEWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from ingest.backfill.days import Days
from ingest.backfill.warcparts import is_remote
from ingest.errors import UsageError

COMMON_CRAWL = "https://data.commoncrawl.org/"
_ENDINGS = (".warc", ".warc.gz", ".arc", ".arc.gz")
_LISTINGS = (".paths", ".paths.gz")
_CC_NEWS_STAMP = re.compile(r"CC-NEWS-([0-9]{14})-[0-9]+\.warc\.gz$")
_CC_NEWS_FIRST = datetime(2016, 8, 1, tzinfo=UTC)
_FILE_LASTS = timedelta(days=1)  # CC-NEWS begins one every hour or two


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A file of the paths of others, one a line."""

    name: str
    base: str | None  # what its lines are relative to; None: what they look like

    def resolve(self, line: str) -> str:
        """The path or address that a line means.

        Lines of Common Crawl's listings begin at the root of its server.
        """
        if is_remote(line):
            return line
        if self.base is not None:
            return urljoin(self.base, line) if is_remote(self.base) else str(Path(self.base) / line)
        if is_remote(self.name):
            return urljoin(self.name, "/" + line.removeprefix("/"))
        if line.startswith("crawl-data/"):
            return COMMON_CRAWL + line
        return str(Path(self.name).parent / line)


def find_archives(paths: Sequence[str], *, base: str | None) -> tuple[str | Listing, ...]:
    """What a person named, with folders opened; files of a folder come in the order of their names.

    Raises UsageError for what is not there, and for a folder without such files.
    """
    found: list[str | Listing] = []
    for text in paths:
        if text.endswith(_LISTINGS):
            if not is_remote(text) and not Path(text).is_file():
                raise UsageError(f"{text}: no such file")
            found.append(Listing(name=text, base=base))
        elif is_remote(text):
            found.append(text)
        else:
            found += _local_files(Path(text))
    return tuple(found)


def cc_news_listings(days: Days, *, now: datetime) -> tuple[Listing, ...]:
    """The listings of Common Crawl's news crawl for the months of a range.

    Raises UsageError when the range is open at its beginning.
    https://commoncrawl.org/blog/news-dataset-available
    """
    if days.since is None:
        raise UsageError("--cc-news needs --since: a month of it has about a terabyte")
    start, end = days.within(now)
    year, month = max((start.year, start.month), (_CC_NEWS_FIRST.year, _CC_NEWS_FIRST.month))
    found = []
    while (year, month) <= (end.year, end.month):
        name = f"{COMMON_CRAWL}crawl-data/CC-NEWS/{year}/{month:02}/warc.paths.gz"
        found.append(Listing(name=name, base=None))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return tuple(found)


def may_hold(name: str, days: Days) -> bool:
    """Whether a file may have pages of a range, as far as its name says when it was begun."""
    stamp = _CC_NEWS_STAMP.search(name)
    if stamp is None:
        return True
    try:
        begun = datetime.strptime(stamp[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    is_late = days.until is not None and begun > days.until
    return not is_late and (days.since is None or begun >= days.since - _FILE_LASTS)


def _local_files(path: Path) -> Iterator[str]:
    if path.is_dir():
        inside = sorted(str(file) for file in path.rglob("*") if file.name.endswith(_ENDINGS))
        if not inside:
            raise UsageError(f"{path}: no file in it ends with {', '.join(_ENDINGS)}")
        yield from inside
    elif path.is_file():
        yield str(path)
    else:
        raise UsageError(f"{path}: no such file or folder")
