"""Locks: one process at a time, on every system; freed when that process ends, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

POLL_SECONDS = 0.01


class Taken(RuntimeError):
    """Another process (or another place in this one) holds the lock."""


@contextlib.contextmanager
def locked(path: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file `path`; its folder must be there.

    Raises Taken where another holds it longer than `wait_seconds`, OSError where the folder
    cannot be written.
    """
    lock = FileLock(path, timeout=wait_seconds, poll_interval=POLL_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise Taken(str(path)) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether anyone holds the lock now; False where there is none, or it can only be read."""
    if not path.is_file():
        return False
    try:
        with locked(path):
            return False
    except Taken:
        return True
    except OSError:
        return False
