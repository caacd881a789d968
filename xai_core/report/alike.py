"""Alike: a run's images in clusters of like heatmaps, from the maps that it has kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core.evaluation.clusters import (
    LEAST_MAPS,
    Clusters,
    cluster_table,
    clustered,
    shrunk,
    stored_maps,
)
from xai_core.evaluation.run_folder import RunFolderError

MOST_MAPS = 2000
"""More take minutes and gigabytes: `campare clusters` makes them."""


@dataclass(frozen=True)
class Alike:
    """Clusters of one method's heatmaps; `images` and `maps` (N, H, W) are in one order."""

    method: str
    images: pd.DataFrame
    maps: npt.NDArray[Any]
    found: Clusters
    table: pd.DataFrame

    @property
    def rows(self) -> pd.DataFrame:
        """Each image with its cluster, as `campare clusters --csv` writes them."""
        columns = ["image", "sha256", "label", "predicted"]
        return self.images[columns].assign(cluster=self.found.labels + 1)

    def members(self, number: int, most: int) -> list[int]:
        """The images of a cluster whose heatmaps are most like its mean."""
        own = np.flatnonzero(self.found.labels == number)
        away = np.abs(shrunk(self.maps[own]) - self.found.means[number]).sum(axis=(1, 2))
        return [int(n) for n in own[np.argsort(away, kind="stable")[:most]]]


def alike(run_dir: Path, manifest: dict[str, Any], method: str) -> Alike | None:
    """The clusters; None where the run keeps no heatmaps of the method, too few or too many."""
    if not LEAST_MAPS <= len(manifest["images"]) <= MOST_MAPS:
        return None
    try:
        images, maps = stored_maps(run_dir, manifest, method)
    except RunFolderError:
        return None
    if len(maps) < LEAST_MAPS:
        return None
    found = clustered(maps)
    names = list(manifest["classifier"]["categories"])
    return Alike(method, images, maps, found, cluster_table(images, found, names))
