"""Recovering: what a run's one table holds of a part whose own folder is gone, so that it goes on.

A run that comes with the project has no parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.plan import units_of
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import COLUMNS, load_scores

STICKERS = "stickers-"
"""Parts of which the table holds the contrast of two models, not the scores of each."""


def merged_before(run_dir: Path) -> Manifest | None:
    """The manifest of the run's one table; None where there is none yet."""
    return load_manifest(run_dir) if (run_dir / "manifest.json").is_file() else None


def check_settings(run_dir: Path, name: str, fingerprint: str, precision: str) -> None:
    """Raises RunFolderError where the run's table has another precision or model."""
    before = merged_before(run_dir)
    if before is None:
        return
    part = before.others.get("parts", {}).get(name)
    others = {
        "classifier": part is not None and part["fingerprint"] != fingerprint,
        "precision": before.precision != precision,
    }
    for setting, is_another in others.items():
        if is_another:
            raise RunFolderError(
                f"{run_dir}: holds a run with another {setting}; choose another run folder"
            )


def recover(run_dir: Path, name: str, folder: Path, dataset: Dataset) -> None:
    """Fill the folder of a part with the units of which the run's table has all images.

    Nothing is done where the part has begun.
    """
    before = merged_before(run_dir)
    if before is None or name.startswith(STICKERS) or (folder / "manifest.json").exists():
        return
    part = before.others.get("parts", {}).get(name)
    listed = {image["sha256"]: image for image in before.images if image.get("part") == name}
    if part is None or not listed:
        return
    scores = load_scores(run_dir)
    scores = scores[scores["dataset"] == part["dataset"]]
    store = Store(folder)
    for unit in units_of(dataset):
        if not set(unit.sha256s) <= set(listed):
            continue
        store.list_images([_without_part(listed[sha]) for sha in unit.sha256s])
        own = scores[scores["image_sha256"].isin(unit.sha256s)]
        for method, group in own.groupby("method_key", sort=False):
            counts = group.groupby("metric_key")["image_sha256"].nunique()
            whole = list(counts.index[counts == len(unit.items)])
            rows = records(group[group["metric_key"].isin(whole)])
            if rows:
                store.write_scores(unit.key, str(method), whole, rows, [])


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of scores as the store takes them."""
    return [
        {str(name): None if value is pd.NA else value for name, value in row.items()}
        for row in rows[list(COLUMNS)].to_dict("records")
    ]


def _without_part(image: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in image.items() if key not in ("part", "place")}
