"""Running the real pipeline in a test: a configuration on disk, one pass, the rows it left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, func, select

from ingest.config import Config, load_config
from ingest.passes import PassSummary, run_pass
from ingest.runtime import open_context, open_database, utc_now
from storage import schema
from storage.engine import read_connection

if TYPE_CHECKING:
    from tests.conftest import Clock

TALKS = (
    "Der Präsident der Republik Nordland reist in dieser Woche in die Hauptstadt des Nachbarn.\n\n"
    "Beide Regierungen wollen dort über die Lieferung von 152 Lokomotiven sprechen, wie ein"
    " Sprecher am Montag in Nordstadt mitteilte. Der Wert des Geschäfts wird auf 340 Millionen"
    " Kronen geschätzt.\n\n"
    "„Wir stehen kurz vor einer Einigung“, sagte der Sprecher vor Journalisten. Die Gespräche"
    " waren im Frühjahr unterbrochen worden, weil die Fabrik in Osthafen nach einem Brand"
    " stillstand.\n\n"
    "Im Parlament gibt es Widerspruch. Die Abgeordnete Maria Lindt verlangte, die Verträge vor"
    " der Unterschrift offenzulegen. Sie erinnerte daran, dass beim letzten Geschäft dieser Art"
    " im Jahr 2014 zwölf Züge nie ausgeliefert worden waren.\n\n"
    "Die Eisenbahngewerkschaft begrüßte das Vorhaben dagegen. Es sichere Arbeitsplätze in einer"
    " Region, in der seit Jahren Werke schließen, sagte ihr Vorsitzender Jon Berg der Zeitung."
)
"""An article of this test suite's own, long enough to be extracted and compared."""

WEATHER = (
    "Nach einer Woche mit Temperaturen um dreißig Grad erwarten die Meteorologen kräftige Gewitter."
    "\n\nBesonders an der Küste kann es am Nachmittag stürmisch werden. Die Wasserwacht rät davon"
    " ab, mit kleinen Booten hinauszufahren, und lässt zwei Strände sperren.\n\n"
    "Am Wochenende kehrt die Sonne zurück. Bauern hoffen auf Regen, denn die Böden sind trocken,"
    " und die Ernte der Kartoffeln steht bevor. Im vergangenen Jahr war sie um ein Fünftel kleiner"
    " ausgefallen als üblich.\n\nDer Wetterdienst aktualisiert seine Warnungen stündlich."
)

STORY = """
[[stories]]
slug = "trains"
title = "The train deal"
seed = "seed.txt"
threshold = 0.3
[[stories.groups]]
key = "nordland"
required = true
[stories.groups.names]
de = ["Nordland*", "Nordstadt"]
[[stories.groups]]
key = "trains"
required = true
[stories.groups.names]
de = ["Lokomotive*", "Züge*", "Eisenbahn*"]
"""

ACCEPT_ALL = '[[stories]]\nslug = "everything"\ntitle = "Everything"\nseed = "seed.txt"\n'


def write_config(
    folder: Path,
    *,
    feeds: list[str],
    database_url: str,
    story: str = STORY,
    schedule: str = "",
    seed: str = "Zugverkauf: Nordland verhandelt\n\n" + TALKS,
) -> Path:
    """A configuration for feeds on loopback; return its path."""
    (folder / "seed.txt").write_text(seed, encoding="utf-8")
    listed = ",\n".join(
        f'{{ url = {json.dumps(url)}, outlet = "Outlet", domain = "127.0.0.1" }}' for url in feeds
    )
    file = folder / "config.toml"
    file.write_text(
        f"feeds = [\n{listed}\n]\n[database]\nurl = {json.dumps(database_url)}\n"
        f"[schedule]\n{schedule}\n"
        '[fetch]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval_seconds = 0.0\n'
        "per_host_concurrency = 8\n[workers]\ncount = 1\n" + story,
        encoding="utf-8",
    )
    return file


def read_config(file: Path) -> Config:
    """The configuration, with nothing from this process's environment."""
    return load_config(file, environ={})


def run_once(
    file: Path,
    *,
    everything: bool = True,
    times: int = 1,
    now: Callable[[], datetime] = utc_now,
) -> PassSummary:
    """Passes of the real pipeline; return what the last one did."""

    async def go() -> PassSummary:
        config = read_config(file)
        with open_database(config) as engine:
            async with open_context(engine, config, now=now) as context:
                for _ in range(times):
                    summary = await run_pass(context, everything=everything)
                return summary

    return asyncio.run(go())


def live_through(
    file: Path, clock: Clock, *, days: float, acts: Sequence[tuple[float, Callable[[], object]]]
) -> None:
    """Let the real pipeline watch for simulated days; each act happens after so many days."""
    start = clock()
    waiting = sorted(acts, key=lambda act: act[0])
    end = start + timedelta(days=days)

    async def go() -> None:
        config = read_config(file)
        with open_database(config) as engine:
            opened = open_context(engine, config, now=clock, chance=Random(1).random)
            async with opened as context:
                while clock() < end:
                    await run_pass(context)
                    moments = [*_due(engine), end]
                    if waiting:
                        moments.append(start + timedelta(days=waiting[0][0]))
                    clock.set(max(clock() + timedelta(seconds=1), min(moments)))
                    while waiting and clock() >= start + timedelta(days=waiting[0][0]):
                        waiting.pop(0)[1]()

    asyncio.run(go())


def _due(engine: Engine) -> list[datetime]:
    """When feeds, articles and waiting pages are due."""
    columns = (
        schema.feed.c.next_poll_at,
        schema.article.c.next_check_at,
        schema.article_wake.c.woken_at,
        schema.candidate.c.due_at,
    )
    with engine.connect() as connection:
        moments = [connection.scalar(select(func.min(column))) for column in columns]
    return [at for at in moments if at is not None]


def count_rows(engine: Engine) -> dict[str, int]:
    """Rows by table."""
    with read_connection(engine) as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with read_connection(engine) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
