"""The wheel: complete, and at work in any folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_migrations_configuration_seeds_and_the_newsroom(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "storage/migrations/env.py" in names
    assert any(re.fullmatch(r"storage/migrations/versions/\d{8}_\w+\.py", name) for name in names)
    assert {"ingest/shipped/config.toml", "ingest/shipped/seeds/kim-putin.txt"} <= names
    assert "ingest/demo/articles/houses.toml" in names
    assert not any(name.startswith(("alembic/", "tests/")) for name in names)


def test_the_unpacked_wheel_works_in_an_empty_folder(wheel, tmp_path: Path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("STORYWATCH")},
        "PYTHONPATH": str(tmp_path / "site"),
        "STORYWATCH_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
    }
    for arguments in (["config", "check"], ["db", "upgrade"], ["db", "check"], ["status"]):
        done = subprocess.run(
            [sys.executable, "-m", "ingest", *arguments],
            cwd=tmp_path / "empty", env=environment, capture_output=True, text=True,
        )
        assert done.returncode == 0, done.stderr
    probe = "import ingest, storage; print(ingest.__file__, storage.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path / "empty", env=environment,
        capture_output=True, text=True, check=True,
    )
    assert str(tmp_path / "site") in where.stdout


def test_the_migrations_folder_is_no_package():
    assert not (ROOT / "alembic" / "__init__.py").exists()


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository, not an archive of it")
def test_no_registry_address_is_in_the_repository():
    address = re.compile(r"(?<![\w-])--?(?:extra-)?index-url\s+\S|https?://[^ \"]+/(?:simple|packages)/")
    guilty = [
        str(file)
        for file in tracked_files()
        if file.is_file() and address.search(file.read_text("utf-8", "replace"))
    ]
    assert guilty == []


def test_the_lock_covers_every_dependency():
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", (ROOT / "requirements-dev.lock").read_text(), re.M))
    names = {re.match(r"[A-Za-z0-9._-]+", item).group(0).lower().replace("_", "-") for item in wanted}
    assert {name for name in names if name not in locked} == set()
