"""What is shipped: the wheel works by itself in any folder, and the lock holds what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ingest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Written so that it does not find itself: this file is searched too.
REGISTRY = re.compile(
    rb"pypi[.]org|python[h]osted|https?://\S*/simple\b|(?<!emit-)index-[u]rl|find-[l]inks|^\[\[?(?:tool[.]uv[.])?index",
    re.MULTILINE,
)
SOURCES = ("ingest", "storage", "alembic", "seeds", "tests", "bench", "docs", "deploy", ".ci")


# ---------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def site_packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out; pip is not in every environment."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def installed(site_packages: Path, tmp_path: Path):
    """Run Python with the unpacked wheel in an empty folder, without this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if "STORYWATCH" not in name}
    settings = {"PYTHONPATH": str(site_packages), "XDG_DATA_HOME": str(tmp_path / "share")}
    folder = tmp_path / "anywhere"
    folder.mkdir()

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder, env=kept | settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert list(folder.iterdir()) == []  # it leaves nothing where it happens to stand
        return done.stdout

    return run


def _files(folder: str, pattern: str = "*") -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT / folder).as_posix()


@pytest.mark.parametrize(
    ("folder", "shipped_as"),
    [
        pytest.param("ingest", "ingest", id="the program"),
        pytest.param("storage", "storage", id="the storage"),
        pytest.param("alembic", "storage/migrations", id="the migrations"),
        pytest.param("seeds", "ingest/shipped/seeds", id="the seeds"),
    ],
)
def test_the_wheel_carries_every_file_of(folder, shipped_as, names):
    files = list(_files(folder))
    assert files
    assert {f"{shipped_as}/{name}" for name in files} <= names


def test_the_wheel_carries_the_default_configuration_and_the_licence(names):
    version = f"storywatch-{ingest.__version__}.dist-info"
    assert {"ingest/shipped/config.toml", f"{version}/licenses/LICENSE"} <= names


def test_the_wheel_carries_nothing_but_the_two_packages(names):
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ingest", "storage", f"storywatch-{ingest.__version__}.dist-info"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_migrations_are_no_package_that_would_hide_the_library(names):
    assert not (ROOT / "alembic" / "__init__.py").exists()
    assert "storage/migrations/__init__.py" not in names


def test_the_wheel_names_its_command_and_its_licence(wheel, names):
    with zipfile.ZipFile(wheel) as archive:
        info = f"storywatch-{ingest.__version__}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        points = archive.read(f"{info}/entry_points.txt").decode()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "storywatch = ingest.cli:main" in points


def test_the_installed_program_is_the_one_of_the_wheel(installed, site_packages):
    told = installed("-c", "import ingest, storage; print(ingest.__file__, storage.__file__)")
    assert [Path(file).parent.parent for file in told.split()] == [site_packages, site_packages]


def test_the_installed_program_tells_its_version(installed):
    assert installed("-m", "ingest", "--version") == f"storywatch {ingest.__version__}\n"


def test_the_installed_program_finds_its_configuration_and_seed(installed):
    assert "the configuration is sound" in installed("-m", "ingest", "config", "check")


def test_the_installed_program_makes_its_database_in_the_users_data_folder(installed, tmp_path):
    installed("-m", "ingest", "db", "upgrade")
    installed("-m", "ingest", "db", "check")
    assert list((tmp_path / "share" / "storywatch").rglob("storywatch.db"))


# ---------------------------------------------------------------- the lock


def _locked(name: str) -> dict[str, Requirement]:
    """The first line of each entry, by name; one with other versions for other Pythons is last."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*)", text, flags=re.MULTILINE)
    return {canonicalize_name(item.name): item for item in map(Requirement, lines)}


def _version(locked: Requirement) -> str:
    (pin,) = locked.specifier
    assert pin.operator == "=="
    return pin.version


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_the_lock_meets_the_dependency(line):
    wanted = Requirement(line)
    assert wanted.specifier.contains(_version(_locked(LOCKS[0])[canonicalize_name(wanted.name)]))


def _extras():
    """What the extras name, but for one of them naming another."""
    lines = [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    return [line for line in lines if not line.startswith("storywatch[")]


@pytest.mark.parametrize("line", _extras())
def test_the_development_lock_meets_the_dependency(line):
    wanted = Requirement(line)
    assert wanted.specifier.contains(_version(_locked(LOCKS[1])[canonicalize_name(wanted.name)]))


def test_the_development_lock_holds_all_of_the_other_at_the_same_versions():
    runtime, development = (_locked(name) for name in LOCKS)
    assert runtime.items() < development.items()


@pytest.mark.parametrize("name", [*LOCKS, "requirements-pywb.lock"])
def test_every_locked_file_has_a_hash_and_nothing_else_is_said(name):
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    for line in text.splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        assert hashes, line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item) for item in hashes)
        Requirement(requirement)


def test_no_file_holds_the_address_of_a_package_registry():
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [ROOT / folder / name for folder in SOURCES for name in _files(folder)]
    found = {
        path.relative_to(ROOT).as_posix(): match[0]
        for path in files
        if (match := REGISTRY.search(path.read_bytes()))
    }
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        b"https://pypi." + b"org/project/x",
        b"https://files.python" + b"hosted.org/x.whl",
        b"http://mirror.example/pypi/sim" + b"ple/",
        b"--ind" + b"ex-url http://mirror.example",
        b"[[ind" + b"ex]]",
    ],
)
def test_the_address_of_a_package_registry_would_be_found(line):
    assert REGISTRY.search(line)
