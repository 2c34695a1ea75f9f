"""Files that appear whole or not at all, whatever happens to whoever writes them."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ingest.errors import OperationError, UsageError

_ENDING = ".partial"


@contextmanager
def whole_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes its name when all is written and on disk.

    On an exception it is removed, and what a killed writer left of the same file is removed by the
    next one. Raises UsageError when there is no such folder, `path` is no regular file, or it is
    there and not to be replaced; OperationError when the system refuses, as on a full disk.
    """
    target = path.expanduser().resolve()  # a link stays a link
    _require_place(path, target, replace=replace)
    try:
        _remove_left_over(target)
        draft = target.with_name(f".{target.name}.{os.getpid()}{_ENDING}")
        held = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield draft
        _settle(draft, target, path, replace=replace)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        _remove(draft)
        os.close(held)


def _refused(path: Path, error: OSError) -> OperationError:
    return OperationError(f"{path}: cannot be written: {error.strerror or error}")


def _require_place(path: Path, target: Path, *, replace: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {target.parent}")
    try:
        mode = target.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path}: not a regular file: name another one")
    if not replace:
        raise _is_there(path)


def _is_there(path: Path) -> UsageError:
    return UsageError(f"{path}: is there already: name another one, or replace it with --force")


def _remove_left_over(target: Path) -> None:
    """Remove drafts of the same file that nobody holds: a lock ends with its process."""
    for left in target.parent.glob(f".{_literal(target.name)}.*{_ENDING}"):
        with suppress(OSError):
            descriptor = os.open(left, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left)
            finally:
                os.close(descriptor)


def _remove(draft: Path) -> None:
    """With what SQLite has beside a file while it is written."""
    for name in (f"{draft.name}-journal", f"{draft.name}-wal", f"{draft.name}-shm", draft.name):
        draft.with_name(name).unlink(missing_ok=True)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _settle(draft: Path, target: Path, path: Path, *, replace: bool) -> None:
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    if replace:
        draft.replace(target)
    else:
        _name_once(draft, target, path)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name_once(draft: Path, target: Path, path: Path) -> None:
    """Unlike a rename, a link never takes the place of what another made meanwhile."""
    try:
        target.hardlink_to(draft)
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError:  # a file system without links
        draft.rename(target)
