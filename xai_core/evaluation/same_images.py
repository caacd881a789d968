"""Same images: whether a run's results are of the data set that is to be added to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.run_folder import RunFolderError

SHOWN = 3


def check_images(run_dir: Path, images: Sequence[Mapping[str, Any]], dataset: Dataset) -> list[str]:
    """What to note of a run's `images` beside this data set, by their names.

    A data set may grow, shrink, and lie elsewhere. Raises RunFolderError where none of the images
    is in the data set, by name or, where names have changed, by content.
    """
    names = {item.name for item in dataset.items}
    gone = [str(image["image"]) for image in images if image["image"] not in names]
    if gone and len(gone) == len(images):
        before = {image["sha256"] for image in images}
        if not any(item.sha256() in before for item in dataset.items):
            raise RunFolderError(
                f"{run_dir}: holds results on other images ({gone[0]}, ...) than {dataset.name} "
                "has; choose another run folder"
            )
    named = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
    note = f"{len(gone)} images of this run are not in the data set now; they stay in it: {named}"
    return [note] if gone else []


def check_content(run_dir: Path, before: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Raises RunFolderError where a file has another checksum than its name has in the run."""
    for name, sha256 in found.items():
        if sha256 and before.get(name, sha256) != sha256:
            raise RunFolderError(
                f"{run_dir}: holds results on another {name} than this data set has; "
                "choose another run folder"
            )
