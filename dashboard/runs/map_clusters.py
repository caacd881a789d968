"""Map clusters: a run's heatmaps of one method in groups, from what the run has kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runs import tables
from runs.keeping import kept

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.evaluation.clusters import Clusters


class Grouped(NamedTuple):
    """The images that count, their clusters and a row for each of these."""

    images: pd.DataFrame
    found: Clusters
    table: pd.DataFrame


@kept
def grouped(run_dir: Path, stamp: float, method: str, predicted: int | None) -> Grouped | str:
    """The clusters, of all images or of one predicted class; or one sentence why there are none."""
    from xai_core.evaluation import clusters
    from xai_core.evaluation.run_folder import RunFolderError

    manifest = tables.manifest(run_dir, stamp)
    try:
        images, maps = clusters.stored_maps(run_dir, manifest, method)
        if predicted is not None:
            is_own = (images["predicted"] == predicted).to_numpy()
            images, maps = images[is_own].reset_index(drop=True), maps[is_own]
        found = clusters.clustered(maps)
    except RunFolderError:
        return (
            "This run keeps no heatmaps of this method, as the shipped runs do not: evaluate it "
            "on the page Evaluate, and they stay in its folder."
        )
    except ValueError as error:
        return f"{error}."
    names = list(manifest["classifier"]["categories"])
    return Grouped(images, found, clusters.cluster_table(images, found, names))
