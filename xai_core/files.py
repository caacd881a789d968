"""Files: written whole or not at all, and JSON that is an object or one clear error."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

JSON_LIMIT_BYTES = 256 * 2**20


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
