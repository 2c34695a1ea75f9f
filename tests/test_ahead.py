"""Verdicts between articles are judged in a worker, and the writer judges only what is missing."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, Future
from dataclasses import replace

from ingest.comparing import judge_pairs
from ingest.model import Evidence
from ingest.passes import run_pass
from ingest.runtime import open_context, open_database
from tests.running import ACCEPT_ALL, TALKS, WEATHER, read_config, rows, write_config

MADE_IN_A_WORKER = "told by a worker"
EDGES = """
    SELECT child.article_id, child.seq, parent.article_id, parent.seq, edge.relation,
           edge.shared_child, edge.shared_parent
    FROM edge
    JOIN version AS child ON child.id = edge.child_version_id
    JOIN version AS parent ON parent.id = edge.parent_version_id
    ORDER BY 1, 2, 3, 4
"""


class Workers(Executor):
    """The real workers, but for what becomes of pairs to judge."""

    def __init__(self, real, *, refuse=False):
        self.real, self.refuse, self.asked = real, refuse, []

    def submit(self, fn, /, *args, **kwargs):
        if fn is not judge_pairs:
            return self.real.submit(fn, *args, **kwargs)
        (pairs,) = args
        self.asked.append(sorted(pair.key for pair in pairs))
        answer = Future()
        if self.refuse:
            answer.set_exception(MemoryError())
        else:
            note = Evidence(note=MADE_IN_A_WORKER)
            judged = {
                key: replace(verdict, evidence=note) for key, verdict in judge_pairs(pairs).items()
            }
            answer.set_result(judged)
        return answer


def watch(file, acts, *, refuse=False):
    """Act, and do a pass over everything after each act; return what the workers were asked."""

    async def go():
        with open_database(read_config(file)) as database:
            async with open_context(database, read_config(file)) as real:
                workers = Workers(real.workers, refuse=refuse)
                for act in acts:
                    act()
                    await run_pass(replace(real, workers=workers), everything=True)
        return workers.asked

    return asyncio.run(go())


def copy_and_edit(site, tmp_path, url, *, refuse=False):
    """An article, then a copy of it, then an edit of the copy."""

    def copy():
        page = site.page("/b", title="Nordland liefert", text=TALKS, date="2023-09-06")
        site.feed("/rss", [(first, "Nordland"), (page, "Nordland")])

    def edit():
        edited = TALKS.replace("152 Lokomotiven", "170 Lokomotiven")
        site.page("/b", title="Nordland liefert", text=edited, date="2023-09-06")

    first = site.page("/a", title="Nordland verkauft", text=TALKS, date="2023-09-05")
    feed = site.feed("/rss", [(first, "Nordland")])
    seed = "Wetter\n\n" + WEATHER
    file = write_config(tmp_path, feeds=[feed], database_url=url, story=ACCEPT_ALL, seed=seed)
    return watch(file, [lambda: None, copy, edit], refuse=refuse)


def test_the_writer_takes_the_verdicts_of_the_worker(site, engine, url, tmp_path):
    asked = copy_and_edit(site, tmp_path, url)
    assert asked == [[(1, False)], [(1, False)]]  # the copy, and its next version
    notes = rows(engine, "SELECT evidence FROM edge WHERE parent_version_id IS NOT NULL")
    assert len(notes) == 2
    assert all(MADE_IN_A_WORKER in str(note) for (note,) in notes)


def test_verdicts_are_the_same_when_the_worker_fails(site, engine, url, tmp_path):
    asked = copy_and_edit(site, tmp_path, url, refuse=True)
    assert len(asked) == 2
    assert [row[:5] for row in rows(engine, EDGES)] == [
        (2, 1, 1, 1, "identical"),
        (2, 2, 1, 1, "near_duplicate"),
    ]
    notes = rows(engine, "SELECT evidence FROM edge WHERE parent_version_id IS NOT NULL")
    assert not any(MADE_IN_A_WORKER in str(note) for (note,) in notes)


def test_what_is_not_on_the_story_is_compared_with_nothing(site, engine, url, tmp_path):
    pages = [site.page(f"/{number}", title="Nordland", text=WEATHER) for number in range(2)]
    feed = site.feed("/rss", [(page, "Nordland verkauft Lokomotiven") for page in pages])
    file = write_config(tmp_path, feeds=[feed], database_url=url)
    assert watch(file, [lambda: None]) == []
    assert rows(engine, "SELECT count(*) FROM article") == [(0,)]
