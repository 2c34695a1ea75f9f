"""Every real page through the whole pipeline, twice, under two stories.

    python bench/press_run.py [--data ../shared/data/press]

Serves the saved pages on loopback through feeds made from their index, and the feeds found in the
wild beside them. Under a story that accepts every article each page must end as a stored version or
as an observation that says why not; under the shipped story each must end as a discard with a
reason. A second run must add nothing but observations. Ends with exit code 1 if any of it fails.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import tomli_w
from press import Page, load_pages, press_server, write_press_config
from sqlalchemy import func, select

from ingest.config import load_config
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from ingest.urls import canonicalize
from storage import schema
from storage.engine import open_engine

LOOKS = {"observation", "feed_poll", "job_run", "raw"}
SHIPPED = Path(__file__).resolve().parent.parent / "config.toml"


async def one_pass(config_file: Path) -> dict[str, int]:
    config = load_config(config_file, environ={})
    with open_database(config) as engine:
        async with open_context(engine, config) as context:
            return (await run_pass(context, everything=True)).counts()


def count_rows(database: Path) -> dict[str, int]:
    engine = open_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }
    engine.dispose()
    return counts


def fates(database: Path) -> dict[str, str]:
    """What became of each URL, by canonical URL."""
    engine = open_engine(f"sqlite:///{database}")
    found: dict[str, str] = {}
    with engine.connect() as connection:
        observation, discard = schema.observation, schema.discard
        for url, outcome, failure in connection.execute(
            select(observation.c.requested_url, observation.c.outcome, observation.c.failure)
        ):
            found[canonicalize(url)] = outcome if failure is None else f"{outcome}: {failure}"
        for url, stage, rule in connection.execute(
            select(discard.c.canonical_url, discard.c.stage, discard.c.rule)
        ):
            found[url] = f"discard at {stage}: {rule}"
        for url in connection.scalars(select(schema.article_url.c.url)):
            found[canonicalize(url)] = "stored"
    engine.dispose()
    return found


def with_story(config: Path, story: Path) -> None:
    """Put another configuration's stories in place of this one's."""
    raw = tomllib.loads(config.read_text(encoding="utf-8"))
    other = tomllib.loads(story.read_text(encoding="utf-8"))
    for item in other["stories"]:
        item["seed"] = str((story.parent / item["seed"]).resolve())
    raw["stories"] = other["stories"]
    config.write_text(tomli_w.dumps(raw), encoding="utf-8")


def check(name: str, folder: Path, config: Path, pages: list[Page], base: str) -> bool:
    database = folder / "press.db"
    first = asyncio.run(one_pass(config))
    before = count_rows(database)
    asyncio.run(one_pass(config))
    after = count_rows(database)
    became = fates(database)
    ends = Counter(became.get(canonicalize(base + page.path), "nothing") for page in pages)
    grown = {
        table: f"{before[table]} -> {after[table]}"
        for table in after
        if after[table] != before[table] and table not in LOOKS
    }
    print(f"{name}: {first}")
    for end, count in ends.most_common():
        print(f"  {count:4} {end}")
    print(f"  second run, tables other than looks that changed: {grown or 'none'}")
    if name == "shipped story":
        unexplained = sum(n for end, n in ends.items() if not end.startswith("discard"))
    else:
        unexplained = ends["nothing"]
    print(f"  pages without an explained end: {unexplained}")
    return not grown and not unexplained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--pages", type=int, default=100_000)
    arguments = parser.parse_args()
    pages = load_pages(arguments.data)[: arguments.pages]
    wild = sorted((arguments.data / "feeds" / "wild").iterdir())
    good = True
    with press_server(pages, wild) as base, tempfile.TemporaryDirectory() as top:
        for name in ("story that accepts all", "shipped story"):
            folder = Path(top) / name.split()[0]
            folder.mkdir()
            config = write_press_config(folder, base=base, pages=pages, wild=wild)
            if name == "shipped story":
                with_story(config, SHIPPED)
            good = check(name, folder, config, pages, base) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
