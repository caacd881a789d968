"""Same images: whether a run's results are of the data set that is to be added to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.store import RunFolderError

SHOWN = 3


def check_images(
    run_dir: Path, images: Sequence[Mapping[str, Any]], dataset: Dataset, sha256s: Mapping[str, str]
) -> list[str]:
    """What to note of a run's `images` beside this data set; `sha256s` are known by image name.

    A data set may grow, shrink, and lie elsewhere. Raises RunFolderError where a file has other
    content under the same name, or where none of the images is in the data set.
    """
    items = {item.name: item for item in dataset.items}
    gone = []
    for image in images:
        name, before = str(image["image"]), image["sha256"]
        if name not in items:
            gone.append(name)
        elif (sha256s.get(name) or items[name].sha256()) not in ("", before):
            raise RunFolderError(
                f"{run_dir}: holds results on another {name} than this data set has; "
                "choose another run folder"
            )
    known = set(sha256s.values())
    if len(gone) == len(images) and not any(image["sha256"] in known for image in images):
        if not gone:
            return []
        raise RunFolderError(
            f"{run_dir}: holds results on other images ({gone[0]}, ...) than {dataset.name} has; "
            "choose another run folder"
        )
    named = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
    note = f"{len(gone)} images of this run are not in the data set now; they stay in it: {named}"
    return [note] if gone else []
