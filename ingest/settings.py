"""What is written where: the configuration file, the environment and flags, merged and not yet
checked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ingest.errors import ConfigError

PREFIX = "STORYWATCH_"
SECTIONS = ("database", "schedule", "fetch", "workers")
_URL = "database.url"
_URL_VARIABLE = f"{PREFIX}DATABASE_URL"
_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The merged values, as nested as the file is, and where each came from."""

    values: dict[str, object]
    origins: dict[str, str]  # dotted key to what set it, where that was not the file
    path: Path  # of the file
    data_folder: Path  # where a relative database path starts

    def locate(self, key: str) -> str:
        """Name the place a person must look at to change a key."""
        return self.origins.get(key, str(self.path))


def read_settings(
    path: Path | None, *, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Settings:
    """Read the file, then lay the environment and the flags over it.

    Raises ConfigError.
    """
    found, is_packaged = find_file(path, environ=environ)
    values = _read_toml(found)
    origins: dict[str, str] = {}
    for key, origin, value in (*_from_environment(environ), *_from_flags(overrides)):
        _put(values, key, value, origin=origin)
        origins[key] = origin
    return Settings(
        values=values,
        origins=origins,
        path=found,
        data_folder=_user_data(environ) if is_packaged else found.parent,
    )


def find_file(path: Path | None, *, environ: Mapping[str, str]) -> tuple[Path, bool]:
    """Find the configuration file, and say whether it is the one inside the installed package.

    In order: the flag, STORYWATCH_CONFIG, ./config.toml, the package's, the checkout's.
    Raises ConfigError when a named file does not exist.
    """
    named = path or (Path(environ[f"{PREFIX}CONFIG"]) if environ.get(f"{PREFIX}CONFIG") else None)
    if named is not None:
        if not named.is_file():
            by = "--config" if path else f"{PREFIX}CONFIG"
            raise ConfigError(f"{named}: no such file; {by} must name a configuration file")
        return named.resolve(), False
    if (local := Path("config.toml")).is_file():
        return local.resolve(), False
    package = Path(str(files("ingest")))
    if (packaged := package / "shipped" / "config.toml").is_file():
        return packaged, True
    if (checkout := package.parent / "config.toml").is_file():
        return checkout, False
    raise ConfigError("no configuration found; name a file with --config or STORYWATCH_CONFIG")


def resolve_database_url(url: str, folder: Path) -> str:
    """Make the path of an SQLite URL absolute; other URLs stay as they are."""
    match = _SQLITE_FILE.fullmatch(url)
    if match is None:
        return url
    return f"{match[1]}{(folder / Path(match[2]).expanduser()).resolve()}"


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, str, object]]:
    found: list[tuple[str, str, object]] = []
    for variable, raw in sorted(environ.items()):
        if not variable.startswith(PREFIX) or "__" not in variable or not raw:
            continue
        section, *rest = variable.removeprefix(PREFIX).lower().split("__")
        if section not in SECTIONS or len(rest) != 1:
            allowed = ", ".join(f"{PREFIX}{name.upper()}__KEY" for name in SECTIONS)
            raise ConfigError(
                f"environment variable {variable}: names no setting; the form is {allowed}"
            )
        found.append((f"{section}.{rest[0]}", f"environment variable {variable}", _literal(raw)))
    return [*found, *_database_url(environ)]


def _database_url(environ: Mapping[str, str]) -> list[tuple[str, str, object]]:
    url, file = environ.get(_URL_VARIABLE), environ.get(f"{_URL_VARIABLE}_FILE")
    if url and file:
        raise ConfigError(
            f"environment: both {_URL_VARIABLE} and {_URL_VARIABLE}_FILE are set; keep one"
        )
    if file:
        origin = f"environment variable {_URL_VARIABLE}_FILE"
        try:
            return [(_URL, origin, Path(file).read_text("utf-8").strip())]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{origin}: {file} cannot be read: {error}") from error
    return [(_URL, f"environment variable {_URL_VARIABLE}", url)] if url else []


def _from_flags(overrides: Mapping[str, object]) -> list[tuple[str, str, object]]:
    return [
        (key, f"flag for {key}", value) for key, value in overrides.items() if value is not None
    ]


def _literal(raw: str) -> object:
    """Read a value as TOML would, so that numbers and lists have their types; else it is text."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return raw


def _put(values: dict[str, object], key: str, value: object, *, origin: str) -> None:
    section, _, name = key.partition(".")
    table = values.setdefault(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{origin}: [{section}] is not a table in the configuration file")
    table[name] = value


def _user_data(environ: Mapping[str, str]) -> Path:
    """The user's data folder, by the XDG Base Directory Specification."""
    home = environ.get("HOME")
    share = environ.get("XDG_DATA_HOME") or (
        Path(home) / ".local" / "share" if home else Path.home() / ".local" / "share"
    )
    return Path(share) / "storywatch"
