"""Other programs on the same pages: news-please, Fundus, trafilatura's command.

Each runs in an environment of its own, made from its list of pinned packages in `peers/`. They
extract every page: none has a screen, none knows stories, and none compares or stores anything. So
they get a sample: the first pages of the file for their rate, and all pages of the story to see in
how many of them the first sentence of the article is lost.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backfill_pages import EVERY, Page, Writer
from backfill_run import Measured, run
from backfill_store import plain
from backfill_warc import record, respond

PEERS = Path(__file__).resolve().parent / "peers"
_SLACK = 60.0  # seconds beyond those that a program was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What a program did."""

    name: str
    rate: float | None  # pages a second
    lost: list[str] = field(default_factory=list)  # pages of the story
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some pages as a WARC and as files."""

    folder: Path
    pages: list[Page]

    @property
    def warc(self) -> Path:
        """All of them."""
        return self.folder / "sample.warc.gz"

    @property
    def html(self) -> Path:
        """A folder with a file for each, named by its number in the list."""
        return self.folder / "html"


def install(folder: Path) -> dict[str, str]:
    """Make the environments that are not there yet; return what went wrong, by name."""
    failed = {}
    for name in ("newsplease", "fundus", "trafilatura"):
        home = folder / name
        done = home / "installed.txt"
        wanted = PEERS / f"{name}.txt"
        if done.exists() and done.read_bytes() == wanted.read_bytes():
            continue
        print(f"installing {name} …", flush=True)
        venv.create(home, with_pip=True, clear=True)
        command = [home / "bin" / "python", "-m", "pip", "install", "-q", "-r", wanted]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            done.write_bytes(wanted.read_bytes())
        else:
            failed[name] = answer.stderr.strip().splitlines()[-1]
    return failed


def run_peers(folder: Path, *, pages: int, sample: int, seconds: float) -> list[Rival]:
    """Run every program on a sample of a file of so many pages."""
    failed = install(folder)
    writer = Writer()
    rivals = []
    with tempfile.TemporaryDirectory() as place:
        first = _write_sample(Path(place) / "first", writer, range(min(sample, pages)))
        story = _write_sample(Path(place) / "story", writer, range(0, pages, EVERY))
        programs: dict[str, Callable[[Path, Sample, Sample, float], Rival]] = {
            "newsplease": _run_newsplease,
            "trafilatura": _run_trafilatura,
            "fundus": _run_fundus,
        }
        for name, program in programs.items():
            if name in failed:
                rivals.append(Rival(name=name, rate=None, note=f"not run: {failed[name]}"))
            else:
                print(f"{name} …", flush=True)
                rivals.append(program(folder / name, first, story, seconds))
    return rivals


def _write_sample(folder: Path, writer: Writer, numbers: range) -> Sample:
    (folder / "html").mkdir(parents=True)
    sample = Sample(folder=folder, pages=[])
    with sample.warc.open("wb") as file:
        for number in numbers:
            page = writer.page(number)
            file.write(record("response", page.address, respond(number, page)))
            (sample.html / f"{len(sample.pages)}.html").write_bytes(page.html)
            sample.pages.append(page)
    return sample


def _run_newsplease(home: Path, first: Sample, story: Sample, seconds: float) -> Rival:
    name = f"news-please {_version(home, 'news-please')}"
    done, told = _run_script(home, "run_newsplease.py", first, seconds)
    if not told:
        return Rival(name=name, rate=None, note=_explain(done))
    _run_script(home, "run_newsplease.py", story, seconds)
    failed = f", failed on {sum(told['failed'].values())}" if told["failed"] else ""
    return Rival(
        name=name,
        rate=told["pages"] / done.seconds,
        lost=_find_lost(story, _read_results(story)),
        note=f"{told['pages']} pages{failed}; `from_warc`, one process, no images",
    )


def _run_fundus(home: Path, first: Sample, story: Sample, seconds: float) -> Rival:
    name = f"Fundus {_version(home, 'fundus')}"
    done, told = _run_script(home, "run_fundus.py", first, seconds)
    if not told:
        return Rival(name=name, rate=None, note=_explain(done))
    if told["articles"]:
        return Rival(
            name=name,
            rate=len(first.pages) / done.seconds,
            lost=_find_lost(story, _read_results(story)),
        )
    return Rival(
        name=name,
        rate=None,
        note=(
            f"not run: it has a parser for each of {told['publishers']} publishers and passes over"
            f" the pages of all others; of these it took none, in {told['seconds']:.1f} s"
        ),
    )


def _run_trafilatura(home: Path, first: Sample, story: Sample, seconds: float) -> Rival:
    name = f"trafilatura {_version(home, 'trafilatura')}"
    done = _extract_files(home, first, seconds)
    written = len(list(first.html.glob("*.txt")))
    if done.exit_code not in {0, -9} or not written:
        return Rival(name=name, rate=None, note=_explain(done))
    _extract_files(home, story, seconds)
    texts = {
        page.address: _read_text(story.html / f"{number}.txt")
        for number, page in enumerate(story.pages)
    }
    pages = len(first.pages) if done.exit_code == 0 else written
    return Rival(
        name=name,
        rate=pages / done.seconds,
        lost=_find_lost(story, texts),
        note=f"{pages} pages as files, {written} texts; no HTTP headers; --parallel 1",
    )


def _extract_files(home: Path, sample: Sample, seconds: float) -> Measured:
    """With --keep-dirs, the text of an absolute path is written beside its page."""
    command = [
        *(str(home / "bin" / "trafilatura"), "--input-dir", str(sample.html)),
        *("--output-dir", str(sample.html), "--keep-dirs", "--parallel", "1"),
    ]
    return run(command, seconds=seconds, settings=_ALONE)


def _run_script(
    home: Path, script: str, sample: Sample, seconds: float
) -> tuple[Measured, dict | None]:
    results = sample.folder / "results.jsonl"
    command = [str(home / "bin" / "python"), str(PEERS / script), str(sample.warc)]
    done = run([*command, str(results), str(seconds)], seconds=seconds + _SLACK, settings=_ALONE)
    try:
        return done, json.loads(done.output.splitlines()[-1])
    except (IndexError, ValueError):
        return done, None


_ALONE = {"PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}


def _read_results(sample: Sample) -> dict[str, str]:
    lines = (sample.folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["url"]: row["text"] for row in map(json.loads, lines)}


def _read_text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _find_lost(story: Sample, texts: dict[str, str]) -> list[str]:
    return [
        page.address
        for page in story.pages
        if plain(page.opening) not in plain(texts.get(page.address, ""))
    ]


def _version(home: Path, package: str) -> str:
    pinned = (PEERS / f"{home.name}.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in pinned if line.startswith(f"{package}=="))


def _explain(done: Measured) -> str:
    lines = done.errors.strip().splitlines() or [f"exit code {done.exit_code}"]
    return f"not run: {lines[-1]}"
