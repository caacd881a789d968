"""Files: written whole or not at all, and JSON that is an object or one clear error."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

WHOLE = "all-"
"""How the names of a run's merged tables begin."""
JSON_LIMIT_BYTES = 256 * 2**20


def is_there(name: str | Path) -> bool:
    """Whether a file or folder has this name: none has one that no system takes, whose `Path`
    would raise OSError."""
    return os.path.exists(name)


def is_file(name: str | Path) -> bool:
    """Whether a file has this name, whatever the name."""
    return os.path.isfile(name)


def is_folder(name: str | Path) -> bool:
    """Whether a folder has this name, whatever the name."""
    return os.path.isdir(name)


def is_url(name: str) -> bool:
    """Whether this names storage elsewhere rather than a path of this machine (C:// is a drive)."""
    return re.match(r"[a-zA-Z][\w+.-]+://", name) is not None


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that, whatever ends the process, it is either the old one or the new one.

    Text is written as UTF-8. Raises OSError; the old file is then as it was.
    """
    own = f"{os.getpid()}-{threading.get_ident()}"  # two writers at once do not mix
    unfinished = path.with_name(f"{path.name}.{own}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def write_large(folder: Path, write: Callable[[Path], None]) -> tuple[Path, str]:
    """A file that `write` fills, named `all-` and its sha256, whole or not at all; and the sha256.

    For what is too large to be held as bytes. Raises OSError.
    """
    unfinished = folder / f"all.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        write(unfinished)
        with unfinished.open("rb+") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        path = folder / f"{WHOLE}{checksum[:16]}.parquet"
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return path, checksum


def append(path: Path, text: str) -> None:
    """Add lines to a file; what a killed process added is whole lines and at most a torn one.

    Raises OSError; the file is then as it was.
    """
    with path.open("ab", buffering=0) as file:
        end, rest = file.tell(), memoryview(text.encode())
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def read_object(path: Path, limit: int = JSON_LIMIT_BYTES) -> dict[str, Any]:
    """The object in a JSON file of at most `limit` bytes.

    Raises OSError where it cannot be read, and ValueError, one sentence, for anything else.
    """
    size = path.stat().st_size
    if size > limit:
        raise ValueError(f"{size / 1e6:.0f} MB is more than such a file may have")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError("damaged or not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("must hold a JSON object")
    return content
