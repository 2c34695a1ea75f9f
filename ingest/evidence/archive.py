"""A ZIP file whose bytes depend on nothing but what is in it, with a list of its hashes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, cast

from storage.kinds import as_iso

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that the format knows
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the archive."""

    name: str
    bytes: int
    sha256: str


class _Counted:
    """A stream that hashes what is written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._stream.write(data)

    def flush(self) -> None:
        """Nothing waits here."""


@dataclass(slots=True)
class EvidenceArchive:
    """An archive that is being written."""

    stream: IO[bytes]
    members: list[Member] = field(default_factory=list)
    _zip: zipfile.ZipFile = field(init=False)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(self.stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    def add(self, name: str, content: str | bytes) -> None:
        """Add a file; text becomes UTF-8."""
        data = content.encode() if isinstance(content, str) else content
        self.write(name, lambda stream: stream.write(data))

    def add_json(self, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON, times as well
        """Add a file of JSON, laid out for people."""
        self.add(name, json.dumps(value, ensure_ascii=False, indent=2, default=_spelled) + "\n")

    def write(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        """Add a file that is written bit by bit."""
        info = zipfile.ZipInfo(name, date_time=_EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system, info.external_attr = 3, _MODE  # Unix, whatever wrote it
        with self._zip.open(info, "w", force_zip64=True) as stream:
            counted = _Counted(stream)
            fill(cast("IO[bytes]", counted))
        self.members.append(
            Member(name=name, bytes=counted.size, sha256=counted.digest.hexdigest())
        )

    def close(self) -> None:
        """Add `SHA256SUMS`, as `sha256sum -c` reads it, and end the archive."""
        listed = sorted(self.members, key=lambda member: member.name)
        self.add("SHA256SUMS", "".join(f"{item.sha256}  {item.name}\n" for item in listed))
        self._zip.close()


def _spelled(value: object) -> str:
    return as_iso(value) if hasattr(value, "isoformat") else str(value)  # type: ignore[arg-type]
