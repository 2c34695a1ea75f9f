"""What the global options say, and the configuration they lead to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.config import Config, load_config
from ingest.log import configure_log


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The global options of one invocation."""

    config_file: Path | None
    database_url: str | None
    log_level: str
    log_json: bool

    def load(self, flags: Mapping[str, object] | None = None) -> Config:
        """Read the configuration: flags over environment over file.

        `flags` are those of the command, by the keys that they stand for; None is not given.
        Raises ConfigError.
        """
        overrides = {"database.url": self.database_url, **(flags or {})}
        return load_config(self.config_file, environ=os.environ, overrides=overrides)

    def start_log(self, *, default: str) -> None:
        """Send log lines to standard error, at the level asked for or the command's own."""
        configure_log(level=(self.log_level or default).upper(), as_json=self.log_json)
