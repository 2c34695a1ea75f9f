"""Log lines: one a line, UTC, credentials in URLs masked, a flood of one complaint cut short.

They go to standard error: keeping and turning over files is the supervisor's business.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET = re.compile(
    r"(?i)(?<=[?&;])([\w.-]*(?:token|secret|passw(?:or)?d|api_?key|auth|signature|session)[\w.-]*=)"
    r"[^&;#\s'\"<>]+"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def mask(text: str) -> str:
    """Hide credentials in URLs, and keep hostile text from steering the terminal."""
    return _CONTROL.sub(" ", _hide_secrets(text))


def _hide_secrets(text: str) -> str:
    return _SECRET.sub(r"\1***", _USERINFO.sub("***@", text))


def _mask_lines(lines: Iterable[str]) -> str:
    return "\n".join(mask(line) for line in lines)


@dataclass(slots=True)
class _Flood:
    """How often one complaint came since a moment."""

    since: float
    count: int = 0


class Throttle(logging.Filter):
    """Let one complaint through so many times a minute, and tell how often it came besides."""

    def __init__(self, *, most: int = 100, seconds: float = 60.0) -> None:
        """Warnings and errors are counted by where they come from; news is never held back."""
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._floods: dict[tuple[str, int], _Flood] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown; the first one after a flood tells of it."""
        if record.levelno < logging.WARNING:
            return True
        place = (record.pathname, record.lineno)
        flood = self._floods.setdefault(place, _Flood(record.created))
        if record.created - flood.since >= self._seconds:
            hidden = max(flood.count - self._most, 0)
            self._floods[place] = flood = _Flood(record.created)
            if hidden:
                record.msg = f"{record.getMessage()} (and {hidden} more like it before)"
                record.args = ()
        flood.count += 1
        return flood.count <= self._most


class LineFormatter(logging.Formatter):
    """`2023-09-05T10:00:00Z INFO storywatch.daemon message`."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        line = f"{stamp} {record.levelname} {record.name} {mask(record.getMessage())}"
        if record.exc_info:
            line += "\n" + _mask_lines(self.formatException(record.exc_info).splitlines())
        return line


class JSONFormatter(LineFormatter):
    """The same as one JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(
            {
                "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "logger": record.name,
                "message": mask(record.getMessage()),
                **(
                    {"exception": _hide_secrets(self.formatException(record.exc_info))}
                    if record.exc_info
                    else {}
                ),
            },
            ensure_ascii=False,
        )


def configure_log(*, level: str = "INFO", as_json: bool = False) -> None:
    """Send log lines to standard error; called by the commands, never at import."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter() if as_json else LineFormatter())
    handler.addFilter(Throttle())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "trafilatura", "htmldate", "charset_normalizer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of each tick that finds the one before still at work, as it should under load;
    # `ingest.daemon` itself tells of jobs that fail or hang.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
