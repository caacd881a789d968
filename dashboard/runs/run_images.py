"""Run images: the image files behind a run's results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xai_core import DATA


def file_of(image: Mapping[Any, Any]) -> Path:
    """The file of one of a manifest's images; whether it is still there is not looked at."""
    return DATA.parent / str(image["path"])


def file_by_sha256(sha256: str, manifest: dict[str, Any]) -> Path | None:
    """The file of the image with that digest, where it is still there."""
    for image in manifest["images"]:
        if image["sha256"] == sha256:
            file = file_of(image)
            return file if file.is_file() else None
    return None
