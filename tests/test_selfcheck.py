"""Old C libraries are told before anything is asked of the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PlatformError
from ingest.selfcheck import NEEDS, find_problems, found_versions, require_sound
from tests.running import write_config

ROOT = Path(__file__).parent.parent
FINE = {"expat": "2.6.4", "sqlite": "3.45.1", "sqlite-fts5": "3.45.1", "libxml2": "2.14.6"}


def test_the_libraries_here_are_found_and_fine():
    found = found_versions()
    assert set(found) == set(NEEDS)
    assert find_problems(found) == ()
    require_sound(found)


@pytest.mark.parametrize(
    ("name", "version", "fine"),
    [
        ("expat", "2.4.0", True),
        ("expat", "2.10.0", True),
        ("expat", "3.0", True),
        ("expat", "2.3.9", False),
        ("sqlite", "3.35.0", True),
        ("sqlite", "3.34.1", False),
        ("sqlite-fts5", "", False),
        ("libxml2", "2.10.3", True),
        ("libxml2", "2.9.14", False),
        ("libxml2", "2.10.2", False),
        ("expat", "", False),
        ("expat", "new", False),
        ("expat", "٢.٩", False),
    ],
)
def test_a_version_is_compared_by_its_numbers(name, version, fine):
    problems = find_problems(FINE | {name: version})
    assert len(problems) == (not fine)
    assert all(problem.startswith(f"{name} {version!r} is not ") for problem in problems)


def test_a_library_that_was_not_found_is_a_problem():
    [problem] = find_problems({name: FINE[name] for name in FINE if name != "sqlite"})
    assert problem.startswith("sqlite '' is not 3.35 or newer")


def test_the_error_names_all_that_was_found_and_what_to_do():
    with pytest.raises(PlatformError) as raised:
        require_sound(FINE | {"expat": "2.2.5", "libxml2": "2.9.4"})
    told = str(raised.value)
    assert "expat '2.2.5' is not 2.4 or newer" in told
    assert "libxml2 '2.9.4' is not 2.10.3 or newer" in told
    assert "pip install" in told
    assert "sqlite" not in told


@given(st.dictionaries(st.sampled_from(sorted(NEEDS)), st.text(max_size=30)))
def test_any_version_is_judged(found):
    assert len(find_problems(found)) <= len(NEEDS)


@pytest.mark.parametrize("command", [["run"], ["poll"], ["config", "check"]])
def test_on_an_old_expat_the_program_ends_before_it_asks_anybody(command, site, tmp_path):
    feed = site.feed("/rss", [])
    database = tmp_path / "story.db"
    config = write_config(tmp_path, feeds=[feed], database_url=f"sqlite:///{database}")
    program = (
        "import pyexpat; pyexpat.EXPAT_VERSION = 'expat_2.2.5'\n"
        f"import sys; sys.argv = ['storywatch', '--config', {str(config)!r}, *{command!r}]\n"
        "from ingest.cli import main\nmain()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "expat '2.2.5' is not 2.4 or newer" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert site.requests["/rss"] == 0
    assert not database.exists()
