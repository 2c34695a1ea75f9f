"""Log lines: one a line, UTC, credentials in URLs masked."""

from __future__ import annotations

import json
import logging
import re
import sys
import time

_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def mask(text: str) -> str:
    """Hide credentials in URLs, and keep hostile text from steering the terminal."""
    return _CONTROL.sub(" ", _USERINFO.sub("***@", text))


class LineFormatter(logging.Formatter):
    """`2023-09-05T10:00:00Z INFO storywatch.daemon message`."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        line = f"{stamp} {record.levelname} {record.name} {mask(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
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
                **({"exception": self.formatException(record.exc_info)} if record.exc_info else {}),
            },
            ensure_ascii=False,
        )


def configure_log(*, level: str = "INFO", as_json: bool = False) -> None:
    """Send log lines to standard error; called by the commands, never at import."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter() if as_json else LineFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "trafilatura", "htmldate", "charset_normalizer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of each tick that finds the one before still at work, as it should under load;
    # `ingest.daemon` itself tells of jobs that fail or hang.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
